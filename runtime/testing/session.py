"""The session under test, and its turns. Blocking calls; `aio` has the same for async tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs
import msgspec
import trio

from runtime.api.events import PERMISSION_REQUEST, TURN_ENDED
from runtime.api.sessions import SessionEvent
from runtime.client.errors import RpcError
from runtime.testing import expect, transcript
from runtime.testing.aio import Aio

if TYPE_CHECKING:
    from runtime.client.notification import Notification
    from runtime.testing.golden import Golden
    from runtime.testing.transcript import Entry, ToolCall
    from runtime.testing.vm import TestVm

PROMPT_SECONDS: Final = 60.0
"""After which a turn is cancelled: an agent that hangs does not hang the suite."""

Reply = Literal["once", "always", "reject"]
Permissions = Reply | Callable[[dict[str, Any]], str]


class TestSession:
    """A session of an agent in the VM under test.

    `permissions` answers the agent's permission requests: "once", "always", "reject", or a function of the request
    (`{permissionId, toolCall, options, description?}`) that returns one of these. None: a request fails the turn.
    """

    __test__ = False

    def __init__(
        self,
        vm: TestVm,
        agent: str,
        options: dict[str, Any],
        permissions: Permissions | None,
        golden: Golden,
    ) -> None:
        __tracebackhide__ = True
        self.vm = vm
        self.permissions = permissions
        self._golden = golden
        self.turns: list[Turn] = []
        self.turns_ended = 0
        """How many turns there were, those that failed among them."""
        self.fuel = 0
        """What they took."""
        vm.mark_once()
        self.info: dict[str, Any] = vm.call("createSession", agentType=agent, options=options or None)
        self.id = str(self.info["sessionId"])
        started = self._events(-1)
        self._seen = started[-1].seq if started else -1

    @property
    def aio(self) -> Aio[TestSession]:
        """The same methods, to be awaited."""
        return Aio(self)

    def call(self, method: str, /, **params: Any) -> Any:
        """Call any method of the API that takes `sessionId`."""
        return self.vm.call(method, sessionId=self.id, **params)

    def prompt(self, prompt: str | list[dict[str, Any]], *, timeout: float = PROMPT_SECONDS) -> Turn:
        """Run one turn. It is cancelled after `timeout` seconds, and AssertionError raised.

        Raises RpcError when the agent fails; AssertionError when it asks for a permission that nobody answers.
        """
        __tracebackhide__ = True
        running = _Running(self, prompt)
        try:
            result = self.vm.api.loop.run(running.run, timeout)
        except RpcError as error:
            error.add_note(f"transcript:\n{transcript.around(transcript.entries(self._news()))}")
            raise
        events = self._news()
        if running.mistake is not None:
            raise running.mistake
        if running.unanswered is not None:
            title = running.unanswered.get("description") or "something"
            shown = transcript.around(transcript.entries(events))
            raise expect.unmet(
                f"the agent asked permission for {title!r}, and the test gives no answer; say permissions=...", shown
            )
        if result is None:
            shown = transcript.around(transcript.entries(events))
            raise expect.unmet(f"the turn was not over after {timeout:g} s, and was cancelled", shown)
        turn = Turn(self, result["text"], result["stopReason"], result["response"], events)
        self.turns.append(turn)
        return turn

    def events(self) -> list[SessionEvent]:
        """Return the whole transcript."""
        return self._events(-1)

    def transcript(self) -> list[Entry]:
        """Return the transcript as a person reads it."""
        return transcript.entries(self.events())

    def close(self) -> None:
        """Stop the agent, keep everything."""
        self.call("closeSession")

    def resume(self) -> None:
        """Bring a closed or suspended session back."""
        self.call("resumeSession")

    def expect_golden(self, name: str | None = None) -> None:
        """Expect the transcript to be as in the file `golden/NAME.txt` beside the test; `--torpor-update` writes it."""
        __tracebackhide__ = True
        self._golden.compare(self.transcript(), name)

    def expect_turns(self, *, at_most: int) -> None:
        """Expect the session to have taken no more than so many turns."""
        __tracebackhide__ = True
        expect.turns(self.transcript(), at_most)

    def _news(self) -> list[SessionEvent]:
        """Return what has happened since the last time."""
        events = self._events(self._seen)
        self._seen = events[-1].seq if events else self._seen
        for each in events:
            if each.event["method"] == TURN_ENDED:
                self.turns_ended += 1
                self.fuel += each.event["params"].get("fuelUsed") or 0
        return events

    def _events(self, after: int) -> list[SessionEvent]:
        events: list[SessionEvent] = []
        while page := self.call("getSessionEvents", after=after if after >= 0 else None):
            events += msgspec.convert(page, list[SessionEvent])
            after = events[-1].seq
        return events


@attrs.define
class Turn:
    """One turn: what the agent said and did, with expectations whose failures show the transcript."""

    session: TestSession
    text: str
    stop_reason: str
    response: dict[str, Any]
    events: list[SessionEvent]
    """Those of this turn."""

    @property
    def entries(self) -> list[Entry]:
        """The turn as a person reads it."""
        return transcript.entries(self.events)

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The agent's tool calls, in order."""
        return transcript.tool_calls(self.entries)

    @property
    def thoughts(self) -> str:
        """What the agent thought aloud."""
        return "".join(entry.text for entry in self.entries if entry.kind == "thought")

    @property
    def fuel(self) -> int:
        """The fuel that the turn took."""
        return sum(int(entry.data.get("fuelUsed") or 0) for entry in self.entries if entry.kind == "end")

    @property
    def memory(self) -> int | None:
        """The most bytes of memory that the agent has had until the turn's end; None where a daemon does not tell."""
        told = [entry.data.get("peakMemoryBytes") for entry in self.entries if entry.kind == "end"]
        return max((int(each) for each in told if each is not None), default=None)

    def expect_text(self, text: str | None = None, *, contains: str | None = None, matches: str | None = None) -> None:
        """Expect the agent's text: exactly this, or with this in it, or matching this regular expression."""
        __tracebackhide__ = True
        expect.text(self.entries, self.text, text, contains, matches)

    def expect_stop(self, reason: str = "end_turn") -> None:
        """Expect the turn's stop reason."""
        __tracebackhide__ = True
        expect.stop(self.entries, self.stop_reason, reason)

    def expect_tool_calls(self, *calls: expect.Call | str) -> None:
        """Expect exactly these tool calls, in this order: names (globs), or `tool(name, argument=value)`."""
        __tracebackhide__ = True
        expect.tool_calls(self.entries, calls)

    def expect_tool_call(self, name: str, /, *, times: int | None = None, **arguments: Any) -> None:
        """Expect a tool call among others, with these arguments at least; exactly so many times, if `times` is given."""
        __tracebackhide__ = True
        expect.tool_call(self.entries, expect.Call(name, arguments), times)

    def expect_permissions(self, *asked: tuple[str, str]) -> None:
        """Expect these permission requests with their answers, in order: (title glob, option id or outcome glob)."""
        __tracebackhide__ = True
        expect.permissions(self.entries, asked)

    def expect_budget(
        self, *, fuel: int | None = None, tool_calls: int | None = None, memory: int | None = None
    ) -> None:
        """Expect the turn to have used no more than this.

        `memory`, in bytes, is the most that the agent has had from its start to the turn's end.
        """
        __tracebackhide__ = True
        expect.budget(self.entries, self.fuel, fuel, tool_calls)
        if memory is not None:
            expect.memory(self.entries, self.memory, memory)


