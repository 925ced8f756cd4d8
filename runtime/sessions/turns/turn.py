"""Running a turn: what `runtime.acp.turn` decides, done.

A turn is a task of the VM and not of the client that asked for it: clients only wait for `Turn.done`. In the transcript it
is `_torpor/turn_started`, the user's message, whatever happens, and `_torpor/turn_ended`; the user's message is committed
before the agent sees it, and the turn's end after the files that it wrote. Only then is the prompt answered.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.acp.codec import INTERNAL_ERROR, RpcError
from runtime.acp.messages import SESSION_PROMPT, MessageError, PromptResult, parse
from runtime.acp.session_state import TURN_ENDED, TURN_STARTED
from runtime.acp.turn import End, Phase, Signal, TurnState
from runtime.api.errors import ApiError, ErrorCode, FallingAsleepError
from runtime.sessions.agent.errors import AgentError, agent_failed, how_it_ended
from runtime.sessions.agent.resume import bring_back, continuation_line
from runtime.sessions.session import MAX_RESTARTS
from runtime.sessions.turns.cancelling import CANCEL_GRACE, begin_cancel

if TYPE_CHECKING:
    from runtime.acp.connection import Answer
    from runtime.sessions.agent.process import Agent
    from runtime.sessions.session import Session

logger = logging.getLogger(__name__)

MAX_TURN_TEXT: Final = 16 * 1024 * 1024
"""Characters of `text` in a prompt's result: it has to fit into one line of the API. The events have the whole."""


class Turn:
    """One turn, from the accepted prompt to its result."""

    def __init__(
        self, turn_id: str, blocks: list[dict[str, Any]], *, key: str | None, content_hash: bytes, timeout: float
    ) -> None:
        self.turn_id = turn_id
        self.blocks = blocks
        self.key = key
        self.content_hash = content_hash
        self.machine = TurnState()
        self.deadline = trio.current_time() + timeout
        self.timed_out = False
        self.limit: ApiError | None = None
        """Why it was ended: it has reached a limit."""
        self.done = trio.Event()
        """Everything about the turn is committed and published, and `result` has an answer."""
        self.restoring = trio.CancelScope(deadline=self.deadline)
        self.agent: Agent | None = None
        self.answer: Any = None
        self.stop_reason: str | None = None
        self.error: RpcError | None = None
        self._over = trio.Event()
        self._scope: trio.CancelScope | None = None
        self._text: list[str] = []
        self._room = MAX_TURN_TEXT
        self.kept = 0
        """Characters of `text`."""
        self._outcome: dict[str, Any] | ApiError | None = None

    @property
    def killing(self) -> bool:
        """Whether an exit of the agent is our doing, or as good as that."""
        return self.machine.phase is Phase.CANCELLING or self.machine.end in (End.CANCELLED, End.KILLED)

    @property
    def text(self) -> str:
        """The agent's message so far."""
        return "".join(self._text)

    @property
    def truncated(self) -> bool:
        """Whether `text` is not the whole message."""
        return self._room <= 0

    def add_text(self, text: str) -> int:
        """Take the text of an `agent_message_chunk`, and return how many characters of it are kept."""
        if self._room <= 0 or self.machine.phase is Phase.RESTORING:
            return 0
        self._text.append(text[: self._room])
        self._room -= len(text)
        self.kept += len(self._text[-1])
        return len(self._text[-1])

    def signal(self, signal: Signal) -> bool:
        """Take a signal; whether it changed the phase."""
        changed = self.machine.signal(signal)
        if self.machine.over:
            self._over.set()
        return changed

    def expire_at(self, deadline: float) -> None:
        """Let the present phase expire at `deadline` (trio's clock)."""
        self.deadline = deadline
        if self._scope is not None:
            self._scope.deadline = deadline

    async def phase_over(self) -> bool:
        """Wait for the end of the turn or the deadline; whether it was the end."""
        with trio.CancelScope(deadline=self.deadline) as self._scope:
            await self._over.wait()
        return self.machine.over

    def resolve(self, outcome: dict[str, Any] | ApiError) -> None:
        """Set the result and let everybody have it."""
        if self._outcome is None:
            self._outcome = outcome
        self.done.set()

    def result(self) -> dict[str, Any]:
        """The prompt's result, once `done`. Raises `ApiError`: a new one for every caller, so tracebacks do not mix."""
        if isinstance(self._outcome, dict):
            return self._outcome
        if self._outcome is None:
            raise ApiError(ErrorCode.SHUTTING_DOWN, "the VM was closed before the turn was over")
        raise ApiError(self._outcome.code, self._outcome.message, **self._outcome.data)


