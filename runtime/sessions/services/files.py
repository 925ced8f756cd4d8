"""ACP `fs/*`: files of the VM, or those that a client opens itself.

Where a client serves the session's files (an editor, whose buffers may not be saved yet), it is asked for those in its mounts,
by a path that no guest can make lead elsewhere meanwhile. All others, and those that it does not give, are the VM's.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.file_servers import FileRefusedError, FileServerGoneError
from runtime.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS
from runtime.sessions.services.refusals import REFUSALS, RefusedError, error_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runtime.acp.codec import Id
    from runtime.acp.messages import ReadTextFile, WriteTextFile
    from runtime.file_servers import FileServer
    from runtime.sessions.agent.process import Agent
    from runtime.sessions.ports import VmFiles


class AgentFiles:
    """Serves the files of one agent. `find` returns the client that serves them, if there is one."""

    def __init__(self, files: VmFiles, agent: Agent, find: Callable[[], FileServer | None]) -> None:
        self._files = files
        self._agent = agent
        self._find = find
        self._waiting: deque[Id] = deque()
        """Requests that a client answers, one after the other."""
        self._moved = trio.lowlevel.ParkingLot()

    async def read(self, id_: Id, params: ReadTextFile) -> None:
        """Serve `fs/read_text_file`. Raises what `REFUSALS` has."""
        server = self._find()
        if server is None or not server.serves(params.path, changing=False):
            self._agent.respond(id_, await self._read(params))
        else:
            self._serve_later(id_, 0, lambda: self._read_at(server, params))

    async def write(self, id_: Id, params: WriteTextFile) -> None:
        """Serve `fs/write_text_file`. Raises what `REFUSALS` has."""
        server = self._find()
        if server is None or not server.serves(params.path, changing=True):
            self._agent.respond(id_, await self._write(params))
        else:
            self._serve_later(id_, len(params.content), lambda: self._write_at(server, params))

    def cancel(self) -> None:
        """Wait for no client any more."""
        for id_ in tuple(self._waiting):
            self._agent.take_back(id_)

    def _serve_later(self, id_: Id, size: int, serve: Callable[[], Awaitable[Any]]) -> None:
        self._waiting.append(id_)
        self._agent.hold(size)

        async def run() -> None:
            try:
                while self._waiting[0] != id_:  # a read that follows a write sees it
                    await self._moved.park()
                self._agent.respond(id_, await serve())
            except REFUSALS as refusal:
                self._agent.refuse(id_, error_of(refusal))
            finally:
                self._waiting.remove(id_)
                self._agent.hold(-size)
                self._moved.unpark_all()

        self._agent.serve_later(id_, run)

    async def _read_at(self, server: FileServer, params: ReadTextFile) -> dict[str, Any]:
        try:
            async with self._files.held_direct(params.path, changing=False) as path:
                if path is not None and server.serves(path, changing=False):
                    return {"content": await server.read(path, params.line, params.limit)}
        except (FileRefusedError, FileServerGoneError):  # what is on the disk is all that there is to be had
            pass
        except trio.TooSlowError:
            raise RefusedError(INTERNAL_ERROR, f"the editor did not answer in time for {params.path}") from None
        return await self._read(params)

    async def _write_at(self, server: FileServer, params: WriteTextFile) -> dict[str, Any]:
        try:
            async with self._files.held_direct(params.path, changing=True) as path:
                if path is not None and server.serves(path, changing=True):
                    await server.write(path, params.content)
                    return {}
        except FileRefusedError as refusal:
            raise RefusedError(INTERNAL_ERROR, f"the editor did not write {params.path}: {refusal}") from None
        except (FileServerGoneError, trio.TooSlowError):
            message = f"the editor was asked to write {params.path} and did not answer: it may have written it"
            raise RefusedError(INTERNAL_ERROR, message) from None
        return await self._write(params)

    async def _read(self, params: ReadTextFile) -> dict[str, Any]:
        data = await self._content(params)
        try:
            return {"content": data.decode()}
        except UnicodeDecodeError as error:
            raise RefusedError(INVALID_PARAMS, f"{params.path} is not UTF-8 text: {error.reason}") from error

    async def _content(self, params: ReadTextFile) -> bytes:
        if params.line is not None or params.limit is not None:
            return await self._files.read_lines(params.path, params.line, params.limit)
        try:
            return await self._files.read_file(params.path)
        except ApiError as error:
            if error.code is not ErrorCode.TOO_LARGE:
                raise
            message = f"{params.path} is too large for one answer: use line and limit"
            raise RefusedError(INTERNAL_ERROR, message, error.to_data()) from error

    async def _write(self, params: WriteTextFile) -> dict[str, Any]:
        await self._files.write_file(params.path, params.content.encode(), create_parents=True)
        return {}
