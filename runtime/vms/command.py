"""A command that a client has started: its process, the end of its output, and how it ended."""

from __future__ import annotations

import contextlib
import logging
import math
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import trio

from runtime.api.content import as_content
from runtime.api.errors import ApiError, ErrorCode
from runtime.api.events import PROCESS_OUTPUT
from runtime.clock import epoch_ms
from runtime.sessions.services.output import Characters, Output

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runtime.engine import Exit
    from runtime.vms.process import AttachedProcess
    from runtime.vms.terminal import TerminalProcess

logger = logging.getLogger(__name__)

Stream = Literal["stdout", "stderr"]

_EXCEEDED: Final = {"output_limit": "outputBytes", "out_of_fuel": "fuel"}
"""Why a command did not come to its end, and the limit of the VM that was in the way."""


class Command:
    """One process, and the output of it that is kept. `run` is a task of the VM."""

    def __init__(self, process: AttachedProcess | TerminalProcess, *, exact: bool, timeout: float | None) -> None:
        self.process = process
        self.exact = exact
        """All of its output is wanted: it is killed where that is too much."""
        self.outputs: dict[Stream, Output] = {"stdout": Output(0), "stderr": Output(0)}
        self.ended = trio.Event()
        self.ended_at: int | None = None
        self.failure: ApiError | None = None
        """Why its writes to files could not be made durable."""
        self._timeout = timeout
        self._exit: Exit | None = None
        self._reason: str | None = None
        self._writing = trio.StrictFIFOLock()

    async def run(
        self,
        limit: Callable[[], int],
        publish: Callable[[Stream, int, bytes], None],
        flush: Callable[[], Awaitable[None]],
        stdin: bytes | None,
    ) -> None:
        """Collect the output and see to the end; cancelling it kills the process.

        `limit` says how much may be kept of each stream, `publish` gets each piece with its offset, and `flush` makes durable
        what the command has written.
        """
        try:
            if self._timeout is None:
                await self._attend(limit, publish, stdin)
            else:
                async with trio.open_nursery() as watch:
                    watch.start_soon(self._expire, self._timeout)
                    await self._attend(limit, publish, stdin)
                    watch.cancel_scope.cancel()
            try:
                await flush()
            except ApiError as error:
                self.failure = error
                logger.warning("what a command has written is not durable: %s", error)
        finally:
            self.process.kill()
            if self.process.exit is None:
                with trio.CancelScope(shield=True):
                    await self.process.wait()
            self._exit = self.process.exit
            self.ended_at = epoch_ms()
            self.ended.set()

    async def _attend(
        self, limit: Callable[[], int], publish: Callable[[Stream, int, bytes], None], stdin: bytes | None
    ) -> None:
        """Feed the process and collect its output, to its end."""
        if stdin:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._feed, stdin)
                await self._collect(limit, publish)
        else:
            if stdin is not None:
                self.process.end_input()
            await self._collect(limit, publish)
        if self.process.exit is None:
            await self.process.wait()

    @property
    def kept_bytes(self) -> int:
        """Bytes of its output that are kept; the same for ever once it has ended."""
        return sum(map(len, self.outputs.values()))

    @property
    def reason(self) -> str:
        """`exit`, `trap`, `fault`, `out_of_fuel`, `killed`, `timeout` or `output_limit`."""
        assert self._exit is not None
        return self._reason if self._exit.reason == "killed" and self._reason else self._exit.reason

    @property
    def exit_code(self) -> int | None:
        """What it exited with; None for any other end."""
        assert self._exit is not None
        return self._exit.code

    async def wait(self, timeout_ms: int | None) -> None:
        """Wait until it has ended, for so long at most. Raises `ApiError` TIMEOUT; it goes on then."""
        with trio.move_on_after(math.inf if timeout_ms is None else timeout_ms / 1000):
            await self.ended.wait()
            return
        raise ApiError(ErrorCode.TIMEOUT, f"process {self.process.pid} has not ended within {timeout_ms} ms")

    def kill(self, reason: str = "killed") -> None:
        """End it now. `reason` is what `reason` says afterwards, unless an earlier call gave another."""
        self._reason = self._reason or reason
        self.process.kill()

    async def write(self, data: bytes) -> None:
        """Write to stdin, waiting for room, one after the other. Raises `ApiError` INVALID_ARGUMENT when it is closed."""
        try:
            async with self._writing:
                await self.process.send(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            what = "has ended" if self.ended.is_set() else "reads no more"
            raise ApiError(
                ErrorCode.INVALID_ARGUMENT, f"process {self.process.pid} {what}: nothing can be written to its stdin"
            ) from None

    async def close_stdin(self) -> None:
        """Let it read the end of stdin after what was written. Idempotent."""
        async with self._writing:
            self.process.end_input()

    async def stop(self, grace: float) -> None:
        """End its input, which is all that a WASI program can be asked by, and kill it after `grace` seconds."""
        self.process.end_input()
        with trio.move_on_after(grace):
            await self.ended.wait()
            return
        self.kill()

    def exit_status(self) -> dict[str, Any]:
        """How it ended, as members of the API's results: `exitCode`, `reason`, and `detail` where there is more to say."""
        assert self._exit is not None
        status: dict[str, Any] = {"exitCode": self.exit_code, "reason": self.reason}
        if self._exit.reason not in {"exit", "killed"} and self._exit.message:
            status["detail"] = self._exit.message
        return status

    def result(self) -> dict[str, Any]:
        """The result of the API's `exec`: how it ended, and the output that is kept."""
        return {"pid": self.process.pid, **self.exit_status(), **self.output()}

    def output(self) -> dict[str, Any]:
        """The output that is kept; `truncated` if that is not all."""
        contents: dict[str, Any] = {name: as_content(output.data()) for name, output in self.outputs.items()}
        totals = {f"{name}Bytes": output.total for name, output in self.outputs.items()}
        return {**contents, **totals, "truncated": any(output.truncated for output in self.outputs.values())}

    def notice(self, stream: Stream, offset: int, data: bytes) -> tuple[str, dict[str, Any]]:
        """The notification that tells of a piece of its output, by its name and params."""
        content = as_content(data)
        return PROCESS_OUTPUT, {"pid": self.process.pid, "stream": stream, "offset": offset, "data": content}

    def check(self) -> None:
        """Raise `ApiError` unless it came to its end: TIMEOUT, LIMIT_EXCEEDED, and the failure of its files."""
        if self.failure is not None:
            raise self.failure
        if self.reason == "timeout":
            assert self._timeout is not None
            seconds = f"{self._timeout:g} s"
            raise ApiError(
                ErrorCode.TIMEOUT, f"the command did not end within {seconds} and was killed", **self.result()
            )
        limit = _EXCEEDED.get(self.reason)
        if self.exact and any(output.truncated for output in self.outputs.values()):
            limit = "outputBytes"  # it may have ended before it could be killed
        if limit is not None:
            raise ApiError(
                ErrorCode.LIMIT_EXCEEDED,
                f"the command went over limits.{limit} of its VM, and was ended",
                limit=limit,
                **self.result(),
            )

    async def _expire(self, seconds: float) -> None:
        await trio.sleep(seconds)
        self.kill("timeout")

    async def _feed(self, data: bytes) -> None:
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await self.process.send(data)
        self.process.end_input()

    async def _collect(self, limit: Callable[[], int], publish: Callable[[Stream, int, bytes], None]) -> None:
        pieces = {stream: _Pieces(partial(publish, stream)) for stream in self.outputs}
        while any(received := await self.process.receive_both()):
            for (stream, output), data in zip(self.outputs.items(), received, strict=True):
                if data:
                    output.limit = limit()
                    output.write(data)
                    if self.exact and output.truncated:
                        self.kill("output_limit")
                    pieces[stream].feed(data)
        for each in pieces.values():
            each.finish()


class _Pieces:
    """One output stream, cut where a character ends; each piece is published with its offset."""

    def __init__(self, publish: Callable[[int, bytes], None]) -> None:
        self._publish = publish
        self._characters = Characters()
        self._offset = 0

    def feed(self, data: bytes) -> None:
        """Publish the next bytes, except for a character at their end that is not complete."""
        self._publish_piece(self._characters.feed(data))

    def finish(self) -> None:
        """Publish the rest at the end of the stream."""
        self._publish_piece(self._characters.rest())

    def _publish_piece(self, data: bytes) -> None:
        if data:
            self._publish(self._offset, data)
            self._offset += len(data)
