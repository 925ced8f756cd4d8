"""Methods on a session's mode and config options: what they take and return."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Struct

from runtime.api.errors import ErrorCode
from runtime.api.method import Method
from runtime.api.sessions import NEEDS_AGENT, NO_SUCH
from runtime.api.types import SessionParams, doc

SETTING: Final = (*NEEDS_AGENT, ErrorCode.OPTION_READ_ONLY, ErrorCode.UNSUPPORTED_BY_AGENT)


class SetValue(SessionParams):
    """The value to set."""

    value: Annotated[str, doc("The value to set, one of those that the option offers.")]


class SetMode(SessionParams):
    """The mode to switch to."""

    mode_id: Annotated[str, doc("The mode to switch to, one of `availableModes`.")]


class SetConfigOption(SessionParams):
    """A config option by id, and its new value."""

    config_id: Annotated[str, doc("The option's id.")]
    value: Annotated[str | bool, doc("The value to set, one of those that the option offers, or a truth value.")]


class Settings(Struct, frozen=True, rename="camel", kw_only=True):
    """A session's options after a change."""

    config_options: Annotated[list[dict[str, Any]], doc("The agent's config options with their current values.")]
    modes: Annotated[dict[str, Any] | None, doc("The agent's modes and the current one; null for an agent without.")]


class Modes(Struct, frozen=True, rename="camel", kw_only=True):
    """The modes that the agent offers."""

    current_mode_id: Annotated[str, doc("The mode that the agent is in.")]
    available_modes: Annotated[list[dict[str, Any]], doc("The modes that there are, as the agent describes them.")]


SET_MODEL: Final = Method(
    "setModel",
    SetValue,
    Settings,
    "Set the config option of category `model`.",
    errors=SETTING,
    settles=True,
)

SET_THOUGHT_LEVEL: Final = Method(
    "setThoughtLevel",
    SetValue,
    Settings,
    "Set the config option of category `thought_level`.",
    errors=SETTING,
    settles=True,
)

SET_MODE: Final = Method(
    "setMode",
    SetMode,
    Settings,
    "Switch the agent's mode.",
    errors=SETTING,
    settles=True,
)

SET_CONFIG_OPTION: Final = Method(
    "setConfigOption",
    SetConfigOption,
    Settings,
    "Set a config option by its id.",
    errors=SETTING,
    settles=True,
)

GET_MODES: Final = Method(
    "getModes",
    SessionParams,
    Modes | None,
    "Return the agent's modes, null if it has none.",
    errors=NO_SUCH,
    returns="The agent's modes, or null.",
)

GET_CONFIG_OPTIONS: Final = Method(
    "getConfigOptions",
    SessionParams,
    list[dict[str, Any]],
    "Return the agent's config options.",
    errors=NO_SUCH,
    returns="The options as ACP has them, empty if there are none.",
)
