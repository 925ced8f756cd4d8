"""The handle tables' rules: numbers, types, loans, borrows, bounds."""

from __future__ import annotations

import pytest

from runtime.engine import GuestTrap, Resource
from runtime.engine.abi.handles import Borrower, HandleTable, Lender, Loans, Room

FILE, SOCKET = "test:host/calls#file", 7


@pytest.fixture
def table() -> HandleTable:
    return HandleTable(Room(4))


def test_numbers_begin_at_one_and_are_used_again(table: HandleTable) -> None:
    assert [table.add(thing, FILE) for thing in "abc"] == [1, 2, 3]
    assert table.take(2, FILE) == "b"
    assert table.drop(1, FILE) == ("a", True)
    assert [table.add(thing, SOCKET) for thing in "de"] == [1, 2]
    assert [table.look(index, SOCKET) for index in (1, 2)] == ["d", "e"]


@pytest.mark.parametrize("index", [0, 2, 3, 2**31, 2**32 - 1])
@pytest.mark.parametrize("act", ["look", "take", "drop"])
def test_a_number_that_is_no_handle_traps(table: HandleTable, act: str, index: int) -> None:
    table.add("a", FILE)
    table.drop(table.add("b", FILE), FILE)
    with pytest.raises(GuestTrap, match=f"unknown handle index {index}"):
        getattr(table, act)(index, FILE)
    assert table.look(1, FILE) == "a"


@pytest.mark.parametrize("act", ["look", "take", "drop"])
def test_a_handle_of_another_type_traps_and_stays(table: HandleTable, act: str) -> None:
    table.add("a", FILE)
    with pytest.raises(GuestTrap, match="wrong type"):
        getattr(table, act)(1, SOCKET)
    assert table.look(1, FILE) == "a"


def test_room_is_shared_by_the_tables_of_a_guest() -> None:
    room = Room(3)
    first, second = HandleTable(room), HandleTable(room)
    first.add("a", FILE)
    second.add("b", FILE)
    second.add("c", FILE)
    with pytest.raises(GuestTrap, match="the guest holds 3 resources"):
        first.add("d", FILE)
    second.drop(1, FILE)
    assert second.add("e", FILE) == 1  # a place once taken stays its table's


def test_what_is_lent_stays_until_the_call_returns(table: HandleTable) -> None:
    table.add("a", FILE)
    outer, inner = Loans(), Loans()
    assert Lender(table, outer).look(1, FILE) == Lender(table, inner).look(1, FILE) == "a"
    for loans in (inner, outer):
        for act in (table.take, table.drop, Lender(table, Loans()).take):
            with pytest.raises(GuestTrap, match="lent"):
                act(1, FILE)
        loans.end()
    assert table.take(1, FILE) == "a"


def test_a_borrow_must_be_dropped_before_the_call_returns(table: HandleTable) -> None:
    loans = Loans()
    borrower = Borrower(table, loans, own=())
    first, second = borrower.add_borrow("a", FILE), borrower.add_borrow("b", FILE)
    with pytest.raises(GuestTrap, match="borrow handles still remain"):
        loans.end()
    assert table.drop(first, FILE) == ("a", False)
    with pytest.raises(GuestTrap, match="borrow handles still remain"):
        loans.end()
    assert table.drop(second, FILE) == ("b", False)
    loans.end()


def test_a_borrow_cannot_be_given_away_but_lent_on(table: HandleTable) -> None:
    index = Borrower(table, Loans(), own=()).add_borrow("a", FILE)
    with pytest.raises(GuestTrap, match="cannot lift own resource from a borrow"):
        table.take(index, FILE)
    assert Lender(table, Loans()).look(index, FILE) == "a"


def test_a_borrow_of_a_components_own_resource_is_its_representation(table: HandleTable) -> None:
    loans = Loans()
    assert Borrower(table, loans, own={SOCKET}).add_borrow(2**32 - 1, SOCKET) == 2**32 - 1
    loans.end()
    with pytest.raises(GuestTrap):
        table.look(1, SOCKET)


def test_what_a_guest_owns_is_known_even_on_its_way(table: HandleTable) -> None:
    """Not what it has borrowed, nor representations; what was taken is known until somebody has it."""
    held, taken, lent = Resource(), Resource(), Resource()
    table.add(held, FILE)
    table.take(table.add(taken, FILE), FILE)
    Borrower(table, Loans(), own=()).add_borrow(lent, FILE)
    table.add(5, SOCKET)
    assert list(table.owned()) == [held, taken]
    table.moved.clear()
    assert list(table.owned()) == [held]
