"""A folder of components that are commands, and its manifest: `manifest.json`, which says by what names each is called.

    {"commands": {"coreutils.wasm": {"names": ["ls", "cat"], "sha256": "...", "version": "9.5", "licence": "GPL-3.0-or-later"}},
     "files": {"python.files": {"sha256": "...", "content": {"/usr/lib/python3.13/os.py": [37112, 420, "<sha256>"]}}}}

The data files of a command are one file of the folder, one after another as they are listed: each for itself, they would be too
many to hold open.

The hash is believed, so that a daemon starts without reading a component; who can write to the folder can run what he likes in
every VM anyhow. A component whose file is another one all the same is only compiled again and again.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from runtime.exhaustion import check_exhausted
from wasi_fs.base import Digest
from wasi_fs.errors import FsCode, FsError

MANIFEST: Final = "manifest.json"

CommandName = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_\[][A-Za-z0-9._+\[-]{0,63}\Z")]
"""A file's name that needs no quotes in a shell, but for `[`, which is one."""

Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]

FileName = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}\Z")]


class CommandFile(Struct, frozen=True, omit_defaults=True):
    """A component, and what it is called."""

    names: list[CommandName]
    sha256: Sha256
    version: str = ""
    licence: str = ""


DataPath = Annotated[str, Meta(pattern=r"\A(/[^/\x00]{1,255}){1,64}\Z")]
"""An absolute path in VMs."""


class DataFile(Struct, frozen=True, array_like=True):
    """One of a command's data files."""

    size: Annotated[int, Meta(ge=0)]
    mode: Annotated[int, Meta(ge=0, le=0o777)]
    sha256: Sha256


class DataFiles(Struct, frozen=True):
    """The data files of a command, which are one file."""

    sha256: Sha256
    content: dict[DataPath, DataFile]


class Manifest(Struct, frozen=True, omit_defaults=True):
    """The components of a folder by their files' names, and the files of data."""

    commands: dict[FileName, CommandFile] = {}
    files: dict[FileName, DataFiles] = {}


class ManifestError(Exception):
    """A manifest cannot be used; the message says which and why."""


class ComponentContent:
    """The content of a component or of a command's data, read from its file when it is asked for.

    It is not mapped: a file that somebody cuts off would end the daemon. The file is held open, so that one that is removed or
    replaced stays what it was to whoever has it open in a VM. Raises OSError.
    """

    def __init__(self, path: Path, sha256: str) -> None:
        self._descriptor = -1  # first: the end looks for it, also of one that has no file
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._descriptor).st_size
        self.digest = Digest(sha256)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def read(self, offset: int, count: int) -> bytes:
        """As `wasi_fs.base.Content`."""
        try:
            data = os.pread(self._descriptor, count, offset)
        except OSError as error:
            raise FsError(FsCode.IO, f"of the base system: {error.strerror}") from error
        if len(data) != count:
            raise FsError(FsCode.IO, "the file of the base system is not what it was")
        return data


class DataContent:
    """The content of one of a command's data files."""

    def __init__(self, whole: ComponentContent, offset: int, about: DataFile) -> None:
        self._whole = whole
        self._offset = offset
        self.size = about.size
        self.digest = Digest(about.sha256)

    def read(self, offset: int, count: int) -> bytes:
        """As `wasi_fs.base.Content`."""
        return self._whole.read(self._offset + offset, count)


def data_contents(whole: ComponentContent, files: DataFiles) -> dict[str, DataContent]:
    """The data files that are in one file, by their paths in VMs."""
    found: dict[str, DataContent] = {}
    offset = 0
    for name, about in files.content.items():
        found[name] = DataContent(whole, offset, about)
        offset += about.size
    return found


def built_in_commands() -> Path:
    """The commands that come with the program: inside the package in a wheel, else in `commands/dist` beside the packages."""
    packaged = Path(__file__).resolve().parents[2] / "commands"
    return packaged if packaged.is_dir() else packaged.parents[1] / "commands" / "dist"


def built_in_components() -> list[ComponentContent]:
    """The components of the commands that come with the program. Raises ManifestError, OSError."""
    folder = built_in_commands()
    return [ComponentContent(folder / name, each.sha256) for name, each in read_manifest(folder).commands.items()]


def built_in_data() -> list[Path]:
    """The files with the data of the commands that come with the program. Raises ManifestError."""
    folder = built_in_commands()
    return [folder / name for name in read_manifest(folder).files]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder; an empty one where there is none. Raises ManifestError."""
    path = folder / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return Manifest()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        check_exhausted(error)
        raise ManifestError(f"{path}: {error}") from error
