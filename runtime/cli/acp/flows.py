"""Requests in both directions as straight-line code, without I/O.

What happens for a request of the editor is a generator, a *flow*: it yields what it needs next and is sent the answer, or
has a `RefusedError` raised in it; what it returns answers the editor's request.

    made = yield Call("createSession", {...})       # a request to the daemon
    answer = yield Ask("session/request_permission", {...}, key)   # a request to the editor
    yield Until(lambda: session.last_seq >= seq)    # until that event has been forwarded
    yield Respond({...})                            # answer the editor now, and go on

Lines to write are left in `to_editor` and `to_daemon`. `settle` goes on with the flows whose time has come, after whatever
may have changed that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from runtime.api.limits import MAX_LINE
from runtime.cli import output
from runtime.cli.acp.errors import RefusedError, from_daemon, from_editor
from runtime.cli.acp.wire import Id, LineError, Message, encode
from runtime.jsonrpc import INTERNAL_ERROR, INVALID_REQUEST


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the daemon; params that are None are left out. Its result is what the flow is sent."""

    method: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to the editor. `key` names it for `Flows.withdraw`."""

    method: str
    params: dict[str, Any]
    key: Hashable


@dataclass(frozen=True, slots=True)
class Until:
    """Wait until something is so, which is looked at whenever something has come."""

    is_so: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer the editor's request now; the flow goes on."""

    result: dict[str, Any]


Step: TypeAlias = "Call | Ask | Until | Respond"
Flow: TypeAlias = Generator[Step, Any, Any]


@dataclass(eq=False, slots=True)
class _Task:
    flow: Flow
    answer: Callable[[Message], None] | None
    """Takes `result` or `error` for the editor; None once it is answered, and for what nobody waits for."""


@dataclass(eq=False)
class Flows:
    """The flows under way, and the requests that they wait for."""

    to_editor: deque[bytes] = field(default_factory=deque)
    to_daemon: deque[bytes] = field(default_factory=deque)
    _calls: dict[int, _Task] = field(default_factory=dict)
    _asks: dict[int, tuple[_Task, Hashable]] = field(default_factory=dict)
    _waiting: list[tuple[Until, _Task]] = field(default_factory=list)
    _last_id: int = 0

    @property
    def busy(self) -> bool:
        """Whether the daemon has still to answer something."""
        return bool(self._calls)

    def start(self, flow: Flow, request: tuple[Id] | None = None) -> None:
        """Run a flow as far as it goes; it answers the editor's request of the id in `request`, if that is given."""
        answer = None if request is None else lambda outcome: self.post({"id": request[0], **outcome})
        self._run(_Task(flow, answer))

    def post(self, message: Message) -> None:
        """Send the editor a message."""
        self.to_editor.append(encode(message))

    def answered_by_daemon(self, message: Message) -> None:
        """Take an answer of the daemon."""
        id_ = message.get("id")
        task = self._calls.pop(id_, None) if isinstance(id_, int) else None
        if task is not None:
            self._resume(task, message, from_daemon)
        elif isinstance(error := message.get("error"), dict):
            output.say(f"the daemon complains: {error.get('message')}")

    def answered_by_editor(self, message: Message) -> None:
        """Take an answer of the editor; one to a request that was withdrawn is dropped.

        Raises LineError for what is neither that nor a request.
        """
        id_ = message.get("id")
        found = self._asks.pop(id_, None) if isinstance(id_, int) else None
        if found is not None:
            self._resume(found[0], message, from_editor)
        elif "result" not in message and "error" not in message:
            raise LineError(INVALID_REQUEST, "Invalid request: neither a method nor an answer", id_)

    def withdraw(self, key: Hashable) -> None:
        """Tell the editor that an answer is no longer wanted, and end the flow that waits for it."""
        for id_, (task, other) in list(self._asks.items()):
            if other == key:
                del self._asks[id_]
                self.post({"method": "$/cancel_request", "params": {"requestId": id_}})
                task.flow.close()

    def settle(self) -> None:
        """Go on with the flows that wait for what has become so, the one that has waited longest first."""
        while ready := next((each for each in self._waiting if each[0].is_so()), None):
            self._waiting.remove(ready)
            self._run(ready[1])

    def fail(self, refusal: RefusedError) -> None:
        """Nothing will be answered any more: tell whoever waits for the editor's sake."""
        tasks = [
            *self._calls.values(),
            *(task for task, _ in self._asks.values()),
            *(task for _, task in self._waiting),
        ]
        self._calls.clear()
        self._asks.clear()
        self._waiting.clear()
        for task in tasks:
            task.flow.close()
            self._finish(task, refusal)

    def _resume(self, task: _Task, message: Message, translate: Callable[[dict[str, Any]], RefusedError]) -> None:
        error = message.get("error")
        if error is not None:
            self._run(task, error=translate(error if isinstance(error, dict) else {}))
        else:
            self._run(task, message.get("result"))

    def _run(self, task: _Task, value: Any = None, error: RefusedError | None = None) -> None:
        while True:
            try:
                step = task.flow.send(value) if error is None else task.flow.throw(error)
            except StopIteration as end:
                self._finish(task, end.value)
                return
            except RefusedError as refusal:
                self._finish(task, refusal)
                return
            except Exception as fault:  # a mistake of ours costs this request, not the connection
                output.say(f"internal error: {fault!r}")
                self._finish(task, RefusedError(INTERNAL_ERROR, f"Internal error: {fault!r}"))
                return
            value = error = None
            match step:
                case Call() | Ask():
                    self._request(task, step)
                    return
                case Until():
                    if not step.is_so():
                        self._waiting.append((step, task))
                        return
                case Respond(result=result):
                    self._finish(task, result)

    def _request(self, task: _Task, step: Call | Ask) -> None:
        self._last_id += 1
        id_ = self._last_id
        if isinstance(step, Call):
            params = {name: value for name, value in step.params.items() if value is not None}
            line = encode({"id": id_, "method": step.method, "params": params})
            if len(line) > MAX_LINE:
                refusal = RefusedError(INVALID_REQUEST, f"what the daemon is to be told has more than {MAX_LINE} bytes")
                self._run(task, error=refusal)
                return
            self._calls[id_] = task
            self.to_daemon.append(line)
        else:
            self._asks[id_] = (task, step.key)
            self.post({"id": id_, "method": step.method, "params": step.params})

    def _finish(self, task: _Task, outcome: Any) -> None:
        answer, task.answer = task.answer, None
        if answer is not None:
            answer({"error": outcome.to_wire()} if isinstance(outcome, RefusedError) else {"result": outcome})
        elif isinstance(outcome, RefusedError):
            output.say(outcome.message)
