"""pi, the real agent, against a model that says what the test tells it to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runtime.testing.script import Break, Failure, Text, Thinking, Turn, call, say
from tests.system.daemon import Background, Vm, fresh_name, text_of
from tests.system.model import Model, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.daemon import Api, Daemon, Session

LONG = "word " * 400


def pi(make_vm: Callable[..., Vm], served: Model, **env: str) -> Session:
    vm = make_vm(network={"allow": [served.host]})
    session = vm.session("pi", env={**served.env, **env})
    session.subscribe()
    return session


def updates(session: Session, kind: str) -> list[dict[str, Any]]:
    return [each["event"]["params"]["update"] for each in session.events(types=[kind])]


def test_pi_writes_a_file_that_the_client_reads(make_vm: Callable[..., Vm]) -> None:
    script = [call("write", path="hello.txt", content="Hello, file.\n"), say("I wrote hello.txt.")]
    with model(script) as served:
        session = pi(make_vm, served)
        result = session.prompt("Write a file")
        assert (result["text"], result["stopReason"]) == ("I wrote hello.txt.", "end_turn")
        assert session.vm.read("/home/user/hello.txt") == "Hello, file.\n"
        (answer,) = served.last.tool_results()
        assert not answer.get("is_error")
        assert served.last.headers["x-api-key"] == "sk-scripted"
    started = updates(session, "tool_call")
    assert [update["kind"] for update in started] == ["edit"]
    assert [update.get("status") for update in updates(session, "tool_call_update")][-1] == "completed"
    assert session.vm.rows()[session.id]["title"] == "Write a file"


def test_pi_reads_edits_lists_finds_and_greps(make_vm: Callable[..., Vm]) -> None:
    script = [
        call("read", path="a.txt"),
        call("edit", path="a.txt", edits=[{"oldText": "old", "newText": "new"}]),
        call("ls", path="."),
        call("grep", pattern="n.w", path="."),
        call("find", pattern="*.txt"),
        call("read", path="no-such-file.txt"),
        say("done"),
    ]
    with model(script) as served:
        session = pi(make_vm, served)
        session.vm.write("/home/user/a.txt", "an old text\n")
        assert session.say("Work") == "done"
        assert session.vm.read("/home/user/a.txt") == "an new text\n"
        results = [str(request.tool_results()) for request in served.requests[1:]]
    assert "an old text" in results[0]
    assert "a.txt" in results[2]
    assert "an new text" in results[3]
    assert "a.txt" in results[4]
    assert "True" in results[5]


def test_pi_streams_thoughts_and_text_in_order_before_the_answer(make_vm: Callable[..., Vm]) -> None:
    with model([Turn((Thinking("Let me think."), Text(LONG, chunk=20)))]) as served:
        session = pi(make_vm, served)
        pending = session.start("sendPrompt", prompt="Talk")
        heard = session.vm.api.drain(pending)
    events = [n.params for n in heard if n.method == "sessionEvent"]
    seqs = [event["seq"] for event in events]
    assert seqs == list(range(seqs[0], pending.result()["seq"] + 1))
    assert text_of(events) == pending.result()["text"] == LONG
    assert text_of(events, "agent_thought_chunk") == "Let me think."
    assert len([n for n in heard if "agent_message_chunk" in str(n.params)]) > 10


def test_cancelling_pi_hangs_up_on_the_model(make_vm: Callable[..., Vm]) -> None:
    with model([say(LONG, delay=0.01), say("next")]) as served:
        session = pi(make_vm, served)
        pending = session.begin("Talk")
        assert session.call("cancelPrompt") == {"outcome": "cancelled"}
        assert session.vm.api.result(pending)["stopReason"] == "cancelled"
        assert served.wait_for_outcome(0) == "client_gone"
        assert session.say("And now?") == "next"
        assert served.last.prompts()[0] == "Talk"


def test_a_model_that_is_busy_is_asked_again(make_vm: Callable[..., Vm]) -> None:
    with model([Failure(429, retry_after=0), Failure(529, retry_after=0), say("at last")]) as served:
        assert pi(make_vm, served).say("Talk") == "at last"
        assert len(served.requests) == 3


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (Failure(400, "no such thing"), "no such thing"),
        (Failure(401, "bad key"), "bad key"),
        (Turn((Text(LONG),), break_=Break("disconnect", 10)), ""),
        (Turn((Text(LONG),), break_=Break("error", 10)), "verloaded"),
    ],
    ids=["400", "401", "disconnect", "error"],
)
def test_a_model_that_fails_ends_the_turn_and_not_the_session(
    make_vm: Callable[..., Vm], step: Turn | Failure, told: str
) -> None:
    with model([step, say("better")]) as served:
        session = pi(make_vm, served)
        error = session.error("sendPrompt", prompt="Talk")
        assert error.name == "agent_error"
        assert told in error.data["agentError"]["message"]
        assert session.say("Again") == "better"


def test_a_model_that_stays_busy_ends_the_turn(make_vm: Callable[..., Vm]) -> None:
    with model(lambda _: Failure(529, "Overloaded", retry_after=0)) as served:
        error = pi(make_vm, served).error("sendPrompt", prompt="Talk")
        assert error.name == "agent_error"
        assert error.data["agentError"]["data"]["status"] == 529
        assert 1 < len(served.requests) < 20


def test_models_and_thought_levels_are_options(make_vm: Callable[..., Vm]) -> None:
    with model(lambda _: "fine") as served:
        session = pi(make_vm, served)
        options = {option["category"]: option for option in session.info["configOptions"]}
        assert options.keys() == {"model", "thought_level"}
        assert session.call("getModes")["currentModeId"] == "auto"
        assert session.call("setMode", modeId="plan")["modes"]["currentModeId"] == "plan"
        session.call("setMode", modeId="auto")
        session.prompt("One")
        assert served.last.body["model"] == options["model"]["currentValue"]
        other = next(o["value"] for o in options["model"]["options"] if o["value"] != options["model"]["currentValue"])
        session.call("setModel", value=other)
        answer = session.call("setThoughtLevel", value="off")
        assert [option["currentValue"] for option in answer["configOptions"]] == [other, "off"]
        session.prompt("Two")
        assert served.last.body["model"] == other
        assert served.last.body.get("thinking", {"type": "disabled"})["type"] == "disabled"
        session.vm.sleep()
        session.prompt("Three")
        assert served.last.body["model"] == other
        assert [prompt for prompt in served.last.prompts() if prompt in {"One", "Two", "Three"}] == [
            "One",
            "Two",
            "Three",
        ]


def test_pi_without_a_key_says_so(make_vm: Callable[..., Vm]) -> None:
    session = make_vm().session("pi")
    error = session.error("sendPrompt", prompt="Talk")
    assert "ANTHROPIC_API_KEY" in error.data["agentError"]["message"]


def test_a_host_that_is_not_granted_is_never_reached(make_vm: Callable[..., Vm], api: Api) -> None:
    with model([say("never")]) as served:
        session = make_vm(network={"allow": ["example.com"]}).session("pi", env=served.env)
        error = session.error("sendPrompt", prompt="Talk")
        assert error.name == "agent_error"
        assert served.requests == []
        assert served.server.connections == 0


def test_two_pis_at_once_in_one_vm(make_vm: Callable[..., Vm], daemon: Daemon) -> None:
    def script(request: Any) -> Turn:
        prompt = request.prompts()[-1]
        if request.tool_results():
            return say(f"wrote {prompt}", delay=0.001)
        return call("write", path=f"{prompt}.txt", content=prompt)

    with model(script) as served:
        vm = make_vm(network={"allow": [served.host]})
        sessions = [vm.session("pi", env=served.env) for _ in range(2)]

        def talk(session: Session, name: str) -> None:
            with daemon.connect() as api:
                mine = session.through(api)
                for turn in range(3):
                    assert mine.say(f"{name}{turn}") == f"wrote {name}{turn}"

        with Background(lambda: talk(sessions[0], "one")), Background(lambda: talk(sessions[1], "two")):
            pass
        written = [name for name in vm.call("readdir", path="/home/user") if name.endswith(".txt")]
        assert written == sorted(f"{name}{turn}.txt" for name in ("one", "two") for turn in range(3))


def test_pi_goes_on_after_a_kill_with_files_events_and_memory(own_daemon: Daemon) -> None:
    script = [
        call("write", path="kept.txt", content="kept"),
        say("Written."),
        say(LONG, delay=0.01),
        say("You asked me to write."),
    ]
    with model(script) as served:
        name = fresh_name("pi")
        with own_daemon.connect() as api:
            vm = Vm(api, name, network={"allow": [served.host]})
            session = vm.session("pi", env=served.env)
            assert session.say("Write a file") == "Written."
            session.subscribe()
            session.begin("Talk long")
            events = session.events()
            own_daemon.restart()
        with own_daemon.connect() as api:
            session = session.through(api)
            after = session.events()
            assert after[: len(events)] == events
            assert after[-1]["event"]["method"] == "_torpor/turn_interrupted"
            assert session.vm.read("/home/user/kept.txt") == "kept"
            assert session.say("What did I ask?") == "You asked me to write."
            prompts = served.last.prompts()
            assert prompts[0] == "Write a file"
            assert prompts[-1].endswith("What did I ask?")
            assert "Written." in str(served.last.messages)
            resumed = session.events(types=["_torpor/session_resumed"])
            assert resumed[-1]["event"]["params"]["tier"] in {"resume", "load"}
            assert text_of(session.events()).count("Written.") == 1