async def run_turn(session: Session, turn: Turn) -> None:
    """Run the turn to its result; never raises but `Cancelled`."""
    try:
        turn.resolve(await _run(session, turn))
    except ApiError as error:
        turn.resolve(error)
    except Exception as error:
        logger.exception("turn %s of session %s failed", turn.turn_id, session.session_id)
        await session.stop_agent()
        if session.state.running:
            session.log.append(TURN_ENDED, {"turnId": turn.turn_id, "end": "internal_error", "error": repr(error)})
        turn.resolve(ApiError(ErrorCode.IO_ERROR, f"internal error: {error!r}"))
    finally:
        session.turn = None
        if turn.agent is not None:
            turn.agent.hold(-turn.kept)
        turn.done.set()


async def ensure_agent(session: Session) -> Agent:
    """The session's agent, brought back if there is none.

    Raises `ApiError`: see `resume.bring_back`; SESSION_CLOSED or `FallingAsleepError` when the start was called off.
    """
    async with session.lock:
        if session.agent is None:
            if session.crashes > MAX_RESTARTS:
                message = f"the agent crashed {session.crashes} times in a row; resumeSession tries again"
                raise agent_failed("restart", message, status=None, stderr="")
            await session.load_options()
            with trio.CancelScope() as session.starting:
                await bring_back(session)
            if session.starting.cancelled_caught:
                raise ApiError(ErrorCode.SESSION_CLOSED, "it was closed") if session.closing else FallingAsleepError
        if session.agent is None:  # it ended at once
            raise agent_failed("restart", "the agent ended as soon as it was started", status=None, stderr="")
        return session.agent


async def _run(session: Session, turn: Turn) -> dict[str, Any]:
    with turn.restoring:
        turn.agent = await ensure_agent(session)
    if turn.restoring.cancelled_caught and turn.signal(Signal.EXPIRED):
        turn.timed_out = True
    fuel = 0 if turn.agent is None else turn.agent.process.fuel_used
    continuation = session.state.continuation
    started = {"turnId": turn.turn_id}
    # What the turn finds, where that is not what the last one has left: then what it changes can be told.
    session.vm.snapshot(session.row_id, session.log.last_seq + 1, changed_only=True)
    session.growth.begin_turn()
    session.log.append(TURN_STARTED, started if turn.key is None else {**started, "idempotencyKey": turn.key})
    for block in turn.blocks:
        session.log.update({"sessionUpdate": "user_message_chunk", "content": block})
    if turn.key is not None:
        session.vm.store.idempotency.put(session.row_id, turn.key, turn.content_hash)
    await session.log.committed()
    if turn.agent is not None and not turn.machine.over:
        line = [] if continuation is None else [{"type": "text", "text": continuation_line(continuation)}]
        turn.signal(Signal.READY)
        params = {"sessionId": session.agent_session_id, "prompt": [*line, *turn.blocks]}
        turn.agent.submit(SESSION_PROMPT, params, lambda answer: _answered(turn, answer))
    while not await turn.phase_over():
        if turn.machine.phase is Phase.PROMPTING:
            turn.timed_out = True
            begin_cancel(session, turn, CANCEL_GRACE)
        else:
            turn.signal(Signal.EXPIRED)
    if turn.machine.end is End.KILLED and turn.agent is not None:
        turn.agent.kill()
        await turn.agent.exited.wait()
    session.asking.settle("turn_ended")
    session.network_log.flush()
    unsaved: ApiError | None = None
    try:
        await session.vm.flush_files()
    except ApiError as error:
        unsaved = error
    result = await _end(session, turn, fuel, unsaved)
    if unsaved is not None:
        raise unsaved
    return result


