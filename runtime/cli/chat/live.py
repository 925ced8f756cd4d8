"""What is shown below the scrollback and changes: what is under way, the spinner, the status line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.cli import output
from runtime.cli.chat.lines import MARKS, OUTPUT_LINES, cells, cut, plan_lines, seconds

if TYPE_CHECKING:
    from runtime.cli.chat.conversation import Conversation
    from runtime.cli.chat.lines import Line
    from runtime.cli.chat.state import State

FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"

FRAME_MS: Final = 100
"""How long each is shown."""

LIVE_PROMPT: Final = 5
"""Lines of a prompt to which nothing has come yet."""

LIVE_TOOLS: Final = 6
"""Tool calls under way that have a line each; the number of more is told."""

LIVE_OUTPUT: Final = 4
"""Lines of what a command has written so far."""

LIVE_PLAN: Final = 10
"""Steps of a plan that are shown while it is worked on."""

WAITING_SHOWN: Final = 3
"""Prompts that wait and are shown."""

THOUSAND: Final = 1000


def under_way(state: State, width: int) -> list[Line]:
    """Return what is not complete but for the text: a thought, tool calls, the plan."""
    lines: list[Line] = []
    if state.prompt:
        said = "".join(state.prompt).split("\n")
        lines += [
            cut([("user", f"{' ' if number else '›'} {line}")], width) for number, line in enumerate(said[:LIVE_PROMPT])
        ]
    if state.thought:
        last = " ".join("".join(state.thought[-OUTPUT_LINES:]).split())
        lines.append(cut([("dim", f"∴ {last}")], width))
    tools = list(state.tools.values())
    for tool in tools[:LIVE_TOOLS]:
        mark = MARKS.get(tool.status, MARKS["pending"])
        lines.append(cut([mark, ("", " "), ("tool", tool.title or tool.kind or "tool")], width))
        written = next((part for part in reversed(tool.content) if isinstance(part, str)), "")
        lines += [
            cut([("dim", f"  {line}")], width) for line in written.rstrip("\n").split("\n")[-LIVE_OUTPUT:] if line
        ]
    if len(tools) > LIVE_TOOLS:
        lines.append([("dim", f"  … {len(tools) - LIVE_TOOLS} more")])
    if state.plan is not None:
        steps = plan_lines(state.plan, width)
        lines += steps[: LIVE_PLAN + 1]
        if len(steps) > LIVE_PLAN + 1:
            lines.append([("dim", f"  … {len(steps) - LIVE_PLAN - 1} more")])
    return lines


def waiting(conversation: Conversation, width: int) -> list[Line]:
    """Return the prompts that are sent when the turn is over."""
    lines = [cut([("dim", f"› {text}  (waits)")], width) for text in conversation.waiting[:WAITING_SHOWN]]
    if len(conversation.waiting) > WAITING_SHOWN:
        lines.append([("dim", f"  … {len(conversation.waiting) - WAITING_SHOWN} more wait")])
    return lines


def spinner(conversation: Conversation, millis: int, width: int) -> Line | None:
    """Return what tells that something is going on, for so long by now; None where nothing is."""
    frame = FRAMES[millis // FRAME_MS % len(FRAMES)]
    if conversation.is_lost:
        return cut([("warn", f"{frame} the daemon went away; waiting for it")], width)
    if conversation.doing:
        return cut([("mark", frame), ("dim", f" {conversation.doing} · {seconds(millis)}")], width)
    if conversation.is_cancelling:
        return cut([("warn", f"{frame} stopping")], width)
    if not conversation.is_busy or conversation.questions:
        return None
    state = conversation.state
    said = [seconds(millis)]
    more = (state.usage.context or 0) - state.context_before
    if more > 0:
        said.append(f"{count(more)} tokens")
    return cut([("mark", frame), ("dim", f" {' · '.join(said)} · Esc stops")], width)


def status(conversation: Conversation, width: int) -> Line:
    """Return the VM, the agent, its model and mode, how full its context is and what the session has cost."""
    state = conversation.state
    parts = [output.vm_label(conversation.vm), conversation.agent]
    if (model := state.option("model")) is not None:
        parts.append(next((choice.name for choice in model.choices if choice.value == model.value), model.value))
    if state.mode:
        parts.append(next((mode.name for mode in state.modes if mode.value == state.mode), state.mode))
    usage = state.usage
    if usage.context is not None and usage.context_size:
        parts.append(f"{100 * usage.context // usage.context_size} % of {count(usage.context_size)}")
    parts += [money(amount, currency) for amount, currency in usage.cost]
    while cells(" · ".join(parts)) > width and len(parts) > 1:  # what comes last is news
        del parts[0]
    return cut([("dim", output.one_line(" · ".join(parts)))], width)


def count(number: int) -> str:
    """Return a number of tokens."""
    if number < THOUSAND:
        return str(number)
    return f"{number / THOUSAND:.1f}k" if number < 100 * THOUSAND else f"{number // THOUSAND}k"


def money(amount: float, currency: str) -> str:
    """Return an amount as people write it."""
    shown = f"{amount:.2f}" if amount >= 1 else f"{amount:.4f}".rstrip("0").ljust(4, "0")
    return f"${shown}" if currency == "USD" else f"{shown} {currency}"
