"""What the model of `make demo` does when it is asked for a script and its test: writes both, runs the test, mends the script,
and commits both where that is asked for.

It goes by what the tools have answered: a test that passes is not mended, and one that still fails is told of.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from runtime.testing.messages_api import blocks_of, text_of
from runtime.testing.script import Block, Text, ToolCall

if TYPE_CHECKING:
    from runtime.testing.messages_api import ModelRequest

TOOLS: Final = frozenset({"write", "edit", "bash"})

_WANTS_SCRIPT: Final = re.compile(r"\bscript\b.*\btest\b", re.IGNORECASE | re.DOTALL)
_WANTS_COMMIT: Final = re.compile(r"\bcommit\b", re.IGNORECASE)
_RUN: Final = ToolCall("bash", {"command": "bash test.sh"})
_COMMIT: Final = ToolCall(
    "bash",
    {
        "command": "git init -q && git add count.sh test.sh && git commit -qm 'Count lines with a word' && git log --stat"
    },
)
_SCRIPT: Final = ToolCall(
    "write",
    {
        "path": "count.sh",
        "content": '# Prints how many lines of its input have the word.\ngrep "$1" | wc -l\n',
    },
)
_TEST: Final = ToolCall(
    "write",
    {
        "path": "test.sh",
        "content": """got=$(printf 'a cat\\nconcatenate\\nno\\n' | bash count.sh cat)
if [ "$got" = 1 ]; then echo PASS; else echo "FAIL: 1 line has the word, not $got" >&2; exit 1; fi
""",
    },
)
_MEND: Final = ToolCall("edit", {"path": "count.sh", "edits": [{"oldText": "grep ", "newText": "grep -w "}]})


def wants_script(request: ModelRequest) -> bool:
    """Whether the last prompt asks for a script and its test, and the agent has the tools for that."""
    prompts = request.prompts()
    return bool(prompts and _WANTS_SCRIPT.search(prompts[-1]) and TOOLS.issubset(request.tool_names))


def next_step(request: ModelRequest) -> Block:
    """What comes after the calls since the last prompt, and the answer to the last of them."""
    calls = _calls(request)
    if not calls:
        return _SCRIPT
    result = request.tool_results()[-1]
    answer = " ".join(text_of(result.get("content") or "").split())
    if calls[-1]["name"] != _RUN.name:
        if result.get("is_error", False):
            return Text(f"The tool failed: {answer}")
        return _TEST if calls[-1]["input"].get("path") == "count.sh" and calls[-1]["name"] == "write" else _RUN
    if calls[-1]["input"] == _COMMIT.input:
        return Text(
            f"It could not be committed: {answer}" if result.get("is_error", False) else "Tested and committed."
        )
    if not result.get("is_error", False):
        if _WANTS_COMMIT.search(request.prompts()[-1]):
            return _COMMIT
        return Text(f"The test has passed: {answer}")
    if any(call["name"] == _MEND.name for call in calls):
        return Text(f"It still fails: {answer}")
    return _MEND


def _calls(request: ModelRequest) -> list[dict[str, Any]]:
    """The tool calls since the last prompt."""
    calls: list[dict[str, Any]] = []
    for message in reversed(request.messages):
        blocks = blocks_of(message["content"])
        if message["role"] == "user" and not any(block["type"] == "tool_result" for block in blocks):
            break
        calls = [block for block in blocks if block["type"] == "tool_use"] + calls
    return calls
