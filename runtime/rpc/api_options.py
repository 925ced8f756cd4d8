"""The methods on a session's mode and config options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.api import settings
from runtime.rpc.methods import Call, handles

if TYPE_CHECKING:
    from runtime.api.settings import SetConfigOption, SetMode, SetValue
    from runtime.api.types import SessionParams


@handles(settings.SET_MODEL)
async def _set_model(call: Call, params: SetValue) -> Any:
    return await call.host.use(params.vm_name, lambda vm: vm.sessions.set_model(params.session_id, params.value))


@handles(settings.SET_THOUGHT_LEVEL)
async def _set_thought_level(call: Call, params: SetValue) -> Any:
    return await call.host.use(
        params.vm_name, lambda vm: vm.sessions.set_thought_level(params.session_id, params.value)
    )


@handles(settings.SET_MODE)
async def _set_mode(call: Call, params: SetMode) -> Any:
    return await call.host.use(params.vm_name, lambda vm: vm.sessions.set_mode(params.session_id, params.mode_id))


@handles(settings.SET_CONFIG_OPTION)
async def _set_config_option(call: Call, params: SetConfigOption) -> Any:
    setting = (params.session_id, params.config_id, params.value)
    return await call.host.use(params.vm_name, lambda vm: vm.sessions.set_config_option(*setting))


@handles(settings.GET_MODES)
async def _get_modes(call: Call, params: SessionParams) -> Any:
    return (await call.host.queries.session(params.vm_name, params.session_id))["modes"]


@handles(settings.GET_CONFIG_OPTIONS)
async def _get_config_options(call: Call, params: SessionParams) -> Any:
    return (await call.host.queries.session(params.vm_name, params.session_id))["configOptions"]
