"""`torpor fs cp`: files into a VM, out of it, and within it, with their permission bits and links."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from runtime.cli import output, pieces
from runtime.cli.progress import Line
from runtime.newfile import NewFile
from runtime.text import whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.client.sync import Client

BATCH_BYTES: Final = pieces.PIECE_BYTES
"""Of content in one call; larger files go by themselves."""

BATCH_FILES: Final = 1000
"""In one call: the daemon takes ten times as many, and a call stays short."""

FILE_MODE: Final = 0o644
"""What a new file has in a VM."""

DIRECTORY_MODE: Final = 0o755
"""What a new directory has in a VM."""

SPECIAL_BITS: Final = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX
"""Mean something only in the VM."""

Entry = tuple[str, str, int, Any]
"""A path below the source ("" for itself), its type and permission bits, and a link's target or a file's size."""


class CopyError(Exception):
    """Something cannot be copied."""


def copy(client: Client, vm: str | list[str], source: str, target: str, *, recursive: bool) -> int:
    """Copy everything at `source`, and return how many files that were; a path that begins with a colon is in the VM.

    Raises CopyError, OSError, RpcError, ConnectionLostError.
    """
    inside = _Inside(client, vm)
    return _copy(_side(source, inside), _side(target, inside), recursive=recursive)


def into(client: Client, vm: str | list[str], source: str, target: str) -> str:
    """Where a file goes that is put at `target`: below it, under its own name, if that is a directory."""
    if client.call("exists", vm=vm, path=target) and client.call("stat", vm=vm, path=target)["type"] == "directory":
        return f"{target.rstrip('/')}/{PurePosixPath(source).name}"
    return target


class _Inside:
    """The VM's files."""

    def __init__(self, client: Client, vm: str | list[str], path: str = "") -> None:
        self._client = client
        self._vm = vm
        self.path = path

    def at(self, path: str) -> _Inside:
        return _Inside(self._client, self._vm, path)

    def into(self, source: str) -> _Inside:
        return self.at(into(self._client, self._vm, source, self.path))

    def entries(self) -> Iterator[Entry]:
        top = self._call("stat", path=self.path)
        yield "", top["type"], stat.S_IMODE(top["mode"]), top["size"]
        if top["type"] == "directory":
            for entry in self._call("readdirRecursive", path=self.path):
                place, kind = entry["path"], entry["type"]
                if kind == "other":
                    output.say(f":{place} is left out: it is neither a file nor a directory nor a link")
                    continue
                more = self._call("readlink", path=place) if kind == "symlink" else entry["size"]
                yield place[len(self.path.rstrip("/")) + 1 :], kind, stat.S_IMODE(entry["mode"]), more

    def read(self, paths: list[str]) -> list[bytes]:
        found = self._call("readFiles", paths=[self._below(path) for path in paths], encoding="base64")
        for each in found:
            if "error" in each:
                raise CopyError(f"{each['error']['message']} ({each['error']['code']})")
        return [base64.b64decode(each["content"]["base64"]) for each in found]

    def pieces(self, path: str) -> Iterator[bytes]:
        return pieces.read(self._call, self._below(path))

    def make_directory(self, path: str, mode: int) -> None:
        self._call("mkdir", path=self._below(path), recursive=True)
        if mode != DIRECTORY_MODE:
            self._call("chmod", path=self._below(path), mode=mode)

    def write(self, files: list[tuple[str, int, bytes]]) -> None:
        given = [
            {"path": self._below(path), "content": {"base64": base64.b64encode(data).decode()}}
            for path, _, data in files
        ]
        for each in self._call("writeFiles", files=given):
            if "error" in each:
                raise CopyError(f"{each['error']['message']} ({each['error']['code']})")
        for path, mode, _ in files:
            if mode != FILE_MODE:
                self._call("chmod", path=self._below(path), mode=mode)

    def write_pieces(self, path: str, mode: int, content: Iterator[bytes]) -> None:
        pieces.write(self._call, self._below(path), content)
        if mode != FILE_MODE:
            self._call("chmod", path=self._below(path), mode=mode)

    def link(self, path: str, target: str) -> None:
        self._call("symlink", target=target, path=self._below(path))

    def _below(self, path: str) -> str:
        return f"{self.path.rstrip('/')}/{path}" if path else self.path

    def _call(self, method: str, **params: Any) -> Any:
        return self._client.call(method, vm=self._vm, **params)


