"""How signals get to a process: what is written into its memory, and when."""

from __future__ import annotations

from runtime.engine.abi.context import Context
from runtime.posix.delivery import Delivery, Inherited
from runtime.posix.numbers import ACTIONS, HANDLED, IGNORED, RECORD_BYTES
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


def test_a_record_that_is_lent_is_the_childs_until_it_is_given_back() -> None:
    delivery, memory = started()
    delivery.add(Signal.USR1)
    delivery.flush()
    memory.bytes[ACTIONS + Signal.TERM - 1] = HANDLED
    child = delivery.lend()
    context = Context(None)
    context.memory = memory
    child.adopt(context)
    assert memory.pending == 0, "none of the parent's"
    delivery.add(Signal.TERM)
    delivery.flush()
    memory.bytes[ACTIONS + Signal.TERM - 1] = IGNORED
    assert (memory.pending, delivery.action(Signal.TERM), child.action(Signal.TERM)) == (0, HANDLED, IGNORED)
    child.add(Signal.INT)
    child.flush()
    assert memory.pending == bit(Signal.INT)
    child.detach()
    delivery.adopt(context)
    assert memory.pending == bit(Signal.USR1) | bit(Signal.TERM)


def test_what_was_taken_away_interrupts_nothing() -> None:
    delivery, _memory = started()
    delivery.add(Signal.CONT)
    delivery.flush()
    delivery.take_away(Signal.CONT)
    assert not delivery.interrupts
    assert delivery.inherited() == Inherited()
