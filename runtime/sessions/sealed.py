"""What of a session's options is sealed, `env` and `mcpServers`: read back, and given again where it cannot be.

It cannot be opened when the key is gone or another one, and is not there at all in a VM that was imported or in a fork of a
session that nobody could open. SECRETS_REQUIRED then says what `resumeSession` is to be given: `options` has the names of
its options, `names` the variables that belong into `env`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.errors import ApiError, ErrorCode
from runtime.sessions.options import MCP_SEALED, SessionOptions, sealed_servers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.store.sessions import SessionRecord
    from runtime.store.store import Store


async def read_options(store: Store, record: SessionRecord) -> SessionOptions:
    """The options of a session. Raises `ApiError` SECRETS_REQUIRED, SESSION_NOT_FOUND, STATE_CORRUPT, IO_ERROR."""
    sealed = await _open(store, record)
    if sealed is None:
        raise _required(record.session_id, record.env_names)
    return SessionOptions.restore(record, sealed)


async def seal_again(
    store: Store, record: SessionRecord, env: dict[str, str] | None, servers: list[dict[str, Any]] | None
) -> None:
    """Seal what is given (None: it is not) in place of what was; the rest stays.

    Raises `ApiError` SECRETS_REQUIRED when something else is lost and not given: nothing is changed then.
    """
    sealed = await _open(store, record)
    kept = {} if sealed is None else sealed
    if sealed is None:
        lost = record.env_names
        lacking = [name for name in lost if (servers is None if name == MCP_SEALED else name not in (env or {}))]
        if lacking:
            raise _required(record.session_id, lacking)
    before = {MCP_SEALED: kept.pop(MCP_SEALED)} if MCP_SEALED in kept else {}
    variables = kept if env is None else env
    await store.sessions.set_env(record, {**variables, **(before if servers is None else sealed_servers(servers))})


async def _open(store: Store, record: SessionRecord) -> dict[str, str] | None:
    try:
        return await store.sessions.env(record)
    except ApiError as error:
        if error.code is not ErrorCode.SECRETS_REQUIRED:
            raise
        return None


def _required(session_id: str, lacking: Iterable[str]) -> ApiError:
    names = sorted(name for name in lacking if name != MCP_SEALED)
    options = [*(["env"] if names else []), *(["mcpServers"] if MCP_SEALED in lacking else [])]
    asked = " and ".join(f"env ({', '.join(names)})" if option == "env" else option for option in options)
    return ApiError(
        ErrorCode.SECRETS_REQUIRED,
        f"what was sealed of session {session_id} cannot be opened here: resumeSession needs its {asked} again",
        names=names,
        options=options,
    )
