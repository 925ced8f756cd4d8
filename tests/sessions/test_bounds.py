"""Sizes and numbers that a session takes, keeps or tells, and not one more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from runtime.acp.messages import CreateTerminal, parse
from runtime.acp.turn import Signal
from runtime.api.errors import ApiError, ErrorCode
from runtime.api.limits import MAX_BLOCKS, MAX_INSTRUCTIONS, MAX_KEY, MAX_SECRET_HOSTS
from runtime.sessions import manager, queries
from runtime.sessions.asking.permissions import Pending, Permissions
from runtime.sessions.asking.waiting import ANSWERED
from runtime.sessions.options.options import parse_options
from runtime.sessions.services.terminals import DEFAULT_OUTPUT, MAX_OUTPUT, Terminals
from runtime.sessions.turns.prompts import check_key, content_blocks
from runtime.sessions.turns.turn import MAX_TURN_TEXT, Turn
from tests.sessions.fakes import FakeProcess, FakeVm, create_options, failing, new

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("take", "most", "code"),
    [
        (
            lambda n: parse_options(create_options({"additionalInstructions": "x" * n})),
            MAX_INSTRUCTIONS,
            ErrorCode.TOO_LARGE,
        ),
        (lambda n: content_blocks([{"type": "text", "text": "x"}] * n), MAX_BLOCKS, ErrorCode.INVALID_ARGUMENT),
        (lambda n: check_key("k" * n), MAX_KEY, ErrorCode.INVALID_ARGUMENT),
    ],
    ids=["instructions", "content blocks", "idempotency key"],
)
def test_so_much_is_taken(take: Callable[[int], object], most: int, code: ErrorCode) -> None:
    take(most)
    with pytest.raises(ApiError, match=str(most)) as caught:
        take(most + 1)
    assert caught.value.code is code


def test_a_secret_is_for_so_many_hosts() -> None:
    def secret(count: int) -> dict[str, Any]:
        hosts = [f"h{n}.example.com" for n in range(count)]
        return {"secrets": {"A": {"value": "the secret", "placeholder": True, "hosts": hosts}}}

    parse_options(create_options(secret(MAX_SECRET_HOSTS)))
    with pytest.raises(msgspec.ValidationError, match=f"length <= {MAX_SECRET_HOSTS}"):
        create_options(secret(MAX_SECRET_HOSTS + 1))


async def test_so_many_sessions_live_at_once(vm: FakeVm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager, "MAX_LIVE", 2)
    first = await new(vm)
    await new(vm)
    with failing(ErrorCode.LIMIT_EXCEEDED) as told:
        await new(vm)
    assert told["limit"] == "sessions"
    await vm.sessions.close(first)
    await new(vm)


async def test_so_many_events_are_in_one_answer(vm: FakeVm, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = await new(vm)
    await vm.sessions.prompt(id_, "hello")
    monkeypatch.setattr(queries, "MAX_EVENTS", 3)
    for limit in (None, 3, 100):
        found = await queries.session_events(vm.store, vm.name, id_, limit=limit)
        assert [each["seq"] for each in found] == [0, 1, 2]
        written = await queries.session_events_json(vm.store, vm.name, id_, limit=limit)
        assert b"".join(map(bytes, written)).count(b'"seq"') == 3


def test_of_the_latest_permissions_it_is_known_how_they_were_answered() -> None:
    permissions = Permissions()
    for number in range(ANSWERED + 1):
        permissions.add(Pending(str(number), number, ("", ""), (), {}))
        permissions.take_all("cancelled")
    for number, reason in ((0, "unknown"), (1, "cancelled"), (ANSWERED, "cancelled")):
        with failing(ErrorCode.PERMISSION_NOT_PENDING) as told:
            permissions.take(str(number), "once", None)
        assert told["reason"] == reason


@pytest.mark.parametrize(
    ("wanted", "kept"), [(None, DEFAULT_OUTPUT), (MAX_OUTPUT, MAX_OUTPUT), (2**40, MAX_OUTPUT), (5, 5), (0, 0)]
)
async def test_so_much_output_of_a_terminal_is_kept(vm: FakeVm, wanted: int | None, kept: int) -> None:
    async def command(process: FakeProcess) -> None:
        await process.ended.wait()

    vm.commands["yes"] = command
    vm.output_bytes = 2**40
    terminals = Terminals(cast("Any", vm), "t", "/", cast("Any", None), lambda _: None)
    request = {"sessionId": "s", "command": "yes"} | ({} if wanted is None else {"outputByteLimit": wanted})
    _, terminal = await terminals.create(parse(request, CreateTerminal))
    terminal._output.write(b"x" * (MAX_OUTPUT + 1))
    assert (len(terminal.output()["output"]), terminal.output()["truncated"]) == (kept, True)
    terminals.close()


async def test_so_much_text_of_a_turn_is_in_its_result() -> None:
    turn, cut = (Turn([], key=None, content_hash=b"", timeout_ms=None, trace=None) for _ in range(2))
    for each in (turn, cut):
        each.signal(Signal.READY)
    half = "x" * (MAX_TURN_TEXT // 2)
    assert [turn.add_text(half), turn.add_text(half)] == [len(half)] * 2
    assert not turn.truncated, "it is all there"
    assert (turn.add_text("x"), turn.truncated) == (0, True)
    assert len(turn.text) == turn.text_length == MAX_TURN_TEXT
    assert cut.add_text("x" * (MAX_TURN_TEXT + 5)) == MAX_TURN_TEXT
    assert cut.truncated
