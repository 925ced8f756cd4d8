"""How much the loop of `torpor acp` keeps for a side that does not listen, and how long a line it takes."""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, cast

import pytest

from runtime import jsonrpc
from runtime.cli import exits
from runtime.cli.acp import wire
from runtime.cli.acp.loop import READ_SIZE, UNREAD, Loop
from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE = b"x" * 65535 + b"\n"
KERNEL = 1024 * 1024  # more than pipes and sockets hold


class Passing:
    """In the place of the face and its flows: each side is told what the other says."""

    finished = busy = False

    def __init__(self) -> None:
        self.flows = self
        self.to_editor: deque[bytes] = deque()
        self.to_daemon: deque[bytes] = deque()
        self.from_editor: list[jsonrpc.Line] = []
        self.read = 0
        self.most = 0
        self._heard = 0
        self.full = threading.Event()

    def hear_editor(self, line: jsonrpc.Line) -> None:
        self.from_editor.append(line)
        if isinstance(line, bytes):
            self.to_daemon.append(line + b"\n")
            self._hears(len(line) + 1)

    def hear_daemon(self, line: bytes) -> None:
        self.to_editor.append(line + b"\n")
        self._hears(len(line) + 1)

    def _hears(self, size: int) -> None:
        self._heard += size
        self.most = max(self.most, self._heard - self.read)
        if self._heard >= UNREAD:
            self.full.set()

    def finish(self) -> None:
        self.finished = True


class Ends:
    """The loop between a daemon and an editor that are a test's: descriptors to write to and to read from."""

    def __init__(self) -> None:
        self.face = Passing()
        self.daemon, self._ours = socket.socketpair()
        self._ours.setblocking(False)
        self._stdin, self.editor_in = os.pipe()
        self.editor_out, self._stdout = os.pipe()
        self.loop = Loop(cast("Any", self.face), self._ours, self._stdin, self._stdout)

    def close(self) -> None:
        for descriptor in (self._stdin, self.editor_out, self._stdout):
            os.close(descriptor)
        self.daemon.close()
        self._ours.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    ends = Ends()
    yield ends
    ends.close()


@pytest.mark.parametrize("slow", ["editor", "daemon"])
def test_while_much_waits_for_one_side_the_other_is_not_read(ends: Ends, slow: str) -> None:
    total = 3 * UNREAD // len(LINE) * len(LINE)
    source, sink = ends.daemon.fileno(), ends.editor_out
    if slow == "daemon":
        source, sink = ends.editor_in, ends.daemon.fileno()

    def say() -> None:
        for _ in range(total // len(LINE)):
            data = LINE
            while data:
                data = data[os.write(source, data) :]

    def listen() -> None:
        assert ends.face.full.wait(WAIT), "so much is kept"
        while ends.face.read < total:
            ends.face.read += len(os.read(sink, READ_SIZE))
        os.close(ends.editor_in)  # the end of the loop

    threads = [threading.Thread(target=each) for each in (say, listen)]
    for thread in threads:
        thread.start()
    assert ends.loop.run() == exits.OK
    for thread in threads:
        thread.join(WAIT)
    assert ends.face.read == total
    assert UNREAD <= ends.face.most <= UNREAD + READ_SIZE + KERNEL


def test_a_line_of_the_editor_is_so_long_and_no_longer(ends: Ends) -> None:
    ends.face.hear_editor = ends.face.from_editor.append  # type: ignore[method-assign]

    def say() -> None:
        with os.fdopen(ends.editor_in, "wb") as file:
            for excess in (0, 1):
                file.write(b"x" * (wire.MAX_LINE + excess) + b"\n")

    thread = threading.Thread(target=say)
    thread.start()
    assert ends.loop.run() == exits.OK
    thread.join(WAIT)
    right, wrong = ends.face.from_editor
    assert len(jsonrpc.joined(cast("jsonrpc.Long", right))) == wire.MAX_LINE
    assert wrong == jsonrpc.TooLong(wire.MAX_LINE + 1, b"x" * jsonrpc.HEAD)
