"""Sessions are closed, resumed and destroyed; VMs sleep and wake; and nothing that was told is lost by it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.system.daemon import Background, short, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.daemon import Daemon, Pending, Session, Vm

NATIVE = {"load": {"ECHO_LOAD": "1"}, "resume": {"ECHO_RESUME": "1"}}


def test_closing_stops_the_agent_and_keeps_the_rest(vm: Vm) -> None:
    session = vm.session()
    session.prompt("say hello; title A talk")
    session.call("closeSession")
    session.call("closeSession")
    assert vm.api.call("daemon.status")["processes"] == 0
    row = vm.rows()[session.id]
    assert (row["status"], row["title"], row["agentType"]) == ("closed", "A talk", "echo")
    assert row["lastSeq"] == session.events()[-1]["seq"]
    assert text_of(session.events()) == "hello"
    assert session.error("sendPrompt", prompt="x").name == "session_closed"
    assert vm.call("listSessions") == []
    vm.sleep()
    assert vm.rows()[session.id]["status"] == "closed"
    info = session.call("resumeSession")
    assert (info["sessionId"], info["createdAt"]) == (session.id, session.info["createdAt"])
    assert session.say("say back").endswith("back")
    assert [row["sessionId"] for row in vm.call("listSessions")] == [session.id]


def test_closing_in_the_middle_of_a_turn_ends_it_as_cancelled(vm: Vm) -> None:
    session = vm.session()
    session.subscribe()
    pending = session.begin("say on; sleep 60000")
    session.call("closeSession")
    assert vm.api.result(pending)["stopReason"] == "cancelled"


def test_destroying_removes_the_session_and_its_events(vm: Vm) -> None:
    session, other = vm.session(), vm.session()
    session.subscribe()
    pending = session.begin("say on; sleep 60000")
    session.call("destroySession")
    assert vm.api.result(pending)["stopReason"] == "cancelled"
    assert list(vm.rows()) == [other.id]
    assert session.error("getSessionEvents").name == "session_not_found"
    assert session.error("destroySession").name == "session_not_found"
    assert session.error("sendPrompt", prompt="x").name == "session_not_found"
    assert other.say("fine") == "echo: fine"
    again = vm.session(sessionId=session.id)
    assert again.types() == ["_torpor/session_started"]


def test_the_transcript_is_read_in_pages_and_by_type(vm: Vm) -> None:
    session = vm.session()
    session.prompt("stream 10; thought Hm; stream 10")
    everything = session.events()
    assert session.call("getSessionEvents", after=2, before=6) == everything[3:6]
    assert session.call("getSessionEvents", after=-1, limit=4) == everything[:4]
    assert session.call("getSessionEvents", limit=0) == []
    thoughts = session.call("getSessionEvents", types=["agent_thought_chunk"])
    assert [event["event"]["params"]["update"]["content"]["text"] for event in thoughts] == ["Hm"]
    assert session.call("getSessionEvents", after=everything[-1]["seq"]) == []
    chunks = session.events(types=["agent_message_chunk"])
    assert text_of(chunks) == text_of(everything)


def test_reading_never_wakes_a_vm(vm: Vm) -> None:
    session = vm.session()
    session.prompt("say hello; fswrite kept.txt kept")
    before = session.events()
    vm.sleep()
    assert vm.api.call("daemon.status")["processes"] == 0
    assert session.events()[: len(before)] == before
    row = vm.rows()[session.id]
    assert (row["status"], row["agentInfo"]["name"], row["cwd"]) == ("suspended", "echo", "/home/user")
    assert row["lastSeq"] == session.events()[-1]["seq"]
    assert vm.read("/home/user/kept.txt") == "kept"
    vm.write("/home/user/new.txt", "new")
    assert vm.call("readdir", path="/home/user") == ["kept.txt", "new.txt"]
    assert vm.call("listSessions") == []
    assert session.call("getSession")["status"] == "suspended"
    assert session.call("getModes")["currentModeId"] == "ask"
    assert session.call("getConfigOptions")
    session.subscribe(after=0)
    vm.api.until(lambda n: n.params.get("seq") == row["lastSeq"])
    assert vm.call("vm.stats")["files"]["count"] > 0
    assert vm.state() == "asleep"
    assert session.say("fsread new.txt").endswith("fsread: new")
    assert vm.state() == "awake"


def test_sessions_are_listed_oldest_first(vm: Vm) -> None:
    sessions = [vm.session() for _ in range(5)]
    sessions[1].prompt("latest")
    assert list(vm.rows()) == [session.id for session in sessions]


@pytest.mark.parametrize("tier", ["load", "resume", "continuation"])
def test_a_vm_wakes_where_it_fell_asleep(vm: Vm, tier: str) -> None:
    session = vm.session(env=NATIVE.get(tier))
    session.prompt("say first; fswrite note.txt kept")
    session.call("setModel", value="large")
    session.call("setMode", modeId="code")
    before = session.events()
    status = vm.call("stat", path="/home/user/note.txt")
    vm.sleep()
    said = session.say("state")
    assert '"mode":"code","config":{"model":"large","thought":"off"}' in said
    turns = json.loads(said[said.index("{") :])["turns"]
    assert turns == (0 if tier == "continuation" else 1)
    events = session.events()
    assert events[: len(before)] == before
    resumed = [each["event"]["params"] for each in events if each["event"]["method"] == "_torpor/session_resumed"]
    assert [each["tier"] for each in resumed] == [tier]
    assert text_of(events).count("first") == 1  # what session/load replays is in the transcript already
    thread = f"/root/.torpor/threads/{session.id}.md"
    assert vm.call("exists", path=thread) is (tier == "continuation")
    if tier == "continuation":
        assert "first" in vm.read(thread)
        assert thread in said
        assert thread not in session.say("say later")
    assert vm.call("stat", path="/home/user/note.txt") == status
    assert session.say("fsread note.txt") == "fsread: kept"
    assert session.call("getModes")["currentModeId"] == "code"


def test_only_an_unknown_session_falls_back_to_a_continuation(vm: Vm) -> None:
    session = vm.session(env={"ECHO_LOAD": "1"})
    session.prompt("say first")
    vm.call("deleteFile", path="/root/.torpor/echo", recursive=True)
    vm.sleep()
    assert "/threads/" in session.say("hello")
    failing = vm.session(env={"ECHO_LOAD": "1", "ECHO_FAIL": "load"})
    failing.prompt("say first")
    vm.sleep()
    error = failing.error("sendPrompt", prompt="hello")
    assert (error.name, error.data["phase"]) == ("agent_failed", "session/load")
    assert failing.error("resumeSession").name == "agent_failed"
    assert text_of(failing.events()) == "first"


def test_a_vm_without_anything_to_do_falls_asleep_by_itself(make_vm: Callable[..., Vm]) -> None:
    vm = make_vm(idleTimeoutMs=50)
    vm.call("subscribe", types=["vmState"])
    session = vm.session(env={"ECHO_LOAD": "1"})
    session.prompt("say hello")
    heard = vm.api.until(lambda n: n.method == "vmState" and n.params["state"] == "asleep")
    assert heard[-1].params["reason"] == "idle"
    assert vm.api.call("daemon.status")["processes"] == 0
    assert session.say("again") == "echo: again"


def test_a_turn_or_a_pending_permission_keeps_the_vm_awake(make_vm: Callable[..., Vm]) -> None:
    vm = make_vm(idleTimeoutMs=20)
    session = vm.session()
    session.subscribe()
    pending = session.start("sendPrompt", prompt="stream 10 20; permission")
    request = session.until_permission()
    assert vm.state() == "awake"
    session.call("respondPermission", permissionId=request["permissionId"], reply="once")
    assert vm.api.result(pending)["text"].endswith("permission: allow-once")


def test_a_call_to_an_agent_keeps_the_vm_awake(make_vm: Callable[..., Vm]) -> None:
    vm = make_vm(idleTimeoutMs=1)
    session = vm.session("pi", env={"ANTHROPIC_API_KEY": "x"})
    for level in ("low", "high", "off"):
        answer = session.call("setThoughtLevel", value=level)
        assert answer["configOptions"][1]["currentValue"] == level
    session.call("closeSession")
    assert session.call("resumeSession")["configOptions"][1]["currentValue"] == "off"


def test_a_subscription_outlives_sleep_and_wake(vm: Vm) -> None:
    session = vm.session()
    session.subscribe(after=-1)
    session.prompt("say one")
    vm.sleep()
    last = session.prompt("say two")["seq"]
    heard = vm.api.until(lambda n: n.params.get("seq") == last)
    assert [n.params["seq"] for n in heard if n.method == "sessionEvent"] == list(range(last + 1))
    assert [(n.params["state"], n.params["reason"]) for n in heard if n.method == "vmState"] == [
        ("asleep", "request"),
        ("awake", "wake"),
    ]


def test_a_subscription_to_a_vm_hears_all_of_it_and_nothing_else(make_vm: Callable[..., Vm]) -> None:
    vm, other = make_vm(), make_vm()
    vm.call("subscribe")
    one, two, three = vm.session(), vm.session(), other.session()
    for session in (one, two, three, one):
        session.prompt("say hello")
    vm.api.call("hello")
    heard = list(vm.api.client.notifications(timeout=0))
    assert {n.params["vm"] for n in heard} == {vm.name}
    for session in (one, two):
        seqs = [n.params["seq"] for n in heard if n.params.get("sessionId") == session.id]
        assert seqs == [event["seq"] for event in session.events()]


def test_a_subscription_by_types_hears_these_alone(vm: Vm) -> None:
    session = vm.session()
    session.subscribe(types=["agent_message_chunk", "vmState"])
    session.prompt("say hello; thought Hm; say bye")
    vm.sleep()
    heard = list(vm.api.client.notifications(timeout=0))
    assert [short(n).split(":")[-1] for n in heard] == ["agent_message_chunk", "agent_message_chunk", "vmState"]


def test_a_destroyed_vm_is_gone_and_its_name_is_free(vm: Vm) -> None:
    session = vm.session()
    session.prompt("fswrite a.txt old")
    session.subscribe()
    pending = session.begin("say on; spin")
    vm.call("vm.destroy")
    assert vm.api.result(pending)["stopReason"] == "cancelled"
    assert vm.error("vm.get").name == "vm_not_found"
    assert session.error("getSessionEvents").name == "vm_not_found"
    assert vm.error("readFile", path="/home/user/a.txt").name == "vm_not_found"
    assert vm.call("vm.getOrCreate")["created"] is True
    assert vm.call("listPersistedSessions") == []
    assert vm.call("exists", path="/home/user/a.txt") is False
    assert vm.session(sessionId=session.id).say("fsread a.txt").startswith("fsread failed")


def test_destroying_a_vm_cuts_the_patience_of_a_sleep_short(vm: Vm) -> None:
    session = vm.session()
    session.subscribe()
    pending = session.begin("say on; sleep 60000")
    sleeping = vm.start("vm.sleep", graceMs=600_000)
    assert not vm.api.client.wait(sleeping, 0.1)
    vm.call("vm.destroy")
    assert vm.api.result(pending)["stopReason"] == "cancelled"
    assert vm.call("vm.getOrCreate")["created"] is True


HANGS = {"ECHO_LOAD": "1", "ECHO_FAIL": "hang"}


def hanging(vm: Vm) -> tuple[Session, Pending]:
    """A session whose agent never answers again, and the call that waits for it."""
    session = vm.session(env={"ECHO_LOAD": "1"})
    vm.sleep()
    resuming = session.start("resumeSession", options={"env": HANGS})
    assert not vm.api.client.wait(resuming, 0.2)
    return session, resuming


def test_cancelling_a_turn_whose_agent_does_not_wake(vm: Vm) -> None:
    session, resuming = hanging(vm)
    vm.api.client.cancel(resuming)
    assert vm.api.failure(resuming).rpc_code == -32800
    pending = session.start("sendPrompt", prompt="hello")
    assert not vm.api.client.wait(pending, 0.1)
    assert session.call("cancelPrompt") == {"outcome": "cancelled"}
    assert vm.api.result(pending)["stopReason"] == "cancelled"
    assert session.error("sendPrompt", prompt="hello", timeoutMs=100).name == "timeout"


@pytest.mark.parametrize(
    ("end", "told"), [("closeSession", "session_closed"), ("destroySession", "session_closed"), ("vm.destroy", None)]
)
def test_an_agent_that_hangs_at_its_start_holds_nobody_up(vm: Vm, end: str, told: str | None) -> None:
    session, resuming = hanging(vm)
    (vm if end.startswith("vm.") else session).call(end)
    assert vm.api.failure(resuming).name == (told or "vm_not_found"), "and not that the agent did not answer in time"
    assert vm.api.call("daemon.status")["processes"] == 0
    vm.call("vm.getOrCreate")


def test_a_session_that_hangs_while_it_is_made_holds_no_sleep_up(vm: Vm) -> None:
    creating = vm.start("createSession", agentType="echo", options={"env": HANGS})
    assert not vm.api.client.wait(creating, 0.1)
    vm.call("vm.destroy")
    assert vm.api.failure(creating).name == "vm_not_found", "and not that the agent did not answer in time"
    vm.call("vm.getOrCreate")


def test_sleep_waits_for_a_turn_within_the_grace_and_ends_it_after(vm: Vm) -> None:
    session = vm.session()
    session.subscribe()
    pending = session.begin("say on; sleep 200; say done")
    vm.sleep(graceMs=20_000)
    assert vm.api.result(pending)["text"] == "ondone"
    pending = session.begin("say on; sleep 60000")
    vm.sleep(graceMs=0)
    assert vm.api.result(pending)["stopReason"] == "cancelled"
    pending = session.begin("say on; ignore-cancel")
    vm.sleep(force=True)
    assert vm.api.result(pending)["stopReason"] == "cancelled"


def test_a_prompt_that_meets_a_vm_on_its_way_to_sleep_wakes_it_again(vm: Vm, daemon: Daemon) -> None:
    busy, other = vm.session(), vm.session(env={"ECHO_LOAD": "1"})
    busy.subscribe()
    pending = busy.start("sendPrompt", prompt="say on; permission")
    request = busy.until_permission()
    sleeping = vm.start("vm.sleep", graceMs=20_000)
    with daemon.connect() as api:
        late = other.through(api)
        prompt = late.start("sendPrompt", prompt="me too")
        created = late.vm.start("createSession", agentType="echo")
        busy.call("respondPermission", permissionId=request["permissionId"], reply="once")
        assert api.result(prompt)["text"] == "echo: me too"
        assert api.result(created)["agentType"] == "echo"
    assert vm.api.result(pending)["text"] == "onpermission: allow-once"
    assert vm.api.result(sleeping)


def test_prompts_and_sleeps_at_once_lose_nothing(vm: Vm, daemon: Daemon) -> None:
    sessions = [vm.session(env={"ECHO_LOAD": "1"}) for _ in range(2)]

    def talk(session: Session) -> None:
        with daemon.connect() as api:
            mine = session.through(api)
            for number in range(15):
                result = mine.prompt(f"say {number}; fswrite /home/user/{session.id} {number}")
                assert result["text"].startswith(str(number))
                assert mine.vm.read(f"/home/user/{session.id}") == str(number)

    def doze() -> None:
        with daemon.connect() as api:
            for _ in range(15):
                api.call("vm.sleep", vm=vm.name)

    with Background(lambda: talk(sessions[0])), Background(lambda: talk(sessions[1])), Background(doze):
        pass
    for session in sessions:
        said = [text for text in text_of(session.events()).split("bytes") if text]
        assert len(said) == 15
        assert session.types().count("_torpor/turn_ended") == 15


def test_what_a_vm_uses_is_told(make_vm: Callable[..., Vm]) -> None:
    vm = make_vm()
    asleep = vm.call("vm.stats")
    assert (asleep["state"], asleep["sessions"]["live"], asleep["processes"]["count"]) == ("asleep", 0, 0)
    session = vm.session()
    session.prompt("fswrite a.txt 12345; usage 1234 200000")
    events = len(session.events())
    stats = vm.call("vm.stats")
    assert (stats["state"], stats["sessions"]["live"], stats["sessions"]["total"]) == ("awake", 1, 1)
    assert stats["processes"]["count"] == 1
    assert stats["fuelUsed"] > 0
    assert (asleep["memoryBytes"], asleep["peakMemoryBytes"]) == (0, 0)
    assert 0 < stats["memoryBytes"] == stats["peakMemoryBytes"] == session.call("getSession")["memoryBytes"]
    session.prompt("hog 24")
    grown = vm.call("vm.stats")
    assert grown["memoryBytes"] == grown["peakMemoryBytes"] > stats["memoryBytes"] + 20 * 2**20
    agent = vm.call("listProcesses")[0]
    assert agent["memoryBytes"] == agent["peakMemoryBytes"] == grown["memoryBytes"]
    assert session.events()[-1]["event"]["params"]["peakMemoryBytes"] == grown["memoryBytes"]
    session.call("closeSession")
    closed = vm.call("vm.stats")
    assert (closed["memoryBytes"], closed["peakMemoryBytes"]) == (0, grown["memoryBytes"])
    assert session.call("getSession")["memoryBytes"] is None
    assert stats["events"] == events
    assert stats["files"]["bytes"] == asleep["files"]["bytes"] + 5
    assert stats["files"]["count"] > asleep["files"]["count"]
    assert vm.api.error("vm.stats", vm="no-such-vm").name == "vm_not_found"
