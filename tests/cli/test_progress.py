"""Progress on a real terminal, and none where there is no terminal."""

from __future__ import annotations

import base64
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.places import COMMAND, Place
from tests.patience import WAIT
from tests.system.daemon import Background, Daemon, fresh_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = 24
FILE_BYTES = 4 * 1024 * 1024


def on_a_terminal(place: Place, command: list[str], socket: Path) -> tuple[int, str]:
    """The exit code, and what was written to a terminal that is stderr."""
    ours, theirs = pty.openpty()
    shown = bytearray()

    def read() -> None:
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:  # Linux says EIO once nobody has the other end
                return
            if not data:
                return
            shown.extend(data)

    environment = {**place.environment, "TORPOR_SOCKET": str(socket)}
    with Background(read):
        try:
            done = subprocess.run(
                command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=environment, timeout=WAIT, check=False
            )
        finally:
            os.close(theirs)
    os.close(ours)
    return done.returncode, shown.decode()


@pytest.fixture(scope="module")
def large(daemon: Daemon) -> Iterator[str]:
    """A VM with nearly a hundred megabytes that cannot be compressed."""
    name = fresh_name("large")
    with daemon.connect() as api:
        api.call("vm.getOrCreate", vm=name)
        for number in range(FILES):
            content = {"base64": base64.b64encode(os.urandom(FILE_BYTES)).decode()}
            api.call("writeFile", vm=name, path=f"/home/user/{number}", content=content)
        yield name
        api.call("vm.destroy", vm=name)


def hasty(*arguments: str) -> list[str]:
    """The command, with a progress line from the start: how long the work takes is the machine's business."""
    program = (
        "import sys; import runtime.cli.progress as progress; from runtime.cli.main import main; "
        "progress.Line.__init__.__defaults__ = (0.0,); progress.TICK = 0.01; sys.exit(main(sys.argv[1:]))"
    )
    return [sys.executable, "-c", program, *arguments]


@pytest.mark.parametrize("doing", ["exporting", "importing"])
def test_exports_and_imports_tell_how_far_they_are(
    place: Place, daemon: Daemon, large: str, tmp_path: Path, doing: str
) -> None:
    path = str(tmp_path / "vm.db")
    code, shown = on_a_terminal(place, hasty("export", large, path), daemon.socket)
    assert code == 0, shown
    if doing == "importing":
        code, shown = on_a_terminal(place, hasty("import", path, "--vm", fresh_name("copy")), daemon.socket)
        assert code == 0, shown
    shares = [int(share) for share in re.findall(rf"\r\x1b\[K{doing}: (\d+) % of 100\.7 MB, \d+ s", shown)]
    assert len(shares) >= 2
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] == 100
    last = shown.rpartition("\r\x1b[K")[2]
    assert re.fullmatch(r"torpor: .*\r\n", last), "the line was wiped away before the answer"


def test_copies_tell_how_much_they_have_copied(place: Place, daemon: Daemon, large: str, tmp_path: Path) -> None:
    command = hasty("fs", "cp", "-r", ":/home/user", str(tmp_path / "copy"), "--vm", large)
    code, shown = on_a_terminal(place, command, daemon.socket)
    assert code == 0, shown
    copied = [float(amount) for amount in re.findall(r"\r\x1b\[Kcopying: ([0-9.]+) MB, \d+ s", shown)]
    assert len(copied) >= 2
    assert copied == sorted(copied)
    assert copied[-1] <= FILES * FILE_BYTES / 1e6


def test_a_put_tells_how_far_it_is(place: Place, daemon: Daemon, large: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(os.urandom(10 * FILE_BYTES))
    command = hasty("fs", "put", str(tmp_path / "file"), "/put", "--vm", large)
    code, shown = on_a_terminal(place, command, daemon.socket)
    assert code == 0, shown
    shares = [int(share) for share in re.findall(r"\r\x1b\[Kwriting: (\d+) % of 41\.9 MB, \d+ s", shown)]
    assert shares == [20, 40, 60, 80, 100]
    with daemon.connect() as api:
        api.call("deleteFile", vm=large, path="/put")


def test_a_session_that_takes_long_to_start_says_so(place: Place, daemon: Daemon) -> None:
    code, shown = on_a_terminal(place, hasty("run", "echo", "say hi", "--vm", fresh_name("run")), daemon.socket)
    assert code == 0, shown
    assert "\r\x1b[Kstarting echo: 0 s" in shown


def test_tests_are_named_while_they_run(place: Place, daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(
        "tests:\n  - name: greets\n    agent: echo\n    script: []\n    steps:\n      - prompt: say hi\n"
    )
    command = [*COMMAND, "test", "--socket", str(daemon.socket), "--report", "", str(tmp_path / "t.yaml")]
    _, shown = on_a_terminal(place, command, daemon.socket)
    assert "\r\x1b[Kgreets (1 of 1): 0 s\r\x1b[K" in shown


def test_there_is_none_without_a_terminal(place: Place, daemon: Daemon, large: str, tmp_path: Path) -> None:
    environment = {**place.environment, "TORPOR_SOCKET": str(daemon.socket)}
    for words in (["export", large, str(tmp_path / "f")], ["fs", "cat", "/home/user/0", "--vm", large]):
        done = subprocess.run(hasty(*words), capture_output=True, env=environment, timeout=WAIT, check=True)
        assert b"\r" not in done.stderr
        assert b"%" not in done.stderr


def test_only_who_asks_is_told(daemon: Daemon, large: str, tmp_path: Path) -> None:
    with daemon.connect() as api:
        quiet = api.start("vm.export", vm=large, path=str(tmp_path / "a"))
        assert api.drain(quiet) == []
        told: list[Any] = api.drain(api.start("vm.export", vm=large, path=str(tmp_path / "b"), progressToken="mine"))
        assert {notification.method for notification in told} == {"progress"}
        assert {notification.params["token"] for notification in told} == {"mine"}
        (total,) = {notification.params["total"] for notification in told}
        assert FILES * FILE_BYTES <= total < (FILES + 1) * FILE_BYTES  # with the VM's instructions
