"""HTTP whose answers come while others are waited for.

`urllib.request` is there as well, but nothing else goes on while it waits, and no turn is cancelled: the network of a VM is for
calls that wait. So a request is made by a program of its own (`fetching`), which is ended when it is not wanted any more.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager, suppress
from json import dumps, loads
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Mapping

HEAD_BYTES = 1024 * 1024
"""Of an answer's head: sixteen times what the runtime takes."""

PIECE = 64 * 1024
"""Bytes of a body that are read at a time."""


class Answer:
    """The answer to a request, of which the head has come."""

    def __init__(self, process: Process, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        """By their names in lower case; of several with one name the last."""
        self._process = process

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises OSError where it breaks off."""
        assert self._process.stdout is not None
        while piece := await self._process.stdout.read(PIECE):
            yield piece
        if await self._process.wait():
            raise OSError("the answer broke off")

    async def lines(self) -> AsyncIterator[str]:
        """The body's lines as they come, without their ends: of server-sent events for one."""
        parts: list[bytes] = []
        async for piece in self.pieces():
            *ends, rest = piece.split(b"\n")
            for end in ends:
                yield b"".join([*parts, end]).removesuffix(b"\r").decode(errors="replace")
                parts.clear()
            parts.append(rest)
        if last := b"".join(parts):
            yield last.decode(errors="replace")

    async def read(self) -> bytes:
        """The whole body."""
        return b"".join([piece async for piece in self.pieces()])

    async def json(self) -> Any:
        """The whole body as JSON."""
        return loads(await self.read())


@asynccontextmanager
async def fetch(
    url: str,
    method: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    json: Any = None,
) -> AsyncIterator[Answer]:
    """Make a request: a GET, or a POST where it has a body, which may be given as JSON. Redirects are not followed.

    Raises OSError where no answer comes; a status such as 404 is an answer.
    """
    given = dict(headers or {})
    if json is not None:
        body = dumps(json).encode()
        given = {"content-type": "application/json", **given}
    size = None if body is None else len(body)
    asked = {"method": method or ("GET" if body is None else "POST"), "url": url, "headers": given, "body": size}
    program = Path(__file__).with_name("fetching.py")
    process = (
        await asyncio.create_subprocess_exec(  # -P: beside the program is a module with the name of Python's own `http`
            sys.executable, "-BP", program, stdin=PIPE, stdout=PIPE, limit=HEAD_BYTES
        )
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(dumps(asked).encode() + b"\n" + (body or b""))
        with suppress(ConnectionError):  # it has an answer before it has read all
            await process.stdin.drain()
        head = loads(await process.stdout.readline() or '{"error": [null, "no answer"]}')
        if "error" in head:
            number, text = head["error"]
            raise OSError(number, text) if number is not None and number > 0 else OSError(text)
        yield Answer(process, head["status"], head["headers"])
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        while await process.stdout.read(PIECE):  # to asyncio it has not ended before its output has
            pass
        await process.wait()
