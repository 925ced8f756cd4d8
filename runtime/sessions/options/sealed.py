"""The sealed options of a session, `env` and `mcpServers`: read back, or given again if they cannot be.

It cannot be opened when the key is gone or another one, and is not there at all in a VM that was imported or in a fork of a
session that nobody could open. SECRETS_REQUIRED then says what `resumeSession` is to be given, lost secrets included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.api.errors import ApiError, ErrorCode
from runtime.sessions.options.options import (
    AUTH_SEALED,
    MCP_SEALED,
    NO_VARIABLES,
    SessionOptions,
    sealed_auth_method,
    sealed_servers,
)
from runtime.sessions.options.required import secrets_required
from runtime.sessions.options.secrets import Secret, look_up

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runtime.store.sessions import SessionRecord
    from runtime.store.store import Store


async def read_options(store: Store, record: SessionRecord, secrets: Mapping[str, str]) -> SessionOptions:
    """The options of a session whose `secrets` given by value are in memory.

    Raises `ApiError` SECRETS_REQUIRED, SESSION_NOT_FOUND, STATE_CORRUPT, IO_ERROR.
    """
    sealed = await _open(store, record)
    if sealed is None and set(record.env_names) != {AUTH_SEALED}:  # without it alone the agent asks again
        raise _required(record, record.env_names, secrets)
    return SessionOptions.restore(record, sealed or {})


async def seal_again(
    store: Store,
    record: SessionRecord,
    env: dict[str, str] | None,
    servers: list[dict[str, Any]] | None,
    auth_method: str | None,
    secrets: Mapping[str, str],
) -> None:
    """Seal the given options (None: not given) in place of the old ones; the others stay.

    Raises `ApiError` SECRETS_REQUIRED when something else is lost and not given, or a value is in none of `secrets`: nothing
    is changed then. INVALID_ARGUMENT for a variable of `env` that is a secret.
    """
    declared = declared_secrets(record)
    if twice := sorted(declared.keys() & (env or {}).keys()):
        message = f"/options/env/{twice[0]}: the session has a secret of that name, and a variable has one value"
        raise ApiError(ErrorCode.INVALID_ARGUMENT, message, pointer=f"/options/env/{twice[0]}")
    sealed = await _open(store, record)
    kept = {} if sealed is None else sealed
    lost = [name for name in record.env_names if name != AUTH_SEALED] if sealed is None else []
    lacking = [name for name in lost if (servers is None if name == MCP_SEALED else name not in (env or {}))]
    if lacking or look_up(declared, secrets).lacking:
        raise _required(record, lacking, secrets)
    before: dict[str, str] = {name: kept.pop(name) for name in (MCP_SEALED, AUTH_SEALED) if name in kept}
    if servers is not None:
        before.pop(MCP_SEALED, None)
        before.update(sealed_servers(servers))
    await store.sessions.set_env(
        record, {**(kept if env is None else env), **before, **sealed_auth_method(auth_method)}
    )


def declared_secrets(record: SessionRecord) -> dict[str, Secret]:
    """The secrets of a session; they are in the open, since their values are not among them."""
    return {name: Secret.restore(stored) for name, stored in record.options.get("secrets", {}).items()}


async def _open(store: Store, record: SessionRecord) -> dict[str, str] | None:
    try:
        return await store.sessions.env(record)
    except ApiError as error:
        if error.code is not ErrorCode.SECRETS_REQUIRED:
            raise
        return None


def _required(record: SessionRecord, lost: Sequence[str], secrets: Mapping[str, str]) -> ApiError:
    found = look_up(declared_secrets(record), secrets)
    return secrets_required(
        env=[name for name in lost if name not in NO_VARIABLES],
        servers=MCP_SEALED in lost,
        secrets=found.lacking,
        host_env=found.host_env,
    )
