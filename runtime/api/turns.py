"""Methods on a session's turn: prompts, their end, and what the agent asks in between: what they take and return."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from runtime.api.defaults import CANCEL_GRACE_MS
from runtime.api.errors import ErrorCode
from runtime.api.limits import MAX_BAGGAGE, MAX_KEY, MAX_TRACESTATE
from runtime.api.method import Method
from runtime.api.names import TRACEPARENT
from runtime.api.sessions import NEEDS_AGENT, NO_SUCH
from runtime.api.types import Fault, Millis, SessionParams, doc


class TraceContext(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Where a trace of OpenTelemetry goes on, as W3C has it."""

    traceparent: Annotated[
        Annotated[str, Meta(pattern=TRACEPARENT)], doc("The trace, the span that asks, and flags: `00-...-...-01`.")
    ]
    tracestate: Annotated[Annotated[str, Meta(max_length=MAX_TRACESTATE)] | None, doc("What tracers add.")] = None
    baggage: Annotated[Annotated[str, Meta(max_length=MAX_BAGGAGE)] | None, doc("What goes with the whole trace.")] = (
        None
    )


class SendPrompt(SessionParams):
    """The user's message."""

    prompt: Annotated[
        str | Annotated[list[dict[str, Any]], Meta(min_length=1)],
        doc("The user's message: text, or a list of ACP content blocks, their bytes in base64."),
    ]
    idempotency_key: Annotated[
        Annotated[str, Meta(min_length=1, max_length=MAX_KEY)] | None,
        doc("The same key with the same prompt returns the first turn's result again, and runs no other."),
    ] = None
    timeout_ms: Annotated[Millis | None, doc("Cancel the turn after so long. Without it there is no deadline.")] = None
    trace_context: Annotated[TraceContext | None, doc("The trace that the turn is a part of: the agent gets it.")] = (
        None
    )


class PromptResult(Struct, frozen=True, rename="camel", kw_only=True):
    """How a turn ended."""

    text: Annotated[str, doc("All text that the agent said in the turn, in one string.")]
    stop_reason: Annotated[
        str, doc("Why the turn ended (ACP): `end_turn`, `max_tokens`, `max_turn_requests`, `refusal`, `cancelled`.")
    ]
    response: Annotated[dict[str, Any], doc("The agent's whole answer to the prompt.")]
    seq: Annotated[int, doc("The position of the event that ended the turn.")]


class CancelPrompt(SessionParams):
    """How long the agent has to end its turn."""

    grace_ms: Annotated[Millis, doc("How long the agent has to end its turn before it is killed. Default: 5 s.")] = (
        CANCEL_GRACE_MS
    )


class CancelResult(Struct, frozen=True):
    """What cancelling came to."""

    outcome: Annotated[
        Literal["cancelled", "no_active_prompt", "killed"],
        doc("`cancelled`; `no_active_prompt`: there was no turn; `killed`: the agent did not end its turn in time."),
    ]


class RespondPermission(SessionParams):
    """An answer to a permission request: `reply` or `optionId`."""

    permission_id: Annotated[str, doc("The request, as `permissionRequest` and `getSession` name it.")]
    reply: Annotated[
        Literal["once", "always", "reject"] | None,
        doc("`once`, `always` (remembered for the session) or `reject`. Either this or `optionId`."),
    ] = None
    option_id: Annotated[str | None, doc("One of the options that the agent offered.")] = None

    def faults(self) -> Iterator[Fault]:
        """Also one answer too few, or too many."""
        yield from super().faults()
        if (self.reply is None) == (self.option_id is None):
            yield "/reply", "exactly one of reply and optionId is expected"


class RespondElicitation(SessionParams):
    """An answer to a question of the agent."""

    question_id: Annotated[str, doc("The question, as `elicitationRequest` and `getSession` name it.")]
    action: Annotated[
        Literal["accept", "decline", "cancel"],
        doc("`accept` (with the form's content, or for the page that is visited), `decline`, or `cancel` it unread."),
    ]
    content: Annotated[
        dict[str, str | bool | int | float | list[str]] | None, doc("What is filled in: member of the schema -> value.")
    ] = None

    def faults(self) -> Iterator[Fault]:
        """Also content that goes with no answer."""
        yield from super().faults()
        if self.content is not None and self.action != "accept":
            yield "/content", "content goes with the action accept"


SEND_PROMPT: Final = Method(
    "sendPrompt",
    SendPrompt,
    PromptResult,
    "Run one turn and return how it ended; all its events come before this answer. Cancelled, it gives up the answer only.",
    errors=(
        *NEEDS_AGENT,
        ErrorCode.PROMPT_IN_PROGRESS,
        ErrorCode.SESSION_CONFLICT,
    ),
    settles=True,
)

CANCEL_PROMPT: Final = Method(
    "cancelPrompt",
    CancelPrompt,
    CancelResult,
    "End the turn in progress; answers when it is over.",
    errors=NO_SUCH,
    settles=True,
)

RESPOND_PERMISSION: Final = Method(
    "respondPermission",
    RespondPermission,
    dict[str, Any],
    "Answer a permission request; the first valid answer wins.",
    errors=(
        *NO_SUCH,
        ErrorCode.PERMISSION_NOT_PENDING,
        ErrorCode.INVALID_PERMISSION_OPTION,
    ),
    settles=True,
)

RESPOND_ELICITATION: Final = Method(
    "respondElicitation",
    RespondElicitation,
    dict[str, Any],
    "Answer a question of the agent; the first valid answer wins.",
    errors=(*NO_SUCH, ErrorCode.ELICITATION_NOT_PENDING),
    settles=True,
)
