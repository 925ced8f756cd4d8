"""Agents that crash, spin, eat memory, flood and talk nonsense: each hurts its own turn, and nobody else's."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.daemon import RpcError, Vm, fresh_name, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.daemon import Daemon, Pending, Session

MIB = 1024 * 1024
PROGRAMS = Path(__file__).parents[1] / "guests" / "dist"


def streams_on(session: Session) -> None:
    """The session works. How fast it does, `make bench` says."""
    for _ in range(5):
        assert session.say("stream 20") == "".join(f"chunk {n}\n" for n in range(1, 21))


def name_of_failure(vm: Vm, pending: Pending) -> str | None:
    """The code of the error that a call is answered with, None if it went well."""
    try:
        vm.api.result(pending)
    except RpcError as error:
        return error.name
    return None


@pytest.mark.parametrize(
    ("command", "reason", "code"), [("crash", "trap", None), ("exit 7", "exit", 7)], ids=["trap", "exit"]
)
def test_an_agent_that_ends_in_mid_turn_is_started_again(vm: Vm, command: str, reason: str, code: int | None) -> None:
    session = vm.session(env={"ECHO_LOAD": "1"})
    session.prompt("say remember")
    session.subscribe()
    error = session.error("sendPrompt", prompt=f"say before; stderr last words; {command}")
    assert (error.name, error.data["phase"]) == ("agent_failed", "prompt")
    assert (error.data["reason"], error.data["exitCode"]) == (reason, code)
    assert ("exit code 7" if code else "unreachable") in error.message
    assert "last words" in error.data["stderr"]
    notices = [n for n in vm.api.until(lambda n: n.method == "agentExit") if n.method == "agentExit"]
    assert (notices[0].params["exitCode"], notices[0].params["restart"]) == (code, True)
    events = session.events()
    exits = [each["event"]["params"] for each in events if each["event"]["method"] == "_torpor/agent_exit"]
    assert [each["reason"] for each in exits] == [reason]
    assert events[error.data["seq"]]["event"]["params"]["end"] == "agent_failed"
    assert text_of(events) == "rememberbefore"
    assert '"turns":' in session.say("state")
    assert vm.rows()[session.id]["status"] == "idle"


def test_an_agent_is_restarted_three_times_and_then_left_alone(vm: Vm) -> None:
    session = vm.session()
    for _ in range(4):
        assert session.error("sendPrompt", prompt="exit 1").data["phase"] == "prompt"
    error = session.error("sendPrompt", prompt="say up")
    assert (error.name, error.data["phase"]) == ("agent_failed", "restart")
    assert vm.api.call("daemon.status")["processes"] == 0
    session.call("resumeSession")
    assert session.say("say up").endswith("up")
    assert session.error("sendPrompt", prompt="exit 1").data["phase"] == "prompt"
    assert session.say("say again").endswith("again")


def test_an_agent_that_exits_between_turns_is_started_again(vm: Vm) -> None:
    session = vm.session()
    session.subscribe()
    vm.api.failure(session.start("sendPrompt", prompt="exit 0"))
    assert session.say("say up").endswith("up")


def test_spinning_agents_disturb_nobody(make_vm: Callable[..., Vm]) -> None:
    vm, other = make_vm(), make_vm()
    spinning = [vm.session() for _ in range(3)]
    calm, neighbour = vm.session(), other.session()
    pending = []
    for session in spinning:
        session.subscribe()
        pending.append(session.begin("say round; spin"))
    streams_on(calm)
    streams_on(neighbour)
    vm.write("/home/user/x", "works")
    assert calm.say("fsread x") == "fsread: works"
    for session, turn in zip(spinning, pending, strict=True):
        assert session.call("cancelPrompt", graceMs=0) == {"outcome": "killed"}
        assert vm.api.result(turn)["stopReason"] == "cancelled"
    assert spinning[0].say("say calm").endswith("calm")


def test_fuel_ends_an_agent_that_computes_too_much(make_vm: Callable[..., Vm]) -> None:
    vm = make_vm(limits={"fuel": 2_000_000_000})
    session = vm.session()
    error = session.error("sendPrompt", prompt="spin")
    assert (error.name, error.data["reason"]) == ("agent_failed", "out_of_fuel")
    assert session.say("say up").endswith("up")


def test_memory_is_limited_for_each_agent(make_vm: Callable[..., Vm], daemon: Daemon) -> None:
    vm = make_vm(limits={"memoryBytes": 64 * MIB})
    greedy, calm = vm.session(), vm.session()
    pending = greedy.start("sendPrompt", prompt="hog")
    streams_on(calm)
    said = vm.api.result(pending)["text"]
    assert said.startswith("hog: out of memory after ")
    assert 20 < int(said.split()[-2]) < 64
    before = daemon.rss()
    greedy.call("destroySession")
    assert daemon.rss() < before - 20 * MIB
    streams_on(calm)


def test_nonsense_is_recorded_and_answered_as_the_protocol_says(vm: Vm) -> None:
    session, calm = vm.session(), vm.session()
    said = session.say("garbage")
    assert said.endswith("garbage: unknown request -32601, duplicate id -32601")
    assert "in halves" in said
    noise = [each["event"]["params"] for each in session.events() if each["event"]["method"] == "_torpor/malformed"]
    assert len(noise) >= 8
    assert all(len(each["head"]) < 1000 for each in noise)
    streams_on(calm)
    assert session.say("next") == "echo: next"


def test_a_line_without_end_takes_no_memory(vm: Vm, daemon: Daemon) -> None:
    session, calm = vm.session(), vm.session()
    before = daemon.rss()
    pending = session.start("sendPrompt", prompt="longline 60; say done")
    streams_on(calm)
    assert vm.api.result(pending)["text"] == "done"
    assert daemon.rss() < before + 40 * MIB
    noise = [each["event"]["params"] for each in session.events() if each["event"]["method"] == "_torpor/malformed"]
    assert [each["size"] > 60 * MIB for each in noise] == [True]


def test_a_flood_is_recorded_to_the_last_drop_and_holds_nobody_up(vm: Vm, daemon: Daemon) -> None:
    session, calm = vm.session(), vm.session()
    before = daemon.rss()
    pending = session.start("sendPrompt", prompt="flood 20000")
    streams_on(calm)
    assert vm.api.result(pending)["text"] == "." * 20_000
    assert len(text_of(session.events())) == 20_000
    assert daemon.rss() < before + 100 * MIB


def test_a_subscriber_that_does_not_read_holds_nobody_up(vm: Vm, daemon: Daemon) -> None:
    session = vm.session()
    with daemon.connect() as lazy:
        session.through(lazy).subscribe()
        result = session.prompt("flood 30000")
        heard = lazy.until(
            lambda n: n.method == "subscriptionLagged" or n.params.get("seq") == result["seq"],
        )
    seqs = [n.params["seq"] for n in heard if n.method == "sessionEvent"]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    if heard[-1].method == "subscriptionLagged":
        assert heard[-1].params["lastSeq"] == seqs[-1]


def test_stderr_goes_to_the_transcript(vm: Vm) -> None:
    session = vm.session()
    session.prompt("stderr one line; say ok")
    texts = [each["event"]["params"]["text"] for each in session.events(types=["_torpor/stderr"])]
    assert "one line" in "".join(texts)


def test_processes_are_limited(make_vm: Callable[..., Vm]) -> None:
    vm = make_vm(limits={"processes": 2})
    first, _ = vm.session(), vm.session()
    error = vm.error("createSession", agentType="echo")
    assert (error.name, error.data["limit"]) == ("limit_exceeded", "processes")
    assert len(vm.rows()) == 2
    first.call("closeSession")
    assert vm.session().say("fits") == "echo: fits"


def test_files_are_limited_in_number_and_size(make_vm: Callable[..., Vm]) -> None:
    vm = make_vm(limits={"files": 30, "fileBytes": 1000})
    session = vm.session()
    assert session.say(f"fswrite big.txt {'x' * 2000}") == "fswrite failed: insufficient-space: /home/user/big.txt"
    assert vm.error("writeFile", path="/home/user/big2.txt", content="x" * 2000).name == "quota_exceeded"
    vm.call("deleteFile", path="/home/user/big.txt")
    vm.write("/home/user/small.txt", "x" * 900)
    assert vm.error("writeFile", path="/home/user/more.txt", content="x" * 200).name == "quota_exceeded"
    assert vm.call("exists", path="/home/user/more.txt") is False
    writes = [vm.start("writeFile", path=f"/home/user/{n}", content="") for n in range(40)]
    codes = {name_of_failure(vm, write) for write in writes}
    assert codes == {None, "quota_exceeded"}
    assert session.say("fswrite one-more.txt x").startswith("fswrite failed: insufficient-space")
    assert session.say("fsread small.txt") == f"fsread: {'x' * 900}"
    vm.sleep()
    assert vm.error("writeFile", path="/home/user/z", content="").name == "quota_exceeded"


def test_a_flood_ends_where_the_vm_says_and_nothing_of_it_is_lost(make_vm: Callable[..., Vm], daemon: Daemon) -> None:
    vm = make_vm(limits={"turnBytes": 200_000, "sessionBytes": 600_000})
    session, other = vm.session(), vm.session()
    error = session.error("sendPrompt", prompt="flood 1000000")
    assert (error.name, error.data["limit"], error.data["allowed"]) == ("limit_exceeded", "turnBytes", 200_000)
    events = session.events()
    assert [each["seq"] for each in events] == list(range(len(events)))
    assert events[error.data["seq"]]["event"]["params"]["limit"] == "turnBytes"
    told = vm.call("vm.stats")
    assert told["events"] == len(events) + len(other.events())
    assert 200_000 < told["eventBytes"] < 200_000 + 1024 * 1024 + 300_000
    streams_on(session if told["eventBytes"] < 500_000 else other)
    while error.data["limit"] == "turnBytes":
        error = session.error("sendPrompt", prompt="flood 1000000")
    assert error.data["limit"] == "sessionBytes"
    used = session.error("sendPrompt", prompt="say no more").data["used"]
    vm.sleep()
    assert session.error("sendPrompt", prompt="say no more").data["used"] >= used
    assert session.error("resumeSession").name == "limit_exceeded"
    assert other.say("say fine").endswith("fine")
    vm.call("vm.configure", options={"limits": {"sessionBytes": 20_000_000}})
    assert session.say("say again").endswith("again")


@pytest.mark.parametrize("limits", [{"files": 10}, {"fileBytes": 1000}], ids=["files", "bytes"])
def test_a_full_vm_goes_on_with_its_conversations(make_vm: Callable[..., Vm], tmp_path: Path, limits: Any) -> None:
    vm = make_vm(limits=limits)
    session = vm.session()
    session.say(f"say {'x' * 1000}")
    for number in range(12):
        name_of_failure(vm, vm.start("writeFile", path=f"/home/user/{number}", content="x" * 100))
    assert vm.error("writeFile", path="/home/user/more", content="x" * 1000).name == "quota_exceeded"
    vm.sleep()
    assert session.say("say still here").endswith("still here")
    assert [event["event"]["params"]["tier"] for event in session.events(types=["_torpor/session_resumed"])] == [
        "continuation"
    ]
    assert "x" * 1000 in vm.read(f"/root/.torpor/threads/{session.id}.md")
    assert vm.error("writeFile", path="/home/user/more", content="x" * 1000).name == "quota_exceeded"
    assert session.say("fswrite more.txt x").startswith("fswrite failed: insufficient-space")
    vm.sleep()
    vm.call("vm.export", path=str(tmp_path / "full.torpor"))
    copy = fresh_name("copy")
    vm.api.call("vm.import", vm=copy, path=str(tmp_path / "full.torpor"))
    moved = Vm(vm.api, copy)
    assert moved.error("writeFile", path="/home/user/more", content="x" * 1000).name == "quota_exceeded"
    assert "x" * 1000 in moved.read(f"/root/.torpor/threads/{session.id}.md")
    moved.call("vm.destroy")


def test_the_agents_terminal_knows_no_command_and_says_so(vm: Vm) -> None:
    assert vm.session().say("terminal no-such-command").startswith("terminal failed: ")


def test_paths_of_the_agents_requests_are_checked(vm: Vm) -> None:
    session = vm.session()
    said = session.say('request fs/read_text_file {"path":"relative"}; read /no/such; request fs/read_text_file {}')
    assert said.count("failed") == 3
    assert session.say("write /deep/er/file text; fsread /deep/er/file") == "write: /deep/er/filefsread: text"


def test_a_terminal_keeps_as_much_output_as_the_vm_allows(make_vm: Callable[..., Vm]) -> None:
    """A command of the VM, a component in its /bin, with more output than `limits.outputBytes`."""
    vm = make_vm(limits={"outputBytes": 100})
    program = (PROGRAMS / "stderr.wasm").read_bytes()
    vm.call("writeFile", path="/bin/lines", content={"base64": base64.b64encode(program).decode()})
    said = vm.session().say("terminal lines " + "word " * 50)
    assert said.startswith("terminal: exit=0 signal=null truncated=true output=")
    assert len(said.partition("output=")[2].encode()) <= 100
