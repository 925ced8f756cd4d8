"""Secrets: in the hands of who needs them, and nowhere else."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from runtime.testing.script import Failure, say
from tests.patience import WAIT
from tests.system.daemon import RpcError, Vm
from tests.system.model import model

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.daemon import Daemon, Session

SECRET = 'sk-"not"-to-be/found\\anywhere'
KEY = "sk-real-key-0123456789"
MARK = "[redacted:API_KEY]"


def nowhere(daemon: Daemon, *values: str) -> None:
    """Nothing that the daemon has written holds any of the values: state file, write-ahead log, keys, its own output."""
    files = [path for path in daemon.state.parent.iterdir() if path.is_file()]
    assert any(path.name.endswith("-wal") for path in files), files
    for file in [*files, daemon.log]:
        content = file.read_bytes()
        for value in values:
            for form in (value, json.dumps(value)[1:-1]):
                assert form.encode() not in content, (file, form)


def asking(title: str) -> str:
    call = {"toolCallId": "1", "title": title, "rawInput": {"command": f"login {title}"}}
    option = {"optionId": "no", "name": "No", "kind": "reject_once"}
    return f"request session/request_permission {json.dumps({'toolCall': call, 'options': [option]})}"


def test_a_secret_is_nowhere_whatever_the_agent_does_with_it(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        session = Vm(api, "vm").session(secrets={"API_KEY": SECRET, "OTHER": {"value": KEY}}, env={"PLAIN": "seen"})
        session.subscribe()
        seen = json.loads(session.say("env"))
        assert (seen["API_KEY"], seen["OTHER"], seen["PLAIN"]) == (MARK, "[redacted:OTHER]", "seen")
        for command in (
            f"say {SECRET}",
            f"thought {SECRET}",
            f"title {SECRET}",
            f"stderr {SECRET}",
            f"toolcall {SECRET}",
        ):
            session.say(command)
        pending = session.start("sendPrompt", prompt=asking(SECRET))
        request = session.until_permission()
        assert request["toolCall"]["rawInput"] == {"command": f"login {MARK}"}
        session.call("respondPermission", permissionId=request["permissionId"], optionId="no")
        api.result(pending)
        error = session.error("sendPrompt", prompt=f"fail {SECRET}")
        assert error.data["agentError"]["message"] == MARK
        assert session.vm.rows()[session.id]["title"] == MARK
        error = session.error("sendPrompt", prompt=f"stderr {SECRET};exit 3")
        assert error.name == "agent_failed"
        assert error.data["stderr"].endswith(MARK)
        events = json.dumps(session.events())
        assert MARK in events
        assert json.dumps(SECRET)[1:-1] not in events
        own_daemon.kill()
    # What the user wrote into a prompt was redacted, too: it is in the same transcript.
    nowhere(own_daemon, SECRET, KEY)


def test_a_refused_session_does_not_tell_its_secrets(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        vm = Vm(api, "vm")
        wrong: list[Any] = [
            {"API_KEY": {"value": SECRET, "placeholder": True}},
            {"API_KEY": {"value": f"{SECRET}\n", "placeholder": True, "hosts": ["a"]}},
            {"API_KEY": {"value": SECRET, "fromHostEnv": "X"}},
            {"API_KEY": {"value": SECRET, "from": "X"}},
            {"API_KEY": SECRET, "B": {"fromHostEnv": "NO_SUCH_VARIABLE"}},
        ]
        for secrets in wrong:
            error = vm.error("createSession", agentType="echo", options={"secrets": secrets})
            assert SECRET not in f"{error} {error.data}"
        error = vm.error("createSession", agentType="no-such-agent", options={"secrets": {"API_KEY": SECRET}})
        assert SECRET not in f"{error} {error.data}"
        assert vm.call("listPersistedSessions") == []
        own_daemon.kill()
    nowhere(own_daemon, SECRET)


def test_a_secret_from_the_host_is_looked_up_at_each_start_and_never_kept(own_daemon: Daemon) -> None:
    given = {"API_KEY": {"fromHostEnv": "HOST_KEY"}}
    own_daemon.stop()
    own_daemon.start(HOST_KEY=KEY)
    with own_daemon.connect() as api:
        session = Vm(api, "vm").session(secrets=given)
        assert session.say(f"env API_KEY;say {KEY}") == f"API_KEY={MARK}{MARK}"
        own_daemon.kill()
    nowhere(own_daemon, KEY)
    own_daemon.start(HOST_KEY="another-value")
    with own_daemon.connect() as api:
        session = session.through(api)
        assert session.say(f"env API_KEY;say {KEY}").endswith(f"API_KEY={MARK}{KEY}"), (
            "the old value is a secret no more"
        )
        own_daemon.kill()
    own_daemon.start()
    with own_daemon.connect() as api:
        error = session.through(api).error("sendPrompt", prompt="hello")
        assert (error.name, error.data["names"], error.data["hostEnv"]) == (
            "secrets_required",
            ["API_KEY"],
            ["HOST_KEY"],
        )
        assert "the daemon's environment has no HOST_KEY" in str(error)
        session.through(api).call("resumeSession", options={"secrets": {"API_KEY": "given-by-value"}})
        assert session.through(api).say("env API_KEY").endswith(f"API_KEY={MARK}")


def sealed(session: Session) -> Any:
    return session.say("env SEALED")


def test_the_key_is_rotated_and_everything_still_opens(own_daemon: Daemon) -> None:
    key = own_daemon.state.parent / "key"
    with own_daemon.connect() as api:
        sessions = [Vm(api, f"vm{number}").session(env={"SEALED": f"value {number}"}) for number in range(3)]
        old = key.read_bytes()
        assert api.call("daemon.rotateKey") == {"resealed": 3, "unreadable": 0}
        assert key.read_bytes() != old
        command = [sys.executable, "-m", "runtime.cli", "keys", "rotate", f"--socket={own_daemon.socket}"]
        done = subprocess.run([*command, "--json"], capture_output=True, timeout=WAIT, check=True)
        assert json.loads(done.stdout) == {"resealed": 3, "unreadable": 0}
        said = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=True)
        assert "3 sessions" in said.stderr
        assert sealed(sessions[0]).endswith("value 0"), "a live session goes on"
        own_daemon.restart()
    with own_daemon.connect() as api:
        for number, session in enumerate(sessions):
            assert sealed(session.through(api)).endswith(f"value {number}")
        own_daemon.kill()
    key.write_bytes(old)
    own_daemon.start()
    with own_daemon.connect() as api:
        error = sessions[0].through(api).error("sendPrompt", prompt="hello")
        assert (error.name, error.data["names"]) == ("secrets_required", ["SEALED"])


def test_a_daemon_that_is_killed_while_it_rotates_keys_loses_nothing(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        session = Vm(api, "vm").session(env={"SEALED": "value"})
    for answered in (0, 1, 3):
        with own_daemon.connect() as api:
            pending = [api.start("daemon.rotateKey") for _ in range(20)]
            api.result(pending[answered])
            own_daemon.kill()  # in the middle of one of the others
        own_daemon.start()
        with own_daemon.connect() as api:
            assert sealed(session.through(api)).endswith("SEALED=value")
            assert not own_daemon.state.with_name("key.new").exists()


def test_a_placeholder_is_all_that_the_guest_has(make_vm: Callable[..., Vm]) -> None:
    session = make_vm().session(secrets={"API_KEY": {"value": KEY, "placeholder": True, "hosts": ["api.example.com"]}})
    token = session.say("env API_KEY").removeprefix("API_KEY=")
    assert token.startswith("torpor-placeholder-")
    session.vm.sleep()
    assert session.say("env API_KEY").endswith(f"API_KEY={token}"), "the token is the session's"
    assert session.vm.session(secrets={"API_KEY": KEY}).say("env API_KEY") == f"API_KEY={MARK}"


def test_pi_works_with_a_placeholder_for_its_key(own_daemon: Daemon) -> None:
    with model([say("Hello."), Failure(401, f"the key {KEY} is wrong"), say("Again.")]) as served:
        env = {"ANTHROPIC_BASE_URL": served.env["ANTHROPIC_BASE_URL"]}
        secret = {"value": KEY, "placeholder": True, "hosts": [served.host]}
        with own_daemon.connect() as api:
            vm = Vm(api, "vm", network={"allow": [served.host]})
            session = vm.session("pi", env=env, secrets={"ANTHROPIC_API_KEY": secret})
            assert session.say("Talk") == "Hello."
            assert served.last.headers["x-api-key"] == KEY
            (event,) = session.events(types=["_torpor/http_request"])
            assert event["event"]["params"]["secrets"] == ["ANTHROPIC_API_KEY"]
            error = session.error("sendPrompt", prompt="What is my key?")
            assert "[redacted:ANTHROPIC_API_KEY]" in error.data["agentError"]["message"]
            vm.sleep()
            assert session.say("Talk") == "Again."
            assert KEY not in json.dumps(session.events())
            assert KEY not in json.dumps([request.body for request in served.requests])

            elsewhere = vm.session(
                "pi", env=env, secrets={"ANTHROPIC_API_KEY": {**secret, "hosts": ["api.anthropic.com"]}}
            )
            try:
                elsewhere.say("Talk")
            except RpcError as error:  # the script is at its end; what counts is what was sent
                assert error.name == "agent_error"  # noqa: PT017
            assert served.last.headers["x-api-key"].startswith("torpor-placeholder-")
            own_daemon.kill()
        nowhere(own_daemon, KEY)
