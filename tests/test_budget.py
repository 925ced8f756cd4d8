"""What many hold together: the greediest goes first."""

from __future__ import annotations

from runtime.budget import Budget


def test_the_greediest_is_cut_off_whoever_asks_for_more() -> None:
    budget, cut = Budget(100), []
    small, large = budget.share(lambda: cut.append("small")), budget.share(lambda: cut.append("large"))
    large.add(60)
    small.add(40)
    assert (budget.used, cut) == (100, [])
    small.add(1)
    assert (budget.used, cut) == (41, ["large"])
    small.add(-41)
    assert budget.used == 0
    large.add(-60)
    large.close()
    assert budget.used == 0, "what was cut off lets go of what it had, and nobody counts it twice"


def test_one_alone_can_be_too_greedy() -> None:
    budget, cut = Budget(100), []
    share = budget.share(lambda: cut.append("it"))
    share.add(101)
    assert (budget.used, cut) == (0, ["it"])
    share.add(50)
    assert budget.used == 0


def test_who_is_gone_holds_nothing() -> None:
    budget = Budget(100)
    shares = [budget.share(lambda: None) for _ in range(3)]
    for share in shares:
        share.add(10)
    shares[1].close()
    shares[1].close()
    assert budget.used == 20
