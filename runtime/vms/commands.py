"""The commands that clients have started in a VM, while it is awake: `exec`, `spawn` and what goes with them."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from runtime.api.defaults import HOME
from runtime.api.errors import ApiError, ErrorCode, FallingAsleepError
from runtime.api.events import PROCESS_EXIT
from runtime.patience import patiently
from runtime.sessions.services.detached import run_detached
from runtime.vms.command import Command
from runtime.vms.command_line import split
from runtime.vms.results import telling_errors
from runtime.vms.shell import PREFERRED, Shell
from wasi_fs import FileType, FsCode, FsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import trio

    from runtime.posix.process import Next
    from runtime.vms.command import Stream
    from runtime.vms.lifecycle import Life
    from runtime.vms.process import Process
    from runtime.vms.processes import Processes
    from runtime.vms.terminal import Size
    from runtime.vms.volume import Volume

C = TypeVar("C", bound=Command)

SHELL: Final = "/bin/sh"

TERM: Final = "xterm"
"""The kind of terminal where a client does not say: all that are in use understand what this one does."""

MAX_OUTPUT: Final = 8 * 1024 * 1024
"""The most that is kept of a stream, whatever the VM's limit says: two of them are one line of an answer."""
OUTPUT_OF_ALL: Final = 64 * 1024 * 1024
"""About what the running commands of a VM may keep together: each has its share, but `MIN_OUTPUT`."""

MIN_OUTPUT: Final = 64 * 1024
"""Bytes: what an error message needs, however many others run."""

MAX_ENDED: Final = 100
"""Commands that are remembered after their end: more than anybody who looks at them now and then can start in between."""
ENDED_OUTPUT: Final = 16 * 1024 * 1024
"""Bytes of output of all these; the oldest go first, but the newest stays."""