@attrs.define
class _Running:
    """A turn under way, on the harness's loop."""

    session: TestSession
    prompt: str | list[dict[str, Any]]
    unanswered: dict[str, Any] | None = None
    mistake: Exception | None = None
    """What the test's own function for permissions raised."""

    async def run(self, seconds: float) -> dict[str, Any] | None:
        """Return the turn's result, None when it was cancelled for its length."""
        api = self.session.vm.api
        ids = {"vm": self.session.vm.name, "sessionId": self.session.id}
        send, receive = trio.open_memory_channel[dict[str, Any]](1000)
        heard: list[str] = []

        def hear(notification: Notification) -> None:
            if notification.method == PERMISSION_REQUEST:
                send.send_nowait(notification.params["request"])

        def subscribed(result: dict[str, Any]) -> None:
            heard.append(result["subscriptionId"])
            api.listeners[result["subscriptionId"]] = hear

        await api.link.call("subscribe", {**ids, "types": [PERMISSION_REQUEST]}, subscribed)
        result: dict[str, Any] | None = None
        failure: RpcError | None = None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._answer, receive, ids)
                try:
                    with trio.move_on_after(seconds) as scope:
                        result = await api.link.call("sendPrompt", {**ids, "prompt": self.prompt})
                except RpcError as error:  # raised below, where no nursery wraps it
                    failure = error
                if scope.cancelled_caught:
                    await api.link.call("cancelPrompt", ids)
                nursery.cancel_scope.cancel()
        finally:
            for subscription in heard:
                del api.listeners[subscription]
                api.link.notify("unsubscribe", subscriptionId=subscription)
        if failure is not None:
            raise failure
        return result

    async def _answer(self, requests: trio.MemoryReceiveChannel[dict[str, Any]], ids: dict[str, str]) -> None:
        api, permissions = self.session.vm.api, self.session.permissions
        async for request in requests:
            if permissions is None:
                self.unanswered = self.unanswered or request
                await api.link.call("cancelPrompt", ids)
                return
            try:
                reply = permissions(request) if callable(permissions) else permissions
            except Exception as error:  # an assertion in it, say: the turn ends, and the test hears of it
                self.mistake = error
                await api.link.call("cancelPrompt", ids)
                return
            await api.link.call("respondPermission", {**ids, "permissionId": request["permissionId"], "reply": reply})
