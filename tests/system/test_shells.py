"""Shells through the socket: programs on terminals, at which is typed."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from runtime.client.sync import RpcError
from tests.system.test_commands import install

if TYPE_CHECKING:
    from tests.system.daemon import Vm


class Shell:
    """A shell, and what it has shown."""

    def __init__(self, vm: Vm, *argv: str, **params: Any) -> None:
        self.vm = vm
        vm.call("subscribe", types=["shellData"])
        self.names = vm.call("openShell", argv=list(argv), **params)
        self.shown = b""
        self.seen = 0

    def call(self, method: str, **params: Any) -> Any:
        """Call a method on the shell."""
        return self.vm.call(method, shell=self.names["shell"], **params)

    def type(self, data: str) -> None:
        """Type something."""
        assert self.call("writeShell", data=data) == {}

    def until(self, text: str) -> str:
        """What it has shown since the last time, once the text is a part of it."""
        while text.encode() not in self.shown[self.seen :]:
            heard = self.vm.api.until(
                lambda each: each.method == "shellData" and each.params["shell"] == self.names["shell"]
            )
            for each in heard:
                if each.method == "shellData" and each.params["shell"] == self.names["shell"]:
                    data = each.params["data"]
                    assert each.params["offset"] == len(self.shown)
                    self.shown += data.encode() if isinstance(data, str) else base64.b64decode(data["base64"])
        end = self.shown.index(text.encode(), self.seen) + len(text.encode())
        begin, self.seen = self.seen, end
        return self.shown[begin:end].decode()


@pytest.fixture
def box(vm: Vm) -> Vm:
    """A VM with a program that knows terminals, and one that knows only WASI."""
    return install(vm, terminal="libc_terminal", cat="copy_stdin", show="args_env")


def test_lines_are_typed_edited_and_ended(box: Vm) -> None:
    shell = Shell(box, "terminal", "lines")
    shell.until("ready\r\n")
    shell.type("helo\x7f\x7flp\r")
    assert shell.until("got help\r\n") == "helo\b \b\b \blp\r\ngot help\r\n"
    shell.type("wrong\x15two words\x17x\r")
    assert shell.until("got two x\r\n").startswith("wrong" + 5 * "\b \b")
    shell.type("\x04")
    assert shell.until("end\r\n") == "end\r\n"
    assert shell.call("waitShell") == {**shell.names, "exitCode": 7, "reason": "exit"}


def test_single_bytes_in_raw_mode(box: Vm) -> None:
    shell = Shell(box, "terminal", "bytes")
    shell.until("ready\r\n")
    shell.type("a\x03\x04\r\x1a")
    assert shell.until("26\r\n") == "97\r\n3\r\n4\r\n13\r\n26\r\n"
    shell.type("q")
    assert shell.until("second: 0\r\n") == "113\r\nnothing in a tenth of a second: 0\r\n"
    assert shell.call("waitShell")["exitCode"] == 0


def test_size_signals_and_the_end(box: Vm) -> None:
    shell = Shell(box, "terminal", "signals", rows=30, columns=100)
    shell.until("ready 30 100\r\n")
    assert shell.call("resizeShell", rows=40, columns=120) == {}
    assert shell.until("40 120\r\n") == "signal 28, 40 120\r\n"
    shell.type("\x03")
    assert shell.until("40 120\r\n") == "^Csignal 2, 40 120\r\n"
    assert shell.call("closeShell") == {**shell.names, "exitCode": 3, "reason": "exit"}
    with pytest.raises(RpcError) as refused:
        shell.type("x")
    assert refused.value.data["code"] == "invalid_argument"


def test_a_signal_that_nobody_handles_ends_the_shell(box: Vm) -> None:
    shell = Shell(box, "terminal", "lines")
    shell.until("ready\r\n")
    shell.type("\x1c")
    shell.until("^\\")
    end = shell.call("waitShell")
    assert (end["exitCode"], end["reason"]) == (None, "killed")


def test_jobs_in_the_background_and_in_the_foreground(box: Vm) -> None:
    shell = Shell(box, "terminal", "jobs")
    assert shell.until("ended 0\r\n") == "background: stopped 21, ended 0\r\n"
    shell.type("line\r")
    assert shell.until("the job reads line\r\n") == "line\r\nthe job reads line\r\n"
    shell.type("\x1a")
    assert shell.until("ended 0\r\n") == "^Zforeground: stopped 20, ended 0\r\n"
    shell.type("\x03")
    assert shell.until("ended 2\r\n") == "^Cagain: stopped 0, ended 2\r\n"
    assert shell.until("such group: 1\r\n").splitlines() == [
        "own group: 1",
        "/dev/tty: 1, /dev/tty",
        "without a terminal: 0",
        "no such group: 1",
    ]
    assert shell.call("waitShell")["exitCode"] == 0


def test_a_program_that_knows_only_wasi(box: Vm) -> None:
    shell = Shell(box, "cat")
    shell.type("one\r\x04")
    assert shell.until("one\r\none\r\n")
    assert shell.call("waitShell")["exitCode"] == 0
    shell = Shell(box, "show", env={"TERM": "dumb"}, cwd="/bin")
    assert {"env TERM=dumb", "env PWD=/bin"} <= set(shell.until("env TERM=dumb\r\n").splitlines())


def test_a_shell_is_a_command(box: Vm) -> None:
    shell = Shell(box, "terminal", "lines")
    shell.until("ready\r\n")
    pid = shell.names["pid"]
    assert shell.names == {"shell": f"shell-{pid}", "pid": pid}
    assert [each["pid"] for each in box.call("listProcesses")] == [pid]
    assert box.call("getProcess", pid=pid, output=True)["stdout"] == "ready\r\n"
    box.call("killProcess", pid=pid)
    assert shell.call("waitShell")["reason"] == "killed"


def test_what_is_refused(box: Vm) -> None:
    for params, code in (
        ({"argv": ["nothing"]}, "not_found"),
        ({"argv": ["cat"], "cwd": "/nowhere"}, "not_found"),
        ({"argv": [""]}, "invalid_argument"),
    ):
        with pytest.raises(RpcError) as refused:
            box.call("openShell", **params)
        assert refused.value.data["code"] == code
    shell = Shell(box, "terminal", "lines")
    for name in ("shell-999999", "shell-", "1", str(shell.names["pid"]), "shell-\N{SUPERSCRIPT TWO}"):
        with pytest.raises(RpcError) as refused:
            box.call("waitShell", shell=name)
        assert refused.value.data["code"] == "not_found"
    pid = box.call("spawn", argv=["cat"])["pid"]
    with pytest.raises(RpcError) as refused:
        box.call("resizeShell", shell=f"shell-{pid}", rows=1, columns=1)  # noqa: S604 - a param of that name
    assert refused.value.data["code"] == "not_found"
    with pytest.raises(RpcError) as refused:
        shell.call("waitShell", timeoutMs=1)
    assert refused.value.data["code"] == "timeout"
    box.call("vm.sleep", force=True)
    with pytest.raises(RpcError) as refused:
        shell.type("x")
    assert refused.value.data["code"] == "not_found"