class Commands:
    """Of one VM. They end with its sleep, and are forgotten then.

    `output_bytes` tells how much of a stream the VM's options let be kept just now; `publish` tells its subscribers of
    what happens, by a notification's name and params; `touch` restarts its idle timer.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        processes: Processes,
        volume: Volume,
        *,
        life: Life,
        output_bytes: Callable[[], int],
        publish: Callable[[str, dict[str, Any]], None],
        touch: Callable[[], None],
    ) -> None:
        self._nursery = nursery
        self._processes = processes
        self._volume = volume
        self._life = life
        self._output_bytes = output_bytes
        self._publish = publish
        self._touch = touch
        self._running: dict[int, Command] = {}
        self._ended: OrderedDict[int, Command] = OrderedDict()
        self._ended_output = 0
        self._starting = 0

    @property
    def busy(self) -> bool:
        """Whether one is running, or being started."""
        return bool(self._running or self._starting)

    async def execute(
        self,
        command: str | Sequence[str],
        *,
        env: dict[str, str],
        cwd: str | None,
        stdin: bytes | None,
        timeout_ms: int | None,
    ) -> dict[str, Any]:
        """`exec`: see `start`. Cancelling it leaves the command running.

        Raises `ApiError` also TIMEOUT and LIMIT_EXCEEDED, with the result so far in its data.
        """
        started = await self.start(command, env=env, cwd=cwd, stdin=stdin or b"", timeout_ms=timeout_ms, exact=True)
        await started.wait(None)
        started.check()
        return started.result()

    async def start(
        self,
        command: str | Sequence[str],
        *,
        env: dict[str, str],
        cwd: str | None,
        stdin: bytes | None,
        timeout_ms: int | None,
        exact: bool = False,
    ) -> Command:
        """Start a command: words, or a line for the VM's shell, or without one for `runtime.vms.command_line`.

        `stdin` is all of its input; with None its stdin stays open, for `Command.write`. Raises `ApiError` NOT_FOUND,
        NOT_A_DIRECTORY, INVALID_ARGUMENT, LIMIT_EXCEEDED.
        """
        timeout = None if timeout_ms is None else timeout_ms / 1000

        def begin(chosen: Next, cwd: str) -> Command:
            return Command(self._processes.begin(chosen, cwd), exact=exact, timeout=timeout)

        return await self._start(await self._argv(command), env, cwd, begin, stdin)

    async def open_shell(
        self, argv: Sequence[str] | None, *, env: dict[str, str], cwd: str | None, size: Size
    ) -> Shell:
        """`openShell`: raises as `start`, NOT_FOUND also where the VM has no shell."""

        def begin(chosen: Next, cwd: str) -> Shell:
            return Shell(self._processes.begin_on_terminal(chosen, cwd, size))

        words = await self._argv(await self._preferred() if argv is None else argv)
        return await self._start(words, {"TERM": TERM, **env}, cwd, begin, None)

    async def _start(
        self,
        argv: list[str],
        env: dict[str, str],
        cwd: str | None,
        begin: Callable[[Next, str], C],
        stdin: bytes | None,
    ) -> C:
        if self._life.falling_asleep:
            raise FallingAsleepError
        cwd = await self._directory(cwd)
        # Programs for WASI's first preview do not get the directory from their libc: they read it from PWD.
        env = {"PWD": cwd, **env}
        chosen = self._processes.known(argv, env, cwd)
        if chosen is not None:
            return self._attend(begin(chosen, cwd), stdin)
        self._starting += 1  # it may have to be compiled: the VM stays awake for it
        try:
            return await run_detached(self._nursery, self._load, argv, env, cwd, begin, stdin)
        finally:
            self._starting -= 1

    async def _load(
        self,
        argv: list[str],
        env: dict[str, str],
        cwd: str,
        begin: Callable[[Next, str], C],
        stdin: bytes | None,
    ) -> C:
        try:
            chosen = await self._processes.find(argv, env, cwd)
        except ApiError as error:
            if error.code is not ErrorCode.AGENT_FAILED:
                raise
            raise ApiError(ErrorCode.INVALID_ARGUMENT, error.message, path=argv[0]) from error
        return self._attend(begin(chosen, cwd), stdin)

    def _attend(self, command: C, stdin: bytes | None) -> C:
        self._running[command.process.pid] = command
        self._nursery.start_soon(self._run, command, stdin)
        return command

    async def _preferred(self) -> list[str]:
        for path in PREFERRED:
            if await self._is_file(path):
                return [path]
        raise ApiError(ErrorCode.NOT_FOUND, f"the VM has no shell, as {' or '.join(PREFERRED)}: say what to run")

    def get(self, pid: int) -> Command:
        """A command that runs, or is remembered. Raises `ApiError` NOT_FOUND, INVALID_ARGUMENT for a session's process."""
        command = self._running.get(pid) or self._ended.get(pid)
        if command is not None:
            return command
        if any(process.pid == pid for process in self._processes.live()):
            raise ApiError(
                ErrorCode.INVALID_ARGUMENT, f"process {pid} belongs to a session or to a command: that is what is ended"
            )
        raise ApiError(ErrorCode.NOT_FOUND, f"there is no process {pid}, or not any more", pid=pid)

    def shell(self, name: str) -> Shell:
        """A shell that runs, or is remembered. Raises `ApiError` NOT_FOUND."""
        pid = Shell.pid_of(name)
        command = None if pid is None else self._running.get(pid) or self._ended.get(pid)
        if not isinstance(command, Shell):
            raise ApiError(ErrorCode.NOT_FOUND, f"there is no shell {name}, or not any more", shell=name)
        return command

    def describe(self, pid: int, *, output: bool) -> dict[str, Any]:
        """`getProcess`."""
        for process in self._processes.live():
            if process.pid == pid and pid not in self._running:
                return _described(process)
        command = self.get(pid)
        return {**self._described(command), **(command.output() if output else {})}

    def known(self) -> Sequence[dict[str, Any]]:
        """`listProcesses`: all that run, agents too, and the ended commands that are remembered; sorted by pid."""
        by_pid = {process.pid: _described(process) for process in self._processes.live()}
        for commands in (self._ended, self._running):
            by_pid.update((pid, self._described(command)) for pid, command in commands.items())
        return [by_pid[pid] for pid in sorted(by_pid)]

    def stop_soon(self, command: Command, grace_ms: int) -> None:
        """Begin to end a command, with a grace, and return at once. To wait for the end, wait for `ended`."""
        self._nursery.start_soon(command.stop, grace_ms / 1000)

    def kill_all(self) -> None:
        """End all."""
        for command in self._running.values():
            command.kill()

    async def wait_idle(self) -> None:
        """Wait until none runs."""
        for command in list(self._running.values()):
            await command.ended.wait()

    async def _run(self, command: Command, stdin: bytes | None) -> None:
        pid = command.process.pid

        def publish(stream: Stream, offset: int, data: bytes) -> None:
            self._publish(*command.notice(stream, offset, data))

        try:
            await command.run(self._limit, publish, self._volume.settle, stdin)
        finally:
            del self._running[pid]
            self._remember(command)
            self._publish(PROCESS_EXIT, {"pid": pid, **command.exit_status()})
            self._touch()

    def _remember(self, command: Command) -> None:
        self._ended[command.process.pid] = command
        self._ended_output += command.kept_bytes
        while len(self._ended) > 1 and (len(self._ended) > MAX_ENDED or self._ended_output > ENDED_OUTPUT):
            _, oldest = self._ended.popitem(last=False)
            self._ended_output -= oldest.kept_bytes

    def _limit(self) -> int:
        share = OUTPUT_OF_ALL // (2 * max(1, len(self._running)))
        return min(self._output_bytes(), MAX_OUTPUT, max(share, MIN_OUTPUT))

    async def _argv(self, command: str | Sequence[str]) -> list[str]:
        pointer = "/command" if isinstance(command, str) else "/argv"
        if not isinstance(command, str):
            argv = list(command)
        elif command.strip() and await self._is_file(SHELL):
            argv = [SHELL, "-c", command]
        else:
            argv = split(command)
        if not argv or not argv[0]:
            raise ApiError(ErrorCode.INVALID_ARGUMENT, "there is no command to run", pointer=pointer)
        if any("\0" in word for word in argv):
            message = "an argument has a NUL, where every program would end it"
            raise ApiError(ErrorCode.INVALID_ARGUMENT, message, pointer=pointer)
        return argv

    async def _is_file(self, path: str) -> bool:
        try:
            return (await patiently(partial(self._volume.filesystem.stat, path))).type is FileType.REGULAR
        except FsError:
            return False

    async def _directory(self, cwd: str | None) -> str:
        path = HOME if cwd is None else cwd
        filesystem = self._volume.filesystem
        with telling_errors(path):
            try:
                type_ = (await patiently(lambda: filesystem.stat(path))).type
            except FsError:
                if cwd is not None:
                    raise
                await patiently(lambda: filesystem.mkdir(path, parents=True))
                type_ = FileType.DIRECTORY
            if type_ is not FileType.DIRECTORY:
                raise FsError(FsCode.NOT_DIRECTORY)
        return path

    def _described(self, command: Command) -> dict[str, Any]:
        described = _described(command.process)
        if not command.ended.is_set():
            return described
        return {**described, "state": "ended", "endedAt": command.ended_at, **command.exit_status()}


def _described(process: Process) -> dict[str, Any]:
    parent = {} if process.parent_pid is None else {"ppid": process.parent_pid}
    return {
        "pid": process.pid,
        **parent,
        "argv": process.argv,
        "cwd": process.cwd,
        "kind": process.kind,
        "state": "running",
        "startedAt": process.started_at,
        "memoryBytes": process.memory_bytes,
        "peakMemoryBytes": process.peak_memory_bytes,
    }
