"""Methods on the commands of the base system: what they take and return."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from runtime.api.errors import ErrorCode
from runtime.api.method import Method
from runtime.api.types import NoParams, Params, doc
from runtime.api.vms import HostPath


class AddCommand(Params):
    """A component, and what it is to be called."""

    path: Annotated[HostPath, doc("The component: an absolute path on the daemon's machine. It is copied.")]
    name: Annotated[
        Annotated[str, Meta(min_length=1, max_length=64)] | None,
        doc("The command's name; that of the file, without `.wasm`, when left out. One of that name is replaced."),
    ] = None


class RemoveCommand(Params):
    """A command that was added."""

    name: Annotated[str, Meta(min_length=1, max_length=64), doc("The command's name.")]


class CommandOfBase(Struct, frozen=True):
    """A command of the base system."""

    name: Annotated[str, doc("The command's name: it is in /usr/bin, where /bin leads, of VMs with the base system.")]
    sha256: Annotated[str, doc("The hash of its component; several commands may have one.")]
    bytes: Annotated[int, doc("The size of its component.")]
    source: Annotated[Literal["built-in", "user"], doc("`built-in`: it comes with Torpor; `user`: it was added.")]
    version: Annotated[str | None, doc("The version of the program; null where nobody has told.")]
    licence: Annotated[str | None, doc("Its licence (SPDX); null where nobody has told.")]


ADD: Final = Method(
    "addCommand",
    AddCommand,
    CommandOfBase,
    "Add a command to the base system of all VMs: a component that can run, which is compiled before it can be seen.",
    errors=(
        ErrorCode.INVALID_ARGUMENT,
        ErrorCode.NOT_FOUND,
        ErrorCode.TOO_LARGE,
        ErrorCode.LIMIT_EXCEEDED,
        ErrorCode.IO_ERROR,
    ),
)

LIST: Final = Method(
    "listCommands",
    NoParams,
    list[CommandOfBase],
    "List the commands of the base system.",
    returns="All commands, by name.",
)

REMOVE: Final = Method(
    "removeCommand",
    RemoveCommand,
    dict[str, Any],
    "Remove a command that was added; one of that name that comes with Torpor is there again.",
    errors=(
        ErrorCode.NOT_FOUND,
        ErrorCode.IO_ERROR,
    ),
)
