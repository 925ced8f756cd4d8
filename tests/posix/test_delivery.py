"""How signals get to a process: what is written into its memory, and when."""

from __future__ import annotations

from runtime.engine.abi.context import Context
from runtime.posix.delivery import Delivery, Inherited
from runtime.posix.numbers import RECORD_BYTES
from runtime.posix.signals import Signal


class Memory:
    """One page of a guest."""

    def __init__(self) -> None:
        self.bytes = bytearray(64 * 1024)

    def view(self) -> memoryview:
        return memoryview(self.bytes)

    @property
    def pending(self) -> int:
        return int.from_bytes(self.bytes[:8], "little")


def started() -> tuple[Delivery, Memory]:
    memory = Memory()
    context = Context(None)
    context.memory = memory
    delivery = Delivery(Inherited())
    delivery.attach(context, 0)
    assert len(memory.bytes) > RECORD_BYTES
    return delivery, memory


def bit(signal: int) -> int:
    return 1 << signal - 1


def test_nothing_is_written_while_a_thread_may_run_the_program() -> None:
    delivery, memory = started()
    delivery.add(Signal.TSTP)
    delivery.flush()
    assert memory.pending == bit(Signal.TSTP)
    delivery.take_away(Signal.TSTP)
    delivery.add(Signal.CONT)
    assert memory.pending == bit(Signal.TSTP), "until the program rests"
    delivery.flush()
    assert memory.pending == bit(Signal.CONT)


def test_what_was_taken_away_and_came_again_is_there() -> None:
    delivery, memory = started()
    delivery.take_away(Signal.CONT)
    delivery.add(Signal.CONT)
    assert delivery.interrupts
    delivery.flush()
    assert memory.pending == bit(Signal.CONT)


def test_what_was_taken_away_interrupts_nothing() -> None:
    delivery, _memory = started()
    delivery.add(Signal.CONT)
    delivery.flush()
    delivery.take_away(Signal.CONT)
    assert not delivery.interrupts
    assert delivery.inherited() == Inherited()
