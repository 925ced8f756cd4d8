"""The compiler's process as seen by the one that starts it. Safe to use on several threads.

It is started when something is to be compiled, and ends by itself when nothing has been for a while, or when this process
ends, however that happens.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Final

import wasmtime

import runtime
from runtime.executable import COMPILER, is_single_executable

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_THREADS: Final = 8
"""Wasmtime compiles the functions of a module on as many; each takes memory of its own."""

_BOOT: Final = "import sys; sys.path += sys.argv[2:]; from runtime.compiler import main; main(int(sys.argv[1]))"


class Workshop:
    """One compiler's process at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: socket.socket | None = None

    def order(self, descriptor: int) -> socket.socket:
        """Hand over an order (`write_order`); the socket on which it is answered, and which withdraws it when closed.

        It is closed without an answer when the process ends. Raises OSError.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, self._lock:
            try:
                self._send([descriptor, theirs.fileno()])
            except BaseException:
                ours.close()
                raise
        return ours

    def _send(self, descriptors: Sequence[int]) -> None:
        if self._orders is not None:
            try:
                socket.send_fds(self._orders, [b"1"], descriptors)
            except ConnectionError:  # it has ended, as it does when there is nothing to do
                self._orders.close()
                self._orders = None
            else:
                return
        self._orders = self._start()
        socket.send_fds(self._orders, [b"1"], descriptors)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with contextlib.ExitStack() as failed, theirs:
            failed.callback(ours.close)
            process = subprocess.Popen(  # noqa: S603 - our own program
                _command(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env=_environment(),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            failed.pop_all()
        threading.Thread(target=process.wait, name="compiler", daemon=True).start()  # so that no zombie stays
        weakref.finalize(self, ours.close).atexit = False
        return ours


def _command(descriptor: int) -> list[str]:
    if is_single_executable():
        return [sys.executable, COMPILER, str(descriptor)]
    packages = [Path(runtime.__path__[0]).parent, Path(wasmtime.__path__[0]).parent]
    return [sys.executable, "-I", "-S", "-c", _BOOT, str(descriptor), *map(str, packages)]


def _environment() -> dict[str, str]:
    """Nothing of this process's own, but where the single executable finds its zlib, without which it does not begin."""
    threads = {"RAYON_NUM_THREADS": str(min(os.cpu_count() or 1, _MAX_THREADS))}
    libraries: str | None = getattr(sys, "_MEIPASS", None)
    return threads if libraries is None else threads | {"LD_LIBRARY_PATH": libraries}
