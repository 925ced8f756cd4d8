"""Commands of a VM through the socket: run to their end, talked to, listened to, stopped; and what limits them."""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.daemon import Vm, fresh_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.system.daemon import Api, Daemon, Notification

GUESTS = Path(__file__).parent.parent / "guests" / "dist"
COMMANDS = {
    "cat": "copy_stdin",
    "code": "exit_code",
    "show": "args_env",
    "spin": "spin",
    "stderr": "stderr",
    "trap": "trap",
    "fill": "fill",
    "wait": "wait_file",
}


def install(vm: Vm, **commands: str) -> Vm:
    """Put test programs into the VM's /bin."""
    files = [
        {
            "path": f"/bin/{name}",
            "content": {"base64": base64.b64encode((GUESTS / f"{guest}.wasm").read_bytes()).decode()},
        }
        for name, guest in (commands or COMMANDS).items()
    ]
    assert all("error" not in each for each in vm.call("writeFiles", files=files))
    return vm


@pytest.fixture
def box(vm: Vm) -> Vm:
    """A VM with commands."""
    return install(vm)


@pytest.fixture
def bare(daemon: Daemon) -> Iterator[Vm]:
    """A VM without the base system, so without a shell, on a connection of its own."""
    with daemon.connect() as api:
        vm = Vm(api, fresh_name("bare"), base="none")
        yield vm
        vm.call("vm.destroy")


def of(method: str, pid: int) -> Callable[[Notification], bool]:
    """Whether a notification is of a process."""
    return lambda notification: notification.method == method and notification.params["pid"] == pid


def output_of(seen: list[Notification], stream: str = "stdout") -> str:
    """The text of all that a process has said."""
    return "".join(each.params["data"] for each in seen if each.params.get("stream") == stream)


def test_a_command_is_run_to_its_end(box: Vm) -> None:
    assert box.state() == "asleep"
    done = box.call("exec", argv=["stderr", "one", "two"])
    assert (done["exitCode"], done["stdout"], done["stderr"]) == (0, "to stdout\n", "one\ntwo\n")
    assert (done["reason"], done["truncated"]) == ("exit", False)
    assert box.state() == "awake"
    done = box.call("exec", command="code 7")
    assert (done["exitCode"], done["stdout"]) == (7, "leaving with 7\n")
    assert box.call("exec", argv=["/bin/cat"], stdin="sn\N{SNOWMAN}w")["stdout"] == "sn\N{SNOWMAN}w"
    raw = {"base64": base64.b64encode(bytes(range(256))).decode()}
    assert box.call("exec", argv=["cat"], stdin=raw)["stdout"] == raw
    assert box.call("exec", argv=["cat"])["stdout"] == ""


def test_a_command_gets_its_words_and_nothing_of_the_daemon(bare: Vm) -> None:
    box = install(bare)
    done = box.call("exec", command="""show 'a b' "c \\" d" e\\ f '' """, env={"KEY": "value", "HOME": "/x"})
    lines = done["stdout"].splitlines()
    assert lines[:5] == ["arg 0 show", "arg 1 a b", 'arg 2 c " d', "arg 3 e f", "arg 4 "]
    assert {line for line in lines if line.startswith("env ")} == {
        *("env KEY=value", "env HOME=/x", "env PATH=/bin", "env USER=user", "env LANG=C.UTF-8", "env PWD=/home/user"),
    }
    box.call("mkdir", path="/work/place", recursive=True)
    assert "env PWD=/work/place" in box.call("exec", argv=["show"], cwd="/work/place")["stdout"]
    install(box, **{"../../work/place/here": "exit_code"})
    assert box.call("exec", argv=["./here", "4"], cwd="/work/place")["exitCode"] == 4
    for path, cwd in {"": "/work/place", ".": "/work/place", "/no:place": "/work"}.items():
        assert box.call("exec", argv=["here", "5"], cwd=cwd, env={"PATH": path})["exitCode"] == 5


def test_a_line_goes_to_the_shell_where_there_is_one(bare: Vm) -> None:
    box = install(bare)
    for line, operator in {"show | cat": "|", "show > x": ">", 'show "$HOME"': "$", "A=1 show": "A=1"}.items():
        error = box.error("exec", command=line)
        assert (error.name, error.data["operator"]) == ("invalid_argument", operator)
        assert "/bin/sh" in error.message
    assert "arg 1 a|b" in box.call("exec", argv=["show", "a|b"])["stdout"]
    install(box, sh="args_env")
    lines = box.call("exec", command="show | cat")["stdout"].splitlines()
    assert lines[:3] == ["arg 0 /bin/sh", "arg 1 -c", "arg 2 show | cat"]


