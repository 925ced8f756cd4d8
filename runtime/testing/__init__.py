"""The test harness: what the fixtures of `runtime.testing.plugin` do not give, the words of a script and of expectations.

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
