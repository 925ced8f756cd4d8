"""The methods on sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.api import sessions
from runtime.rpc.methods import Call, handles

if TYPE_CHECKING:
    from runtime.api.sessions import (
        Authenticate,
        CreateSession,
        GetSessionEvents,
        RawSend,
        ResumeSession,
    )
    from runtime.api.types import (
        SessionParams,
        VmParams,
    )


@handles(sessions.CREATE_SESSION)
async def _create(call: Call, params: CreateSession) -> Any:
    return await call.host.use(params.vm_name, lambda vm: vm.sessions.create(params.agent_type, params.options))


@handles(sessions.CLOSE_SESSION)
async def _close(call: Call, params: SessionParams) -> Any:
    await call.host.use(params.vm_name, lambda vm: vm.sessions.close(params.session_id))
    return {}


@handles(sessions.DESTROY_SESSION)
async def _destroy(call: Call, params: SessionParams) -> Any:
    await call.host.use(params.vm_name, lambda vm: vm.sessions.destroy(params.session_id))
    return {}


@handles(sessions.AUTHENTICATE)
async def _authenticate(call: Call, params: Authenticate) -> Any:
    await call.host.use(params.vm_name, lambda vm: vm.sessions.authenticate(params.session_id, params.method_id))
    return {}


@handles(sessions.RESUME_SESSION)
async def _resume(call: Call, params: ResumeSession) -> Any:
    return await call.host.use(params.vm_name, lambda vm: vm.sessions.resume(params.session_id, params.options))


@handles(sessions.GET_SESSION_EVENTS)
async def _get_session_events(call: Call, params: GetSessionEvents) -> Any:
    return await call.host.queries.session_events_json(
        params.vm_name,
        params.session_id,
        after=params.after,
        before=params.before,
        limit=params.limit,
        types=params.types,
    )


@handles(sessions.LIST_PERSISTED_SESSIONS)
async def _list_persisted(call: Call, params: VmParams) -> Any:
    return await call.host.queries.persisted_sessions(params.vm_name)


@handles(sessions.LIST_SESSIONS)
async def _list_live(call: Call, params: VmParams) -> Any:
    return await call.host.queries.live_sessions(params.vm_name)


@handles(sessions.GET_SESSION)
async def _get(call: Call, params: SessionParams) -> Any:
    return await call.host.queries.session(params.vm_name, params.session_id)


@handles(sessions.RAW_SEND)
async def _raw_send(call: Call, params: RawSend) -> Any:
    request = (params.session_id, params.method, params.params or {})
    return await call.host.use(params.vm_name, lambda vm: vm.sessions.raw_send(*request))
