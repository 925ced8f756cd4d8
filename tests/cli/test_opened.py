"""`torpor open`: state and export files, read only, also beside the daemon that has them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from runtime.cli import exits
from runtime.cli.main import main
from runtime.cli.opened import READING
from runtime.cli.uses import USES
from tests.system.daemon import Vm, fresh_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.system.daemon import Daemon


@pytest.fixture
def vm(daemon: Daemon, tmp_path: Path) -> Iterator[Vm]:
    (tmp_path / "mounted").mkdir()
    (tmp_path / "mounted" / "secret").write_text("of this machine")
    with daemon.connect() as api:
        mounts = [{"path": "/mnt", "host": str((tmp_path / "mounted").resolve())}]
        made = Vm(api, fresh_name("opened"), mounts=mounts)
        session = made.session("echo", sessionId="told")
        session.say("hello")
        made.write("/home/user/notes.txt", "kept\n")
        made.call("snapshot", name="first")
        made.write("/home/user/notes.txt", "kept again\n")
        yield made
        made.call("vm.destroy")


@pytest.fixture
def opened(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run `torpor open` in this process, where no daemon is to be found: exit code, stdout and stderr."""
    monkeypatch.setenv("TORPOR_SOCKET", "/nowhere/t.sock")

    def run(file: Path, *words: str) -> tuple[int, str, str]:
        code = main(["open", str(file), *words])
        return code, *capsys.readouterr()

    return run


def read(opened: Any, file: Path, vm: Vm) -> None:
    """What can be read of a file that holds the VM."""
    code, out, _ = opened(file)
    assert code == exits.OK
    rows = [line.split() for line in out.splitlines()]
    assert any(row[:2] == [vm.name, "asleep"] for row in rows)
    assert any(row[:3] == ["told", vm.name, "echo"] for row in rows)
    found = {json.loads(line)["vm"] for line in opened(file, "vms", "--json")[1].splitlines()}
    assert vm.name in found
    where = ("--vm", vm.name)
    assert "echo: hello" in opened(file, "events", "told", *where, "--json")[1]
    assert opened(file, "fs", "cat", "/home/user/notes.txt", *where)[1] == "kept again\n"
    assert "notes.txt" in opened(file, "fs", "ls", *where)[1]
    assert opened(file, "fs", "ls", "/mnt", *where)[1] == ""
    assert json.loads(opened(file, "session", "show", "told", *where, "--json")[1])["agentType"] == "echo"


def test_the_file_of_a_daemon_that_runs(opened: Any, daemon: Daemon, vm: Vm) -> None:
    read(opened, daemon.state, vm)
    assert vm.call("getSession", sessionId="told")["status"] == "idle"
    assert opened(daemon.state, "snapshot", "diff", "first", "--vm", vm.name)[1] == "M /home/user/notes.txt\n"


def test_a_failure_is_told_of_the_file(opened: Any, daemon: Daemon, vm: Vm, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not of the daemon of who looks into it, whose VMs are others."""
    monkeypatch.setenv("TORPOR_SOCKET", str(daemon.socket))
    words = ("fs", "ls", "--vm", f"{vm.name}0")
    code, _, said = opened(daemon.state, *words)
    assert (code, "did you mean" in said) == (exits.FAILED, False)
    assert json.loads(opened(daemon.state, *words, "--json")[2])["error"]["data"]["code"] == "vm_not_found"


def test_an_export_is_read_and_stays_as_it_is(opened: Any, vm: Vm, tmp_path: Path) -> None:
    file = tmp_path / "exported"
    vm.call("vm.export", path=str(file))
    before, folder = hashlib.sha256(file.read_bytes()).digest(), set(tmp_path.iterdir())
    read(opened, file, vm)
    for words in (
        ["fs", "rm", "/home/user/notes.txt", "--vm", vm.name],
        ["fs", "mkdir", "/home/user/new", "--vm", vm.name],
        ["vm", "rm", vm.name, "--yes"],
        ["session", "resume", "told"],
        ["run", "echo", "hi", "--vm", vm.name],
        ["exec", "--vm", vm.name, "--", "true"],
    ):
        code, _, said = opened(file, *words)
        assert (code, "reading only" in said) == (exits.FAILED, True), said
    assert hashlib.sha256(file.read_bytes()).digest() == before
    assert set(tmp_path.iterdir()) == folder


@pytest.mark.parametrize("content", [None, b"", b"no database" * 100])
def test_what_is_no_such_file(opened: Any, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    assert opened(tmp_path / "file")[0] == exits.FAILED
    assert opened(tmp_path)[0] == exits.FAILED


def test_commands_that_need_no_daemon_need_no_file(opened: Any, tmp_path: Path) -> None:
    code, _, said = opened(tmp_path, "stop")
    assert (code, "nor on those of a file" in said) == (exits.USAGE, True)


def test_what_listings_and_prints_call_is_served() -> None:
    of_readers: set[Any] = set()
    for words in (
        "vm ls",
        "vm show",
        "session ls",
        "session show",
        "fs ls",
        "fs cat",
        "fs tree",
        "fs stat",
        "snapshot ls",
    ):
        of_readers.update(USES[words].methods)
    assert of_readers <= READING
