"""Turns: what a prompt is answered with, the events that come before it, and every way to cancel one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.patience import WAIT
from tests.system.daemon import Background, Session, text_of, type_of

if TYPE_CHECKING:
    from tests.system.daemon import Api, Daemon, Notification, Vm


def test_the_answer_is_the_concatenated_text_and_the_agents_stop_reason(vm: Vm) -> None:
    session = vm.session()
    result = session.prompt("say one; thought never; say two; plan; say three; stop max_tokens")
    assert result["text"] == "onetwothree"
    assert result["stopReason"] == "max_tokens"
    assert result["response"]["stopReason"] == "max_tokens"
    events = session.events()
    assert result["seq"] == events[-1]["seq"]
    assert text_of(events, "user_message_chunk").startswith("say one;")
    assert text_of(events, "agent_thought_chunk") == "never"


def test_content_blocks_are_checked_against_what_the_agent_takes(vm: Vm) -> None:
    session = vm.session()
    blocks = [{"type": "text", "text": "hello"}, {"type": "image", "mimeType": "image/png", "data": "AAAA"}]
    assert session.call("sendPrompt", prompt=blocks)["text"].startswith("echo: hello")
    events = [each["event"] for each in session.events(types=["user_message_chunk"])]
    assert [event["params"]["update"]["content"] for event in events] == blocks
    audio = [{"type": "audio", "mimeType": "audio/wav", "data": "AAAA"}]
    error = session.error("sendPrompt", prompt=audio)
    assert (error.name, error.data["capability"]) == ("unsupported_by_agent", "promptCapabilities.audio")
    assert session.error("sendPrompt", prompt=[{"type": "poem"}]).data["pointer"] == "/prompt/0"
    error = session.error("sendPrompt", prompt=[*blocks, {**blocks[1], "data": "!!"}])
    assert (error.name, error.data["pointer"]) == ("invalid_argument", "/prompt/2")
    assert session.say("still there") == "echo: still there"


def test_all_events_of_a_turn_come_before_its_answer_and_in_order(vm: Vm) -> None:
    session, other = vm.session(), vm.session()
    session.subscribe()
    pending = session.start("sendPrompt", prompt="stream 200")
    heard = vm.api.drain(pending)
    events = [n.params for n in heard if n.method == "sessionEvent"]
    assert [event["seq"] for event in events] == list(range(1, events[-1]["seq"] + 1))
    assert {event["sessionId"] for event in events} == {session.id}
    assert {event["event"]["params"]["sessionId"] for event in events} == {session.id}  # and never the agent's own id
    assert events[-1]["seq"] == pending.result()["seq"]
    assert text_of(events) == pending.result()["text"] == "".join(f"chunk {n}\n" for n in range(1, 201))
    assert [n.params["event"] for n in heard] == [each["event"] for each in session.events()[1:]]
    assert other.types() == ["_torpor/session_started"]


def test_a_replay_goes_over_into_the_live_stream_without_gap_or_duplicate(vm: Vm, daemon: Daemon) -> None:
    session = vm.session()
    session.prompt("stream 500")
    with daemon.connect() as api:
        late = session.through(api)
        pending = session.start("sendPrompt", prompt="stream 500")
        late.subscribe(after=3)
        vm.api.result(pending)
        last = pending.result()["seq"]
        heard = api.until(lambda n: n.method == "sessionEvent" and n.params["seq"] == last)
    assert [n.params["seq"] for n in heard if n.method == "sessionEvent"] == list(range(4, last + 1))


def test_one_turn_at_a_time(vm: Vm) -> None:
    session = vm.session()
    session.subscribe()
    pending = session.begin("say on; sleep 60000")
    assert session.error("sendPrompt", prompt="me too").name == "prompt_in_progress"
    assert vm.rows()[session.id]["status"] == "running"
    session.call("cancelPrompt")
    assert vm.api.result(pending)["stopReason"] == "cancelled"
    assert vm.rows()[session.id]["status"] == "idle"


def test_what_needs_no_agent_wakes_nothing(vm: Vm) -> None:
    session = vm.session()
    first = session.call("sendPrompt", prompt="say once", idempotencyKey="k")
    vm.sleep()
    assert session.call("sendPrompt", prompt="say once", idempotencyKey="k") == first
    assert session.error("sendPrompt", prompt="say twice", idempotencyKey="k").name == "session_conflict"
    assert session.call("cancelPrompt") == {"outcome": "no_active_prompt"}
    for method, params in (("cancelPrompt", {}), ("sendPrompt", {"prompt": "say once", "idempotencyKey": "k"})):
        assert vm.error(method, sessionId="nobody", **params).name == "session_not_found"
    assert vm.state() == "asleep"
    assert session.call("sendPrompt", prompt="say more", idempotencyKey="other")["text"].endswith("more")
    assert vm.state() == "awake"


def test_an_idempotency_key_gives_the_first_result_again(vm: Vm) -> None:
    session = vm.session()
    first = session.call("sendPrompt", prompt="say once", idempotencyKey="k")
    count = len(session.events())
    assert session.call("sendPrompt", prompt="say once", idempotencyKey="k") == first
    assert len(session.events()) == count
    assert session.error("sendPrompt", prompt="say twice", idempotencyKey="k").name == "session_conflict"


def test_a_turn_with_a_deadline_ends_as_cancelled_when_it_passes(vm: Vm) -> None:
    session = vm.session()
    error = session.error("sendPrompt", prompt="sleep 60000", timeoutMs=50)
    assert (error.name, error.data["stopReason"], error.retryable) == ("timeout", "cancelled", True)
    assert session.say("next") == "echo: next"


def test_closing_the_connection_ends_the_wait_and_not_the_turn(vm: Vm, daemon: Daemon) -> None:
    session = vm.session()
    session.subscribe()
    with daemon.connect() as api:
        session.through(api).start("sendPrompt", prompt="permission")
        request = session.until_permission()
    session.call("respondPermission", permissionId=request["permissionId"], reply="once")
    session.until_update("_torpor/turn_ended")
    assert text_of(session.events()) == "permission: allow-once"


def test_taking_a_prompt_back_ends_the_wait_and_not_the_turn(vm: Vm) -> None:
    session = vm.session()
    session.subscribe()
    pending = session.begin("say on; permission")
    vm.api.client.cancel(pending)
    assert vm.api.failure(pending).rpc_code == -32800
    (request,) = session.call("getSession")["pendingPermissions"]
    session.call("respondPermission", permissionId=request["permissionId"], reply="once")
    session.until_update("_torpor/turn_ended")
    assert text_of(session.events()) == "onpermission: allow-once"


def test_resuming_what_lives_changes_nothing(vm: Vm) -> None:
    session = vm.session()
    session.prompt("say hello")
    before = session.events()
    assert session.call("resumeSession") == session.info
    assert session.events() == before


def test_an_agents_own_error_is_passed_on_and_the_session_goes_on(vm: Vm) -> None:
    session = vm.session()
    error = session.error("sendPrompt", prompt="fail not today")
    assert (error.name, error.data["agentError"]["message"]) == ("agent_error", "not today")
    assert session.say("next") == "echo: next"


class TestCancel:
    def test_without_a_turn(self, vm: Vm) -> None:
        session = vm.session()
        assert session.call("cancelPrompt") == {"outcome": "no_active_prompt"}
        assert session.say("next") == "echo: next"

    def test_in_the_middle_of_a_stream(self, vm: Vm, daemon: Daemon) -> None:
        session = vm.session()
        session.subscribe()
        pending = session.begin("stream 100000 5")
        assert session.call("cancelPrompt") == {"outcome": "cancelled"}
        assert pending.done or vm.api.result(pending)
        assert pending.result()["stopReason"] == "cancelled"
        assert pending.result()["text"].startswith("chunk 1\n")
        assert session.say("next") == "echo: next"

    def test_with_a_permission_pending(self, vm: Vm) -> None:
        session = vm.session()
        session.subscribe()
        pending = session.start("sendPrompt", prompt="permission")
        request = session.until_permission()
        assert session.call("cancelPrompt") == {"outcome": "cancelled"}
        assert vm.api.result(pending)["stopReason"] == "cancelled"
        assert vm.api.result(pending)["text"] == "permission: cancelled"  # said after the cancel, and recorded
        error = session.error("respondPermission", permissionId=request["permissionId"], reply="once")
        assert (error.name, error.data["reason"]) == ("permission_not_pending", "cancelled")
        assert session.say("next") == "echo: next"

    def test_of_an_agent_that_ignores_it_kills_it_after_the_grace(self, vm: Vm) -> None:
        session = vm.session()
        session.subscribe()
        pending = session.begin("ignore-cancel")
        assert session.call("cancelPrompt", graceMs=100) == {"outcome": "killed"}
        assert vm.api.result(pending)["stopReason"] == "cancelled"
        assert vm.api.result(pending)["text"] == "not listening\n"
        assert session.say("say next").endswith("next")

    def test_of_an_agent_that_spins(self, vm: Vm) -> None:
        session = vm.session()
        session.subscribe()
        pending = session.begin("say going; spin")
        assert session.call("cancelPrompt", graceMs=0) == {"outcome": "killed"}
        assert vm.api.result(pending)["stopReason"] == "cancelled"
        assert session.say("say next").endswith("next")

    def test_of_a_closed_session(self, vm: Vm) -> None:
        session = vm.session()
        session.call("closeSession")
        assert session.call("cancelPrompt") == {"outcome": "no_active_prompt"}

    def test_twice_at_once(self, vm: Vm, daemon: Daemon) -> None:
        session = vm.session()
        session.subscribe()
        pending = session.begin("say on; sleep 60000")
        cancels = [session.start("cancelPrompt") for _ in range(3)]
        assert {vm.api.result(cancel)["outcome"] for cancel in cancels} <= {"cancelled", "no_active_prompt"}
        assert vm.api.result(cancels[0])["outcome"] == "cancelled"
        assert vm.api.result(pending)["stopReason"] == "cancelled"
        assert session.say("next") == "echo: next"


def test_parallel_clients_each_get_their_own(vm: Vm, daemon: Daemon) -> None:
    def talk(name: str) -> tuple[Session, list[Notification]]:
        with daemon.connect() as api:
            session = vm.through(api).session()
            session.subscribe()
            heard: list[Any] = []
            for turn in range(5):
                pending = session.start("sendPrompt", prompt=f"say {name}-{turn}; stream 20")
                heard += api.drain(pending)
                assert pending.result()["text"].startswith(f"{name}-{turn}")
            return session, heard

    names = [f"client{number}" for number in range(4)]
    threads = [Background(lambda name=name: talk(name)) for name in names]  # type: ignore[misc]
    with threads[0], threads[1], threads[2], threads[3]:
        pass
    for name, thread in zip(names, threads, strict=True):
        session, heard = thread.result
        assert {n.params["sessionId"] for n in heard} == {session.id}
        assert [n.params["seq"] for n in heard] == list(range(1, heard[-1].params["seq"] + 1))
        others = set(names) - {name}
        assert not any(other in str(n.params) for n in heard for other in others)


def test_options_and_modes(vm: Vm) -> None:
    session = vm.session()
    answer = session.call("setModel", value="large")
    assert {option["id"]: option["currentValue"] for option in answer["configOptions"]} == {
        "model": "large",
        "thought": "off",
    }
    session.call("setThoughtLevel", value="high")
    session.call("setMode", modeId="code")
    assert session.say("state").startswith('{"mode":"code","config":{"model":"large","thought":"high"}')
    kinds = [type_of(each["event"]) for each in session.events()]
    assert kinds.count("config_option_update") == 2
    assert kinds.count("current_mode_update") == 1
    assert session.error("setModel", value="enormous").name == "agent_error"


def test_an_agent_that_sends_its_own_updates_is_not_doubled(vm: Vm) -> None:
    session = vm.session(env={"ECHO_UPDATES": "1"})
    session.call("setModel", value="large")
    session.call("setMode", modeId="code")
    kinds = session.types()
    assert (kinds.count("config_option_update"), kinds.count("current_mode_update")) == (1, 1)


def test_malformed_lines_of_a_client_hurt_nobody(vm: Vm, api: Api, daemon: Daemon) -> None:
    session = vm.session()
    with daemon.connect() as other:
        raw = other.client._socket
        raw.settimeout(WAIT)
        raw.sendall(b"not json\n[]\n" + b'[{"jsonrpc":"2.0","id":1,"method":"hello","params":{}}]\n')
        answers = b""
        while answers.count(b"\n") < 3:
            answers += raw.recv(65536)
        assert answers.count(b"-32700") == 1
        assert answers.count(b"-32600") == 2
        assert other.call("hello")["protocol"] == 1
    assert session.say("fine") == "echo: fine"


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "\N{SNOWMAN}" * 1000, "a \u2028 \u2029 \0 \N{GRINNING FACE} b"],
    ids=["long", "wide", "odd"],
)
def test_any_text_comes_back_as_it_went_in(vm: Vm, text: str) -> None:
    session = vm.session()
    assert session.say(text) == f"echo: {text}"
    assert text_of(session.events(), "user_message_chunk") == text
