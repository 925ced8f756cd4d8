"""What tests of agents write: the words of a scripted model's turns and of expectations. The fixtures need no import."""

from runtime.testing import Break, Failure, Text, Thinking, ToolCall, Turn, call, say, tool

__all__ = ["Break", "Failure", "Text", "Thinking", "ToolCall", "Turn", "call", "say", "tool"]
