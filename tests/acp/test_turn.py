from __future__ import annotations

import itertools

import pytest

from runtime.acp.turn import TRANSITIONS, End, Phase, Signal, TurnState


def test_the_table_is_total() -> None:
    assert set(TRANSITIONS) == set(itertools.product(Phase, Signal))


@pytest.mark.parametrize(
    ("signals", "end"),
    [
        ([Signal.READY, Signal.STOPPED], End.STOPPED),
        ([Signal.READY, Signal.REFUSED], End.AGENT_ERROR),
        ([Signal.READY, Signal.EXITED], End.AGENT_FAILED),
        ([Signal.EXITED], End.AGENT_FAILED),
        ([Signal.CANCEL], End.CANCELLED),
        ([Signal.READY, Signal.CANCEL, Signal.STOPPED], End.STOPPED),
        ([Signal.READY, Signal.CANCEL, Signal.REFUSED], End.CANCELLED),
        ([Signal.READY, Signal.CANCEL, Signal.CANCEL, Signal.EXITED], End.CANCELLED),
        ([Signal.READY, Signal.CANCEL, Signal.EXPIRED], End.KILLED),
        ([Signal.READY, Signal.EXPIRED, Signal.EXPIRED], End.KILLED),
        ([Signal.EXPIRED], End.CANCELLED),
        ([Signal.STOPPED, Signal.READY, Signal.STOPPED], End.STOPPED),
    ],
)
def test_ways_for_a_turn_to_end(signals: list[Signal], end: End) -> None:
    turn = TurnState()
    for index, signal in enumerate(signals):
        assert not turn.over
        turn.signal(signal)
        assert turn.over == (index == len(signals) - 1)
    assert turn.end is end
    for signal in Signal:
        assert not turn.signal(signal)
    assert turn.end is end


def test_every_turn_can_be_ended_by_time_alone() -> None:
    for phase in Phase:
        turn = TurnState(phase)
        for _ in Phase:
            turn.signal(Signal.EXPIRED)
        assert turn.over


def test_signal_says_whether_the_phase_changed() -> None:
    turn = TurnState()
    assert turn.signal(Signal.READY)
    assert turn.signal(Signal.CANCEL)
    assert not turn.signal(Signal.CANCEL)
