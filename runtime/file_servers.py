"""Clients that open files of a session's workspace themselves, for the session's agent: editors, with what is not saved yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class FileRefusedError(Exception):
    """The client has not done it; the message says why."""


class FileServerGoneError(Exception):
    """The client went before it answered."""


class FileServer(Protocol):
    """One client, for one session."""

    def serves(self, path: str, *, changing: bool) -> bool:
        """Whether it opens the file at `path` itself, to read it or to change it."""

    async def read(self, path: str, line: int | None, limit: int | None) -> str:
        """The text of a file, or `limit` lines of it from `line` on, which counts from 1.

        Raises FileRefusedError, FileServerGoneError, trio.TooSlowError.
        """

    async def write(self, path: str, content: str) -> None:
        """Replace or create a file. Raises as `read`; after the last two it may have been done."""


class FileServers:
    """The file servers of all sessions."""

    def __init__(self) -> None:
        self._servers: dict[tuple[str, str], list[FileServer]] = {}

    def enter(self, vm: str, session_id: str, server: FileServer) -> Callable[[], None]:
        """Ask `server` from now on, in place of an earlier one; the returned function ends that."""
        key = (vm, session_id)
        self._servers.setdefault(key, []).append(server)

        def leave() -> None:
            servers = self._servers[key]
            servers.remove(server)
            if not servers:
                del self._servers[key]

        return leave

    def find(self, vm: str, session_id: str) -> FileServer | None:
        """The one that is asked for files of the session, if there is any."""
        servers = self._servers.get((vm, session_id))
        return servers[-1] if servers else None
