"""The methods on a session's mode and config options. Translation only; `runtime.sessions` does the work."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from runtime.api.errors import ErrorCode
from runtime.api.types import SessionParams
from runtime.rpc.api_sessions import NEEDS_AGENT, NO_SUCH
from runtime.rpc.methods import Call, MethodTable

METHODS: Final = MethodTable()
SETTING: Final = (*NEEDS_AGENT, ErrorCode.OPTION_READ_ONLY, ErrorCode.UNSUPPORTED_BY_AGENT)


class SetValue(SessionParams):
    """The value to set."""

    value: str


class SetMode(SessionParams):
    """The mode to switch to."""

    mode_id: str


class SetConfigOption(SessionParams):
    """A config option by id, and its new value."""

    config_id: str
    value: str | bool


class Settings(Struct, rename="camel", kw_only=True):
    """A session's options after a change."""

    config_options: list[dict[str, Any]]
    modes: dict[str, Any] | None


class Modes(Struct, rename="camel", kw_only=True):
    """The modes that the agent offers."""

    current_mode_id: str
    available_modes: list[dict[str, Any]]


@METHODS.method("setModel", SetValue, Settings, "Set the config option of category `model`.", *SETTING, settles=True)
async def _set_model(call: Call, params: SetValue) -> Any:
    return await (await call.host.vm(params.vm_name)).sessions.set_model(params.session_id, params.value)


@METHODS.method(
    "setThoughtLevel", SetValue, Settings, "Set the config option of category `thought_level`.", *SETTING, settles=True
)
async def _set_thought_level(call: Call, params: SetValue) -> Any:
    return await (await call.host.vm(params.vm_name)).sessions.set_thought_level(params.session_id, params.value)


@METHODS.method("setMode", SetMode, Settings, "Switch the agent's mode.", *SETTING, settles=True)
async def _set_mode(call: Call, params: SetMode) -> Any:
    return await (await call.host.vm(params.vm_name)).sessions.set_mode(params.session_id, params.mode_id)


@METHODS.method("setConfigOption", SetConfigOption, Settings, "Set a config option by its id.", *SETTING, settles=True)
async def _set_config_option(call: Call, params: SetConfigOption) -> Any:
    vm = await call.host.vm(params.vm_name)
    return await vm.sessions.set_config_option(params.session_id, params.config_id, params.value)


@METHODS.method("getModes", SessionParams, Modes | None, "Return the agent's modes, null if it has none.", *NO_SUCH)
async def _get_modes(call: Call, params: SessionParams) -> Any:
    return (await call.host.session(params.vm_name, params.session_id))["modes"]


@METHODS.method("getConfigOptions", SessionParams, list[dict[str, Any]], "Return the agent's config options.", *NO_SUCH)
async def _get_config_options(call: Call, params: SessionParams) -> Any:
    return (await call.host.session(params.vm_name, params.session_id))["configOptions"]
