"""The options of `createSession`: checked, and split into what is kept in the open, kept sealed, and kept in memory."""

from __future__ import annotations

import secrets
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

import attrs
import msgspec

from runtime.api.defaults import HOME
from runtime.api.errors import ApiError, ErrorCode
from runtime.api.names import is_session_id
from runtime.sessions.asking.policy import Policy
from runtime.sessions.mcp import config as mcp
from runtime.sessions.options.secrets import Secret, parse_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.store.sessions import SessionRecord

MAX_ENV_BYTES: Final = 1024 * 1024
"""Names and values of `env` and `secrets` together: what Linux allows a program's environment, about."""

MAX_INSTRUCTIONS: Final = 1024 * 1024
"""Characters of `additionalInstructions`: they travel in the environment, and no model reads more."""

MCP_SEALED: Final = "mcpServers="
"""Under this name `mcpServers` are sealed together with `env`: their headers and environments hold keys as well. No
variable can have a name with "="."""

_KEPT: Final[tuple[str, ...]] = (
    "additionalInstructions",
    "skipOsInstructions",
    "permissionPolicy",
    "additionalDirectories",
)
_NAMES: Final = frozenset({"sessionId", "env", "secrets", "cwd", "mcpServers", *_KEPT})


@attrs.frozen
class SessionOptions:
    """What a session was created with."""

    cwd: str
    env: dict[str, str]
    secrets: dict[str, Secret]
    """By name, without their values, which are never written anywhere."""
    mcp_servers: list[dict[str, Any]]
    """In ACP's shape."""
    kept: dict[str, Any]
    """The other options, as they were given."""
    policy: Policy

    @property
    def additional_directories(self) -> list[str]:
        """More workspace roots."""
        value: list[str] = self.kept.get("additionalDirectories", [])
        return value

    def stored(self) -> dict[str, Any]:
        """The part that may be read by whoever has the state file."""
        secrets = {name: secret.stored() for name, secret in self.secrets.items()}
        return {**self.kept, "cwd": self.cwd, "secrets": secrets}

    def sealed(self) -> dict[str, str]:
        """The part that must be sealed."""
        return {**self.env, **sealed_servers(self.mcp_servers)}

    @classmethod
    def restore(cls, record: SessionRecord, sealed: Mapping[str, str]) -> SessionOptions:
        """The options of a session that is read back."""
        kept = dict(record.options)
        env = dict(sealed)
        servers = env.pop(MCP_SEALED, None)
        return cls(
            cwd=kept.pop("cwd", record.cwd),
            env=env,
            secrets={name: Secret.restore(stored) for name, stored in kept.pop("secrets", {}).items()},
            mcp_servers=[] if servers is None else msgspec.json.decode(servers),
            policy=Policy.parse(kept.get("permissionPolicy")),
            kept=kept,
        )


def parse_options(options: Mapping[str, Any]) -> tuple[str | None, SessionOptions, dict[str, str]]:
    """Check the options of `createSession`: the id if one is given, the options, and the secrets given by value.

    Raises `ApiError` INVALID_ARGUMENT.
    """
    options = {name: value for name, value in options.items() if value is not None}
    if unknown := options.keys() - _NAMES:
        raise _invalid(f"createSession has no option {', '.join(sorted(unknown))}")
    id_ = options.get("sessionId")
    if id_ is not None and (not isinstance(id_, str) or not is_session_id(id_)):
        raise _invalid("a sessionId has 1 to 128 of A-Za-z0-9._:-, not beginning with a dot, a colon or a hyphen")
    env = _environment(options.get("env"), "env")
    declared, values = parse_secrets(options.get("secrets"))
    if sum(len(name) + len(value) for part in (env, values) for name, value in part.items()) > MAX_ENV_BYTES:
        raise ApiError(ErrorCode.TOO_LARGE, f"env and secrets together are over {MAX_ENV_BYTES} bytes")
    kept = {name: options[name] for name in _KEPT if name in options}
    _check_kept(kept)
    parsed = SessionOptions(
        cwd=_absolute(options.get("cwd", HOME), "cwd"),
        env=env,
        secrets=declared,
        mcp_servers=mcp.normalise(options.get("mcpServers")),
        policy=Policy.parse(kept.get("permissionPolicy")),
        kept=kept,
    )
    return id_, parsed, values


def sealed_servers(servers: list[dict[str, Any]]) -> dict[str, str]:
    """`mcpServers`, in ACP's shape, as they are sealed."""
    return {MCP_SEALED: msgspec.json.encode(servers).decode()} if servers else {}


def new_session_id() -> str:
    """A UUIDv7 (RFC 9562, 5.7): 48 bits of milliseconds, the rest random."""
    value = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return str(uuid.UUID(int=value))


def _environment(value: Any, member: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _invalid(f"{member} is an object of strings")
    for name, item in value.items():
        if not name or "=" in name or "\0" in name:
            raise _invalid(f"{name!r} in {member} is no name of a variable")
        if not isinstance(item, str) or "\0" in item:
            raise _invalid(f"the value of {name} in {member} is not a string without NUL")
    return dict(value)


def _check_kept(kept: dict[str, Any]) -> None:
    instructions = kept.get("additionalInstructions", "")
    if not isinstance(instructions, str) or "\0" in instructions:
        raise _invalid("additionalInstructions is a string")
    if len(instructions) > MAX_INSTRUCTIONS:
        raise ApiError(ErrorCode.TOO_LARGE, f"additionalInstructions are over {MAX_INSTRUCTIONS} characters")
    if not isinstance(kept.get("skipOsInstructions", False), bool):
        raise _invalid("skipOsInstructions is a boolean")
    directories = kept.get("additionalDirectories", [])
    if not isinstance(directories, list):
        raise _invalid("additionalDirectories is a list of paths")
    for directory in directories:
        _absolute(directory, "additionalDirectories")


def _absolute(value: Any, member: str) -> str:
    if not isinstance(value, str) or not value.startswith("/") or "\0" in value:
        raise _invalid(f"{member} must be an absolute path")
    return value


def _invalid(message: str) -> ApiError:
    return ApiError(ErrorCode.INVALID_ARGUMENT, message)
