"""The synchronous client: one connection, plain calls, the standard library only. No threads, and not for use by several.

with connect() as client:
    agent = client.vm.get_or_create("demo")
    session = agent.create_session("echo")
    print(agent.send_prompt(session.session_id, "Hello").text)

    agent.subscribe(session.session_id)
    turn = client.start("sendPrompt", vm="demo", sessionId=session.session_id, prompt="Hello")
    for notification in client.notifications(until=turn):
        print(notification.method, notification.params)
    print(turn.result()["text"])

The methods of `client.vm` are those of the asynchronous client without `await`; they alone need more than the standard
library.
"""

from __future__ import annotations

import errno
import json
import os
import select
import socket
import struct
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from runtime.api.endpoint import MAX_MESSAGE, EndpointError, check_directory, socket_path
from runtime.client.errors import ClientError, ConnectError, ConnectionLostError, RpcError
from runtime.client.generated.daemon_sync import DaemonMethods
from runtime.client.notification import Notification
from runtime.jsonrpc import Line, Lines, TooLong, encode, joined

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from runtime.client.generated.types import VmOptions
    from runtime.client.sync_vm import Vm, Vms

MAX_QUEUED: Final = 100_000
"""Notifications kept for later while a call waits: who subscribes has to read them, too."""

RECEIVE_SIZE: Final = 256 * 1024
"""Bytes asked of the socket at a time: what the daemon writes at a time."""


class Pending:
    """A request on its way; `done` says whether its answer has come."""

    def __init__(self, request_id: int, method: str) -> None:
        self.id = request_id
        self.method = method
        self.done = False
        self._result: Any = None
        self._error: RpcError | None = None

    def result(self) -> Any:
        """Return the answer once `done`. Raises RpcError for an error, RuntimeError before the answer is there."""
        if not self.done:
            raise RuntimeError(f"{self.method} has not been answered yet")
        if self._error is not None:
            raise self._error
        return self._result

    def _settle(self, message: dict[str, Any]) -> None:
        error = message.get("error")
        if error is not None:
            self._error = RpcError.of(error)
        self._result = message.get("result")
        self.done = True


class Client(DaemonMethods):
    """A connection to the daemon; a context manager. Made by `connect`."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._lines = Lines(MAX_MESSAGE)
        self._pending: dict[int, Pending] = {}
        self._queued: deque[Notification] = deque()
        self._last_id = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def daemon_pid(self) -> int:
        """The process id of the daemon, as the kernel noted it when it began to listen: known without a call, so that a
        program can watch or end a daemon that does not answer."""
        pid, _uid, _gid = struct.unpack("3i", self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return int(pid)

    @property
    def vm(self) -> Vms:
        """The VMs, by name."""
        from runtime.client.sync_vm import Vms  # noqa: PLC0415 - what the commands do without

        return Vms(self)

    def close(self) -> None:
        """Close the connection; turns that run go on. Idempotent."""
        self._socket.close()

    def fileno(self) -> int:
        """The connection's descriptor, to wait for several at once; then `notifications(timeout=0)` reads what has arrived."""
        return self._socket.fileno()

    def detach(self) -> socket.socket:
        """Hand the connection over to a caller that reads and writes it in another way. RuntimeError if a call is under way."""
        if self._pending or self._lines.held:
            raise RuntimeError("the connection is in use")
        return self._socket

    def call(self, method: str, /, **params: Any) -> Any:
        """Send a request and wait for its result. Raises RpcError, ConnectionLostError."""
        pending = self.start(method, **params)
        while not pending.done:
            self._receive(None)
        return pending.result()

    def _invoke(self, method: str, params: dict[str, Any]) -> Any:
        return self.call(method, **params)

    def start(self, method: str, /, **params: Any) -> Pending:
        """Send a request without waiting; wait with `notifications(until=...)` or `wait`. Params that are None are left out.

        Raises ConnectionLostError, and UnicodeEncodeError for a string that UTF-8 cannot carry.
        """
        self._last_id += 1
        pending = Pending(self._last_id, method)
        present = {name: value for name, value in params.items() if value is not None}
        line = encode({"id": pending.id, "method": method, "params": present})
        self._pending[pending.id] = pending
        self._send(line)
        return pending

    def wait(self, pending: Pending, timeout: float | None = None) -> bool:
        """Wait for the answer to `pending`, at most `timeout` seconds; say whether it is there."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not pending.done:
            if not self._receive(deadline):
                break
        return pending.done

    def cancel(self, pending: Pending) -> None:
        """Give up a request; it is answered all the same, usually with error -32800."""
        self._send(encode({"method": "$/cancel_request", "params": {"id": pending.id}}))

    def notifications(self, until: Pending | None = None, timeout: float | None = None) -> Iterator[Notification]:
        """Yield notifications as they come, until `until` is answered or `timeout` seconds have passed.

        What came before the answer is yielded before the end. Raises ConnectionLostError when the daemon is gone.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            while self._queued:
                yield self._queued.popleft()
            if until is not None and until.done:
                return
            if not self._receive(deadline):
                return

    def _send(self, line: bytes) -> None:
        """Write a line, reading what comes meanwhile: a daemon whose answers nobody reads may stop reading, too."""
        data = memoryview(line)
        try:
            while data:
                if self._wait(select.POLLIN | select.POLLOUT, None) & select.POLLOUT:
                    data = data[self._socket.send(data, socket.MSG_DONTWAIT) :]
                else:
                    self._fill()
        except OSError as error:
            raise ConnectionLostError(f"the daemon has closed the connection: {error.strerror}") from error

    def _receive(self, deadline: float | None) -> bool:
        """Take in at least one message; False when the deadline came first."""
        taken = False
        while not taken:
            for line in self._lines:
                self._take(_decoded(line))
                taken = True
            if not taken:
                if deadline is not None and not self._wait(select.POLLIN, max(0.0, deadline - time.monotonic())):
                    return False
                self._fill()
        return True

    def _wait(self, events: int, timeout: float | None) -> int:
        """Wait for the socket at most `timeout` seconds; return poll(2)'s answer, 0 when the time is up."""
        poll = select.poll()  # and not select(), which refuses descriptors above 1,023
        poll.register(self._socket, events)
        ready = poll.poll(None if timeout is None else timeout * 1000)
        return ready[0][1] if ready else 0

    def _fill(self) -> None:
        try:
            data = self._socket.recv(RECEIVE_SIZE)
        except OSError as error:
            raise ConnectionLostError(f"the connection broke: {error.strerror}") from error
        if not data:
            raise ConnectionLostError("the daemon has closed the connection")
        self._lines.push(data)

    def _take(self, message: dict[str, Any]) -> None:
        if "method" in message:
            if len(self._queued) >= MAX_QUEUED:
                raise ClientError("too many notifications wait to be read")
            self._queued.append(Notification(message["method"], message.get("params", {})))
            return
        pending = self._pending.pop(message["id"], None) if message.get("id") is not None else None
        if pending is not None:
            pending._settle(message)  # noqa: SLF001 - the other half of this module
        elif message.get("id") is None and "error" in message:
            error = message["error"]
            raise RpcError.of(error)


