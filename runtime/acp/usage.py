"""What a session has used, as its agent tells it: tokens, cost, and how full the model's context is.

Sources: ACP schema v1. `usage_update` has the tokens in the context, the size of it, and the cost of the agent's session so
far; the answer to `session/prompt` may have a `usage` with the tokens of that turn (an unstable part of the schema, which
some agents speak and others do not). Nothing is guessed: what no agent has said is None.

An agent that starts afresh in the middle of a conversation (`runtime.sessions.operations.resume`, the tier "continuation")
has a new session of its own, whose cost begins at nothing: what its predecessors cost is added to it here.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, TypeGuard

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

TOKENS: Final = (
    "totalTokens",
    "inputTokens",
    "outputTokens",
    "thoughtTokens",
    "cachedReadTokens",
    "cachedWriteTokens",
)
"""The members of ACP's `Usage`."""

MAX_COUNT: Final = 2**53 - 1
"""Tokens: every JSON reader has integers up to here, and an agent may claim any number."""

_CURRENCY: Final = re.compile("[A-Z]{3}")
"""A code of ISO 4217."""


@attrs.frozen
class Usage:
    """The fold over what an agent has told. Nothing in it is ever mutated."""

    tokens: dict[str, int] | None = None
    """Sums over the turns, by the names in `TOKENS`; those that were never told are left out."""
    cost: dict[str, float] | None = None
    """By currency."""
    context: dict[str, int] | None = None
    """`{used, size}` in tokens, as last told."""
    earlier_cost: dict[str, float] = attrs.field(factory=dict)
    """What the agent's earlier sessions cost; part of `cost`."""

    def with_turn(self, response: Any) -> Usage:
        """After a turn that the agent answered with `response`."""
        usage = response.get("usage") if isinstance(response, dict) else None
        if not isinstance(usage, dict):
            return self
        counts = {name: usage[name] for name in TOKENS if _is_count(usage.get(name))}
        return attrs.evolve(self, tokens=_sum((self.tokens or {}, counts))) if counts else self

    def with_update(self, update: dict[str, Any]) -> Usage:
        """After a `usage_update`."""
        used, size, cost = update.get("used"), update.get("size"), update.get("cost")
        after = self
        if _is_count(used) and _is_count(size):
            after = attrs.evolve(after, context={"used": used, "size": size})
        if isinstance(cost, dict) and _is_amount(cost.get("amount")) and _is_currency(cost.get("currency")):
            after = attrs.evolve(after, cost=_sum((self.earlier_cost, {cost["currency"]: cost["amount"]})))
        return after

    def afresh(self) -> Usage:
        """After the agent has begun a new session of its own."""
        return attrs.evolve(self, context=None, earlier_cost=self.cost or {})

    def to_json(self) -> dict[str, Any]:
        """`{tokens, cost, context}` of the API."""
        return {"tokens": self.tokens, "cost": self.cost, "context": self.context}


NOTHING_TOLD: Final = Usage()


def total_usage(usages: Iterable[dict[str, Any] | None]) -> dict[str, Any]:
    """`{tokens, cost}` over sessions, each as `Usage.to_json` or None; None where no session has any."""
    told = [usage for usage in usages if usage is not None]
    return {
        "tokens": _sum(each["tokens"] for each in told if each["tokens"]) or None,
        "cost": _sum(each["cost"] for each in told if each["cost"]) or None,
    }


def _sum(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            total[name] = min(total.get(name, 0) + value, MAX_COUNT)
    return total


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= MAX_COUNT


def _is_amount(value: Any) -> TypeGuard[float]:
    return type(value) in (int, float) and math.isfinite(value) and 0 <= value <= MAX_COUNT


def _is_currency(value: Any) -> bool:
    return isinstance(value, str) and _CURRENCY.fullmatch(value) is not None
