"""What agents send over the network: granted or refused, and on record either way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.testing.script import say
from tests.system.model import model

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.daemon import Session, Vm


def requests(session: Session) -> list[dict[str, Any]]:
    """The network record."""
    return [each["event"]["params"] for each in session.events(types=["_torpor/http_request"])]


def test_every_request_is_on_record_without_what_it_said(make_vm: Callable[..., Vm]) -> None:
    with model([say("One."), say("Two.")]) as served:
        vm = make_vm(network={"allow": [served.host]})
        session = vm.session("pi", env=served.env)
        session.subscribe()
        pending = session.start("sendPrompt", prompt="Talk")
        heard = [n.params["event"]["method"] for n in vm.api.drain(pending) if n.method == "sessionEvent"]
        assert "_torpor/http_request" in heard, "clients hear of it before the turn's end"
        session.prompt("Talk")
        first, second = requests(session)
        assert {name: first[name] for name in ("method", "scheme", "host", "port", "path", "status")} == {
            "method": "POST",
            "scheme": "http",
            "host": served.server.host,
            "port": served.server.port,
            "path": "/v1/messages",
            "status": 200,
        }
        assert "error" not in first
        assert first["bytesIn"] > 0
        assert second["bytesOut"] > first["bytesOut"] > 0
        assert first["durationMs"] >= 0
        assert "sk-scripted" not in str(first)


def test_a_refused_request_is_on_record_too(make_vm: Callable[..., Vm]) -> None:
    with model([say("never")]) as served:
        session = make_vm().session("pi", env=served.env)
        assert session.error("sendPrompt", prompt="Talk").name == "agent_error"
        assert served.server.connections == 0
    found = requests(session)
    assert {(each["host"], each["port"], each["error"]) for each in found} == {
        (served.server.host, served.server.port, "HTTP-request-denied")
    }
    assert all("status" not in each and each["bytesOut"] == 0 for each in found)


def test_the_instructions_are_in_what_pi_tells_its_model(make_vm: Callable[..., Vm]) -> None:
    with model(lambda _: say("fine")) as served:
        vm = make_vm(network={"allow": [served.host]})
        vm.session("pi", env=served.env).prompt("Talk")
        plain = served.last.system
        vm.session("pi", env=served.env, additionalInstructions="Speak Latin.").prompt("Talk")
        more = served.last.system
        skipping = vm.session("pi", env=served.env, additionalInstructions="Speak Latin.", skipOsInstructions=True)
        skipping.prompt("Talk")
        skipped = served.last.system
        vm.sleep()
        skipping.prompt("Talk")
        assert served.last.system == skipped
    assert "# The machine" in plain
    assert "Speak Latin." not in plain
    assert more.index("# The machine") < more.index("# Tools") < more.index("Speak Latin.")
    assert "# The machine" not in skipped
    assert "# Tools" in skipped
    assert "Speak Latin." in skipped
