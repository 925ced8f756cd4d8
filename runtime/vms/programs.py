"""The programs in a VM: found along a path, and known by the identity of their file, so that each is read once. A script is
found here, and what runs it elsewhere (`runtime.posix.programs`).

The identity of a file of the base system is the hash of its content, by which the engine finds what it was compiled to: such a
program is read only to be compiled.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import attrs
import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.engine import ComponentError
from runtime.patience import patiently
from runtime.posix.programs import SCRIPT
from wasi_fs import FsCode, FsError, OpenFile
from wasi_fs.base import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from runtime.engine import Engine, Program, Share
    from wasi_fs import FileSystem

MAX_COMMAND_BYTES: Final = 256 * 1024 * 1024
"""Of a component in the VM: five times the largest agent. A guest can make a file of holes that no memory would hold."""

PIECE: Final = 1024 * 1024
"""Bytes read between two checkpoints, in about a millisecond."""

MAX_KNOWN: Final = 256
"""Files that are remembered, 300 bytes each: as many as the engine keeps programs."""

MAX_PATH_CHARACTERS: Final = 128 * 1024
"""Of PATH, as many as Linux takes of one variable; what follows is not looked at."""

MAX_DIRECTORIES: Final = 1000
"""Of PATH: far above any use, and each is looked for."""

AT_ONCE: Final = 8
"""Of these, looked for in one step: as many as most PATHs have."""

MAX_TOLD: Final = 1000
"""Characters of PATH and of the command in an error's text."""

ATTEMPTS: Final = 3
"""Tries to read a file that is being written: a compiler finishes soon, and a longer write is not waited for."""


@attrs.frozen
class Script:
    """A command that is a script."""

    path: str
    """As the command names it, or as it was found along PATH."""


class Found(NamedTuple):
    """A program, and the path of its file."""

    program: Program
    path: str


class Programs:
    """The programs of one VM."""

    def __init__(self, engine: Engine, share: Share, filesystem: FileSystem) -> None:
        self._engine = engine
        self._share = share
        self._filesystem = filesystem
        self._digests: OrderedDict[Hashable, str] = OrderedDict()

    async def load(self, command: str, path: str, cwd: str, tell: Callable[[int], None]) -> Found | Script:
        """The program or the script that a command names. A program is read only if it is not known; `tell` as for
        `Engine.load_content`.

        `path` is the value of PATH. Raises ApiError NOT_FOUND, ComponentError, OSError.
        """
        place, identity = await self._find(command, path, cwd)
        program = self._remembered(identity)
        if program is None and isinstance(identity, Digest):
            program = await self._engine.find(identity, self._share)
        if program is not None:
            return Found(program, place)
        try:
            with self._filesystem.open(place) as file:
                assert isinstance(file, OpenFile)
                if await patiently(partial(file.read, 0, len(SCRIPT))) == SCRIPT:
                    return Script(command if "/" in command else place)
                return Found(await self.load_file(file, tell), place)
        except FsError as error:
            raise ComponentError(f"its file cannot be read: {error}") from None

    async def load_file(self, file: OpenFile, tell: Callable[[int], None]) -> Program:
        """The program in a file that is open. Raises ComponentError, OSError, FsError."""
        if program := self.known_file(file):
            return program
        identity, content = await self._read(file)
        program = await self._engine.load_content(content, tell, self._share)
        if identity is not None and not isinstance(identity, Digest):
            self._digests[identity] = program.digest
        while len(self._digests) > MAX_KNOWN:
            self._digests.popitem(last=False)
        return program

    def known_file(self, file: OpenFile) -> Program | None:
        """The program in a file that is open, if it is not to be read for that."""
        return self._remembered(file.identity())

    def known(self, command: str, path: str, cwd: str) -> Found | None:
        """As `load`, at once; None if that would have to read the file, or if the program is far down in `path`."""
        for candidate in _candidates(command, path, cwd)[:AT_ONCE]:
            try:
                program = self._remembered(self._filesystem.identity(candidate))
                return None if program is None else Found(program, candidate)
            except FsError as error:
                if error.code is FsCode.WOULD_BLOCK:
                    return None
        return None

    def _remembered(self, identity: Hashable | None) -> Program | None:
        if isinstance(identity, Digest):
            return self._engine.known(identity)
        digest = None if identity is None else self._digests.get(identity)
        program = None if digest is None else self._engine.known(digest)
        if program is not None:
            self._digests.move_to_end(identity)
        return program

    async def _find(self, command: str, path: str, cwd: str) -> tuple[str, Hashable | None]:
        """Where the command's file is, and its identity."""
        for candidate in _candidates(command, path, cwd):
            try:
                return candidate, await patiently(partial(self._filesystem.identity, candidate))
            except FsError:
                await trio.lowlevel.checkpoint()
        raise ApiError(
            ErrorCode.NOT_FOUND, f"no command {command[:MAX_TOLD]!r} in the VM ({path[:MAX_TOLD]})", path=command
        )

    async def _read(self, file: OpenFile) -> tuple[Hashable | None, bytes]:
        """A file's identity and its content, all of one moment. FsError, ComponentError."""
        for _ in range(ATTEMPTS):
            identity, size = file.identity(), file.stat().size
            if size > MAX_COMMAND_BYTES:
                raise ComponentError(f"it has more than {MAX_COMMAND_BYTES} bytes")
            pieces = []
            for offset in range(0, size, PIECE):
                pieces.append(bytes(file.read(offset, PIECE)))
                await trio.lowlevel.checkpoint()
                if file.identity() != identity:
                    break
            else:
                return identity, await trio.to_thread.run_sync(b"".join, pieces, limiter=self._share.threads)
        raise ComponentError("its file is being written")


def _candidates(command: str, path: str, cwd: str) -> list[str]:
    """Where a command may be."""
    if "/" in command:
        return [command if command.startswith("/") else f"{cwd}/{command}"]
    directories = path[:MAX_PATH_CHARACTERS].split(":", MAX_DIRECTORIES)[:MAX_DIRECTORIES]
    return [
        f"{directory if directory.startswith('/') else f'{cwd}/{directory}'}/{command}" for directory in directories
    ]
