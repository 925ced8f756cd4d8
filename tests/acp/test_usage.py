from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.acp import session_state as ss
from runtime.acp.session_state import SessionState, event_type
from runtime.acp.usage import MAX_COUNT, NOTHING_TOLD, TOKENS, Usage, total_usage
from runtime.api.events import SESSION_RESUMED, SESSION_STARTED, TURN_ENDED, TURN_STARTED

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*TOKENS, "usage", "cost"]), inner),
    max_leaves=8,
)


def turn(**usage: Any) -> tuple[str, dict[str, Any]]:
    return TURN_ENDED, {"response": {"stopReason": "end_turn", "usage": usage}}


def told(used: int, size: int, amount: float, currency: str = "USD") -> tuple[str, dict[str, Any]]:
    update = {"sessionUpdate": "usage_update", "used": used, "size": size}
    params = {"update": {**update, "cost": {"amount": amount, "currency": currency}}}
    return event_type("session/update", params), params


def folded(*events: tuple[str, dict[str, Any]]) -> Usage:
    state = SessionState()
    for type_, params in events:
        assert type_ in ss.STATE_TYPES, "a reading of the transcript must not pass it over"
        state = state.fold(type_, params)
    return state.usage


def test_nothing_is_known_until_it_is_told() -> None:
    silent = folded((SESSION_STARTED, {}), (TURN_STARTED, {}), (TURN_ENDED, {"response": {"stopReason": "end_turn"}}))
    assert silent.to_json() == {"tokens": None, "cost": None, "context": None}


def test_tokens_are_those_of_all_turns() -> None:
    usage = folded(
        turn(totalTokens=7, inputTokens=5, outputTokens=2),
        (TURN_ENDED, {"stopReason": "cancelled"}),
        turn(totalTokens=9, inputTokens=1, outputTokens=3, cachedReadTokens=5),
    )
    assert usage.tokens == {"totalTokens": 16, "inputTokens": 6, "outputTokens": 5, "cachedReadTokens": 5}
    assert usage.cost is None


def test_cost_and_context_are_as_last_told() -> None:
    usage = folded(told(10, 100, 0.25), told(30, 100, 0.5))
    assert usage.to_json() == {"tokens": None, "cost": {"USD": 0.5}, "context": {"used": 30, "size": 100}}


@pytest.mark.parametrize(("tier", "cost"), [("resume", 0.75), ("load", 0.75), (ss.CONTINUATION, 1.25)])
def test_an_agent_that_starts_afresh_counts_from_nothing(tier: str, cost: float) -> None:
    assert folded(told(1, 2, 0.5), (SESSION_RESUMED, {"tier": tier}), told(1, 2, 0.75)).cost == {"USD": cost}


def test_a_fresh_start_keeps_what_was_spent_and_not_the_context() -> None:
    usage = folded(told(1, 2, 0.5), (SESSION_RESUMED, {"tier": ss.CONTINUATION}))
    assert (usage.cost, usage.context) == ({"USD": 0.5}, None)


@pytest.mark.slow
@given(JSON)
def test_nonsense_is_passed_over(value: Any) -> None:
    usage = folded(
        turn(totalTokens=value),
        (TURN_ENDED, {"response": {"usage": value}}),
        (TURN_ENDED, {"response": value}),
        ("usage_update", {"update": {"used": value, "size": 1, "cost": value}}),
        ("usage_update", {"update": {"cost": {"amount": value, "currency": "USD"}}}),
        ("usage_update", {"update": {"cost": {"amount": 1, "currency": value}}}),
    )
    for count in (usage.tokens or {}).values():
        assert 0 <= count <= MAX_COUNT
    for currency, amount in (usage.cost or {}).items():
        assert len(currency) == 3
        assert 0 <= amount <= MAX_COUNT


@pytest.mark.parametrize("currency", ['A"}', "A\nB", "usd", "ÄÖÜ", "EURO"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    assert folded(told(1, 2, 0.5, currency)).cost is None


def test_sums_stay_numbers_that_every_reader_has() -> None:
    assert folded(turn(totalTokens=MAX_COUNT), turn(totalTokens=MAX_COUNT)).tokens == {"totalTokens": MAX_COUNT}


def test_the_total_of_several_sessions() -> None:
    one = folded(turn(totalTokens=1), told(1, 2, 0.5)).to_json()
    other = folded(turn(totalTokens=2, inputTokens=2), told(1, 2, 3, "EUR")).to_json()
    assert total_usage([one, None, NOTHING_TOLD.to_json(), other]) == {
        "tokens": {"totalTokens": 3, "inputTokens": 2},
        "cost": {"USD": 0.5, "EUR": 3},
    }
    assert total_usage([None]) == {"tokens": None, "cost": None}
