"""Agents in Python: ACP on standard input and output, as a class with a method for prompts.

    from torpor_agent import Agent, Blocks, Session, run

    class Scribe(Agent):
        async def prompt(self, session: Session, blocks: Blocks) -> None:
            session.say(f"You said: {blocks.text}")

    run(Scribe())

    agent       what an agent is, and `run`
    session     a conversation: what is said in it, and what the client is asked
    tool_call   what the agent does, as the client shows it
    settings    modes and config options
    http        requests whose answers come while others are waited for
    connection  requests and answers in both directions
    wire        lines on the standard streams

It needs nothing but Python's standard library, and runs in any process whose streams a client of ACP holds.
"""

from __future__ import annotations

from torpor_agent.agent import Agent, run
from torpor_agent.connection import ClientError
from torpor_agent.http import Answer, fetch
from torpor_agent.session import Blocks, Ran, Session
from torpor_agent.settings import Choice, Toggle
from torpor_agent.tool_call import ToolCall

__all__ = ["Agent", "Answer", "Blocks", "Choice", "ClientError", "Ran", "Session", "Toggle", "ToolCall", "fetch", "run"]
