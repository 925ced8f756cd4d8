"""The methods on a session's turn: prompts, their end, and what the agent asks in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from runtime.api import turns
from runtime.rpc.methods import Call, handles

if TYPE_CHECKING:
    from runtime.api.turns import CancelPrompt, RespondElicitation, RespondPermission, SendPrompt


@handles(turns.SEND_PROMPT)
async def _send_prompt(call: Call, params: SendPrompt) -> Any:
    trace = None if params.trace_context is None else msgspec.to_builtins(params.trace_context)
    return await call.host.prompt(
        params.vm_name, params.session_id, params.prompt, params.idempotency_key, params.timeout_ms, trace
    )


@handles(turns.CANCEL_PROMPT)
async def _cancel_prompt(call: Call, params: CancelPrompt) -> Any:
    return await call.host.cancel(params.vm_name, params.session_id, params.grace_ms)


@handles(turns.RESPOND_ELICITATION)
async def _respond_elicitation(call: Call, params: RespondElicitation) -> Any:
    answer = params.session_id, params.question_id, params.action, params.content
    await call.host.use(params.vm_name, lambda vm: vm.sessions.respond_elicitation(*answer))
    return {}


@handles(turns.RESPOND_PERMISSION)
async def _respond_permission(call: Call, params: RespondPermission) -> Any:
    answer = (params.session_id, params.permission_id, params.reply, params.option_id)
    await call.host.use(params.vm_name, lambda vm: vm.sessions.respond_permission(*answer))
    return {}
