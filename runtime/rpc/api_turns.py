"""The methods on a session's turn: prompts, their end, and what the agent asks in between. Translation only."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from runtime.api.defaults import CANCEL_GRACE_MS
from runtime.api.errors import ErrorCode
from runtime.api.types import Millis, SessionParams
from runtime.rpc.api_sessions import NEEDS_AGENT, NO_SUCH
from runtime.rpc.methods import Call, MethodTable
from runtime.rpc.validation import invalid_params

METHODS: Final = MethodTable()


class SendPrompt(SessionParams):
    """The user's message."""

    prompt: str | Annotated[list[dict[str, Any]], Meta(min_length=1)]
    idempotency_key: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    timeout_ms: Millis | None = None


class PromptResult(Struct, rename="camel", kw_only=True):
    """How a turn ended."""

    text: str
    stop_reason: str
    response: dict[str, Any]
    seq: int


class CancelPrompt(SessionParams):
    """How long the agent has to end its turn."""

    grace_ms: Millis = CANCEL_GRACE_MS


class CancelResult(Struct):
    """What cancelling came to."""

    outcome: Literal["cancelled", "no_active_prompt", "killed"]


class RespondPermission(SessionParams):
    """An answer to a permission request: `reply` or `optionId`."""

    permission_id: str
    reply: Literal["once", "always", "reject"] | None = None
    option_id: str | None = None


@METHODS.method(
    "sendPrompt",
    SendPrompt,
    PromptResult,
    "Run one turn and return how it ended; all its events come before this answer. Cancelled, it gives up the answer only.",
    *NEEDS_AGENT,
    ErrorCode.PROMPT_IN_PROGRESS,
    ErrorCode.SESSION_CONFLICT,
    settles=True,
)
async def _send_prompt(call: Call, params: SendPrompt) -> Any:
    name, key = params.vm_name, params.idempotency_key
    answer = None if key is None else await call.host.earlier_answer(name, params.session_id, params.prompt, key)
    if answer is not None:
        return answer
    vm = await call.host.vm(name)
    return await vm.sessions.prompt(params.session_id, params.prompt, key, params.timeout_ms)


@METHODS.method(
    "cancelPrompt",
    CancelPrompt,
    CancelResult,
    "End the turn in progress; answers when it is over.",
    *NO_SUCH,
    settles=True,
)
async def _cancel_prompt(call: Call, params: CancelPrompt) -> Any:
    name = params.vm_name
    vm = await call.host.awake(name)
    if vm is None:
        await call.host.session(name, params.session_id)  # there must be one
        return {"outcome": "no_active_prompt"}
    return await vm.sessions.cancel(params.session_id, params.grace_ms)


@METHODS.method(
    "respondPermission",
    RespondPermission,
    dict[str, Any],
    "Answer a permission request; the first valid answer wins.",
    *NO_SUCH,
    ErrorCode.PERMISSION_NOT_PENDING,
    ErrorCode.INVALID_PERMISSION_OPTION,
    settles=True,
)
async def _respond_permission(call: Call, params: RespondPermission) -> Any:
    if (params.reply is None) == (params.option_id is None):
        raise invalid_params(("/reply", "exactly one of reply and optionId is expected"))
    vm = await call.host.vm(params.vm_name)
    await vm.sessions.respond_permission(params.session_id, params.permission_id, params.reply, params.option_id)
    return {}
