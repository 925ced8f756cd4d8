"""Where the blocks of one page are run: a folder, a home and a daemon of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from runtime.api.methods import METHODS
from runtime.client.sync import RpcError, connect
from tests.docs.blocks import ROOT
from tests.patience import WAIT

if TYPE_CHECKING:
    from tests.docs.blocks import Block

BIN: Final = Path(sys.executable).parent
SECRETS: Final = {name: f"value of {name}" for name in ("GITHUB_TOKEN", "ANTHROPIC_API_KEY", "DEPLOY_TOKEN")}


class Desk:
    """Use it as a context; all that it started has ended afterwards."""

    def __init__(self, cache: Path, node: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="torpor-"))
        for name in ("agents", "build", "docs", "tests"):
            (self.folder / name).symlink_to(ROOT / name)
        path = [str(BIN), *([str(node.parent)] if node else []), os.environ.get("PATH", "")]
        self.socket = self.folder / "s"
        self.environment = {
            "PATH": os.pathsep.join(path),
            "HOME": str(self.folder),
            "TORPOR_CACHE": str(cache),
            "ZIG_GLOBAL_CACHE_DIR": str(Path.home() / ".cache" / "zig"),  # a fresh one takes 20 s to fill
            "TORPOR_SOCKET": str(self.socket),
            "TORPOR_STATE": str(self.folder / "state" / "torpor.db"),
            **SECRETS,
        }
        self._prepared = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.run([BIN / "torpor", "stop"], check=False)
        shutil.rmtree(self.folder)

    def run(self, command: list[str | Path], *, check: bool = True) -> str:
        """What a program prints; fails the test when it fails."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )
        assert done.returncode == 0 or not check, f"it ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start_daemon(self) -> None:
        """Have a daemon, with a VM `work` and in it a session `s1` that has had a turn: what the requests are about."""
        if self._prepared:
            return
        self._prepared = True
        self.run([BIN / "torpor", "vms"])
        with connect(self.socket) as client:
            client.call("vm.getOrCreate", vm="work")
            client.call("createSession", vm="work", agentType="echo", options={"sessionId": "s1"})
            client.call("sendPrompt", vm="work", sessionId="s1", prompt="say Hello")

    def bash(self, block: Block) -> str:
        """Run a block of commands."""
        self.start_daemon()
        return self.run(["bash", "-euo", "pipefail", "-c", block.text])

    def python(self, block: Block) -> str:
        """Run a program with warnings as errors, or tests."""
        if "def test_" in block.text:
            (self.folder / "test_block.py").write_text(block.text, "utf-8")
            (self.folder / "pytest.ini").write_text("[pytest]\ntrio_mode = true\n", "utf-8")
            return self.run([BIN / "pytest", "-q", "test_block.py"])
        self.start_daemon()
        return self.run([sys.executable, "-W", "error", "-c", block.text])

    def request(self, block: Block) -> dict[str, Any]:
        """Send a whole request, and return the answer."""
        self.start_daemon()
        with connect(self.socket) as client:
            request = json.loads(block.text)
            try:
                result = client.call(request["method"], **request["params"])
            except RpcError as error:
                failure = {"code": error.rpc_code, "message": error.message, "data": error.data}
                return {"jsonrpc": "2.0", "id": request["id"], "error": failure}
            return {"jsonrpc": "2.0", "id": request["id"], "result": result}

    def call(self, block: Block) -> None:
        """Send the params that a block shows to the method that its title names: `method`, or `method: error_code`."""
        self.start_daemon()
        method, _, code = block.title.partition(": ")
        answered = ""
        with connect(self.socket) as client:
            try:
                client.call(method, **json.loads(block.text))
            except RpcError as error:
                answered = f"{error.name} ({error})"
        assert answered.partition(" ")[0] == code, f"{method} was answered with {answered or 'a result'}"


def is_call(title: str) -> bool:
    """Whether a title names a method of the API."""
    return METHODS.get(re.split(": ", title)[0]) is not None


def is_shown(block: Block) -> bool:
    """Whether a block is JSON that is no request."""
    return block.language == "json" and block.title != "request" and not is_call(block.title)


def like(wanted: Any, got: Any) -> bool:
    """Whether an answer is as it is shown: "..." stands for any value."""
    if wanted == "...":
        return True
    if isinstance(wanted, dict):
        return (
            isinstance(got, dict) and wanted.keys() == got.keys() and all(like(wanted[key], got[key]) for key in wanted)
        )
    if isinstance(wanted, list):
        return isinstance(got, list) and len(wanted) == len(got) and all(map(like, wanted, got))
    return bool(wanted == got)
