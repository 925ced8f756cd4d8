"""The base system of one daemon: what comes with the program, and the commands that were added to its state."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec
import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.engine import ComponentError
from runtime.exhaustion import check_exhausted
from runtime.newfile import make_directory
from runtime.vms.base.commands import (
    MANIFEST,
    CommandFile,
    CommandName,
    ComponentContent,
    Manifest,
    ManifestError,
    data_contents,
    read_manifest,
)
from runtime.vms.base.packages import LIBRARY, python_packages
from runtime.vms.base.texts import BIN, DIRECTORIES, LINKS, TEXTS
from runtime.vms.component_files import publish, read_component
from wasi_fs import Base

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.engine import Engine
    from wasi_fs.base import Content

logger = logging.getLogger(__name__)

MAX_ADDED: Final = 200
"""Commands that people add to one daemon: each may keep a descriptor, and is in every listing of /bin."""

PROGRAM_MODE: Final = 0o755
TEXT_MODE: Final = 0o644


def added_directory(state: Path) -> Path:
    """Where the commands are that were added to the daemon with this state file: beside it, as its log is."""
    return state.with_name(state.name + ".bin")


class BaseSystem:
    """All VMs of a daemon share it, in memory too. Added commands come before those of the same name that are built in."""

    def __init__(self, built_in: Path, added: Path) -> None:
        self._built_in = built_in
        self._added = added
        self._changing = trio.Lock()
        self._manifests: list[Manifest] = []
        """The built-in one, and that of what was added."""
        self._unreadable: ManifestError | None = None
        """What is wrong with the manifest of what was added, which nobody replaces then."""
        self._packages = python_packages()
        self._contents: dict[str, ComponentContent] = {}  # by hash: what stays is the same object, and open once
        self.base = Base()
        """What lies beneath all trees; it is kept up to date in place."""
        self.load()

    def load(self) -> None:
        """Have what the folders have now. What cannot be used is left out, and logged."""
        manifests: list[Manifest] = []
        names: dict[str, Content] = {}
        kept: dict[str, ComponentContent] = {}
        files: dict[str, tuple[Content, int]] = {path: (text, TEXT_MODE) for path, text in TEXTS.items()}
        for folder in (self._built_in, self._added):
            self._unreadable = None
            try:
                manifest = read_manifest(folder)
            except ManifestError as error:
                logger.warning("commands of the base system are missing: %s", error)
                manifest, self._unreadable = Manifest(), error
            usable: dict[str, CommandFile] = {}
            for file, command in manifest.commands.items():
                try:
                    known = self._contents.get(command.sha256)
                    content = kept.setdefault(command.sha256, known or ComponentContent(folder / file, command.sha256))
                except OSError as error:
                    check_exhausted(error)
                    logger.warning("a command of the base system is missing: %s: %s", folder / file, error.strerror)
                    continue
                usable[file] = command
                names.update(dict.fromkeys(command.names, content))
            manifests.append(Manifest(usable))
            for file, each in manifest.files.items():
                try:
                    known = self._contents.get(each.sha256)
                    whole = kept.setdefault(each.sha256, known or ComponentContent(folder / file, each.sha256))
                except OSError as error:
                    check_exhausted(error)
                    logger.warning("files of the base system are missing: %s: %s", folder / file, error.strerror)
                    continue
                contents = data_contents(whole, each)
                files.update({path: (content, each.content[path].mode) for path, content in contents.items()})
        if f"{LIBRARY}/os.py" in files:
            files |= {path: (text, TEXT_MODE) for path, text in self._packages.items()}
        files |= {f"{BIN}/{name}": (content, PROGRAM_MODE) for name, content in names.items()}
        self.base.replace(DIRECTORIES, files, LINKS)
        self._manifests, self._contents = manifests, kept

    @property
    def added(self) -> dict[str, str]:
        """The hashes of the commands that were added, by name."""
        return {name: command.sha256 for command in self._manifests[1].commands.values() for name in command.names}

    def list(self) -> list[dict[str, Any]]:
        """`listCommands`: all commands, by name."""
        found: dict[str, dict[str, Any]] = {}
        for source, manifest in zip(("built-in", "user"), self._manifests, strict=True):
            for command in manifest.commands.values():
                about = {
                    "sha256": command.sha256,
                    "bytes": self._contents[command.sha256].size,
                    "source": source,
                    "version": command.version or None,
                    "licence": command.licence or None,
                }
                found |= {name: {"name": name, **about} for name in command.names}
        return [found[name] for name in sorted(found)]

    async def add(self, engine: Engine, path: Path, name: str | None) -> dict[str, Any]:
        """`addCommand`: the file is a component that can run, and is compiled before it can be seen.

        Raises ApiError: NOT_FOUND, INVALID_ARGUMENT, TOO_LARGE, LIMIT_EXCEEDED, IO_ERROR.
        """
        name = _checked(path.name.removesuffix(".wasm") if name is None else name)
        content = await trio.to_thread.run_sync(read_component, path)
        try:
            digest = (await engine.load_content(content)).digest
        except (ComponentError, OSError) as error:
            check_exhausted(error)
            raise ApiError(ErrorCode.INVALID_ARGUMENT, f"{path} cannot be run: {error}", pointer="/path") from error
        async with self._changing:
            self._check_manifest()
            commands = self._without(name)
            if sum(len(each.names) for each in commands.values()) >= MAX_ADDED:
                message = f"{MAX_ADDED} commands were added, which is the limit; remove one"
                raise ApiError(ErrorCode.LIMIT_EXCEEDED, message, limit="commands", max=MAX_ADDED)
            file = f"{digest}.wasm"
            known = commands.get(file)
            names = sorted({name, *(known.names if known else ())})
            commands[file] = CommandFile(names, digest)
            await trio.to_thread.run_sync(self._write, commands, file, content)
            self.load()
        return next(each for each in self.list() if each["name"] == name)

    async def remove(self, name: str) -> None:
        """`removeCommand`: of what was added. Raises ApiError NOT_FOUND, IO_ERROR."""
        async with self._changing:
            self._check_manifest()
            if name not in self.added:
                message = f"no command {name!r} was added; those that come with Torpor stay"
                raise ApiError(ErrorCode.NOT_FOUND, message, path=name)
            await trio.to_thread.run_sync(self._write, self._without(name), None, b"")
            self.load()

    def _check_manifest(self) -> None:
        if self._unreadable is not None:
            raise ApiError(
                ErrorCode.IO_ERROR, f"mend or remove what lists the commands that were added: {self._unreadable}"
            )

    def _without(self, name: str) -> dict[str, CommandFile]:
        """What was added but for one name."""
        kept = {}
        for file, command in self._manifests[1].commands.items():
            if names := [each for each in command.names if each != name]:
                kept[file] = msgspec.structs.replace(command, names=names)
        return kept

    def _write(self, commands: dict[str, CommandFile], file: str | None, content: bytes) -> None:
        """Have these in the folder: first the new component, then the manifest, and then nothing that it does not name."""
        try:
            make_directory(self._added)
            if file is not None and not (self._added / file).exists():
                publish(self._added / file, content)
            publish(self._added / MANIFEST, msgspec.json.format(msgspec.json.encode(Manifest(commands))))
            for entry in self._added.glob("*.wasm"):
                if entry.name not in commands:
                    with contextlib.suppress(OSError):  # the next change tries again
                        entry.unlink()
        except OSError as error:
            check_exhausted(error)
            raise ApiError(ErrorCode.IO_ERROR, f"{self._added}: {error.strerror}") from error


def _checked(name: str) -> str:
    try:
        return msgspec.convert(name, CommandName)
    except msgspec.ValidationError:
        message = f"{name!r} is no name for a command: letters, digits, and . _ + - after the first, at most 64"
        raise ApiError(ErrorCode.INVALID_ARGUMENT, message, pointer="/name") from None
