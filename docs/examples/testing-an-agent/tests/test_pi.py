"""The built-in coding agent against a scripted model: what it does with the model's orders, and with its faults."""

from torpor.testing import Failure, call, say, tool


def test_it_writes_what_the_model_says(torpor_session, scripted_model):
    """The model orders a tool call, the agent runs it."""
    scripted_model.script(call("write", path="hello.txt", content="hi\n"), say("Done."))
    session = torpor_session("pi")
    turn = session.prompt("Write hi to hello.txt.")
    turn.expect_text("Done.")
    turn.expect_tool_calls(tool("write", path="hello.txt"))
    turn.expect_budget(fuel=2_000_000_000)
    session.vm.expect_file("hello.txt", "hi\n")
    scripted_model.expect_script_used()
    scripted_model.expect_request(0, contains="Write hi to hello.txt.")


def test_it_tries_again_when_the_model_is_busy(torpor_session, scripted_model):
    """A fault of the model, and what the agent makes of it."""
    scripted_model.script(Failure(429, retry_after=0.01), say("At last."))
    torpor_session("pi").prompt("Hello?").expect_text("At last.")
    scripted_model.expect_requests(2)


async def test_the_same_from_an_async_test(torpor_session, scripted_model):
    """Every call has a form that is awaited."""
    scripted_model.answer(lambda request: f"You said: {request.prompts()[-1]}")
    session = await torpor_session.aio("pi")
    turn = await session.aio.prompt("Hello")
    turn.expect_text("You said: Hello")
