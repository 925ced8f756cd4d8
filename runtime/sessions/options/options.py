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
from runtime.api.limits import MAX_ENV_BYTES, MAX_INSTRUCTIONS
from runtime.sessions.options import mcp_servers as mcp
from runtime.sessions.options.policy import Policy
from runtime.sessions.options.secrets import Secret, parse_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.api import sessions as api
    from runtime.store.sessions import SessionRecord

MCP_SEALED: Final = "mcpServers="
"""Under this name `mcpServers` are sealed together with `env`: their headers and environments hold keys as well. No
variable can have a name with "="."""

AUTH_SEALED: Final = "authMethod="
"""Under this name `authMethod`, which a later `authenticate` changes, is sealed together with `env`."""

NO_VARIABLES: Final = frozenset({MCP_SEALED, AUTH_SEALED})
"""What is sealed beside the variables."""

_KEPT: Final[tuple[str, ...]] = (
    "additionalInstructions",
    "skipOsInstructions",
    "permissionPolicy",
    "additionalDirectories",
    "elicitation",
)


@attrs.frozen
class SessionOptions:
    """The options that a session was created with."""

    cwd: str
    env: dict[str, str]
    secrets: dict[str, Secret]
    """By name, without their values, which are never written anywhere."""
    mcp_servers: list[dict[str, Any]]
    """In ACP's shape."""
    kept: dict[str, Any]
    """The other options, as they were given."""
    policy: Policy
    auth_method: str | None = attrs.field(default=None, eq=False)
    """Not what tells sessions apart: `authenticate` changes it."""

    @property
    def additional_directories(self) -> list[str]:
        """More workspace roots."""
        value: list[str] = self.kept.get("additionalDirectories", [])
        return value

    @property
    def elicitation(self) -> list[str]:
        """The modes of elicitation that clients can answer."""
        value: list[str] = self.kept.get("elicitation", [])
        return value

    def stored(self) -> dict[str, Any]:
        """The part that every reader of the state file may see."""
        secrets = {name: secret.stored() for name, secret in self.secrets.items()}
        return {**self.kept, "cwd": self.cwd, "secrets": secrets}

    def sealed(self) -> dict[str, str]:
        """The part that must be sealed."""
        return {**self.env, **sealed_servers(self.mcp_servers), **sealed_auth_method(self.auth_method)}

    @classmethod
    def restore(cls, record: SessionRecord, sealed: Mapping[str, str]) -> SessionOptions:
        """The options of a session that is read back."""
        kept = dict(record.options)
        env = dict(sealed)
        servers = env.pop(MCP_SEALED, None)
        auth_method = env.pop(AUTH_SEALED, None)
        return cls(
            cwd=kept.pop("cwd", record.cwd),
            env=env,
            secrets={name: Secret.restore(stored) for name, stored in kept.pop("secrets", {}).items()},
            mcp_servers=[] if servers is None else msgspec.json.decode(servers),
            policy=Policy.restore(kept.get("permissionPolicy")),
            kept=kept,
            auth_method=auth_method,
        )


@attrs.frozen
class Given:
    """The options that a resume may have to give again; None: not given."""

    env: dict[str, str] | None
    mcp_servers: list[dict[str, Any]] | None
    """In ACP's shape."""
    secrets: dict[str, Secret]
    values: dict[str, str] = attrs.field(repr=False)
    """Of the secrets that are given by value."""
    auth_method: str | None


def parse_given(given: api.ResumeOptions) -> Given:
    """Check the options that a resume may have to give again.

    Raises `ApiError` INVALID_ARGUMENT, TOO_LARGE.
    """
    declared, values = parse_secrets(given.secrets or {})
    if (
        sum(len(name) + len(value) for part in (given.env or {}, values) for name, value in part.items())
        > MAX_ENV_BYTES
    ):
        raise ApiError(ErrorCode.TOO_LARGE, f"env and secrets together are over {MAX_ENV_BYTES} bytes")
    servers = None if given.mcp_servers is None else mcp.normalise(given.mcp_servers)
    return Given(given.env, servers, declared, values, given.auth_method)


def parse_options(options: api.SessionOptions) -> tuple[SessionOptions, dict[str, str]]:
    """Check the options of `createSession`: the options, and the secrets given by value.

    Raises `ApiError` INVALID_ARGUMENT, TOO_LARGE.
    """
    given = parse_given(options)
    _check_instructions(options.additional_instructions or "")
    for directory in options.additional_directories or ():
        _check_absolute(directory, "additionalDirectories")
    cwd = HOME if options.cwd is None else options.cwd
    _check_absolute(cwd, "cwd")
    wire: dict[str, Any] = msgspec.to_builtins(options)
    parsed = SessionOptions(
        cwd=cwd,
        env=given.env or {},
        secrets=given.secrets,
        mcp_servers=given.mcp_servers or [],
        policy=Policy.of(options.permission_policy),
        kept={name: wire[name] for name in _KEPT if name in wire},
        auth_method=given.auth_method,
    )
    return parsed, given.values


def sealed_servers(servers: list[dict[str, Any]]) -> dict[str, str]:
    """`mcpServers`, in ACP's shape, as they are sealed."""
    return {MCP_SEALED: msgspec.json.encode(servers).decode()} if servers else {}


def sealed_auth_method(auth_method: str | None) -> dict[str, str]:
    """`authMethod` as it is sealed."""
    return {} if auth_method is None else {AUTH_SEALED: auth_method}


def new_session_id() -> str:
    """A UUIDv7 (RFC 9562, 5.7): 48 bits of milliseconds, the rest random."""
    value = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return str(uuid.UUID(int=value))


def _check_instructions(instructions: str) -> None:
    if "\0" in instructions:
        raise ApiError(ErrorCode.INVALID_ARGUMENT, "additionalInstructions is a string without NUL")
    if len(instructions) > MAX_INSTRUCTIONS:
        raise ApiError(ErrorCode.TOO_LARGE, f"additionalInstructions are over {MAX_INSTRUCTIONS} characters")


def _check_absolute(path: str, member: str) -> None:
    if not path.startswith("/") or "\0" in path:
        raise ApiError(ErrorCode.INVALID_ARGUMENT, f"{member} must be an absolute path")