class _Outside:
    """This machine's files."""

    def __init__(self, path: str) -> None:
        self.path = path

    def into(self, source: str) -> _Outside:
        return _Outside(str(Path(self.path) / Path(source.rstrip("/")).name)) if Path(self.path).is_dir() else self

    def entries(self) -> Iterator[Entry]:
        top = Path(self.path)
        status = top.stat()
        yield "", "directory" if top.is_dir() else "file", stat.S_IMODE(status.st_mode), status.st_size
        for directory, names, files in os.walk(top):
            found = sorted([*names, *files])
            names[:] = [name for name in names if _is_text(name)]
            for name in found:
                path = Path(directory, name)
                status = path.lstat()
                mode, place = stat.S_IMODE(status.st_mode), str(path.relative_to(top))
                target = str(path.readlink()) if path.is_symlink() else None
                if not (_is_text(name) and _is_text(target or "")):
                    output.say(f"{whole(str(path))} is left out: its name, or what it links to, is not UTF-8")
                elif target is not None:
                    yield place, "symlink", mode, target
                elif path.is_dir():
                    yield place, "directory", mode, 0
                elif path.is_file():
                    yield place, "file", mode, status.st_size
                else:
                    output.say(f"{path} is left out: it is neither a file nor a directory nor a link")

    def read(self, paths: list[str]) -> list[bytes]:
        return [Path(self.path, path).read_bytes() for path in paths]

    def pieces(self, path: str) -> Iterator[bytes]:
        with Path(self.path, path).open("rb") as file:
            yield from pieces.cut(file)

    def make_directory(self, path: str, mode: int) -> None:
        place = self._own(path)
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(mode | stat.S_IRWXU)

    def write(self, files: list[tuple[str, int, bytes]]) -> None:
        for path, mode, data in files:
            place = self._own(path)
            place.write_bytes(data)
            place.chmod(mode & ~SPECIAL_BITS)

    def write_pieces(self, path: str, mode: int, content: Iterator[bytes]) -> None:
        place = self._own(path).resolve()
        if place.exists() and not place.is_file():  # a pipe or a device: what is written there is not to be replaced
            with place.open("wb") as file:
                file.writelines(content)
            return
        with NewFile(place) as new:
            with open(new.descriptor, "wb", closefd=False) as file:
                file.writelines(content)
            os.fchmod(new.descriptor, mode & ~SPECIAL_BITS)
            new.publish(replace=True)

    def link(self, path: str, target: str) -> None:
        place = self._own(path)
        place.unlink(missing_ok=True)
        place.symlink_to(target)

    def _own(self, path: str) -> Path:
        """The place, without a link there: one that came out of a VM may lead anywhere."""
        place = Path(self.path, path) if path else Path(self.path)
        if path and place.is_symlink():
            place.unlink()
        return place


def _side(text: str, inside: _Inside) -> _Inside | _Outside:
    return inside.at(text[1:]) if text.startswith(":") else _Outside(text)


def _copy(source: _Inside | _Outside, target: _Inside | _Outside, *, recursive: bool) -> int:
    """Copy everything; the number of files. Links come last, so that nothing is written through one of them."""
    target = target.into(source.path)
    links: list[tuple[str, str]] = []
    batch: list[tuple[str, int]] = []
    size = files = done = 0
    with Line("copying") as line:
        for path, kind, mode, more in source.entries():
            if kind == "directory":
                if not recursive:
                    raise CopyError(f"{source.path} is a directory: -r copies it with what it holds")
                target.make_directory(path, mode)
            elif kind == "symlink":
                links.append((path, more))
            elif more > BATCH_BYTES:
                target.write_pieces(path, mode, line.watch(source.pieces(path), done))
                done += more
                files += 1
            else:
                if batch and (size + more > BATCH_BYTES or len(batch) >= BATCH_FILES):
                    _pass_on(source, target, batch)
                    done += size
                    line.show(done)
                    batch, size = [], 0
                batch.append((path, mode))
                size += more
                files += 1
        _pass_on(source, target, batch)
    for path, more in links:
        target.link(path, more)
    return files


def _pass_on(source: _Inside | _Outside, target: _Inside | _Outside, batch: list[tuple[str, int]]) -> None:
    contents = source.read([path for path, _ in batch])
    target.write([(path, mode, data) for (path, mode), data in zip(batch, contents, strict=True)])


def _is_text(name: str) -> bool:
    """Whether a name of this machine is one that a VM's file can have."""
    return name == whole(name)
