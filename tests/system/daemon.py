"""A real daemon in a process of its own, and a client of it in which every wait ends."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from runtime.client.sync import ConnectError, Notification, Pending, RpcError, connect
from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


SECRET_OF_HOST: Final = "only-the-daemon-knows-this"
"""In the environment of the daemon that tests share."""

SERVE: Final = [sys.executable, "-m", "runtime.cli", "serve"]


class Daemon:
    """One state directory and, between `start` and `stop` or `kill`, the daemon that serves it."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.directory = directory
        self.state = directory / "state" / "state.db"
        self.socket = directory / "s"
        self.log = directory / "log"
        self.arguments: list[str] = []
        """More of them for `serve`."""
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(exist_ok=True)

    def start(self, **environment: str) -> Self:
        """Start the daemon and return once it says that it is ready."""
        with self.log.open("ab") as log:
            before = log.tell()
            self._process = subprocess.Popen(
                [*SERVE, f"--socket={self.socket}", f"--state={self.state}", *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**self._environment, **environment},
            )
        deadline = time.monotonic() + WAIT
        while b"torpor: ready on" not in self.log.read_bytes()[before:]:
            code = self._process.poll()
            assert code is None, f"the daemon ended with {code}: {self.log.read_text()}"
            assert time.monotonic() < deadline, "the daemon is not ready"
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.005)  # there is no event for "a file grew": look again soon
        return self

    def kill(self) -> None:
        """End it as a power cut would, as far as a process can see."""
        self._signal(signal.SIGKILL)

    def stop(self) -> int:
        """End it in order; the exit code."""
        return self._signal(signal.SIGTERM)

    def terminate(self) -> None:
        """Ask it to end; `stop` waits."""
        assert self._process is not None
        self._process.terminate()

    def restart(self) -> Self:
        """Kill it and start it on the same state."""
        self.kill()
        return self.start()

    def connect(self) -> Api:
        """A new connection."""
        return Api(self)

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    def rss(self) -> int:
        """Bytes of memory that the daemon has to itself."""
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text("ascii").splitlines()
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))

    def _signal(self, number: int) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            return process.wait(WAIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


class Api:
    """A connection: methods by name, each bounded by WAIT."""

    def __init__(self, daemon: Daemon) -> None:
        self.client = connect(daemon.socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def call(self, method: str, /, **params: Any) -> Any:
        """The result; raises RpcError."""
        return self.result(self.client.start(method, **params))

    def start(self, method: str, /, **params: Any) -> Pending:
        """Begin a call; `result` waits for it."""
        return self.client.start(method, **params)

    def result(self, pending: Pending) -> Any:
        """Wait for a call that was begun."""
        assert self.client.wait(pending, WAIT), f"{pending.method} has not been answered within {WAIT} s"
        return pending.result()

    def error(self, method: str, /, **params: Any) -> RpcError:
        """The error that the call is answered with."""
        return self.failure(self.start(method, **params))

    def failure(self, pending: Pending) -> RpcError:
        """The error of a call that was begun."""
        try:
            result = self.result(pending)
        except RpcError as error:
            return error
        raise AssertionError(f"{pending.method} did not fail, but answered {result!r}")

    def until(self, wanted: Callable[[Notification], bool], timeout: float = WAIT) -> list[Notification]:
        """The notifications up to and with the first wanted one."""
        seen = []
        for notification in self.client.notifications(timeout=timeout):
            seen.append(notification)
            if wanted(notification):
                return seen
        raise AssertionError(f"what was waited for did not come; seen: {[short(n) for n in seen][-20:]}")

    def forget(self) -> None:
        """Forget the notifications that have come so far."""
        for _ in self.client.notifications(timeout=0):
            pass

    def drain(self, pending: Pending) -> list[Notification]:
        """The notifications that come before the answer to a call."""
        seen = list(self.client.notifications(until=pending, timeout=WAIT))
        assert pending.done, f"{pending.method} has not been answered; seen: {[short(n) for n in seen][-20:]}"
        return seen


class Vm:
    """One VM through one connection, with the methods that nearly every test uses."""

    def __init__(self, api: Api, name: str, **options: Any) -> None:
        self.api = api
        self.name = name
        self.created = api.call("vm.getOrCreate", vm=name, options=options or None)

    def call(self, method: str, /, **params: Any) -> Any:
        """A method of this VM."""
        return self.api.call(method, vm=self.name, **params)

    def start(self, method: str, /, **params: Any) -> Pending:
        """Begin a method of this VM."""
        return self.api.start(method, vm=self.name, **params)

    def error(self, method: str, /, **params: Any) -> RpcError:
        """The error of a method of this VM."""
        return self.api.error(method, vm=self.name, **params)

    def session(self, agent: str = "echo", **options: Any) -> Session:
        """A new session."""
        return Session(self, self.call("createSession", agentType=agent, options=options or None))

    def through(self, api: Api) -> Vm:
        """The same VM through another connection."""
        return Vm(api, self.name)

    def read(self, path: str) -> Any:
        """A file's content."""
        return self.call("readFile", path=path)["content"]

    def write(self, path: str, content: str) -> None:
        """Write a file."""
        self.call("writeFile", path=path, content=content)

    def state(self) -> str:
        """`awake` or `asleep`."""
        return str(self.call("vm.get")["state"])

    def sleep(self, **params: Any) -> None:
        """Put it to sleep."""
        self.call("vm.sleep", **params)
        assert self.state() == "asleep"

    def rows(self) -> dict[str, dict[str, Any]]:
        """`listPersistedSessions` by id."""
        return {row["sessionId"]: row for row in self.call("listPersistedSessions")}


class Session:
    """One session of a VM."""

    def __init__(self, vm: Vm, info: dict[str, Any]) -> None:
        self.vm = vm
        self.info = info
        self.id = str(info["sessionId"])

    def call(self, method: str, /, **params: Any) -> Any:
        """A method of this session."""
        return self.vm.call(method, sessionId=self.id, **params)

    def start(self, method: str, /, **params: Any) -> Pending:
        """Begin a method of this session."""
        return self.vm.start(method, sessionId=self.id, **params)

    def error(self, method: str, /, **params: Any) -> RpcError:
        """The error of a method of this session."""
        return self.vm.error(method, sessionId=self.id, **params)

    def prompt(self, text: str) -> dict[str, Any]:
        """A turn's result."""
        result: dict[str, Any] = self.call("sendPrompt", prompt=text)
        return result

    def say(self, text: str) -> str:
        """A turn's text."""
        return str(self.prompt(text)["text"])

    def begin(self, text: str) -> Pending:
        """Begin a turn, and return when the agent has said something (after `subscribe`)."""
        self.vm.api.forget()
        pending = self.start("sendPrompt", prompt=text)
        self.until_update()
        return pending

    def subscribe(self, **params: Any) -> None:
        """Hear this session from now on."""
        self.call("subscribe", **params)

    def through(self, api: Api) -> Session:
        """The same session through another connection."""
        return Session(self.vm.through(api), self.info)

    def events(self, **params: Any) -> list[dict[str, Any]]:
        """The whole transcript: checked to be without gaps."""
        events: list[dict[str, Any]] = []
        while page := self.call("getSessionEvents", **params):
            events += page
            params["after"] = events[-1]["seq"]
        if not params.keys() - {"after"} and events[0]["seq"] == 0:
            assert [event["seq"] for event in events] == list(range(len(events)))
        return events

    def types(self) -> list[str]:
        """The types of all events, in order."""
        return [type_of(event["event"]) for event in self.events()]

    def until_update(self, kind: str = "agent_message_chunk") -> list[Notification]:
        """Wait for an event of this type to arrive (after `subscribe`)."""
        return self.vm.api.until(lambda n: n.method == "sessionEvent" and type_of(n.params["event"]) == kind)

    def until_permission(self) -> dict[str, Any]:
        """Wait for a permission request (after `subscribe`), and return it."""
        request: dict[str, Any] = self.vm.api.until(lambda n: n.method == "permissionRequest")[-1].params["request"]
        return request


def type_of(event: dict[str, Any]) -> str:
    """The type that `types` filters select on."""
    if event["method"] == "session/update":
        return str(event["params"]["update"]["sessionUpdate"])
    return str(event["method"])


def text_of(events: list[dict[str, Any]], kind: str = "agent_message_chunk") -> str:
    """The text of all chunks of one kind."""
    updates = [each["event"]["params"]["update"] for each in events if type_of(each["event"]) == kind]
    return "".join(update["content"]["text"] for update in updates)


def short(notification: Notification) -> str:
    """A notification for a failure's message."""
    event = notification.params.get("event")
    return notification.method if event is None else f"{notification.params['seq']}:{type_of(event)}"


class Background:
    """A function on a thread; leaving the block waits for its end and raises what it raised."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.result: Any = None

    def _run(self) -> None:
        try:
            self.result = self._function()
        except BaseException as failure:
            self._failure = failure

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(WAIT)
        assert not self._thread.is_alive(), "the thread has not ended"
        if self._failure is not None:
            raise self._failure


def environment(cache: Path, **variables: str) -> dict[str, str]:
    """What a daemon under test finds in its environment: a path, the cache, and nothing of the person who tests."""
    home = str(cache.with_name("home"))
    return {"PATH": os.environ.get("PATH", ""), "HOME": home, "TORPOR_CACHE": str(cache), **variables}


_numbers = itertools.count()


def fresh_name(stem: str) -> str:
    """A VM's name that no other test has."""
    return f"{stem[:80]}-{next(_numbers)}"


@contextlib.contextmanager
def running(daemon: Daemon) -> Iterator[Daemon]:
    """Start the daemon; whatever happens, it is gone afterwards."""
    try:
        yield daemon.start()
    finally:
        daemon.kill()


__all__ = [
    "SECRET_OF_HOST",
    "WAIT",
    "Api",
    "Background",
    "ConnectError",
    "Daemon",
    "Notification",
    "Pending",
    "RpcError",
    "Session",
    "Vm",
    "environment",
    "fresh_name",
    "running",
    "short",
    "text_of",
    "type_of",
]
