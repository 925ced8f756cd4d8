"""Inside the compiler's process: each order is worked on in a fork of its own, within bounds.

The process itself never compiles: it has no threads, so that it can be forked, and its forks have nothing of each other's
components. It waits for orders, watches who withdraws one, and tells how a fork ended that could not say so itself. When
whoever started it is gone, so is the socket, and all forks are killed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import Final, NamedTuple

import wasmtime

from runtime.engine.artefacts import SMALL_BYTES, Artefacts
from runtime.engine.errors import ComponentError
from runtime.engine.features import configuration
from runtime.engine.interface import HostInterface
from runtime.engine.order import (
    Bounds,
    CompilerAnswer,
    HostOutline,
    Order,
    read_component,
    read_head,
    return_unkept,
)
from runtime.engine.recipe import Host

IDLE_SECONDS: Final = 30
"""An agent that writes programs and tries them out compiles every few seconds. The next order starts a process again."""

_NICE: Final = 10
"""Whoever uses a terminal or talks to an agent goes first; what is small is waited for by them."""

_MAX_SAID: Final = 4096
"""Bytes of its stderr that are looked at."""


class _Fork(NamedTuple):
    pid: int
    ended: int
    """A pidfd."""
    said: int
    """A file in memory: its stderr."""
    answers: socket.socket
    bounds: Bounds


def serve(descriptor: int) -> None:
    """See `runtime.compiler.main`."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with socket.socket(fileno=descriptor) as orders:
        forks: list[_Fork] = []
        try:
            while _serve_once(orders, forks):
                pass
        finally:
            for fork in forks:
                os.kill(fork.pid, signal.SIGKILL)


def _serve_once(orders: socket.socket, forks: list[_Fork]) -> bool:
    """Wait for one thing to happen; whether to go on."""
    poll = select.poll()
    poll.register(orders, select.POLLIN)
    for fork in forks:
        poll.register(fork.ended, select.POLLIN)
        poll.register(fork.answers, 0)  # its being closed is always told
    happened = {number for number, _ in poll.poll(None if forks else IDLE_SECONDS * 1000)}
    if not happened:
        return False
    for fork in [fork for fork in forks if fork.ended in happened]:
        forks.remove(fork)
        _bury(fork)
    for fork in forks:
        if fork.answers.fileno() in happened:
            os.kill(fork.pid, signal.SIGKILL)
    if orders.fileno() not in happened:
        return True
    message, descriptors, _, _ = socket.recv_fds(orders, 1, 2)
    if not message:
        return False
    order, answers = descriptors[0], socket.socket(fileno=descriptors[1])
    try:
        forks.append(_fork(order, answers, [orders.fileno(), *_descriptors(forks)]))
    except OSError as error:
        with answers, suppress(OSError):
            answers.send(CompilerAnswer("machine", str(error.errno)).pack())
    finally:
        os.close(order)
    return True


def _descriptors(forks: list[_Fork]) -> list[int]:
    return [descriptor for fork in forks for descriptor in (fork.ended, fork.said, fork.answers.fileno())]


def _fork(order: int, answers: socket.socket, others: list[int]) -> _Fork:
    said = os.memfd_create("stderr")
    head = read_head(order)
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError:
        os.close(said)
        raise
    if pid:
        return _Fork(pid, _watched(pid, said), said, answers, head.bounds)
    code = 1
    try:
        _end_with(parent)
        os.dup2(said, 2)
        for descriptor in others:
            os.close(descriptor)
        answers.send(_work(head, order).pack())
        code = 0
    except BaseException:  # also a MemoryError
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(code)


def _watched(pid: int, said: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError:  # what cannot be watched is ended
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(said)
        raise


def _bury(fork: _Fork) -> None:
    _, status = os.waitpid(fork.pid, 0)
    if status:
        with suppress(OSError):  # withdrawn
            fork.answers.send(_account(os.waitstatus_to_exitcode(status), fork).pack())
    fork.answers.close()
    os.close(fork.ended)
    os.close(fork.said)


def _account(code: int, fork: _Fork) -> CompilerAnswer:
    """Of a fork that has not answered."""
    bounds = fork.bounds
    if -code == signal.SIGKILL:  # by the kernel, for want of memory: who kills a fork from here hears nothing of it
        return CompilerAnswer("machine", str(errno.ENOMEM))
    said = os.pread(fork.said, _MAX_SAID, 0).decode(errors="replace").strip()
    if "memory allocation" in said or "MemoryError" in said:  # Rust's words and Python's
        return CompilerAnswer("invalid", f"compiling it took more than {bounds.memory // 2**20} MiB of memory")
    if -code == signal.SIGXCPU:
        return CompilerAnswer("invalid", f"compiling it took more than {bounds.cpu} s of CPU time")
    if -code == signal.SIGALRM:
        return CompilerAnswer("invalid", f"compiling it took more than {bounds.wall:g} s")
    how = signal.Signals(-code).name if code < 0 else f"code {code}"
    last = said.splitlines()[-1] if said else "it said nothing"
    return CompilerAnswer("invalid", f"the compiler failed with it ({how}): {last}")


# In the fork


def _end_with(parent: int) -> None:
    """Die when the process dies that made this one: nobody would withdraw the order."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


def _work(order: Order, descriptor: int) -> CompilerAnswer:
    bounds = order.bounds
    resource.setrlimit(resource.RLIMIT_DATA, (bounds.memory, bounds.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (bounds.cpu, bounds.cpu + 1))  # SIGXCPU, and then SIGKILL
    try:
        content = read_component(descriptor)
        large = len(content) > SMALL_BYTES
        if large:
            os.nice(_NICE)
        cache = order.place.open()
        engine = wasmtime.Engine(configuration(portable=order.portable))
        artefacts = Artefacts(engine, _host(order.host), cache, order.basis)
        with cache.exclusive(order.digest, large=large):
            signal.setitimer(signal.ITIMER_REAL, bounds.wall)
            unkept = artefacts.prepare(content, order.digest)
        if not unkept:
            return CompilerAnswer("made")
        return_unkept(descriptor, unkept)
        return CompilerAnswer("unkept")
    except ComponentError as error:
        return CompilerAnswer.of(error)


def _host(outline: HostOutline) -> Host:
    interfaces = {}
    for name, version, raw, functions, instant, resources in outline.interfaces:
        interface = interfaces[name] = HostInterface(name, version=version, raw=raw)
        interface.functions = dict.fromkeys(functions, _never_called)
        interface.instant = set(instant)
        interface.resources = dict.fromkeys(resources, object)  # type: ignore[arg-type] # names are all that counts here
    return Host(interfaces, outline.types)


def _never_called() -> None: ...
