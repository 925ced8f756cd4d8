"""The methods of a VM on the commands that run in it. Times are in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.client.handle import Handle, Json, built
from runtime.client.results import ProcessInfo, ProcessResult
from runtime.client.vm_files import received, sent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ProcessMethods(Handle):
    """A command is a line (a string) or its words; commands are components in the VM's `/bin`, or paths."""

    async def exec(
        self,
        command: str | Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stdin: str | bytes | None = None,
        timeout_ms: int | None = None,
    ) -> ProcessResult:
        """Run a command to its end; wakes the VM. Cancelling this call leaves the command running.

        RpcError timeout and limit_exceeded have the output so far in their `data`.
        """
        return _result(await self.call("exec", **_start(command, env, cwd, stdin, timeout_ms)))

    async def spawn(
        self,
        command: str | Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stdin: str | bytes | None = None,
        timeout_ms: int | None = None,
    ) -> int:
        """Start a command and return its pid; `stdin` is all that it gets to read, by default it stays open."""
        return int((await self.call("spawn", **_start(command, env, cwd, stdin, timeout_ms)))["pid"])

    async def write_process_stdin(self, pid: int, data: str | bytes) -> None:
        """Give a process something to read; returns when there was room for it."""
        await self.call("writeProcessStdin", pid=pid, data=sent(data))

    async def close_process_stdin(self, pid: int) -> None:
        """Let a process read the end of its stdin; idempotent."""
        await self.call("closeProcessStdin", pid=pid)

    async def wait_process(self, pid: int, *, timeout_ms: int | None = None) -> ProcessResult:
        """Wait until a process has ended; RpcError timeout leaves it running."""
        return _result(await self.call("waitProcess", pid=pid, timeoutMs=timeout_ms))

    async def stop_process(self, pid: int, *, grace_ms: int | None = None) -> ProcessResult:
        """End a process's stdin, and kill it after the grace."""
        return _result(await self.call("stopProcess", pid=pid, graceMs=grace_ms))

    async def kill_process(self, pid: int) -> ProcessResult:
        """End a process now."""
        return _result(await self.call("killProcess", pid=pid))

    async def list_processes(self) -> list[ProcessInfo]:
        """Return the processes that run, and commands that have ended lately; wakes nothing."""
        return [_info(each) for each in await self.call("listProcesses")]

    async def get_process(self, pid: int, *, output: bool = False) -> ProcessInfo:
        """Describe a process, with `output` also what is kept of its output; wakes nothing."""
        return _info(await self.call("getProcess", pid=pid, output=output or None))


def _start(
    command: str | Sequence[str],
    env: Mapping[str, str] | None,
    cwd: str | None,
    stdin: str | bytes | None,
    timeout_ms: int | None,
) -> Json:
    line = {"command": command} if isinstance(command, str) else {"argv": list(command)}
    given = None if stdin is None else sent(stdin)
    return {**line, "env": None if env is None else dict(env), "cwd": cwd, "stdin": given, "timeoutMs": timeout_ms}


def _decoded(told: Json) -> Json:
    return {name: received(value) if name in {"stdout", "stderr"} else value for name, value in told.items()}


def _result(told: Json) -> ProcessResult:
    return built(ProcessResult, _decoded(told))


def _info(told: Json) -> ProcessInfo:
    return built(ProcessInfo, _decoded(told))
