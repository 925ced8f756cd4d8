"""torpor:posix/children: programs of the VM that a component of WASI starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
import trio

from runtime.engine import HostInterface, Resource, Wait, WitError
from runtime.patience import patiently
from runtime.posix.arguments import Arguments
from runtime.posix.delivery import Delivery
from runtime.posix.descriptions import File, How
from runtime.posix.errnos import OF_FILES, Errno, PosixError
from runtime.posix.life import disown, never_ran, signal, signal_group
from runtime.posix.names import Name, told_path
from runtime.posix.numbers import WORKING_DIRECTORY
from runtime.posix.programs import find
from runtime.posix.signals import LAST
from runtime.posix.standard import DescribedInput, DescribedOutput
from runtime.posix.sys_processes import make_child, start_child
from runtime.wasi.streams import InputStream, OutputStream, Pollable, Source, pollable_of
from wasi_fs import FsError, OpenDirectory, OpenFile

if TYPE_CHECKING:
    from runtime.posix.process import PosixProcess
    from runtime.posix.state import PosixState

children: Final = HostInterface("torpor:posix/children", version=r"0\.1\.\d+")

NOWHERE: Final = "/dev/null"


class _FromChild(DescribedInput):
    """The parent's end of a pipe that a child writes to; it was held for this."""

    def drop(self) -> None:
        """See Resource."""
        assert self._description is not None
        self._description.release()


class _ToChild(DescribedOutput):
    """The parent's end of a pipe that a child reads from; it was held for this."""

    def drop(self) -> None:
        """See Resource."""
        assert self._description is not None
        self._description.release()


class _End(Source):
    """The end of a child."""

    def __init__(self, parent: PosixProcess, child: PosixProcess) -> None:
        super().__init__()
        self.waiters = parent.news.waiters
        self._child = child

    def is_ready(self) -> bool:
        """See Source."""
        return self._child.status is not None


@attrs.define(eq=False)
class Child(Resource):
    """A parent's handle to a child."""

    parent: PosixProcess
    process: PosixProcess
    stdin: _ToChild | None = None
    """The ends of its pipes, until the parent has taken them."""
    outputs: dict[int, _FromChild] = attrs.field(factory=dict)
    """By descriptor."""

    def take_stdin(self) -> _ToChild | None:
        """It is the caller's from now on."""
        end, self.stdin = self.stdin, None
        return end

    def drop(self) -> None:
        """See Resource: the child goes on, and nobody waits for it."""
        ends = [self.take_stdin(), *self.outputs.values()]
        self.outputs = {}
        for end in ends:
            if end is not None:
                end.drop()
        disown(self.process)


children.resource("child", Child)
children.resource("pollable", Pollable)
children.resource("input-stream", InputStream)
children.resource("output-stream", OutputStream)

Options = tuple[list[str], list[tuple[str, str]], str, bool, str, str, str]


@children.function("spawn")
def spawn(state: PosixState, path: str, options: Options) -> Wait:
    """Start a program of the VM."""
    return Wait(_spawn, state.process, path, *options)


async def _spawn(
    parent: PosixProcess,
    path: str,
    arguments: list[str],
    environment: list[tuple[str, str]],
    directory: str,
    own_group: bool,
    *standard: str,
) -> Child:
    try:
        given = _arguments([*arguments, path, directory], arguments, environment)
        child = Child(parent, make_child(parent, given, Delivery(parent.delivery.inherited())))
        process = child.process
        try:
            if own_group:
                process.group = process.pid
            for number, what in enumerate(standard):
                await _connect(child, number, what)
            await _enter(process, directory)
            chosen = await find(process.kernel, Name(path, process.cwd.node), given)
            await trio.lowlevel.checkpoint()  # while all of it can still be taken back
        except BaseException:
            child.drop()
            never_ran(process)
            raise
    except PosixError as error:
        raise _failure(error) from None
    except FsError as error:
        raise _failure(PosixError(OF_FILES[error.code], str(error))) from None
    start_child(process, chosen)
    return child


def _arguments(strings: list[str], arguments: list[str], environment: list[tuple[str, str]]) -> Arguments:
    """PosixError E2BIG, EINVAL."""
    if any("\0" in string for string in strings) or any("\0" in name + value for name, value in environment):
        raise PosixError(Errno.EINVAL, "a string has a NUL in it")
    return Arguments.given(_joined(arguments), _joined([f"{name}={value}" for name, value in environment]))


def _joined(strings: list[str]) -> bytes:
    return b"".join(string.encode() + b"\0" for string in strings)


async def _connect(child: Child, number: int, what: str) -> None:
    """Have a descriptor of the child be what is wanted of it. PosixError, FsError."""
    process = child.process
    table = process.table
    match what:
        case "inherit":
            return
        case "merge":
            if number != 2:  # noqa: PLR2004 - stderr
                raise PosixError(Errno.EINVAL, "only stderr is merged")
            if (out := table.get(1)) is not None:
                table.set(number, out, closes=False)
        case "none":
            opened = await patiently(lambda: process.kernel.filesystem.open(NOWHERE, write=bool(number)))
            assert isinstance(opened, OpenFile)
            table.set(number, File(opened, How.WRITE if number else How.READ, NOWHERE), closes=False)
        case _:
            reader, writer = process.kernel.pipes.make(0)
            table.set(number, writer if number else reader, closes=False)
            (reader if number else writer).hold()
            if number:
                child.outputs[number] = _FromChild(child.parent, reader)
            else:
                child.stdin = _ToChild(child.parent, writer)


async def _enter(process: PosixProcess, directory: str) -> None:
    """Have the child's working directory be this one. FsError."""
    files, before = process.kernel.filesystem, process.cwd.node
    opened = await patiently(lambda: files.open(directory, at=before, directory=True))
    assert isinstance(opened, OpenDirectory)
    process.move_to(opened, told_path(process, WORKING_DIRECTORY, directory))


def _failure(error: PosixError) -> WitError:
    return WitError((error.errno.name, str(error)))


@children.function("[method]child.pid")
def pid(_state: PosixState, self: Child) -> int:
    """Its number."""
    return self.process.pid


@children.function("[method]child.stdin")
def stdin(_state: PosixState, self: Child) -> OutputStream | None:
    """Where the child's input is written to."""
    return self.take_stdin()


@children.function("[method]child.stdout")
def stdout(_state: PosixState, self: Child) -> InputStream | None:
    """Where its output is read from."""
    return self.outputs.pop(1, None)


@children.function("[method]child.stderr")
def stderr(_state: PosixState, self: Child) -> InputStream | None:
    """The same of its stderr."""
    return self.outputs.pop(2, None)


@children.function("[method]child.status")
def status(_state: PosixState, self: Child) -> int | None:
    """Its wait status."""
    return self.process.status


@children.function("[method]child.subscribe")
def subscribe(_state: PosixState, self: Child) -> Pollable:
    """Ready once it has ended."""
    return pollable_of(_End(self.parent, self.process))


@children.function("[method]child.kill")
def kill(_state: PosixState, self: Child, number: int, group: bool) -> None:
    """kill(2), of the child or of its group, which may have others when the child has ended."""
    if not 0 <= number <= LAST:
        raise _failure(PosixError(Errno.EINVAL))
    process = self.process
    kernel = process.kernel
    mine = group and process.group == process.pid
    if not (
        kernel.having(lambda other: other.group == process.pid and other.status is None)
        if mine
        else process.status is None
    ):
        raise _failure(PosixError(Errno.ESRCH))
    if mine:
        signal_group(kernel, process.pid, number)
    else:
        signal(process, number)
