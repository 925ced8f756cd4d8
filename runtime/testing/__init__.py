"""The test harness: what the fixtures of `runtime.testing.plugin` do not give, the words of a script and of expectations.

What a test has:

    plugin          the pytest plugin: its fixtures and options
    harness         what the fixtures are made of: one harness for a run, one bench for a test
    vm              the VM under test
    session         the session under test, and its turns
    expect          what a test can expect of a turn
    transcript      events as a person reads them
    golden          what a session said and did, as a file beside the test
    snapshot        files at a moment, to be compared
    aio             the same for tests that await

Where agents run:

    places          in this process, in a daemon, in one that is started
    memory_wire     the API without a socket
    loop            a trio event loop on a thread of its own

The model that says what a script tells it to:

    model           that of one test
    scripted_model  the server, behind the vendors' APIs
    script          the records of a script
    demo_script     the script of `make demo`
    demo_shell      its part that needs a shell
    dialects        which API a request is of
    messages_api    Anthropic's Messages
    chat_api        OpenAI's Chat Completions
    responses_api   OpenAI's Responses
    openai_common   what those two share
    held            what the vendors' servers keep of conversations
    model_json      JSON as the vendors' servers write it
    loopback        an HTTP server for answers that a real one would avoid

Tests as YAML, for people without Python:

    yaml_file       how they are read
    yaml_run        how they are run
    yaml_output     how they went: for people, as TAP, as JUnit's XML

What is kept of a test that failed:

    reporting       its page, its VM's state, and words for CI systems
    page            the transcript as a page of HTML
    page_style      its look
    names           file names of what belongs to one test

Everything is loaded on first use, so that the plugin costs nothing where it is not used, and
`python -m runtime.testing.scripted_model` loads each module once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.testing.expect import tool
    from runtime.testing.script import Break, Failure, Text, Thinking, ToolCall, Turn, call, say

__all__ = ["Break", "Failure", "Text", "Thinking", "ToolCall", "Turn", "call", "say", "tool"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'runtime.testing' has no attribute {name!r}")
    module = "expect" if name == "tool" else "script"
    return getattr(import_module(f"runtime.testing.{module}"), name)
