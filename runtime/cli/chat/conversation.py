"""A conversation with a session: opens it, follows its events, sends what was typed, answers what is asked.

It knows no terminal. Who shows it is told by `changed` that there is something new, and reads `state`, `questions` and so on.
All of it runs on one event loop, as tasks of `tasks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import anyio

from runtime.api.defaults import HOME
from runtime.api.events import (
    COMPILING,
    ELICITATION_REPLY,
    ELICITATION_REQUEST,
    PERMISSION_REPLY,
    PERMISSION_REQUEST,
    SESSION_EVENT,
    TURN_STARTED,
)
from runtime.cli.chat.attachments import AttachmentError, content_blocks
from runtime.cli.chat.fold import INTERRUPTED, fold, setup
from runtime.cli.chat.items import Note, clean
from runtime.cli.chat.questions import Form, Permission, Question
from runtime.cli.chat.state import State
from runtime.cli.progress import compiling
from runtime.client.errors import ClientError, ConnectionLostError, RpcError

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyio.abc import TaskGroup

    from runtime.client.client import Client
    from runtime.client.notification import Notification

REPLAYED_EVENTS: Final = 1000
"""Of a session that is gone on with: what they come to is shown again, a few screens."""

PAGE: Final = 500
"""Events asked for at a time."""

MAX_WAITING: Final = 20
"""Prompts that wait for the turn to end; who types more is told to wait."""


class Wanted(NamedTuple):
    """What the command line asks for."""

    agent: str
    vm: str | list[str]
    session: str | None = None
    """Go on in this one; None makes one."""
    yes: bool = False
    """Allow whatever the agent asks permission for."""
    vm_options: dict[str, Any] | None = None
    options: dict[str, Any] | None = None
    """Of a session that is made."""
    settings: tuple[tuple[str, dict[str, Any]], ...] = ()
    """Methods to call once the session is there, with their params: its model, its mode."""


class Conversation:
    """One conversation, which may go from session to session as it is forked."""

    def __init__(self, client: Client, wanted: Wanted, tasks: TaskGroup, changed: Callable[[], None]) -> None:
        self.client = client
        self.vm = wanted.vm
        self.agent = wanted.agent
        self.session_id = wanted.session or ""
        self.state = State()
        self.questions: list[Question] = []
        """What the agent asks, the oldest first."""
        self.waiting: list[str] = []
        """Prompts that are sent when the turn is over."""
        self.doing = f"starting {wanted.agent}"
        """What has to come to an end before a prompt can be sent; "" when one can."""
        self.is_lost = False
        """Whether the daemon is away."""
        self.capabilities: dict[str, Any] = {}
        self.is_cancelling = False
        self.cwd = HOME
        """The agent's working directory in the VM."""
        self.is_left = False
        """Whether the person wants to leave."""
        self._wanted = wanted
        self._tasks = tasks
        self._changed = changed
        self._is_sending = False
        self._settled_at: int | None = None
        self._following = anyio.CancelScope()
        self._moved = anyio.Event()
        client.on("disconnected", self._on_lost)
        client.on("reconnected", self._on_back)

    @property
    def is_busy(self) -> bool:
        """Whether a turn runs or is about to."""
        return self._is_sending or self.state.turn_started is not None

    @property
    def question(self) -> Question | None:
        """What the agent asks and waits for."""
        return self.questions[0] if self.questions else None

    @property
    def ids(self) -> dict[str, Any]:
        """What names the session in calls."""
        return {"vm": self.vm, "sessionId": self.session_id}

    async def run(self) -> None:
        """Open the session and follow it until cancelled. Raises ClientError when it cannot be opened."""
        if not self.session_id:
            await self.client.call("vm.getOrCreate", vm=self.vm, options=self._wanted.vm_options)
        self._tasks.start_soon(self._watch)
        await self._open()
        for method, params in self._wanted.settings:
            await self.change(method, **params)
        while True:
            with anyio.CancelScope() as self._following:
                await self._follow()

    def submit(self, text: str) -> bool:
        """Send a prompt, at once or after the turn that runs; False when too many wait."""
        if len(self.waiting) >= MAX_WAITING:
            return False
        self.waiting.append(text)
        self._go_on()
        return True

    async def idle(self) -> None:
        """Wait until no turn runs, and none is about to."""
        while self.is_busy or self.doing:
            await self._moved.wait()

    async def cancel(self) -> list[str]:
        """Stop the turn; returns the prompts that were to come after it."""
        waiting, self.waiting = self.waiting, []
        if self.is_busy and not self.is_cancelling:
            self.is_cancelling = True
            self._changed()
            try:
                await self.call("cancelPrompt")
            finally:
                self.is_cancelling = False
                self._changed()
        return waiting

    async def answer(self, question: Question, method: str, params: dict[str, Any]) -> None:
        """Answer a question."""
        self.questions = [each for each in self.questions if each is not question]
        self._changed()
        try:
            await self.client.call(method, **self.ids, **params)
        except RpcError as error:
            if error.name not in ("permission_not_pending", "elicitation_not_pending"):  # then somebody else was first
                self.note_error(error)
        except ConnectionLostError as error:
            self.note_error(error)

    async def change(self, method: str, **params: Any) -> bool:
        """Set the model, the mode or an option; whether it was taken."""
        made = await self.call(method, **params)
        if made is None:
            return False
        setup(self.state, made)
        self._changed()
        return True

    async def call(self, method: str, **params: Any) -> Any:
        """Call a method on the session; an error is shown, and None returned."""
        try:
            return await self.client.call(method, **self.ids, **params)
        except ClientError as error:
            self.note_error(error)
            return None

    async def call_vm(self, method: str, **params: Any) -> Any:
        """Call a method on the VM; an error is shown, and None returned."""
        try:
            return await self.client.call(method, vm=self.vm, **params)
        except ClientError as error:
            self.note_error(error)
            return None

    def leave(self) -> None:
        """End the conversation; the session stays."""
        self.is_left = True
        self._changed()

    def note(self, text: str, style: str = "dim") -> None:
        """Say something that is not the agent's."""
        self.state.note(text, style)
        self._changed()

    def note_error(self, error: Exception) -> None:
        """Say what went wrong, with the agent's last words where they are known."""
        said = str(error)
        if isinstance(error, RpcError):
            name = f" ({error.name})" if error.name else ""
            lines = error.data.get("stderr") if isinstance(error.data, dict) else None
            said += name + "".join(
                f"\n  | {line}" for line in (lines.splitlines() if isinstance(lines, str) else lines or ())
            )
        self.note(clean(said), "bad")

    async def turn_starts(self) -> list[int]:
        """The `seq` of the events with which the session's turns began."""
        found: list[int] = []
        while True:
            page = await self.client.call(
                "getSessionEvents", **self.ids, types=[TURN_STARTED], after=found[-1] if found else -1, limit=PAGE
            )
            found += [entry["seq"] for entry in page]
            if len(page) < PAGE:
                return found

    async def go_to(self, made: dict[str, Any], *, shown: bool) -> None:
        """Go on in another session: what `createSession` or `forkSession` has answered."""
        self.vm = made.get("vm", self.vm)
        self.session_id = made["sessionId"]
        self.state, self.questions = State(), []
        self._know(made)
        await self._replay(shown=shown)
        self._following.cancel()
        self._changed()

    async def create(self) -> dict[str, Any] | None:
        """Make a session as the command line asks for it; None when there was an error."""
        made: dict[str, Any] | None = await self.call_vm(
            "createSession", agentType=self.agent, options=self._wanted.options
        )
        return made

    async def _open(self) -> None:
        wanted = self._wanted
        if self.session_id:
            await self._replay(shown=True)
            made = await self.client.call("resumeSession", **self.ids)
        else:
            made = await self.client.call("createSession", vm=self.vm, agentType=self.agent, options=wanted.options)
            self.session_id = made["sessionId"]
        self._know(made)

    def _know(self, made: dict[str, Any]) -> None:
        self.agent = made["agentType"]
        self.capabilities = made["capabilities"] or {}
        self.cwd = made["cwd"]
        setup(self.state, made)

    async def _replay(self, *, shown: bool) -> None:
        """Fold what the session has been through, the last of it at least."""
        row = await self.client.call("getSession", **self.ids)
        last = row["lastSeq"]
        after = self.state.seq = max(-1, last - REPLAYED_EVENTS)
        while self.state.seq < last:
            page = await self.client.call("getSessionEvents", **self.ids, after=self.state.seq, limit=PAGE)
            for entry in page:
                fold(self.state, entry)
            if not page:
                break
        if row["status"] != "running" and self.state.turn_started is not None:
            self.state.end_turn(None, INTERRUPTED, self.state.turn_started)
        if not shown:
            self.state.take()
        elif after >= 0:
            self.state.complete.insert(0, Note("… what was before is in `torpor log`"))
        self._changed()

    async def _follow(self) -> None:
        vm = self.client.vm.get(self.vm)
        async with vm.connect(self.session_id, after=self.state.seq) as events:
            self.doing = ""
            self._go_on()
            self._changed()
            async for notification in events:
                self._hear(notification)

    async def _watch(self) -> None:
        """Tell what is compiled before the agent or a command of it can start."""
        async with self.client.vm.get(self.vm).connect(types=[COMPILING]) as events:
            async for notification in events:
                if notification.method == COMPILING:
                    self.note(compiling(notification.params))

    def _hear(self, notification: Notification) -> None:
        params = notification.params
        if notification.method == SESSION_EVENT:
            self._take(params)
        elif notification.method == PERMISSION_REQUEST:
            request = params["request"]
            tool = self.state.tools.get(str((request.get("toolCall") or {}).get("toolCallId")))
            question = Permission(request, tool)
            self.questions.append(question)
            if self._wanted.yes and (place := question.place_of("allow_once", "allow_always")) is not None:
                self._tasks.start_soon(self.answer, question, *question.answer(place))
        elif notification.method == ELICITATION_REQUEST:
            self.questions.append(Form(params["request"]))
        self._changed()

    def _take(self, entry: dict[str, Any]) -> None:
        fold(self.state, entry)
        event = entry["event"]
        if event["method"] in (PERMISSION_REPLY, ELICITATION_REPLY):
            answered = (event["params"].get("permissionId"), event["params"].get("questionId"))
            self.questions = [each for each in self.questions if each.id not in answered]
        self._settle()
        self._go_on()

    def _go_on(self) -> None:
        """Send what waits, if nothing is in its way."""
        self._moved.set()
        self._moved = anyio.Event()
        if self.waiting and not self.doing and not self.is_busy and not self.is_lost:
            self._is_sending = True
            self._tasks.start_soon(self._send, self.waiting.pop(0))
        self._changed()

    async def _send(self, text: str) -> None:
        turns = self.state.turns
        try:
            blocks = await anyio.to_thread.run_sync(content_blocks, text, self.capabilities)
            await self.client.call("sendPrompt", **self.ids, prompt=blocks)
        except AttachmentError as error:
            self.note(str(error), "bad")
        except RpcError as error:
            if self.state.turns == turns:  # else the turn's end has told it
                self.note_error(error)
        except ConnectionLostError:
            pass  # what became of the turn is found out when the daemon is back
        finally:
            self._is_sending = False
            self._go_on()

    def _on_lost(self, _: dict[str, Any]) -> None:
        self.is_lost = True
        self._changed()

    async def _on_back(self, params: dict[str, Any]) -> None:
        self.is_lost = False
        if params["restarted"]:
            self.questions = []
            row = await self.call("getSession") if self.session_id else None
            self._settled_at = row["lastSeq"] if row is not None and row["status"] != "running" else None
            self._settle()
        self._go_on()

    def _settle(self) -> None:
        """A turn that the daemon has not ended before it went away is over when all of it was seen."""
        if self._settled_at is not None and self.state.seq >= self._settled_at:
            self._settled_at = None
            if self.state.turn_started is not None:
                self.state.end_turn(None, INTERRUPTED, self.state.turn_started)
