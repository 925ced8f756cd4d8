"""Signals to processes: what they cost."""

from __future__ import annotations

from typing import Any

from runtime.posix.arguments import Arguments
from runtime.posix.life import signal_group
from runtime.posix.process import Kernel, PosixProcess, Tree
from runtime.posix.signals import Signal

GROUP = 100


class Directory:
    """A working directory."""

    def close(self) -> None:
        """Nothing."""


class Looks(Kernel):
    """Counts how often all processes were looked at."""

    def __init__(self) -> None:
        machine: Any = None
        filesystem: Any = None
        super().__init__(machine, filesystem)
        self.looks = 0

    def having(self, wanted: Any) -> list[PosixProcess]:
        self.looks += 1
        return super().having(wanted)


def family(kernel: Kernel, count: int, *, group: int) -> list[PosixProcess]:
    """The first process of a session, which is a group of its own, and its children in a group."""
    tree, cwd = Tree(), Directory()
    found: list[PosixProcess] = []
    for number in range(count + 1):
        process = PosixProcess(
            kernel=kernel,
            pid=GROUP + number,
            tree=tree,
            parent=found[0] if found else None,
            group=group if found else GROUP,
            session=GROUP,
            arguments=Arguments.of([], {}),
            cwd=cwd,  # type: ignore[arg-type]
            started=0,
        )
        kernel.add(process)
        found.append(process)
    return found


def test_an_orphaned_group_is_not_stopped_and_that_is_found_out_once() -> None:
    kernel = Looks()
    members = family(kernel, 50, group=GROUP)
    signal_group(kernel, GROUP, Signal.TSTP)
    assert not any(process.is_stopped for process in members)
    assert kernel.looks == 2


def test_a_group_whose_members_have_a_parent_elsewhere_is_stopped() -> None:
    kernel = Looks()
    members = family(kernel, 50, group=GROUP + 1)
    signal_group(kernel, GROUP + 1, Signal.TSTP)
    assert [process.is_stopped for process in members] == [False] + [True] * 50
