"""The agent in JavaScript."""

from pathlib import Path

import pytest

AGENT = Path(__file__).parents[1] / "agent-js"
MIB = 1024 * 1024


@pytest.fixture
def words(torpor_session):
    """A session of the agent, with a file to work on."""
    return torpor_session(AGENT, files={"fruit.txt": "pears\nripe apples\n"})


def test_it_counts(words):
    """The text, the one tool call, and that no file changes."""
    turn = words.prompt("count fruit.txt")
    turn.expect_text("fruit.txt has 3 words.")
    turn.expect_tool_call("count", path="fruit.txt", times=1)
    words.vm.expect_no_changes()


def test_it_sorts(words):
    """A changed file, and the diff that the agent tells of."""
    turn = words.prompt("sort fruit.txt")
    turn.expect_tool_calls("sort")
    words.vm.expect_file("fruit.txt", "pears\nripe apples\n")
    words.vm.write("fruit.txt", "b\na\n")
    words.prompt("sort fruit.txt").expect_text("fruit.txt is sorted.")
    words.vm.expect_file("fruit.txt", "a\nb\n")
    words.vm.expect_changes({"fruit.txt": "changed"})


def test_a_file_that_is_not_there(words):
    """A tool call that fails is no failed turn."""
    turn = words.prompt("count veg.txt")
    turn.expect_text(contains="I cannot read veg.txt")
    assert [call.status for call in turn.tool_calls] == ["failed"]
    turn.expect_stop("end_turn")


@pytest.mark.torpor(limits={"memoryBytes": 8 * MIB})
def test_it_needs_little(words):
    """Budgets: the agent gets no more memory than its VM's limit, and has done its work with much less."""
    turn = words.prompt("count fruit.txt")
    turn.expect_text("fruit.txt has 3 words.")
    turn.expect_budget(memory=8 * MIB, fuel=50_000_000, tool_calls=1)
