"""What a client has seen is there after `kill -9`; SIGTERM ends everything in order; the file alone tells no secret."""

from __future__ import annotations

import base64
import contextlib
import os
import random
import resource
import sqlite3
import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest

from runtime.client.sync import ConnectionLostError, RpcError
from tests.patience import WAIT
from tests.system.daemon import Background, Daemon, Vm, text_of

if TYPE_CHECKING:
    from tests.system.daemon import Session

SECRET = "sk-not-to-be-found-anywhere"
KILLS = int(os.environ.get("TORPOR_SOAK_KILLS", "5"))  # `make soak` asks for many more


def check_integrity(daemon: Daemon) -> None:
    """The file as a daemon that is gone has left it."""
    with contextlib.closing(sqlite3.connect(daemon.state)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_what_was_seen_of_a_turn_is_there_after_a_kill(own_daemon: Daemon) -> None:
    daemon = own_daemon
    with daemon.connect() as api:
        vm = Vm(api, "crash")
        session = vm.session(env={"ECHO_LOAD": "1"})
        session.prompt("say first; fswrite done.txt of a finished turn")
        session.subscribe()
        session.begin("fswrite half.txt seen; stream 100000 1")
        assert vm.read("/home/user/half.txt") == "seen"
        heard = api.until(lambda n: n.method == "sessionEvent" and n.params["seq"] > 40)
        seen = {n.params["seq"]: n.params["event"] for n in heard if n.method == "sessionEvent"}
        rows = vm.rows()
        daemon.kill()
    check_integrity(daemon)
    daemon.start()
    with daemon.connect() as api:
        assert api.call("vm.get", vm="crash")["state"] == "asleep"
        vm = Vm(api, "crash")
        session = type(session)(vm, session.info)
        events = session.events()
        assert {seq: events[seq]["event"] for seq in seen} == seen
        assert events[-1]["event"]["method"] == "_torpor/turn_interrupted"
        row = vm.rows()[session.id]
        assert (row["status"], row["createdAt"]) == ("suspended", rows[session.id]["createdAt"])
        assert vm.read("/home/user/half.txt") == "seen"
        assert vm.read("/home/user/done.txt") == "of a finished turn"
        assert vm.state() == "asleep"
        assert session.say("say on") == "on"
        assert session.events()[: len(events)] == events
        assert session.types().count("_torpor/turn_interrupted") == 1
    assert daemon.stop() == 0
    check_integrity(daemon)


def test_pending_permissions_do_not_survive_a_kill_and_are_asked_again(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        session = Vm(api, "crash").session()
        session.subscribe()
        session.start("sendPrompt", prompt="permission")
        old = session.until_permission()
        own_daemon.restart()
    with own_daemon.connect() as api:
        session = session.through(api)
        error = session.error("respondPermission", permissionId=old["permissionId"], reply="once")
        assert error.name == "permission_not_pending"
        session.subscribe()
        pending = session.start("sendPrompt", prompt="permission")
        new = session.until_permission()
        assert new["permissionId"] != old["permissionId"]
        session.call("respondPermission", permissionId=new["permissionId"], reply="once")
        assert api.result(pending)["text"].endswith("permission: allow-once")


class Client:
    """Talks in one session until the daemon dies, and notes all that it has been told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.id: str | None = None
        self.seen: dict[int, Any] = {}
        self.files: dict[str, str] = {}
        self.turn = 0
        self.told = threading.Semaphore(0)

    def talk(self, daemon: Daemon) -> None:
        with contextlib.suppress(ConnectionLostError, RpcError), daemon.connect() as api:
            vm = Vm(api, "storm")
            if self.id is None:
                self.id = f"{self.name}"
            session = vm.session(sessionId=self.id, env={"ECHO_LOAD": "1"})
            session.subscribe(after=max(self.seen, default=-1))
            while True:
                self.turn += 1
                path = f"/home/user/{self.name}/{self.turn % 4}.txt"
                pending = session.start("sendPrompt", prompt=f"stream 30 1; write {path} {self.turn}; fsread {path}")
                for notification in api.client.notifications(until=pending, timeout=WAIT):
                    if notification.method == "sessionEvent":
                        self.seen[notification.params["seq"]] = notification.params["event"]
                    self.told.release()
                assert pending.result()["stopReason"] == "end_turn"
                self.files[path] = str(self.turn)

    def check(self, daemon: Daemon) -> None:
        assert self.id is not None
        with daemon.connect() as api:
            vm = Vm(api, "storm")
            events = session_events(vm, self.id)
            assert {seq: events[seq]["event"] for seq in self.seen} == self.seen
            for path, content in self.files.items():
                found = vm.read(path)
                # A turn that was cut off may have written once more; from now on that has been seen.
                assert int(content) <= int(found) <= self.turn
                assert int(found) % 4 == int(content) % 4
                self.files[path] = found


def session_events(vm: Vm, session_id: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    while page := vm.call("getSessionEvents", sessionId=session_id, after=events[-1]["seq"] if events else None):
        events += page
    assert [event["seq"] for event in events] == list(range(len(events)))
    return events


def test_a_storm_of_kills(own_daemon: Daemon) -> None:
    seed = random.randrange(2**32)  # noqa: S311 - chance is what is wanted
    moments = random.Random(seed)  # noqa: S311 - as above
    print("seed", seed)  # noqa: T201 - for who has to find out about a failure
    clients = [Client("one"), Client("two"), Client("three")]
    for _ in range(KILLS):
        talks = [Background(lambda client=client: client.talk(own_daemon)) for client in clients]  # type: ignore[misc]
        with talks[0], talks[1], talks[2]:
            for _ in range(moments.randrange(20, 200)):
                assert clients[0].told.acquire(timeout=WAIT)
            own_daemon.kill()
        check_integrity(own_daemon)
        own_daemon.start()
        for client in clients:
            client.check(own_daemon)
    assert all(client.seen and client.files for client in clients)


def test_sigterm_ends_turns_as_cancelled_and_lets_clients_know(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        vm = Vm(api, "term")
        sessions = [vm.session(), vm.session(), vm.session()]
        prompts = ["say on; sleep 60000", "say on; ignore-cancel", "say on; spin"]
        pending = []
        for session, prompt in zip(sessions, prompts, strict=True):
            session.subscribe()
            pending.append(session.begin(prompt))
        own_daemon.terminate()
        for each in pending:
            assert api.result(each)["stopReason"] == "cancelled"
        assert own_daemon.stop() == 0
    check_integrity(own_daemon)
    assert not own_daemon.socket.exists()
    assert not own_daemon.state.with_name("state.db-wal").exists()
    own_daemon.start()
    with own_daemon.connect() as api:
        for session in sessions:
            again = session.through(api)
            kinds = again.types()
            assert "_torpor/turn_interrupted" not in kinds
            assert "_torpor/turn_ended" in kinds[-2:]
            assert text_of(again.events()).startswith(("on", "onnot"))
            assert again.say("say back").endswith("back")


def test_sigterm_does_not_wait_for_an_agent_that_hangs_at_its_start(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        vm = Vm(api, "term")
        creating = vm.start("createSession", agentType="echo", options={"env": {"ECHO_FAIL": "hang"}})
        assert not api.client.wait(creating, 0.2)
        own_daemon.terminate()
        assert api.failure(creating).name == "shutting_down", "and not that the agent did not answer in time"
        assert own_daemon.stop() == 0


def test_the_result_of_a_keyed_prompt_outlives_the_daemon(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        session = Vm(api, "keyed").session()
        first = session.call("sendPrompt", prompt="say once", idempotencyKey="k")
        own_daemon.restart()
    with own_daemon.connect() as api:
        session = session.through(api)
        count = len(session.events())
        assert session.call("sendPrompt", prompt="say once", idempotencyKey="k") == first
        assert len(session.events()) == count
        assert session.error("sendPrompt", prompt="say twice", idempotencyKey="k").name == "session_conflict"


def test_a_full_disk_is_told_and_costs_nothing_that_was_there(own_daemon: Daemon) -> None:
    # No two alike, and nothing to compress: the store would keep them in less space.
    blocks = [{"base64": base64.b64encode(os.urandom(1_000_000)).decode()} for _ in range(6)]
    with own_daemon.connect() as api:
        vm = Vm(api, "full")
        session = vm.session(env={"ECHO_LOAD": "1"})
        session.prompt("say before; fswrite small.txt kept")
        _, hard = resource.prlimit(own_daemon.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(own_daemon.pid, resource.RLIMIT_FSIZE, (3_000_000, hard))
        writes = [vm.start("writeFile", path=f"/{number}", content=block) for number, block in enumerate(blocks)]
        names = set()
        for write in writes:
            with contextlib.suppress(RpcError):
                api.result(write)
                continue
            names.add(api.failure(write).name)
        assert names == {"io_error"}
        resource.prlimit(own_daemon.pid, resource.RLIMIT_FSIZE, (1, hard))  # what failed was undone: a prompt would fit
        assert session.error("sendPrompt", prompt="say during").name == "io_error"
        assert text_of(session.events()).startswith("before")
        resource.prlimit(own_daemon.pid, resource.RLIMIT_FSIZE, (hard, hard))
        vm.write("/home/user/after.txt", "works")
        assert session.say("say after; fsread small.txt").endswith("afterfsread: kept")
        own_daemon.kill()
    check_integrity(own_daemon)
    own_daemon.start()
    with own_daemon.connect() as api:
        vm = Vm(api, "full")
        assert vm.read("/home/user/after.txt") == "works"
        assert session.through(api).say("fsread small.txt").endswith("kept")


def test_a_second_daemon_on_the_same_state_is_refused(own_daemon: Daemon) -> None:
    other = Daemon(own_daemon.directory / "other", own_daemon._environment)
    other.state = own_daemon.state
    with pytest.raises(AssertionError, match=r"the daemon ended with [1-9].*another Torpor daemon"):
        other.start()
    with own_daemon.connect() as api:
        assert Vm(api, "fine").session().say("fine") == "echo: fine"


def test_a_second_daemon_on_the_same_socket_is_refused(own_daemon: Daemon) -> None:
    other = Daemon(own_daemon.directory / "other", own_daemon._environment)
    other.socket = own_daemon.socket
    with pytest.raises(AssertionError, match=r"the daemon ended with [1-9]") as refusal:
        other.start()
    assert "Traceback" not in str(refusal.value)
    with own_daemon.connect() as api:
        assert Vm(api, "fine").session().say("fine") == "echo: fine"


def test_a_newer_state_file_is_refused_and_left_alone(own_daemon: Daemon) -> None:
    assert own_daemon.stop() == 0
    with contextlib.closing(sqlite3.connect(own_daemon.state)) as connection:
        connection.execute("PRAGMA user_version = 9999")
    before = own_daemon.state.read_bytes()
    with pytest.raises(AssertionError, match="newer Torpor"):
        own_daemon.start()
    assert own_daemon.state.read_bytes() == before


def test_no_file_but_the_key_tells_the_environment(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        vm = Vm(api, "sealed")
        session = vm.session(
            env={"API_KEY": SECRET},
            mcpServers=[{"type": "remote", "name": "m", "url": "http://h", "headers": {"Authorization": SECRET}}],
        )
        session.prompt("say hello")
        assert "agent_failed" in str(
            vm.error("createSession", agentType="echo", options={"env": {"API_KEY": SECRET, "ECHO_FAIL": "new"}}).data
        )
        directory = own_daemon.state.parent
        assert stat.S_IMODE(own_daemon.state.stat().st_mode) == 0o600
        assert stat.S_IMODE((directory / "key").stat().st_mode) == 0o600
        own_daemon.kill()  # with the log of the database still there
    for file in [*directory.iterdir(), own_daemon.log]:
        assert SECRET.encode() not in file.read_bytes(), file
    own_daemon.start()
    with own_daemon.connect() as api:
        session = session.through(api)
        assert session.say("env API_KEY").endswith(f"API_KEY={SECRET}")  # said by the agent, who may know it
        own_daemon.kill()
    (directory / "key").unlink()
    own_daemon.start()
    with own_daemon.connect() as api:
        session = session.through(api)
        error = session.error("sendPrompt", prompt="hello")
        assert error.name == "secrets_required"
        assert "API_KEY" in error.data["names"]
        assert error.data["options"] == ["env", "mcpServers"]
        session.call("resumeSession", options={"env": {"API_KEY": "new"}, "mcpServers": []})
        assert session.say("env API_KEY").endswith("API_KEY=new")


def test_secrets_are_asked_for_again_after_a_restart_and_not_after_a_sleep(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        vm = Vm(api, "secrets")
        session = vm.session(secrets={"API_KEY": SECRET})
        vm.sleep()
        assert session.say("env API_KEY") == "API_KEY=[redacted:API_KEY]"
        session = vm.session(secrets={"API_KEY": SECRET})
        own_daemon.restart()
    with own_daemon.connect() as api:
        session: Session = session.through(api)  # type: ignore[no-redef]
        error = session.error("resumeSession")
        assert (error.name, error.data["names"]) == ("secrets_required", ["API_KEY"])
        session.call("resumeSession", options={"secrets": {"API_KEY": "again"}})
        assert session.say("env API_KEY").endswith("API_KEY=again")
