"""How much of what an agent did is shown, and what names, files and wires of the harness hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from trio.testing import wait_all_tasks_blocked

from runtime.testing import memory_wire, page, reporting, transcript
from runtime.testing.harness import MAX_NAME as MAX_VM_NAME
from runtime.testing.harness import vm_name
from runtime.testing.messages_api import ModelRequest
from runtime.testing.model import MAX_SHOWN, news
from runtime.testing.names import DIGEST_CHARACTERS, MAX_NAME, former_name, unique_name
from runtime.testing.page import Report, SessionPart
from runtime.testing.transcript import Entry
from runtime.testing.vm import MAX_DIFF_LINES
from runtime.testing.yaml_file import MAX_FILE_BYTES, TestFileError, read

if TYPE_CHECKING:
    from pathlib import Path

    import trio

    from runtime.testing.vm import TestVm


def entries(count: int) -> list[Entry]:
    return [Entry("text", number, number, f"entry {number}.") for number in range(count)]


def test_names_are_of_a_length_that_files_and_vms_can_have() -> None:
    test = "tests/a/test_b.py::" + "x" * 300
    assert re.fullmatch(f"x{{{MAX_VM_NAME}}}-[0-9a-f]{{8}}", vm_name(test))
    names = {unique_name(test), unique_name(test + "x")}
    assert len(names) == 2
    for name in names:
        assert re.fullmatch(f".{{{MAX_NAME}}}-[0-9a-f]{{{DIGEST_CHARACTERS}}}", name)
    assert former_name(test) == "x" * MAX_NAME
    plain = "test_b.py::" + "x" * (MAX_NAME - len("test_b.py::"))
    assert unique_name(plain) == plain.replace(".py::", ".")
    assert unique_name(plain + "x") != (plain + "x").replace(".py::", ".")


async def test_a_sender_waits_for_who_does_not_receive(nursery: trio.Nursery) -> None:
    client, server = memory_wire.memory_wire()
    sent = {"client": 0, "server": 0}

    async def send(name: str, end: Any) -> None:
        while True:
            await end.send([b"x\n"])
            sent[name] += 1

    nursery.start_soon(send, "client", client)
    nursery.start_soon(send, "server", server)
    await wait_all_tasks_blocked()
    assert set(sent.values()) == {memory_wire.IN_FLIGHT}
    assert (await client.receive(), await server.receive()) == ([b"x\n"], b"x\n")
    await wait_all_tasks_blocked()
    assert set(sent.values()) == {memory_wire.IN_FLIGHT + 1}


@pytest.mark.parametrize(("size", "shown"), [(MAX_SHOWN, MAX_SHOWN), (MAX_SHOWN + 1, MAX_SHOWN + 1)])
def test_of_a_prompt_the_beginning_is_news(size: int, shown: int) -> None:
    said = news(ModelRequest("/", {}, {"messages": [{"role": "user", "content": "x" * size}]}))
    assert len(said) == shown
    assert said.endswith("…") is (size > MAX_SHOWN)


def test_a_failure_shows_what_is_around_it() -> None:
    found = entries(100)
    shown = transcript.around(found, found[50])
    assert [int(number) for number in re.findall(r"entry (\d+)\.", shown)] == list(
        range(50 - transcript.AROUND, 50 + transcript.AROUND)
    )
    assert f"… {50 - transcript.AROUND} entries before" in shown
    assert f"… {50 - transcript.AROUND} entries after" in shown
    long = transcript.around([Entry("text", 0, 0, "x" * 2 * transcript.MAX_SHOWN)])
    assert transcript.MAX_SHOWN - 100 < long.count("x") <= transcript.MAX_SHOWN
    assert " characters)" in long


def report(*found: Entry, **members: Any) -> str:
    return page.page(Report("t", "it failed", "", sessions=[SessionPart("echo", list(found))], **members))


def test_a_page_shows_so_much() -> None:
    shown = report(*entries(page.MAX_ENTRIES + 3))
    assert "3 earlier entries are in the state file." in shown
    assert ("entry 2." in shown, "entry 3." in shown) == (False, True)
    assert "earlier entries" not in report(*entries(page.MAX_ENTRIES))
    for size, more in ((page.MAX_TEXT, False), (page.MAX_TEXT + 5, True)):
        shown = report(Entry("text", 0, 0, "§" * size))
        assert (shown.count("§"), " 5 more characters" in shown) == (page.MAX_TEXT, more)
    assert report(diff="+" + "§" * 2 * page.MAX_TEXT).count("§") == page.MAX_TEXT - 1
    for size, folded in ((page.MAX_LINE - len('{"a": ""}'), False), (page.MAX_LINE, True)):
        assert ("<summary>details</summary>" in report(Entry("odd", 0, 0, data={"a": "x" * size}))) is folded


def test_an_annotation_has_a_length() -> None:
    told = reporting.annotation("f", 1, "t", "x\n" * reporting.MAX_ANNOTATION)
    assert told.partition("::error")[2].partition("::")[2] == "x%0A" * (reporting.MAX_ANNOTATION // 2)


def test_a_file_of_tests_has_a_size(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    for size, message in ((MAX_FILE_BYTES + 1, "larger than"), (2**40, "larger than")):
        with path.open("wb") as file:
            file.truncate(size)
        with pytest.raises(TestFileError, match=message):
            read(path)


def test_a_difference_is_shown_up_to_a_length(torpor_vm: TestVm) -> None:
    torpor_vm.mark()
    lines = 2 * MAX_DIFF_LINES
    torpor_vm.write("f", "line\n" * lines)
    assert len(torpor_vm.diff().splitlines()) == MAX_DIFF_LINES
    with pytest.raises(AssertionError) as caught:
        torpor_vm.expect_file("f", "other\n" * lines)
    assert str(caught.value).count("-other") == MAX_DIFF_LINES - 3
    with pytest.raises(AssertionError) as caught:
        torpor_vm.expect_file("f", contains="other")
    assert str(caught.value).count("\n  line") == MAX_DIFF_LINES
