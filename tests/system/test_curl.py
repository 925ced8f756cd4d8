"""The API by curl, as the page on HTTP shows it, against a real daemon: figures are the daemon's, events outlive it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.docs.blocks import DOCS, blocks
from tests.patience import WAIT

if TYPE_CHECKING:
    from tests.system.daemon import Daemon

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")


@pytest.fixture
def served(own_daemon: Daemon) -> Daemon:
    """A daemon that serves HTTP at one port for all its lives."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own_daemon.stop()
    own_daemon.arguments = [f"--http=127.0.0.1:{port}"]
    return own_daemon.start()


def address(daemon: Daemon) -> str:
    return daemon.arguments[0].removeprefix("--http=127.0.0.1:")


def command(daemon: Daemon, text: str, **variables: str) -> subprocess.Popen[str]:
    """Run a shell script of the page, with the daemon's port and token in place of the page's."""
    token = daemon.state.with_name("http-token").read_text().strip()
    text = re.sub(r"^(torpor serve|token=|#).*\n", "", text, flags=re.MULTILINE).replace("6420", address(daemon))
    environment = {"PATH": "/usr/bin:/bin", "token": token, **variables}
    return subprocess.Popen(["sh", "-c", text], env=environment, stdout=subprocess.PIPE, text=True, process_group=0)


def script(daemon: Daemon, text: str, **variables: str) -> str:
    """The output of a script that ends by itself."""
    with command(daemon, text, **variables) as process:
        printed, _ = process.communicate(timeout=WAIT)
    assert process.returncode == 0
    return printed


def seqs(daemon: Daemon, text: str, count: int) -> list[int]:
    """The ids of so many events of a stream; then the client hangs up."""
    found: list[int] = []
    with command(daemon, text, session="s") as process:
        assert process.stdout is not None
        while len(found) < count and (line := process.stdout.readline()):
            if line.startswith("id: "):
                found.append(int(line.removeprefix("id: ")))
        os.killpg(process.pid, signal.SIGTERM)
    return found


def of_page() -> list[str]:
    return [block.text for block in blocks(DOCS / "http.md") if block.language == "bash" and "curl" in block.text]


def call(daemon: Daemon, method: str, **params: Any) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    line = 'curl -s localhost:6420/rpc -H "Authorization: Bearer $token" -d "$body"'
    return json.loads(script(daemon, line, body=body))["result"]


def test_the_page_is_right(served: Daemon) -> None:
    request, events = of_page()
    assert json.loads(script(served, request))["result"]["vm"] == "demo"
    call(served, "createSession", vm="demo", agentType="echo", options={"sessionId": "s"})
    assert call(served, "sendPrompt", vm="demo", sessionId="s", prompt="say hello")["text"] == "hello"
    whole = call(served, "getSessionEvents", vm="demo", sessionId="s")
    assert seqs(served, events, len(whole)) == [event["seq"] for event in whole]

    served.restart()
    call(served, "sendPrompt", vm="demo", sessionId="s", prompt="say more")
    more = call(served, "getSessionEvents", vm="demo", sessionId="s", after=whole[-1]["seq"])
    resumed = events.replace("curl ", f"curl -H 'Last-Event-ID: {whole[-1]['seq']}' ")
    assert seqs(served, resumed, len(more)) == [event["seq"] for event in more]

    metrics = script(served, 'curl -s localhost:6420/metrics -H "Authorization: Bearer $token"')
    assert 'torpor_turns_total{end="stopped"} 1' in metrics
    assert "torpor_vms 1" in metrics
    assert re.search(r'torpor_sessions\{status="\w+"\} 1', metrics)
    assert re.search(r"torpor_turn_fuel_total [1-9]", metrics)
    for figure in re.findall(r"`(torpor_\w+)", (DOCS / "http.md").read_text("utf-8")):
        assert f"# TYPE {figure} " in metrics, figure
