"""What a file that lies may cost: sizes, depths and gaps that salvage looks into no further."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from runtime.salvage import recover
from runtime.salvage.fileformat import CHILD, PAGE_BYTES, ROOT, TABLE_INTERIOR, TABLE_LEAF
from runtime.salvage.pages import MAX_PAYLOAD, Pages, Row
from runtime.salvage.recover import MAX_TOLD, Salvaged, _fill_gaps, _work_file
from runtime.salvage.tables import MAX_DEPTH, Tables
from runtime.salvage.trees import MAX_SHOWN, _Placing
from runtime.store.sql import rows
from runtime.vms.portable import FileJudge
from wasi_fs.backend import ROOT_INO

if TYPE_CHECKING:
    from pathlib import Path


def test_a_row_that_lies_over_a_ring_of_pages_has_a_size(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    path.write_bytes(bytes(2 * PAGE_BYTES) + (3).to_bytes(4, "big") + bytes(PAGE_BYTES - 4))
    first = b"\0" * PAGE_BYTES  # its cell goes on at page 3, as does page 3
    with Pages(path) as pages:
        seen: list[int] = []
        read = pages.page
        pages.page = lambda number: (seen.append(number), read(number))[1]  # type: ignore[method-assign]

        def payload(size: int) -> bytes:
            usable = pages.usable
            least = (usable - 12) * 32 // 255 - 23
            local = least + (size - least) % (usable - 4)
            local = local if local <= usable - 35 else least
            return pages._payload(TABLE_LEAF, first[:local] + (3).to_bytes(4, "big") + first[local + 4 :], 0, size)

        assert len(payload(MAX_PAYLOAD)) == MAX_PAYLOAD
        seen.clear()
        with pytest.raises(ValueError, match=str(MAX_PAYLOAD + 1)):
            payload(MAX_PAYLOAD + 1)
        assert seen == []


@pytest.mark.parametrize(("depth", "found"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_the_way_up_from_a_page_has_a_length(depth: int, found: bool) -> None:
    """The last page is the root of `vm`, which has lost what is below it; each page is below the next."""
    root = depth + 2
    pages = SimpleNamespace(
        count=root,
        kind=lambda page: TABLE_LEAF if page == 2 else TABLE_INTERIOR,
        children=lambda _: [],
        rows=lambda page: [Row(0, ("table", "vm", "vm", root, ""))] if page == 1 else [],
        above=lambda page: (ROOT, 0) if page == root else (CHILD, page + 1),
    )
    owners = Tables(cast("Any", pages))._owner
    assert owners.get(3) == "vm"
    assert owners.get(2) == ("vm" if found else None)


def test_a_path_is_shown_up_to_a_length() -> None:
    placing = _Placing({})
    placing._parents = {ROOT_INO + number: (ROOT_INO + number - 1, f"d{number}") for number in range(1, MAX_SHOWN + 2)}
    assert placing.path(ROOT_INO + MAX_SHOWN).startswith("/d1/d2/")
    assert placing.path(ROOT_INO + MAX_SHOWN + 1).startswith("/d2/d3/")


def test_losses_are_told_up_to_a_number() -> None:
    export = Salvaged("v", "")
    for number in range(MAX_TOLD + 5):
        export.say(str(number))
    assert (len(export.lost), export.more) == (MAX_TOLD, 5)


@pytest.mark.parametrize(
    ("seqs", "counted", "left"),
    [
        ((0, 11), 11, 12),
        ((0, 12), 12, 11),  # the event of number 12 is not to be trusted; that 12 of them were counted may be
        ((0, 6, 12), 12, 13),
        ((0, 6, 13), 6, 7),  # ten in all, however many gaps there are
        ((0, 6, 12), 100, 13),
        ((0,), 10**15, 11),
    ],
)
def test_what_is_filled_in_of_a_transcript_has_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seqs: tuple[int, ...], counted: int, left: int
) -> None:
    monkeypatch.setattr(recover, "MAX_FILLED", 10)
    connection = _work_file(tmp_path / "work")
    connection.pragma("foreign_keys", "off")
    sql = (
        "INSERT INTO session (id, vm, session_id, agent_type, options, env_names, status, cwd, created_at, updated_at, "
        "counted_seq) VALUES (1, 1, 's', 'echo', '{}', '[]', 'closed', '/', 0, 0, ?)"
    )
    connection.execute(sql, (counted,))
    body = b'{"jsonrpc":"2.0","method":"_torpor/x","params":{}}'
    for seq in seqs:
        connection.execute(
            "INSERT INTO event (session, seq, created_at, type, body) VALUES (1, ?, 0, ?, ?)", (seq, "_torpor/x", body)
        )
    lost = _fill_gaps(connection, 1, "s", FileJudge(None, trust=True))
    found = [seq for (seq,) in rows(connection, "SELECT seq FROM event ORDER BY seq")]
    assert found == list(range(left))
    assert lost == left - len([seq for seq in seqs if seq < left])
    connection.close()
