from __future__ import annotations

import logging
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import apsw
import pytest
import trio
import trio.testing

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.schema import open_readable, open_writable
from runtime.store.writer import GROUP_BYTES, GROUP_WRITES, WAITING_BYTES, Insert, Row, Writer
from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


class Gate:
    """A write that holds the writer's thread until it is opened, so that what is submitted meanwhile makes one group."""

    @classmethod
    async def closed(cls, writer: Writer) -> Gate:
        gate = cls()
        writer.submit(gate._hold)
        await trio.to_thread.run_sync(gate._reached.wait, WAIT)
        return gate

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._opened = threading.Event()

    def _hold(self, _: apsw.Connection) -> None:
        self._reached.set()
        self._opened.wait(WAIT)

    def open(self) -> None:
        self._opened.set()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture
async def writer(path: Path) -> AsyncIterator[Writer]:
    writer = Writer(open_writable(path))
    try:
        writer.submit(lambda connection: connection.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, word TEXT)"))
        yield writer
    finally:
        await writer.aclose()


def adding(word: str) -> Callable[[apsw.Connection], None]:
    def write(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO log (word) VALUES (?)", (word,))

    return write


def words(path: Path) -> list[str]:
    with closing(open_readable(path)) as connection:
        return [row[0] for row in connection.execute("SELECT word FROM log ORDER BY id").fetchall()]


async def test_writes_and_answers_keep_the_order_of_submission(writer: Writer, path: Path) -> None:
    answers: list[int] = []
    for number in range(3 * GROUP_WRITES):
        writer.submit(adding(str(number)), lambda _, number=number: answers.append(number))
    await writer.barrier()
    assert answers == list(range(3 * GROUP_WRITES))
    assert words(path) == [str(number) for number in answers]
    assert writer.waiting_bytes == 0


async def test_what_waits_is_committed_in_one_transaction(writer: Writer, path: Path) -> None:
    gate = await Gate.closed(writer)
    seen: list[int] = []
    writer.submit(adding("a"))
    # Runs in the same transaction, where a reader still sees nothing.
    writer.submit(lambda _: seen.append(len(words(path))))
    writer.submit(adding("b"))
    gate.open()
    await writer.barrier()
    assert seen == [0]
    assert words(path) == ["a", "b"]


async def test_a_group_ends_when_it_is_large(writer: Writer, path: Path) -> None:
    """However much waits, the first of it is committed soon."""
    gate = await Gate.closed(writer)
    seen: list[int] = []
    for _ in range(3):
        writer.submit(adding("a"), size=GROUP_BYTES // 2 + 1)
        writer.submit(lambda _: seen.append(len(words(path))))
    gate.open()
    await writer.barrier()
    assert seen == [0, 2, 2]


async def test_an_answer_comes_after_the_commit(writer: Writer, path: Path) -> None:
    seen: list[list[str]] = []
    writer.submit(adding("a"), lambda _: seen.append(words(path)))
    await writer.barrier()
    assert seen == [["a"]]


async def test_answers_run_on_the_trio_thread(writer: Writer) -> None:
    threads: list[object] = []
    writer.submit(adding("a"), lambda _: threads.append((threading.current_thread(), trio.lowlevel.current_clock())))
    await writer.barrier()
    assert threads == [(threading.current_thread(), trio.lowlevel.current_clock())]


async def test_a_failing_write_does_not_fail_its_neighbours(writer: Writer, path: Path) -> None:
    gate = await Gate.closed(writer)
    answers: list[object] = []

    def half_then_fail(connection: apsw.Connection) -> None:
        adding("half")(connection)
        raise ValueError("a mistake")

    writer.submit(adding("before"), answers.append)
    writer.submit(half_then_fail, answers.append)
    writer.submit(adding("after"), answers.append)
    gate.open()
    await writer.barrier()
    assert [type(answer) for answer in answers] == [type(None), ValueError, type(None)]
    assert words(path) == ["before", "after"]


async def test_rows_of_one_insert_go_in_together_and_fail_alone(writer: Writer, path: Path) -> None:
    gate = await Gate.closed(writer)
    insert = Insert("INSERT INTO log (id, word)", "(?, ?)")
    answers: list[object] = []
    for number in range(200):
        writer.submit(Row(insert, (number, "first")), answers.append)
    writer.submit(Row(insert, (7, "again")), answers.append)
    writer.submit(Row(insert, (200, "last")), answers.append)
    gate.open()
    await writer.barrier()
    assert isinstance(answers[200], apsw.ConstraintError)
    assert [answer for answer in answers if answer is not None] == [answers[200]]
    assert words(path) == ["first"] * 200 + ["last"]


async def test_an_insert_needs_few_statements(writer: Writer) -> None:
    statements: list[str] = []

    def write(connection: apsw.Connection) -> None:
        connection.exec_trace = lambda _cursor, sql, _bindings: statements.append(sql) or True
        Insert("INSERT INTO log (word)", "(?)").insert(connection, [("x",)] * 1000)
        connection.exec_trace = None

    await writer.commit(write)
    assert len(statements) == 1000 // 64 + (1000 % 64).bit_count()
    assert len(set(statements)) <= 7


async def test_commit_returns_and_raises_what_the_write_does(writer: Writer) -> None:
    assert await writer.commit(lambda _: 42) == 42

    def refuse(_: apsw.Connection) -> None:
        raise ApiError(ErrorCode.EXISTS, "there already")

    with pytest.raises(ApiError) as caught:
        await writer.commit(refuse)
    assert caught.value.code is ErrorCode.EXISTS


async def test_a_cancelled_commit_stays_submitted(writer: Writer, path: Path) -> None:
    gate = await Gate.closed(writer)
    with trio.CancelScope() as scope:
        scope.cancel()
        await writer.commit(adding("kept"))
    assert scope.cancelled_caught
    gate.open()
    await writer.barrier()
    assert words(path) == ["kept"]


async def test_room_waits_until_the_backlog_is_written(writer: Writer) -> None:
    gate = await Gate.closed(writer)
    await writer.room()
    writer.submit(adding("big"), size=WAITING_BYTES)
    with trio.CancelScope() as scope:
        scope.cancel()
        await writer.room()
    assert scope.cancelled_caught
    passed = trio.Event()

    async def wait() -> None:
        await writer.room()
        passed.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        assert not passed.is_set()
        gate.open()
        await passed.wait()
    assert writer.waiting_bytes < WAITING_BYTES


async def test_a_failing_answer_loses_no_other(writer: Writer, caplog: pytest.LogCaptureFixture) -> None:
    answers: list[object] = []

    def fail(_: Exception | None) -> None:
        raise RuntimeError("a host fault")

    writer.submit(adding("a"), fail)
    writer.submit(adding("b"), answers.append)
    await writer.barrier()
    assert answers == [None]
    assert "a host fault" in caplog.text


async def test_a_failure_nobody_asked_about_is_logged(writer: Writer, caplog: pytest.LogCaptureFixture) -> None:
    writer.submit(lambda connection: connection.execute("INSERT INTO nowhere VALUES (1)"))
    with caplog.at_level(logging.ERROR):
        await writer.barrier()
    assert "no such table: nowhere" in caplog.text


async def test_closing_commits_what_waits_and_then_refuses(path: Path) -> None:
    writer = Writer(open_writable(path))
    writer.submit(lambda connection: connection.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, word TEXT)"))
    answers: list[object] = []
    for _ in range(5):
        writer.submit(adding("x"), answers.append)
    with trio.CancelScope() as scope:
        scope.cancel()
        await writer.aclose()
    await writer.aclose()
    assert answers == [None] * 5
    assert not path.with_name("s.db-wal").exists()  # all of it is in the file
    assert words(path) == ["x"] * 5
    with pytest.raises(ApiError) as caught:
        writer.submit(adding("y"))
    assert caught.value.code is ErrorCode.SHUTTING_DOWN


async def test_a_full_disk_is_told_and_nothing_is_half_applied(writer: Writer, path: Path) -> None:
    await writer.commit(lambda connection: connection.pragma("max_page_count", connection.pragma("page_count") + 10))

    def two(connection: apsw.Connection) -> None:
        adding("small")(connection)
        adding("x" * 100_000)(connection)

    with pytest.raises(ApiError) as caught:
        await writer.commit(two)
    assert caught.value.code is ErrorCode.IO_ERROR
    assert caught.value.data == {"reason": "disk_full", "retryable": True}
    assert words(path) == []
    await writer.commit(adding("small"))  # what fits still goes in
    await writer.commit(lambda connection: connection.pragma("max_page_count", 2**31))
    await writer.commit(two)
    assert [len(word) for word in words(path)] == [5, 5, 100_000]


async def test_a_full_disk_fails_only_the_writes_that_do_not_fit(writer: Writer, path: Path) -> None:
    await writer.commit(lambda connection: connection.pragma("max_page_count", connection.pragma("page_count") + 10))
    gate = await Gate.closed(writer)
    answers: list[object] = []
    for word in ("a", "x" * 100_000, "b"):
        writer.submit(adding(word), answers.append)
    gate.open()
    await writer.barrier()
    assert [type(answer) for answer in answers] == [type(None), ApiError, type(None)]
    assert words(path) == ["a", "b"]


async def test_the_log_does_not_grow_without_end(writer: Writer, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.store.writer.WAL_PAGES", 50)
    writer._checkpoint_at = 50
    for _ in range(200):
        await writer.commit(adding("x" * 4000))
    assert (await trio.Path(path.with_name("s.db-wal")).stat()).st_size < 100 * 4096


async def test_a_pause_moves_the_log_into_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.store.writer.IDLE_SECONDS", 0.0)
    writer = Writer(open_writable(path))
    checkpoints = threading.Event()
    original = writer._checkpoint
    monkeypatch.setattr(writer, "_checkpoint", lambda mode: (original(mode), checkpoints.set()))
    await writer.commit(lambda connection: connection.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, word TEXT)"))
    assert await trio.to_thread.run_sync(checkpoints.wait, 10)
    assert b"CREATE TABLE log" in await trio.Path(path).read_bytes()
    await writer.aclose()


async def test_readers_see_commits_while_the_writer_works(writer: Writer, path: Path) -> None:
    await writer.commit(adding("a"))
    with closing(open_readable(path)) as one, closing(open_readable(path)) as other:
        one.execute("BEGIN")
        assert one.execute("SELECT count(*) FROM log").fetchall() == [(1,)]
        await writer.commit(adding("b"))
        assert one.execute("SELECT count(*) FROM log").fetchall() == [(1,)]  # its snapshot
        assert other.execute("SELECT count(*) FROM log").fetchall() == [(2,)]
