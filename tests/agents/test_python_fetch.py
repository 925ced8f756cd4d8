"""`fetch` of the SDK for agents in Python, run by this Python."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.agents.test_python_sdk import SDK
from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE = b"x" * 64 * 1024 * 1024
"""More than asyncio and the pipes between the processes hold."""


class Handler(BaseHTTPRequestHandler):
    """Answers with `LARGE`, or as much of it as is taken."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(LARGE)))
        self.end_headers()
        try:
            self.wfile.write(LARGE)
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("taken", "printed"),
    [
        ("print(len(await answer.read()))", f"{len(LARGE)}\nover\n"),
        ("print([len(line) async for line in answer.lines()])", f"[{len(LARGE)}]\nover\n"),
        # Asyncio reads no further when it has twice the limit of a stream.
        ("while len(answer._process.stdout._buffer) <= 2 * HEAD_BYTES: await asyncio.sleep(0)", "over\n"),
    ],
    ids=["the whole", "a line", "nothing"],
)
def test_an_answer_is_over_whatever_is_taken_of_it(taken: str, printed: str) -> None:
    with serving() as url:
        program = f"""
import asyncio
from torpor_agent import fetch
from torpor_agent.http import HEAD_BYTES

async def main():
    async with fetch({url!r}) as answer:
        {taken}
    print("over")

asyncio.run(main())
"""
        command = [sys.executable, "-c", program]
        done = subprocess.run(
            command, env={"PYTHONPATH": str(SDK)}, capture_output=True, text=True, timeout=WAIT, check=False
        )
    assert (done.stdout, done.stderr) == (printed, "")
