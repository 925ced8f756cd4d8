"""What a session's agent asks a person: forms to fill in and pages to visit (ACP, "Elicitation").

Each question is recorded before a client sees it, and its answer before the agent has it. When the turn ends or the agent
does, what still waits is answered with `cancel`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from runtime.acp.messages import ELICITATION_CREATE, MessageError
from runtime.api.errors import ApiError, ErrorCode
from runtime.api.events import ELICITATION_REPLY, ELICITATION_REQUEST
from runtime.sessions.asking.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from runtime.acp.codec import Id
    from runtime.acp.messages import Elicitation
    from runtime.hub import Notice
    from runtime.sessions.agent.process import Agent
    from runtime.sessions.transcript.transcript import Transcript

_SHOWN = ("mode", "message", "requestedSchema", "url", "elicitationId", "toolCallId", "_meta")


@attrs.frozen
class Question:
    """A question that waits for a client."""

    id: str
    request_id: Id
    request: dict[str, Any]
    """As clients see it."""
    required: tuple[str, ...]
    """Members that the content of a form has to have."""
    size: int


class Elicitations:
    """The questions of one session, over all its agents."""

    def __init__(self, transcript: Transcript, notice: Callable[[str, dict[str, Any]], Notice]) -> None:
        self._transcript = transcript
        self._notice = notice
        self._agent: Agent | None = None
        self._modes: Collection[str] = ()
        self._waiting: Waiting[Question] = Waiting()
        self._last = 0

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The questions that wait, oldest first."""
        return self._waiting.requests()

    def begin(self, agent: Agent, modes: Collection[str]) -> None:
        """Take questions of a new agent from now on, in the modes that it was told."""
        self._agent = agent
        self._modes = modes

    def ask(self, request_id: Id, question: Elicitation, raw: dict[str, Any], *, cancelling: bool) -> None:
        """Let a question wait for a client, or answer it at once where its turn is being cancelled.

        Raises `MessageError` for one that nobody could answer: in a mode that is not offered, without what it is about, or
        before there is a session (ACP lets an agent ask while it is being authenticated; no client can see that).
        """
        if question.mode not in self._modes:
            raise MessageError(f"mode: nobody here takes elicitations by {question.mode}")
        if (question.requested_schema if question.mode == "form" else question.url) is None:
            raise MessageError("requestedSchema or url: what it is about is missing")
        if question.session_id is None:
            raise MessageError("sessionId: there is nobody to ask outside a session")
        self._last += 1
        id_ = f"question_{self._transcript.last_seq + 1}_{self._last}"
        shown = {"questionId": id_, **{name: raw[name] for name in _SHOWN if raw.get(name) is not None}}
        before = self._transcript.bytes
        notices = [] if cancelling else [self._notice(ELICITATION_REQUEST, {"request": shown})]
        self._transcript.append(ELICITATION_CREATE, {**raw, "questionId": id_}, notices=notices)
        size = self._transcript.bytes - before
        pending = Question(id_, request_id, shown, _required(question.requested_schema), size)
        if self._agent is not None:
            self._agent.hold(size)
        if cancelling:
            self._settled(pending, "cancel", "cancelled")
        else:
            self._waiting.add(pending)

    def respond(self, question_id: str, action: str, content: dict[str, Any] | None) -> None:
        """A client's answer. Raises `ApiError` ELICITATION_NOT_PENDING, INVALID_ARGUMENT."""
        pending = self._waiting.get(question_id)
        if pending is None:
            reason = self._waiting.reason(question_id)
            message = f"question {question_id} is not waiting for an answer ({reason})"
            raise ApiError(ErrorCode.ELICITATION_NOT_PENDING, message, reason=reason)
        missing = [name for name in pending.required if name not in (content or {})]
        if action == "accept" and missing:
            raise ApiError(ErrorCode.INVALID_ARGUMENT, f"the form asks for {', '.join(missing)}", missing=missing)
        self._waiting.settle(pending, "answered")
        self._settled(pending, action, "client", content)

    def withdrawn(self, request_id: Id) -> None:
        """Drop a question that the agent has taken back."""
        pending = self._waiting.of_request(request_id)
        if pending is not None:
            self._waiting.settle(pending, "cancelled")
            self._settled(pending, "cancel", "agent")

    def settle(self, reason: str) -> None:
        """Answer every question that waits with `cancel`."""
        for pending in self._waiting.take_all(reason):
            self._settled(pending, "cancel", reason)

    def _settled(self, pending: Question, action: str, by: str, content: dict[str, Any] | None = None) -> None:
        given = {} if content is None else {"content": content}
        self._transcript.append(ELICITATION_REPLY, {"questionId": pending.id, "action": action, "by": by, **given})
        if self._agent is not None:
            self._agent.hold(-pending.size)
            self._agent.respond(pending.request_id, {"action": action, **given})


def _required(schema: dict[str, Any] | None) -> tuple[str, ...]:
    names = (schema or {}).get("required")
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()
