"""Running a turn: carries out the decisions of `runtime.acp.turn`.

A turn is a task of the VM and not of the client that asked for it: clients only wait for `Turn.done`. In the transcript it
is `_torpor/turn_started`, the user's message, whatever happens, and `_torpor/turn_ended`; the user's message is committed
before the agent sees it, and the turn's end after the files that it wrote. Only then is the prompt answered.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from runtime.acp.codec import ErrorObject
from runtime.acp.messages import SESSION_PROMPT, SESSION_UPDATE, MessageError, PromptResult, parse
from runtime.acp.turn import End, Phase, Signal
from runtime.api.errors import ApiError, ErrorCode
from runtime.api.events import AUTHENTICATION_REQUIRED, TURN_ENDED, TURN_STARTED
from runtime.jsonrpc import INTERNAL_ERROR
from runtime.large_json import one, parts
from runtime.sessions.agent.errors import (
    AgentError,
    agent_failed,
    authentication_required,
    how_it_ended,
    wants_authentication,
)
from runtime.sessions.operations.resume import continuation_line, ensure_agent
from runtime.sessions.turns.turn import CANCEL_GRACE

if TYPE_CHECKING:
    from runtime.acp.connection import AgentAnswer
    from runtime.sessions.record import Record
    from runtime.sessions.session import Session
    from runtime.sessions.turns.turn import Turn

logger = logging.getLogger(__name__)


async def run_turn(session: Session, turn: Turn) -> None:
    """Run the turn to its result; never raises but `Cancelled`."""
    try:
        turn.resolve(await _run(session, turn))
    except ApiError as error:
        turn.resolve(error)
    except Exception as error:
        logger.exception("turn %s of session %s failed", turn.turn_id, session.record.session_id)
        await session.stop_agent()
        if session.state.running:
            session.transcript.append(
                TURN_ENDED, {"turnId": turn.turn_id, "end": "internal_error", "error": repr(error)}
            )
        turn.resolve(ApiError(ErrorCode.IO_ERROR, f"internal error: {error!r}"))
    finally:
        session.turn = None
        if session.attachment is not None:
            session.attachment.turn = None
        if turn.agent is not None:
            turn.agent.hold(-turn.text_length)
        turn.done.set()


async def _run(session: Session, turn: Turn) -> dict[str, Any]:
    with turn.restoring:
        attachment = await ensure_agent(session)
        attachment.turn = turn
        turn.agent, turn.cancel_prompt = attachment.agent, attachment.cancel_prompt
    if turn.restoring.cancelled_caught and turn.signal(Signal.EXPIRED):
        turn.timed_out = True
    fuel = 0 if turn.agent is None else turn.agent.process.fuel_used
    continuation = session.state.continuation
    # The files before the turn, if something changed them since the last one: the turn's own changes are known by it.
    session.vm.snapshot(session.record.row_id, session.transcript.last_seq + 1, changed_only=True)
    session.growth.begin_turn()
    session.transcript.append(TURN_STARTED, turn.describe())
    for block in turn.blocks:
        await session.transcript.append_large(
            SESSION_UPDATE, {"update": {"sessionUpdate": "user_message_chunk", "content": block}}
        )
    if turn.key is not None:
        session.vm.store.idempotency.put(session.record.row_id, turn.key, turn.content_hash)
    await session.transcript.committed()
    line = [] if continuation is None else [{"type": "text", "text": continuation_line(continuation)}]
    prompt = {"prompt": [*line, *turn.blocks], **turn.meta()}
    params = await parts({"sessionId": session.record.agent_session_id, **prompt})
    if turn.agent is not None and not turn.machine.over:
        turn.signal(Signal.READY)
        turn.agent.submit(SESSION_PROMPT, params, lambda answer: _answered(turn, answer))
    while not await turn.phase_over():
        if turn.machine.phase is Phase.PROMPTING:
            turn.timed_out = True
            turn.cancel(CANCEL_GRACE)
        else:
            turn.signal(Signal.EXPIRED)
    if turn.machine.end is End.KILLED and turn.agent is not None:
        turn.agent.kill()
        await turn.agent.exited.wait()
    session.settle_questions("turn_ended")
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


def _answered(turn: Turn, answer: AgentAnswer | None) -> None:
    """Take the agent's answer to the prompt, which comes after its messages: in version 1 of ACP it ends the turn."""
    if answer is None:
        turn.signal(Signal.EXITED)
        return
    turn.error = answer.error
    if answer.error is None:
        try:
            turn.stop_reason = parse(answer.result, PromptResult).stop_reason
            turn.answer = answer.result
        except MessageError as error:
            turn.error = ErrorObject(INTERNAL_ERROR, f"the answer to session/prompt is not what ACP says: {error}")
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
        _note_authentication(session, turn.error)
    if turn.limit is not None:
        record["limit"] = turn.limit.data["limit"]
    if unsaved is not None:
        record["filesError"] = {**unsaved.to_data(), "message": unsaved.message}
    if turn.agent is not None:
        record["fuelUsed"] = turn.agent.process.fuel_used - fuel
        record["peakMemoryBytes"] = turn.agent.process.peak_memory_bytes
    if end is End.STOPPED:
        session.crashes = 0
    text = session.transcript.redactor.text(turn.text)
    stored_text = None if turn.key is None else msgspec.Raw(await one(await parts(text)))
    result: dict[str, Any] = {  # from here on nothing waits, so that the seq is that of the turn's end
        "text": text,
        "stopReason": stop_reason,
        "response": response,
        "seq": session.transcript.last_seq + 1,
    }
    if turn.truncated:
        result["textTruncated"] = True
    if turn.key is not None and (end is End.STOPPED or cancelled):
        # Before the event: a client that has seen the turn's end must find its result under the key.
        session.vm.store.idempotency.put(
            session.record.row_id, turn.key, turn.content_hash, {**result, "text": stored_text}
        )
    if unsaved is None and session.transcript.failed is None:
        session.vm.snapshot(
            session.record.row_id, result["seq"]
        )  # before the event: a client that has seen it can fork there
    session.transcript.append(TURN_ENDED, record)
    await session.transcript.committed()
    return _result(turn, end, result, session.record)


def _note_authentication(session: Session, error: ErrorObject) -> None:
    methods = session.record.auth_methods
    if wants_authentication(error, methods):
        session.transcript.append(AUTHENTICATION_REQUIRED, {"authMethods": methods})


def _result(turn: Turn, end: End, result: dict[str, Any], record: Record) -> dict[str, Any]:
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
        if wants_authentication(turn.error, record.auth_methods):
            refused = authentication_required(refused.message, record, turn.error)
        refused.data["seq"] = result["seq"]
        raise refused
    if turn.timed_out:
        message = "the turn was not over within timeoutMs, and was cancelled"
        raise ApiError(ErrorCode.TIMEOUT, message, stopReason=result["stopReason"], seq=result["seq"])
    return result