def _answered(turn: Turn, answer: Answer | None) -> None:
    """The agent's word on the prompt, in the order of its messages: in version 1 of ACP that is the end of the turn."""
    if answer is None:
        turn.signal(Signal.EXITED)
        return
    turn.error = answer.error
    if answer.error is None:
        try:
            turn.stop_reason = parse(answer.result, PromptResult).stop_reason
            turn.answer = answer.result
        except MessageError as error:
            turn.error = RpcError(INTERNAL_ERROR, f"the answer to session/prompt is not what ACP says: {error}")
    turn.signal(Signal.REFUSED if turn.error is not None else Signal.STOPPED)


async def _end(session: Session, turn: Turn, fuel: int, unsaved: ApiError | None) -> dict[str, Any]:
    end = turn.machine.end or End.CANCELLED
    cancelled = end in (End.CANCELLED, End.KILLED)
    stop_reason = "cancelled" if cancelled else turn.stop_reason
    response = turn.answer if turn.answer is not None else {"stopReason": "cancelled"} if cancelled else None
    record: dict[str, Any] = {"turnId": turn.turn_id, "end": end.value, "stopReason": stop_reason}
    if response is not None:
        record["response"] = response
    if turn.error is not None:
        record["error"] = turn.error.to_wire()
    if turn.limit is not None:
        record["limit"] = turn.limit.data["limit"]
    if unsaved is not None:
        record["filesError"] = {**unsaved.to_data(), "message": unsaved.message}
    if turn.agent is not None:
        record["fuelUsed"] = turn.agent.process.fuel_used - fuel
        record["peakMemoryBytes"] = turn.agent.process.peak_memory_bytes
    if end is End.STOPPED:
        session.crashes = 0
    result: dict[str, Any] = {
        "text": session.log.redactor.text(turn.text),
        "stopReason": stop_reason,
        "response": response,
        "seq": session.log.last_seq + 1,
    }
    if turn.truncated:
        result["textTruncated"] = True
    if turn.key is not None and (end is End.STOPPED or cancelled):
        # Before the event, so that whoever has seen the turn's end finds its result under the key.
        session.vm.store.idempotency.put(session.row_id, turn.key, turn.content_hash, result)
    if unsaved is None and session.log.failed is None:
        session.vm.snapshot(session.row_id, result["seq"])  # before the event: whoever has seen it can fork there
    session.log.append(TURN_ENDED, record)
    await session.log.committed()
    return _result(turn, end, result)


def _result(turn: Turn, end: End, result: dict[str, Any]) -> dict[str, Any]:
    if turn.limit is not None:
        limit = turn.limit
        raise ApiError(limit.code, limit.message, **limit.data, stopReason=result["stopReason"], seq=result["seq"])
    if end is End.AGENT_FAILED:
        agent = turn.agent
        error = agent_failed(
            "prompt",
            f"the agent ended in the middle of the turn: {how_it_ended(None if agent is None else agent.status)}",
            status=None if agent is None else agent.status,
            stderr="" if agent is None else agent.stderr_tail,
        )
        error.data["seq"] = result["seq"]
        raise error
    if end is End.AGENT_ERROR and turn.error is not None:
        refused = AgentError(SESSION_PROMPT, turn.error).to_api()
        refused.data["seq"] = result["seq"]
        raise refused
    if turn.timed_out:
        message = "the turn was not over within timeoutMs, and was cancelled"
        raise ApiError(ErrorCode.TIMEOUT, message, stopReason=result["stopReason"], seq=result["seq"])
    return result


NO_TIMEOUT: Final = math.inf
