"""The methods of a VM on its files; none of these wakes it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Literal, overload

import msgspec

from runtime.api.files import FileStat
from runtime.api.many_files import DirEntry, FileError, FileWritten, TreeEntry
from runtime.api.past import FilesDiff, Snapshot
from runtime.client.handle import Handle, Json
from runtime.client.results import FileRead

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Point = str | tuple[str, int]
"""A snapshot's name, or a session's id with the seq of an event."""


class FileMethods(Handle):
    """Paths are absolute POSIX paths inside the VM."""

    @overload
    async def read_file(
        self, path: str, *, encoding: Literal["base64"], offset: int | None = None, length: int | None = None
    ) -> bytes: ...
    @overload
    async def read_file(
        self,
        path: str,
        *,
        encoding: Literal["utf8"] | None = None,
        offset: int | None = None,
        length: int | None = None,
    ) -> str | bytes: ...
    async def read_file(
        self, path: str, *, encoding: str | None = None, offset: int | None = None, length: int | None = None
    ) -> str | bytes:
        """Return a file: a string where it is valid UTF-8 and `encoding="base64"` was not asked for, else bytes.

        `offset` and `length` are of a piece of it, in bytes.
        """
        found = await self.call("readFile", path=path, encoding=encoding, offset=offset, length=length)
        return received(found["content"])

    async def write_file(
        self, path: str, content: str | bytes, *, create_parents: bool | None = None, offset: int | None = None
    ) -> None:
        """Create or replace a file, with its directories unless `create_parents` is False.

        With `offset`, in bytes, only what is there in the file is replaced.
        """
        await self.call("writeFile", path=path, content=sent(content), createParents=create_parents, offset=offset)

    async def readdir(self, path: str) -> list[str]:
        """Return the names in a directory."""
        names: list[str] = await self.call("readdir", path=path)
        return names

    async def stat(self, path: str, *, follow_links: bool = True) -> FileStat:
        """Describe a file, or the link itself."""
        return await self._typed(FileStat, "stat", path=path, followLinks=follow_links)

    async def exists(self, path: str) -> bool:
        """Say whether the path names anything."""
        return bool(await self.call("exists", path=path))

    async def mkdir(self, path: str, *, recursive: bool = False) -> None:
        """Create a directory, with `recursive` its parents."""
        await self.call("mkdir", path=path, recursive=recursive)

    async def delete_file(self, path: str, *, recursive: bool = False) -> None:
        """Remove a file or a link, or with `recursive` a directory."""
        await self.call("deleteFile", path=path, recursive=recursive)

    async def read_files(
        self, paths: Iterable[str], *, encoding: Literal["utf8", "base64"] | None = None
    ) -> list[FileRead]:
        """Return whole files, 16 MiB all together; where one could not be read, `error` says why."""
        found = await self.call("readFiles", paths=list(paths), encoding=encoding)
        return [
            FileRead(path=each["path"], content=received(each["content"]))
            if "content" in each
            else FileRead(path=each["path"], error=msgspec.convert(each["error"], FileError))
            for each in found
        ]

    async def write_files(self, files: Mapping[str, str | bytes]) -> list[FileWritten]:
        """Create or replace files, by path, with their directories; where one could not be written, `error` says why."""
        listed = [{"path": path, "content": sent(content)} for path, content in files.items()]
        return await self._typed(list[FileWritten], "writeFiles", files=listed)

    async def readdir_entries(self, path: str, *, after: str | None = None, limit: int | None = None) -> list[DirEntry]:
        """Describe the entries of a directory, by name; a page of it: at most `limit`, from after the name `after`."""
        return await self._typed(list[DirEntry], "readdirEntries", path=path, after=after, limit=limit)

    async def readdir_recursive(
        self, path: str, *, max_depth: int | None = None, exclude: Iterable[str] | None = None
    ) -> list[TreeEntry]:
        """Describe everything below a directory, parents first; `exclude` are globs of what is left out with all below."""
        globs = None if exclude is None else list(exclude)
        return await self._typed(list[TreeEntry], "readdirRecursive", path=path, maxDepth=max_depth, exclude=globs)

    async def move(self, source: str, target: str) -> None:
        """Rename, over a file or an empty directory that is in its place."""
        await self.call("move", **{"from": source, "to": target})

    async def symlink(self, target: str, path: str) -> None:
        """Make a symbolic link at `path` to `target`."""
        await self.call("symlink", target=target, path=path)

    async def readlink(self, path: str) -> str:
        """Return what a symbolic link holds."""
        return str(await self.call("readlink", path=path))

    async def chmod(self, path: str, mode: int) -> None:
        """Set permission bits; they are kept, and not enforced."""
        await self.call("chmod", path=path, mode=mode)

    async def truncate(self, path: str, size: int) -> None:
        """Cut a file off, or extend it by zeros that take no space."""
        await self.call("truncate", path=path, size=size)

    async def snapshot(self, name: str | None = None) -> Snapshot:
        """Keep the files as they are now, under a name, which is made up if none is given."""
        return await self._typed(Snapshot, "snapshot", name=name)

    async def list_snapshots(self, session_id: str | None = None) -> list[Snapshot]:
        """Return the snapshots with names, or those that a session's turns have left behind; oldest first."""
        return await self._typed(list[Snapshot], "listSnapshots", sessionId=session_id)

    async def delete_snapshot(self, name: str) -> None:
        """Delete a snapshot, with what only it has kept."""
        await self.call("deleteSnapshot", name=name)

    async def restore(self, to: Point, *, grace_ms: int | None = None, force: bool = False) -> Snapshot:
        """Put the VM to sleep and make its files what they were; returns the snapshot that they are from."""
        return await self._typed(Snapshot, "restore", to=_point(to), graceMs=grace_ms, force=force or None)

    async def diff(self, from_: Point, to: Point | None = None, *, path: str | None = None) -> FilesDiff:
        """Tell what is different in the files at `to`, by default now, from what there was at `from_`."""
        return await self._typed(FilesDiff, "diff", **{"from": _point(from_), "to": _point(to), "path": path})


def sent(content: str | bytes) -> str | Json:
    """Return text or bytes as they travel."""
    return content if isinstance(content, str) else {"base64": base64.b64encode(content).decode()}


def received(content: str | Json) -> str | bytes:
    """Return what has travelled as text or bytes."""
    return content if isinstance(content, str) else base64.b64decode(content["base64"])


def _point(point: Point | None) -> str | Json | None:
    return {"sessionId": point[0], "seq": point[1]} if isinstance(point, tuple) else point
