"""The methods on a session's turn: prompts, their end, and what the agent asks in between. Translation only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.api import turns
from runtime.rpc.methods import Call, handles

if TYPE_CHECKING:
    from runtime.api.turns import CancelPrompt, RespondPermission, SendPrompt


@handles(turns.SEND_PROMPT)
async def _send_prompt(call: Call, params: SendPrompt) -> Any:
    name, key = params.vm_name, params.idempotency_key
    answer = None if key is None else await call.host.earlier_answer(name, params.session_id, params.prompt, key)
    if answer is not None:
        return answer
    vm = await call.host.vm(name)
    return await vm.sessions.prompt(params.session_id, params.prompt, key, params.timeout_ms)


@handles(turns.CANCEL_PROMPT)
async def _cancel_prompt(call: Call, params: CancelPrompt) -> Any:
    name = params.vm_name
    vm = await call.host.awake(name)
    if vm is None:
        await call.host.session(name, params.session_id)  # there must be one
        return {"outcome": "no_active_prompt"}
    return await vm.sessions.cancel(params.session_id, params.grace_ms)


@handles(turns.RESPOND_PERMISSION)
async def _respond_permission(call: Call, params: RespondPermission) -> Any:
    vm = await call.host.vm(params.vm_name)
    await vm.sessions.respond_permission(params.session_id, params.permission_id, params.reply, params.option_id)
    return {}
