"""`torpor exec` and `ps`, as people run them, against a daemon with VMs."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from runtime.api.events import PROCESS_EXIT, PROCESS_OUTPUT
from runtime.cli import exits
from runtime.cli.attached import MAX_UNWRITTEN, Attached
from runtime.cli.output import size
from runtime.client.notification import Notification
from tests.patience import WAIT
from tests.system.daemon import Vm, fresh_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.system.daemon import Daemon

GUESTS = Path(__file__).parents[1] / "guests" / "dist"
COMMAND = [sys.executable, "-P", "-m", "runtime.cli"]
PROGRAMS = {
    "cat": "copy_stdin",
    "code": "exit_code",
    "show": "args_env",
    "spin": "spin",
    "say": "stderr",
    "trap": "trap",
}


@pytest.fixture
def vm(daemon: Daemon) -> Iterator[Vm]:
    """A VM with commands."""
    with daemon.connect() as api:
        made = Vm(api, fresh_name("cli"))
        for name, guest in PROGRAMS.items():
            api.client.vm.get(made.name).write_file(f"/bin/{name}", (GUESTS / f"{guest}.wasm").read_bytes())
        yield made
        made.call("vm.destroy")


@pytest.fixture
def torpor(daemon: Daemon, vm: Vm) -> Callable[..., subprocess.Popen[bytes]]:
    """Start `torpor COMMAND --vm` for this VM."""

    def start(command: str, *words: str, **env: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*COMMAND, command, "--vm", vm.name, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "TORPOR_SOCKET": str(daemon.socket), **env},
        )

    return start


def ended(process: subprocess.Popen[bytes], text: bytes = b"") -> tuple[int, bytes, bytes]:
    """Exit code, stdout and stderr of a command that reads this."""
    stdout, stderr = process.communicate(text, timeout=WAIT)
    return process.returncode, stdout, stderr


def test_streams_and_the_exit_code_are_passed_on(torpor: Any) -> None:
    assert ended(torpor("exec", "--", "say", "one", "-x")) == (0, b"to stdout\n", b"one\n-x\n")
    assert ended(torpor("exec", "code", "7")) == (7, b"leaving with 7\n", b"")
    data = bytes(range(256)) * 4000
    assert ended(torpor("exec", "--", "cat"), data) == (0, data, b"")
    assert ended(torpor("exec", "-c", "say 'a b'"))[2] == b"a b\n"
    shown = ended(torpor("exec", "--env", "A=b", "--env", "FROM", "--cwd", "/bin", "--", "show", FROM="here"))[
        1
    ].decode()
    assert {"env A=b", "env FROM=here", "env PWD=/bin"} <= set(shown.splitlines())


def test_what_goes_wrong_has_codes_of_its_own(torpor: Any) -> None:
    assert ended(torpor("exec"))[0] == exits.USAGE
    assert ended(torpor("exec", "-c", "x", "y"))[0] == exits.USAGE
    assert ended(torpor("exec", "--env", "NOT_SET_ANYWHERE", "--", "say"))[0] == exits.USAGE
    code, _, stderr = ended(torpor("exec", "--", "none"))
    assert (code, b"(not_found)" in stderr) == (exits.FAILED, True)
    code, stdout, stderr = ended(torpor("exec", "--", "trap"))
    assert (code, stdout, b"unreachable" in stderr) == (134, b"about to trap\n", True)
    assert ended(torpor("exec", "--timeout", "0.3", "--", "spin"))[:2] == (124, b"spinning\n")


def test_json_tells_what_happened(torpor: Any) -> None:
    code, stdout, _ = ended(torpor("exec", "--json", "--", "say", "x"))
    lines = [json.loads(line) for line in stdout.splitlines()]
    assert code == 0
    assert {"type": "output", "stream": "stderr", "data": "x\n"} in lines
    assert lines[-1] == {"type": "exit", "exitCode": 0, "reason": "exit"}


def test_an_interrupt_kills_the_command(torpor: Any, vm: Vm) -> None:
    with torpor("exec", "--", "spin") as process:
        assert process.stdout.readline() == b"spinning\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT) == exits.INTERRUPTED
    assert [each["reason"] for each in vm.call("listProcesses")] == ["killed"]


def test_a_command_is_killed_when_nobody_reads_its_output(torpor: Any, vm: Vm) -> None:
    with torpor("exec", "--", "cat") as process:
        process.stdin.write(b"x" * 10)
        process.stdin.flush()
        assert process.stdout.read(10) == b"x" * 10
        process.stdout.close()
        process.stdin.write(b"y" * 10)
        process.stdin.flush()
        assert process.wait(WAIT) == exits.BROKEN_PIPE
    assert [each["reason"] for each in vm.call("listProcesses")] == ["killed"]


def test_a_slow_reader_gets_all_of_it(torpor: Any) -> None:
    data = b"".join(b"%09d\n" % number for number in range(600_000))
    with torpor("exec", "--", "cat") as process:
        writer = os.fork()
        if writer == 0:  # feeds the command, whatever this reads
            process.stdin.write(data)
            os._exit(0)
        process.stdin.close()
        os.waitpid(writer, 0)
        assert process.stdout.read() == data
        assert (process.stderr.read(), process.wait(WAIT)) == (b"", 0)


def test_so_much_is_kept_for_a_slow_reader_and_no_more_is_taken(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    taken: list[float | None] = []
    reader, writer = os.pipe()
    client = SimpleNamespace(
        fileno=lambda: reader,
        notifications=lambda timeout: taken.append(timeout) or iter(()),
        start=lambda *_, **__: SimpleNamespace(done=False),
    )
    attached = Attached(cast("Any", client), "v", 1, as_json=False)
    attached._put("stdout", 0, b"x" * MAX_UNWRITTEN)
    attached._step()
    written = len(capfdbinary.readouterr().out)
    assert (written > 0, taken) == (True, [])
    attached._step()
    assert taken == [0], "there is room again"
    os.close(reader)
    os.close(writer)


def test_an_interrupt_is_heard_however_much_is_written(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    reader, writer = os.pipe()
    calls: list[str] = []

    def flood() -> Iterator[Notification]:
        for offset in itertools.count():
            if offset == 1:
                os.kill(os.getpid(), signal.SIGINT)
            if calls:
                yield Notification(PROCESS_EXIT, {"pid": 1, "exitCode": None, "reason": "killed"})
            yield Notification(PROCESS_OUTPUT, {"pid": 1, "stream": "stdout", "offset": offset, "data": "y"})

    flooding = flood()
    client = SimpleNamespace(
        fileno=lambda: reader,
        notifications=lambda **_: flooding,
        start=lambda *_, **__: SimpleNamespace(done=False),
        call=lambda method, **_: calls.append(method),
    )
    assert Attached(cast("Any", client), "v", 1, as_json=False).run() == exits.INTERRUPTED
    assert calls == ["killProcess"]
    assert capfdbinary.readouterr().out.startswith(b"yy")
    os.close(reader)
    os.close(writer)


def test_processes_are_listed(torpor: Any, vm: Vm) -> None:
    pid = vm.call("spawn", argv=["cat"])["pid"]
    vm.call("exec", argv=["code", "3"])
    rows = ended(torpor("ps"))[1].decode().splitlines()
    assert [row.split()[:4] for row in rows[1:]] == [[str(pid), vm.name, "command", "running"]]
    assert rows[1].endswith("cat")
    running = vm.call("getProcess", pid=pid)
    assert rows[0].split()[4:] == ["STARTED", "MEM", "COMMAND"]
    assert rows[1].split()[6:] == [*size(running["memoryBytes"]).split(), "cat"]
    assert running["memoryBytes"] == running["peakMemoryBytes"] > 2**16
    every = ended(torpor("ps", "-a"))[1].decode().splitlines()
    assert "exit 3" in every[2]
    assert every[2].endswith("code 3")
    over = vm.call("listProcesses")[1]
    assert (over["state"], over["memoryBytes"]) == ("ended", 0)
    assert over["peakMemoryBytes"] > 2**16
    assert json.loads(ended(torpor("ps", "--json"))[1])["argv"] == ["cat"]
    vm.call("killProcess", pid=pid)
