"""What agents send over the network: granted or refused, and on record either way."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.sessions.transcript.network_log import BURST
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


GUEST = Path(__file__).resolve().parents[1] / "guests" / "dist" / "http_get.wasm"


@pytest.fixture
def fetching(make_vm: Callable[..., Vm]) -> Callable[..., Session]:
    """A session whose VM has a command that fetches a URL."""

    def make(*allow: str) -> Session:
        vm = make_vm(network={"allow": list(allow)})
        content = {"base64": base64.b64encode(GUEST.read_bytes()).decode()}
        vm.call("writeFile", path="/bin/http_get", content=content)
        return vm.session()

    return make


def test_what_an_agent_starts_is_on_its_sessions_record(fetching: Callable[..., Session]) -> None:
    with model([]) as served:
        session = fetching(served.host)
        other = session.vm.session()
        url = f"{served.server.url}/path?key=hidden"
        assert "status " in session.say(f"terminal http_get {url}")
        assert "HTTP-request-denied" in session.say("terminal http_get https://example.com/secret?key=hidden")
        assert "HTTP-request-denied" in session.say("terminal http_get http://metadata.torpor.internal/")
        found = requests(session)
        assert [(each["host"], each["path"], each.get("error")) for each in found] == [
            (served.server.host, "/path", None),
            ("example.com", "/secret", "HTTP-request-denied"),
            ("metadata.torpor.internal", "/", "HTTP-request-denied"),
        ]
        assert "hidden" not in str(found)
        assert requests(other) == []


def test_a_flood_of_requests_is_counted(fetching: Callable[..., Session]) -> None:
    session, count = fetching(), BURST + 200
    session.say(";".join(["terminal http_get http://example.com/"] * count))
    one_by_one = len(requests(session))
    assert BURST <= one_by_one < count
    counted = [each["event"]["params"] for each in session.events(types=["_torpor/http_requests"])]
    assert one_by_one + sum(params["count"] for params in counted) == count
    for params in counted:
        assert params["hosts"] == {"example.com:80": params["count"]}
        assert params["errors"] == {"HTTP-request-denied": params["count"]}
