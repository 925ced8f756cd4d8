"""Messages as lines of JSON on the standard streams, which nothing else writes to from then on."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE = 64 * 1024
"""Bytes that are read at a time: as many as the pipe gives."""


class Wire:
    """The process's standard input and output. There is one of them."""

    def __init__(self) -> None:
        """Take the streams. What is printed, here and by programs that are started, goes to stderr from here on."""
        self._input, self._output = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        sys.stdout.flush()  # what was printed before, too
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)

    async def receive(self, take: Callable[[dict[str, Any]], None]) -> None:
        """Hand over message after message, until the input ends. What is no JSON object is left out, and told."""
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        parts: list[bytes] = []

        def read() -> None:
            data = os.read(self._input, PIECE)
            if not data:
                loop.remove_reader(self._input)
                ended.set_result(None)
            *lines, rest = data.split(b"\n")
            for line in lines:
                parts.append(line)
                whole = b"".join(parts)
                parts.clear()
                loop.call_soon(self._parse, whole, take)  # one that cannot be taken loses none of the others
            parts.append(rest)

        loop.add_reader(self._input, read)
        try:
            await ended
        finally:
            loop.remove_reader(self._input)

    @staticmethod
    def _parse(line: bytes, take: Callable[[dict[str, Any]], None]) -> None:
        if not line.strip():
            return
        try:
            message = json.loads(line)
        except ValueError as error:
            sys.stderr.write(f"a line that is no JSON: {error}\n")
            return
        if isinstance(message, dict):
            take(message)

    def send(self, message: dict[str, Any]) -> None:
        """Write a message, whole."""
        rest = memoryview(
            json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        )
        while rest:
            rest = rest[os.write(self._output, rest) :]
