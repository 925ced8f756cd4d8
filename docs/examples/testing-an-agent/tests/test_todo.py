"""The agent of this project."""

from pathlib import Path

import pytest

AGENT = Path(__file__).parents[1] / "agent"


@pytest.fixture
def todo(torpor_session):
    """A session of the agent, with one thing to do."""
    return torpor_session(AGENT, files={"todo.txt": "milk\n"})


def test_it_lists(todo):
    """The list is the agent's text."""
    turn = todo.prompt("list")
    turn.expect_text("milk")
    todo.vm.expect_no_changes()


def test_it_adds(todo):
    """A tool call and a changed file."""
    turn = todo.prompt("add bread")
    turn.expect_text("Added. You have 2 to do.")
    turn.expect_tool_calls("add")
    turn.expect_tool_call("add", thing="bread")
    todo.vm.expect_file("todo.txt", "milk\nbread\n")
    todo.vm.expect_changes({"todo.txt": "changed"})


@pytest.mark.parametrize(("reply", "text", "left"), [("once", "Cleared.", ""), ("reject", "Kept.", "milk\n")])
def test_it_asks_before_it_clears(todo, reply, text, left):
    """Both answers to a permission request."""
    todo.permissions = reply
    turn = todo.prompt("clear")
    turn.expect_text(text)
    turn.expect_permissions(("Clear *", "allow" if reply == "once" else "reject"))
    todo.vm.expect_file("todo.txt", left)


def test_the_list_outlasts_sleep(todo):
    """The VM goes to sleep; the next prompt wakes it."""
    todo.prompt("add bread")
    todo.vm.sleep()
    todo.prompt("list").expect_text("milk\nbread")


def test_the_conversation_is_as_it_was(todo):
    """A golden transcript."""
    todo.permissions = "once"
    todo.prompt("add bread")
    todo.prompt("clear")
    todo.expect_golden()