def test_a_shell_that_is_far_away_is_found_by_a_new_daemon(own_daemon: Daemon) -> None:
    """Nothing of the way is in memory, and it is longer than what one step of the filesystem loads."""
    far = "/d" * 200
    with own_daemon.connect() as api:
        vm = install(Vm(api, "far", base="none"), **{f"..{far}/shell": "args_env"})
        vm.call("mkdir", path="/bin", recursive=True)
        vm.call("symlink", target=f"{far}/shell", path="/bin/sh")
        vm.sleep()
    own_daemon.restart()
    with own_daemon.connect() as api:
        done = Vm(api, "far", base="none").call("exec", command="show | cat")
        assert "arg 2 show | cat" in done["stdout"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"argv": ["none"]}, "not_found"),
        ({"argv": ["/bin/none"]}, "not_found"),
        ({"argv": ["text"]}, "invalid_argument"),
        ({"argv": [""]}, "invalid_argument"),
        ({"argv": ["show", "a\0b"]}, "invalid_argument"),
        ({"command": " "}, "invalid_argument"),
        ({"command": "show 'open"}, "invalid_argument"),
        ({"argv": ["show"], "cwd": "/none"}, "not_found"),
        ({"argv": ["show"], "cwd": "/bin/text"}, "not_a_directory"),
        ({"argv": ["show"], "cwd": "relative"}, "invalid_argument"),
    ],
)
@pytest.mark.parametrize("method", ["exec", "spawn"])
def test_what_cannot_be_run(bare: Vm, method: str, params: dict[str, Any], code: str) -> None:
    install(bare, show="args_env")
    bare.write("/bin/text", "no component")
    assert bare.error(method, **params).name == code


def test_exactly_one_way_to_name_a_command(vm: Vm) -> None:
    assert vm.error("exec").rpc_code == -32602
    assert vm.error("exec", command="a", argv=["a"]).rpc_code == -32602
    assert vm.error("spawn", argv=[]).rpc_code == -32602
    assert vm.error("exec", argv=["a"], env={"A=B": "x"}).rpc_code == -32602


def test_a_process_is_talked_to_and_heard(box: Vm) -> None:
    box.call("subscribe", types=["processOutput", "processExit"])
    pid = box.call("spawn", argv=["cat"])["pid"]
    box.call("writeProcessStdin", pid=pid, data="first ")
    box.api.until(of("processOutput", pid))
    box.call("writeProcessStdin", pid=pid, data={"base64": base64.b64encode("sn\N{SNOWMAN}w".encode()).decode()})
    (info,) = box.call("listProcesses")
    assert (info["pid"], info["argv"], info["state"], info["kind"]) == (pid, ["cat"], "running", "command")
    assert info["cwd"] == "/home/user"
    box.call("closeProcessStdin", pid=pid)
    box.call("closeProcessStdin", pid=pid)
    seen = box.api.until(of("processExit", pid))
    assert (seen[-1].params["exitCode"], seen[-1].params["reason"], seen[-1].params["vm"]) == (0, "exit", box.name)
    assert output_of(seen) == "sn\N{SNOWMAN}w"
    assert seen[0].params["offset"] == len("first ")
    done = box.call("waitProcess", pid=pid)
    assert (done["exitCode"], done["stdout"]) == (0, "first sn\N{SNOWMAN}w")
    info = box.call("getProcess", pid=pid, output=True)
    assert (info["state"], info["exitCode"], info["stdout"]) == ("ended", 0, done["stdout"])
    assert info["endedAt"] >= info["startedAt"]
    assert "stdout" not in box.call("getProcess", pid=pid)
    assert box.error("writeProcessStdin", pid=pid, data="x").name == "invalid_argument"
    assert box.call("closeProcessStdin", pid=pid) == {}


def test_characters_are_told_whole_and_bytes_as_they_are(box: Vm) -> None:
    box.call("subscribe", types=["processOutput", "processExit"])
    pid = box.call("spawn", argv=["cat"])["pid"]
    snow = "\N{SNOWMAN}".encode()
    for piece in (b"a" + snow[:1], snow[1:], b"\xff!", snow[:2]):
        box.call("writeProcessStdin", pid=pid, data={"base64": base64.b64encode(piece).decode()})
        if piece != snow[:2]:
            box.api.until(of("processOutput", pid))
    box.call("closeProcessStdin", pid=pid)
    seen = box.api.until(of("processExit", pid))
    assert [each.params["data"] for each in seen[:-1]] == [{"base64": base64.b64encode(snow[:2]).decode()}]
    assert seen[0].params["offset"] == 1 + 3 + 2
    assert base64.b64decode(box.call("waitProcess", pid=pid)["stdout"]["base64"]) == b"a" + snow + b"\xff!" + snow[:2]