def _decoded(line: Line) -> dict[str, Any]:
    if isinstance(line, TooLong):
        raise ConnectionLostError(f"what answers is no daemon: it sends {line.size} bytes in one line")
    try:
        message = json.loads(joined(line))
    except (ValueError, RecursionError) as error:
        raise ConnectionLostError(f"what answers is no daemon: it does not send JSON ({error})") from error
    if not isinstance(message, dict):
        raise ConnectionLostError("what answers is no daemon: it sends JSON that is no message")
    return message


def connect(
    path: str | os.PathLike[str] | None = None, *, timeout: float | None = 10.0, autostart: bool = True
) -> Client:
    """Connect to the daemon at `path` (also `unix:///path`), by default at the default place (`runtime.api.endpoint`).

    `timeout` bounds the connecting in seconds, not what follows. Where nobody listens, `torpor` on the PATH starts a daemon,
    unless `autostart` is false. Raises ConnectError when no daemon answers, and EndpointError when the place is not to be
    trusted.
    """
    if path is not None and os.fspath(path).startswith("http://"):
        raise EndpointError(f"{path} is for the asynchronous client; this one speaks over the Unix socket")
    place = socket_path(path)
    check_directory(place)
    try:
        return Client(_connected(place, timeout))
    except ConnectError as failure:
        if not autostart:
            raise
        _start(place, failure)
    return Client(_connected(place, timeout))


def _connected(place: Path, timeout: float | None) -> socket.socket:
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.settimeout(timeout)
        connected.connect(os.fspath(place))
        connected.settimeout(None)
    except OSError as error:
        connected.close()
        reason = (
            "there is no socket" if error.errno == errno.ENOENT else (error.strerror or "it does not answer in time")
        )
        raise ConnectError(place, reason) from error
    return connected


def _start(place: Path, failure: ConnectError) -> None:
    """Have a daemon started. Raises ConnectError."""
    import subprocess  # noqa: PLC0415 - what the commands do without

    from runtime.client.starting import START_SECONDS, check_start, start_command  # noqa: PLC0415 - as above

    try:
        done = subprocess.run(  # noqa: S603 - our own command
            start_command(failure, place),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ConnectError(place, f"`torpor start` has not ended within {START_SECONDS:g} s") from error
    check_start(failure, place, done.returncode, done.stderr)


@contextmanager
def vm(
    name: str | list[str],
    options: VmOptions | None = None,
    *,
    place: str | os.PathLike[str] | None = None,
    autostart: bool = True,
) -> Iterator[Vm]:
    """Connect, and yield the VM of this name, which its first use creates if need be: `with torpor.vm("demo") as vm`.

    `options` are the VM's, `place` and `autostart` as `connect_sync` has them. Raises ConnectError, EndpointError.
    """
    with connect(place, autostart=autostart) as client:
        yield client.vm.get_or_create(name, options)


__all__ = [
    "Client",
    "ClientError",
    "ConnectError",
    "ConnectionLostError",
    "EndpointError",
    "Notification",
    "Pending",
    "RpcError",
    "connect",
    "vm",
]
