"""The TypeScript client and its examples against a real daemon, its types, and the package."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.patience import WAIT

if TYPE_CHECKING:
    from tests.clients.typescript.conftest import Node

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[2]
CLIENT: Final = ROOT / "clients" / "typescript"
EXAMPLES: Final = ROOT / "docs" / "examples" / "typescript"

PRINTED: Final = {
    "create": """\
        session of echo in /home/user
        modes: ask, code
        status: idle
        agent: echo \\(built-in\\)
        (agent: .*
        )*""",
    "prompt": """\
        echo: Hello there \\(end_turn\\)
        from a block; once: true
        error: session_not_found
        """,
    "stream": """\
        \\d+: "chunk 1\\\\n"
        \\d+: "chunk 2\\\\n"
        \\d+: "chunk 3\\\\n"
        whole: "chunk 1\\\\nchunk 2\\\\nchunk 3\\\\n"
        asked for permission: Delete a file
        \\d+: "permission: allow-once"
        decided: permission: allow-once
        """,
    "cancel": """\
        outcome: cancelled
        stop reason: cancelled
        still here
        deadline: timeout
        """,
    "close": """\
        prompt to a closed session: session_closed
        back again
        history of a destroyed session: session_not_found
        """,
    "options": """\
        model \\(model\\): .+
        thought_level \\(thought_level\\): .+
        now: model=claude-opus-4-5 thought_level=high
        mode: plan
        """,
    "replay": """\
        events: \\d+
        answer: "chunk 1\\\\nchunk 2\\\\nchunk 3\\\\n"
        replayed and live without a gap: true
        the turn ended at a later event
        """,
    "asleep": """\
        VM: asleep
        notes is suspended, with all events
        note.txt: kept
        VM: asleep
        fsread: kept
        VM: awake
        """,
    "team": """\
        coder: fswrite: 27 bytes
        reviewer: fsread: def add\\(a, b\\): return a \\+ b
        files: add.py, task.md
        heard both: true
        """,
}
"""What each example prints, as a regular expression."""


def test_every_example_is_run() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.ts")} == set(PRINTED)
    readme = (EXAMPLES / "README.md").read_text()
    assert all(f"[{name}.ts]({name}.ts)" in readme for name in PRINTED)


def wanted(name: str) -> str:
    """What an example prints, as a regular expression."""
    return re.sub(r"^ {8}", "", PRINTED[name], flags=re.MULTILINE)


@pytest.mark.parametrize("name", PRINTED)
def test_example(node: Node, name: str) -> None:
    """It ends by itself, with the exit code 0: no example closes its client."""
    source = EXAMPLES / "dist" / f"{name}.js"
    assert "close()" not in source.read_text()
    printed = node.run(source)
    assert re.fullmatch(wanted(name), printed), printed


@pytest.mark.parametrize("name", PRINTED)
def test_example_over_http(node: Node, http_url: str, name: str) -> None:
    """The same with an endpoint on this machine: the client finds the daemon's token."""
    text, made = (EXAMPLES / "dist" / f"{name}.js").read_text(), "createClient()"
    assert text.count(made) == 1
    client = (CLIENT / "dist" / "index.js").as_uri()
    text = text.replace('"torpor-client"', json.dumps(client))
    text = text.replace(made, f"createClient({{ endpoint: {http_url!r} }})")
    printed = node.run("--input-type=module", "--eval", text)
    assert re.fullmatch(wanted(name), printed), printed


@pytest.mark.parametrize("command", [["bun"], ["deno", "run", "--allow-all"]], ids=["bun", "deno"])
@pytest.mark.parametrize("kind", ["unix", "http"])
def test_example_elsewhere(node: Node, http_url: str, tmp_path: Path, command: list[str], kind: str) -> None:
    """Runtimes other than Node.js, where they are on the PATH (npm's packages `bun` and `deno` bring them)."""
    program = shutil.which(command[0])
    if program is None:
        pytest.skip(f"this machine has no {command[0]}")
    text = (EXAMPLES / "dist" / "stream.js").read_text()
    text = text.replace('"torpor-client"', json.dumps(str(CLIENT / "dist" / "index.js")))
    if kind == "http":
        text = text.replace("createClient()", f"createClient({{ endpoint: {http_url!r} }})")
    (tmp_path / "stream.mjs").write_text(text)
    done = subprocess.run(
        [program, *command[1:], tmp_path / "stream.mjs"],
        env={**node.variables, "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(wanted("stream"), done.stdout), done.stdout


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.mjs")))
def test_in_node(node: Node, name: str) -> None:
    """Each file is a suite of Node's own test runner."""
    node.run("--test", f"--test-timeout={WAIT * 1000:.0f}", HERE / name)


def test_generated_types_are_those_of_the_api() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "build" / "typescript_types.py", "--check"],
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_types_are_strict(node: Node, client: Path) -> None:
    options = json.loads((client / "tsconfig.json").read_text())["compilerOptions"]
    assert options["strict"]
    assert options["noUncheckedIndexedAccess"]
    node.run(client / "node_modules" / "typescript" / "bin" / "tsc", "--noEmit", cwd=client)


def test_package(node: Node, client: Path, tmp_path: Path) -> None:
    """What npm would publish, made of the sources alone: the compiled client with its types; its README's example runs."""
    sources = tmp_path / "fresh"
    shutil.copytree(client, sources, ignore=shutil.ignore_patterns("dist", "node_modules"))
    # npm's own cache: what the build has installed is there.
    node.run_npm("pack", "--pack-destination", tmp_path, cwd=sources, npm_config_cache=str(Path.home() / ".npm"))
    (archive,) = tmp_path.glob("*.tgz")
    with tarfile.open(archive) as packed:
        names = {name.removeprefix("package/") for name in packed.getnames()}
        packed.extractall(tmp_path / "unpacked")  # noqa: S202 - ours; Python 3.11.0 has no filters
    modules = {path.stem for path in (client / "src").glob("*.ts")}
    compiled = {f"dist/{module}.{suffix}" for module in modules for suffix in ("js", "d.ts")}
    assert names == {"package.json", "README.md", "LICENSE", *compiled}
    package = tmp_path / "unpacked" / "package"
    assert not json.loads((package / "package.json").read_text()).get("dependencies")
    assert (package / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()

    (tmp_path / "node_modules").mkdir()
    package.rename(tmp_path / "node_modules" / "torpor-client")
    example = re.search(r"```typescript\n(import .*?)```", (client / "README.md").read_text(), re.DOTALL)
    assert example is not None
    (tmp_path / "example.mjs").write_text(example[1])
    assert "echo: Hello" in node.run(tmp_path / "example.mjs", cwd=tmp_path)


def test_lock_file_names_no_registry(client: Path) -> None:
    assert "resolved" not in (client / "package-lock.json").read_text()
