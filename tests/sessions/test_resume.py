from __future__ import annotations

import pytest

from runtime.acp.codec import ErrorObject
from runtime.sessions.operations.resume import is_unknown_session
from runtime.sessions.turns.thread import MAX_THREAD, Thread


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        (ErrorObject(-32002, "whatever"), True),
        (ErrorObject(-32602, "Session abc not found"), True),
        (ErrorObject(-32603, "Internal error", {"details": "Session abc not found"}), True),
        (ErrorObject(-32602, "Unknown session: abc"), True),
        (ErrorObject(-32603, "No such session"), True),
        (ErrorObject(-32603, "session 'abc' does not exist"), True),
        (ErrorObject(-32000, "Authentication required"), False),
        (ErrorObject(-32000, "Session not found"), False),
        (ErrorObject(-32601, "Method not found: session/resume"), False),
        (ErrorObject(-32603, "file not found while the session was read"), False),
        (ErrorObject(-32602, "invalid cwd"), False),
        (ErrorObject(-32603, "Internal error"), False),
    ],
)
def test_which_errors_say_that_a_session_is_unknown(error: ErrorObject, unknown: bool) -> None:
    assert is_unknown_session(error) is unknown


def chunk(kind: str, text: str) -> dict[str, object]:
    return {"sessionUpdate": kind, "content": {"type": "text", "text": text}}


def test_a_thread_is_markdown() -> None:
    thread = Thread("Session x")
    thread.add(chunk("user_message_chunk", "Fix it."))
    thread.add({"sessionUpdate": "user_message_chunk", "content": {"type": "image", "data": "AA=="}})
    thread.add(chunk("agent_message_chunk", "I will "))
    thread.add(chunk("agent_message_chunk", "look."))
    thread.add({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "Run ls", "kind": "execute"})
    thread.add(chunk("agent_message_chunk", "Done."))
    assert thread.text().decode() == (
        "# Session x\n\n\n## User\n\nFix it.[image]\n\n## Agent\n\nI will look.\n- Tool: Run ls (execute)\n"
        "\n\n## Agent\n\nDone.\n"
    )


def test_of_a_long_thread_the_end_is_kept() -> None:
    thread = Thread("Session x")
    for _ in range(100):
        thread.add(chunk("agent_message_chunk", "é" * 100_000))
    thread.add(chunk("user_message_chunk", "the end"))
    text = thread.text()
    assert len(text) < MAX_THREAD + 1000
    assert text.decode().endswith("the end\n")
    assert "left out" in text.decode()[:100]