def test_files_that_a_command_has_written_survive_a_kill(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        vm = install(Vm(api, "vm"), rw="file_rw")
        written = vm.call("exec", argv=["rw", "/out"])
        assert written["exitCode"] == 0
        names = vm.call("readdir", path="/out")
        assert names
    own_daemon.restart()
    with own_daemon.connect() as api:
        assert Vm(api, "vm").call("readdir", path="/out") == names


def test_a_command_that_takes_too_long_is_killed(box: Vm) -> None:
    for timeout in (200, 2000, 20_000):  # more where it took longer to come to what it says
        error = box.error("exec", argv=["spin"], timeoutMs=timeout)
        assert (error.name, error.retryable) == ("timeout", True)
        assert (error.data["reason"], error.data["exitCode"]) == ("timeout", None)
        pid = box.call("spawn", argv=["spin"], timeoutMs=timeout)["pid"]
        done = box.call("waitProcess", pid=pid)
        assert (done["reason"], done["exitCode"]) == ("timeout", None)
        if error.data["stdout"] and done["stdout"]:
            break
    assert (error.data["stdout"], done["stdout"]) == ("spinning\n", "spinning\n")
    assert all(each["state"] == "ended" for each in box.call("listProcesses"))


def test_waiting_ends_where_it_is_told_to_and_the_process_goes_on(box: Vm) -> None:
    pid = box.call("spawn", argv=["cat"])["pid"]
    assert box.error("waitProcess", pid=pid, timeoutMs=10).name == "timeout"
    assert box.call("getProcess", pid=pid)["state"] == "running"
    assert box.call("stopProcess", pid=pid)["reason"] == "exit"
    pid = box.call("spawn", argv=["spin"])["pid"]
    done = box.call("stopProcess", pid=pid, graceMs=50)
    assert (done["reason"], done["exitCode"]) == ("killed", None)
    pid = box.call("spawn", argv=["spin"])["pid"]
    assert box.call("killProcess", pid=pid)["reason"] == "killed"
    assert box.call("killProcess", pid=pid)["reason"] == "killed"


def test_a_trap_is_told(box: Vm) -> None:
    done = box.call("exec", argv=["trap", "unreachable"])
    assert (done["exitCode"], done["reason"]) == (None, "trap")
    assert "unreachable" in done["detail"]


def test_limits_are_typed_errors(make_vm: Callable[..., Vm]) -> None:
    vm = install(make_vm(limits={"processes": 2, "outputBytes": 1000, "fuel": 200_000_000, "fileBytes": 2_000_000}))
    assert len(vm.call("exec", argv=["cat"], stdin="x" * 1000)["stdout"]) == 1000
    error = vm.error("exec", argv=["cat"], stdin="a" * 500 + "b" * 600)
    assert (error.name, error.data["limit"]) == ("limit_exceeded", "outputBytes")
    assert (error.data["truncated"], error.data["stdout"]) == (True, "a" * 400 + "b" * 600)
    error = vm.error("exec", argv=["spin"])
    assert (error.name, error.data["limit"], error.data["stdout"]) == ("limit_exceeded", "fuel", "spinning\n")
    done = vm.call("exec", argv=["fill", "/f", "10", "10"])
    assert "bytes: ENOSPC" in done["stdout"] or "bytes: EDQUOT" in done["stdout"]
    pid = vm.call("spawn", argv=["cat"], stdin="a" * 500 + "b" * 600)["pid"]
    done = vm.call("waitProcess", pid=pid)
    assert (done["exitCode"], done["truncated"], done["stdout"]) == (0, True, "a" * 400 + "b" * 600)
    pids = [vm.call("spawn", argv=["cat"])["pid"] for _ in range(2)]
    error = vm.error("exec", argv=["cat"])
    assert (error.name, error.data["limit"]) == ("limit_exceeded", "processes")
    for pid in pids:
        vm.call("killProcess", pid=pid)


def test_a_process_keeps_its_vm_awake(make_vm: Callable[..., Vm]) -> None:
    vm = install(make_vm(idleTimeoutMs=10))
    vm.call("subscribe")
    pid = vm.call("spawn", argv=["wait", "/go"])["pid"]
    assert vm.call("stat", path="/bin")["type"] == "directory"
    assert vm.error("waitProcess", pid=pid, timeoutMs=200).name == "timeout"
    assert vm.state() == "awake"
    vm.write("/go", "now")
    seen = vm.api.until(lambda each: each.method == "vmState" and each.params["state"] == "asleep")
    assert [each.params["exitCode"] for each in seen if each.method == "processExit"] == [0]
    assert vm.call("listProcesses") == []
    error = vm.error("getProcess", pid=pid)
    assert (error.name, error.data["pid"]) == ("not_found", pid)
    for method in ("waitProcess", "killProcess", "stopProcess", "closeProcessStdin"):
        assert vm.error(method, pid=pid).name == "not_found"
    assert vm.state() == "asleep"
    later = vm.call("spawn", argv=["cat"])["pid"]
    assert later > pid
    vm.call("killProcess", pid=later)


def test_sleep_waits_for_processes_and_then_kills_them(box: Vm, api: Api) -> None:
    box.call("subscribe", types=["processExit", "vmState"])
    waiting = box.start("exec", argv=["wait", "/go"])
    spinning = box.call("spawn", argv=["spin"])["pid"]
    box.call("killProcess", pid=spinning)
    sleeping = box.start("vm.sleep", graceMs=30_000)
    box.write("/go", "now")
    assert box.api.result(waiting)["exitCode"] == 0
    box.api.result(sleeping)
    assert box.state() == "asleep"
    waiting = box.start("exec", argv=["spin"])
    box.api.until(lambda each: each.method == "vmState" and each.params["state"] == "awake")
    while not box.call("listProcesses"):
        pass
    box.call("vm.sleep", graceMs=0)
    done = box.api.result(waiting)
    assert (done["reason"], done["exitCode"], box.state()) == ("killed", None, "asleep")
    box.api.until(of("processExit", done["pid"]))


def test_force_cuts_a_patient_sleep_short(box: Vm, daemon: Daemon) -> None:
    spinning = box.call("spawn", argv=["spin"])["pid"]
    del spinning
    sleeping = box.start("vm.sleep", graceMs=600_000)
    with daemon.connect() as other:
        other.call("vm.sleep", vm=box.name, force=True)
    box.api.result(sleeping)
    assert box.state() == "asleep"


def test_a_connection_that_closes_ends_its_wait_and_not_the_command(box: Vm, daemon: Daemon) -> None:
    with daemon.connect() as other:
        other.start("exec", vm=box.name, argv=["wait", "/go"])
        while not box.call("listProcesses"):
            pass
    (info,) = box.call("listProcesses")
    assert info["state"] == "running"
    box.write("/go", "now")
    assert box.call("waitProcess", pid=info["pid"])["stdout"] == '/go = "now"\n'


def test_agents_are_listed_and_ended_elsewhere(box: Vm) -> None:
    session = box.session()
    (info,) = box.call("listProcesses")
    assert info["kind"] == "agent"
    assert box.call("getProcess", pid=info["pid"])["state"] == "running"
    assert box.error("killProcess", pid=info["pid"]).name == "invalid_argument"
    assert session.say("say alive") == "alive"
    assert box.error("killProcess", pid=10**12).name == "not_found"


def test_sessions_subscribers_hear_no_processes(box: Vm, daemon: Daemon) -> None:
    session = box.session()
    with daemon.connect() as other:
        other.call("subscribe", vm=box.name, sessionId=session.id)
        box.call("exec", argv=["stderr", "x"])
        session.prompt("say x")
        other.call("hello")  # what was told before is here then
        methods = {each.method for each in other.client.notifications(timeout=0)}
    assert methods == {"sessionEvent"}


def test_ended_commands_are_forgotten_in_order(box: Vm) -> None:
    first = box.call("spawn", argv=["code", "3"])["pid"]
    box.call("waitProcess", pid=first)
    for _ in range(100):
        box.call("exec", argv=["code", "0"])
    known = [each["pid"] for each in box.call("listProcesses")]
    assert len(known) == 100
    assert first not in known
    assert box.error("waitProcess", pid=first).name == "not_found"


def test_output_of_ended_commands_is_bounded(box: Vm) -> None:
    big = "x" * (4 * 1024 * 1024)
    pids = []
    for _ in range(6):
        pids.append(box.call("spawn", argv=["cat"], stdin=big)["pid"])
        assert len(box.call("waitProcess", pid=pids[-1])["stdout"]) == len(big)
    assert [each["pid"] for each in box.call("listProcesses")] == pids[-4:]


def test_a_kill_of_the_daemon_ends_processes(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        vm = install(Vm(api, "vm"), cat="copy_stdin")
        vm.call("spawn", argv=["cat"])
    own_daemon.restart()
    with own_daemon.connect() as api, contextlib.closing(api.client):
        vm = Vm(api, "vm")
        assert (vm.state(), vm.call("listProcesses")) == ("asleep", [])
        assert vm.call("exec", argv=["cat"], stdin="x")["stdout"] == "x"
