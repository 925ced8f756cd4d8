"""What `/word` at the beginning of a prompt does, where the word is ours; the agent's own commands are prompts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runtime.cli import output
from runtime.cli.chat.items import clean
from runtime.cli.chat.live import count, money
from runtime.cli.chat.state import Command
from runtime.client.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from runtime.cli.chat.conversation import Conversation
    from runtime.cli.chat.state import Choice

LISTED: Final = 100
"""Files and changes that are listed: a few screens; `torpor fs` has all."""

_COMMAND: Final = re.compile(r"/([\w:.-]+)(?:\s+(.*))?", re.DOTALL)

MARKS: Final = {"added": "A", "removed": "D", "modified": "M"}


class Own(NamedTuple):
    """A command of ours."""

    about: str
    run: Callable[[Conversation, str], Awaitable[None]]
    between_turns: bool = False
    """Whether it has to wait for the turn to be over."""


def parse(text: str) -> tuple[str, str] | None:
    """Return the name and the argument of a command; None for what is none, such as a path."""
    match = _COMMAND.fullmatch(text.strip())
    return None if match is None else (match[1], (match[2] or "").strip())


def offered(conversation: Conversation) -> list[Command]:
    """Return all commands: ours, and the agent's that have other names."""
    ours = [Command(name, own.about) for name, own in OWN.items()]
    return ours + [each for each in conversation.state.commands if each.name not in OWN]


async def run(conversation: Conversation, name: str, argument: str) -> None:
    """Carry out a command of ours; an error is shown."""
    own = OWN[name]
    if own.between_turns:
        await conversation.idle()
    try:
        await own.run(conversation, argument)
    except ClientError as error:
        conversation.note_error(error)


async def _help(conversation: Conversation, _: str) -> None:
    names = [(f"/{each.name}", each.about) for each in offered(conversation)]
    names += [("@path", "a file of this machine goes along with the prompt: text or an image")]
    keys = [
        ("Enter", "sends"),
        ("Alt-Enter, Ctrl-J", "a new line; so does \\ before Enter"),
        ("Esc, Ctrl-C", "stop the turn"),
        ("Shift-Tab", "the next mode"),
        ("Ctrl-O", "shows in full what was folded last"),
        ("Ctrl-R, Up, Down", "what was typed before"),
        ("Ctrl-D", "leaves; the session is kept"),
    ]
    width = max(len(word) for word, _ in (*names, *keys))
    conversation.note("\n".join(f"{word:<{width}}  {about}" for word, about in (*names, *keys)), "")


async def _model(conversation: Conversation, argument: str) -> None:
    await _option(conversation, "model", "setModel", argument)


async def _thinking(conversation: Conversation, argument: str) -> None:
    await _option(conversation, "thought_level", "setThoughtLevel", argument)


async def _option(conversation: Conversation, category: str, method: str, argument: str) -> None:
    option = conversation.state.option(category)
    if option is None:
        conversation.note(f"{conversation.agent} has no such option")
    elif not argument:
        _list(conversation, option.choices, option.value)
    elif (choice := _chosen(conversation, option.choices, argument)) is not None:
        await conversation.change(method, value=choice.value)
        conversation.note(f"{category.replace('_', ' ')}: {choice.name}")


async def _mode(conversation: Conversation, argument: str) -> None:
    state = conversation.state
    if not state.modes:
        conversation.note(f"{conversation.agent} has no modes")
    elif not argument:
        _list(conversation, state.modes, state.mode)
    elif (choice := _chosen(conversation, state.modes, argument)) is not None:
        await conversation.change("setMode", modeId=choice.value)


def _list(conversation: Conversation, choices: Sequence[Choice], current: str) -> None:
    shown = [
        f"{'›' if each.value == current else ' '} {clean(each.value)}" + (f"  {each.about}" if each.about else "")
        for each in choices
    ]
    conversation.note("\n".join(shown), "")


def _chosen(conversation: Conversation, choices: Sequence[Choice], word: str) -> Choice | None:
    """Return what the word names: by its value or name, or by a part of one."""
    exact = [each for each in choices if word in (each.value, each.name)]
    found = exact or [each for each in choices if word.lower() in f"{each.value} {each.name}".lower()]
    if len(found) == 1 or exact:
        return found[0]
    names = ", ".join(clean(each.value) for each in (found or choices))
    conversation.note(f"{word} is {'none' if not found else 'more than one'} of them: {names}", "warn")
    return None


async def _compact(conversation: Conversation, argument: str) -> None:
    if any(each.name == "compact" for each in conversation.state.commands):
        conversation.submit(f"/compact {argument}".strip())
    else:
        conversation.note(f"{conversation.agent} has no /compact")


async def _fork(conversation: Conversation, argument: str) -> None:
    before = conversation.session_id
    to = {"to": argument.split("/") if "/" in argument else argument} if argument else {}
    made = await conversation.call("forkSession", **to)
    if made is None:
        return
    await conversation.go_to(made, shown=False)
    where = f"VM {argument}, a fork with files of its own" if argument else f"session {made['sessionId']}"
    conversation.note(f"from here on in {where}; session {before} stays as it is")


async def _undo(conversation: Conversation, _: str) -> None:
    starts = await conversation.turn_starts()
    if not starts:
        conversation.note("there is no turn to take back")
        return
    before, seq = conversation.session_id, starts[-1]
    restored = await conversation.call_vm("restore", to={"sessionId": before, "seq": seq})
    if restored is None:
        return
    made = await conversation.call("forkSession", at=seq - 1)
    if made is None:
        return
    await conversation.call("closeSession")
    await conversation.go_to(made, shown=False)
    conversation.note(f"the last turn is taken back, the VM's files with it; session {before} has what was said")


async def _new(conversation: Conversation, _: str) -> None:
    before = conversation.session_id
    made = await conversation.create()
    if made is not None:
        await conversation.go_to(made, shown=False)
        conversation.note(f"a new session; {before} stays as it is")


async def _diff(conversation: Conversation, argument: str) -> None:
    starts = await conversation.turn_starts()
    if not starts:
        conversation.note("nothing has been changed: there was no turn yet")
        return
    since = starts[-1] if argument == "turn" else starts[0]
    found = await conversation.call_vm("diff", **{"from": {"sessionId": conversation.session_id, "seq": since}})
    if found is not None:
        lines = [f"{MARKS[each['change']]} {output.one_line(each['path'])}" for each in found["changes"][:LISTED]]
        conversation.note("\n".join(_counted(lines, len(found["changes"]))) or "no file is different", "")


async def _files(conversation: Conversation, argument: str) -> None:
    path = argument or "."
    where = path if path.startswith("/") else f"{conversation.cwd}/{path}"
    found = await conversation.call_vm("readdirEntries", path=where, limit=LISTED + 1)
    if found is not None:
        lines = [_entry(each) for each in found[:LISTED]]
        conversation.note("\n".join(lines + (["…"] if len(found) > LISTED else [])) or "nothing is there", "")


def _entry(entry: dict[str, Any]) -> str:
    name = output.one_line(entry["name"])
    return f"{'' if entry['type'] != 'file' else output.size(entry['size']):>10}  {name}{'/' * (entry['type'] == 'directory')}"


def _counted(lines: list[str], number: int) -> list[str]:
    return [*lines, f"… {number - LISTED} more"] if number > LISTED else lines


async def _cost(conversation: Conversation, _: str) -> None:
    row = await conversation.call("getSession")
    if row is None:
        return
    usage = row["usage"]
    lines = [f"{money(amount, output.one_line(currency))}" for currency, amount in (usage["cost"] or {}).items()]
    lines += [
        f"{name.removesuffix('Tokens')} {count(number)} tokens" for name, number in (usage["tokens"] or {}).items()
    ]
    if usage["context"] is not None:
        lines.append(f"context {count(usage['context']['used'])} of {count(usage['context']['size'])} tokens")
    conversation.note("\n".join(lines) or f"{conversation.agent} does not tell what it uses", "")


async def _sleep(conversation: Conversation, _: str) -> None:
    if await conversation.call_vm("vm.sleep") is not None:
        conversation.note(f"VM {output.vm_label(conversation.vm)} sleeps; the next prompt wakes it")


async def _quit(conversation: Conversation, _: str) -> None:
    conversation.leave()


OWN: Final[dict[str, Own]] = {
    "help": Own("what can be typed", _help),
    "model": Own("show the models, or choose one", _model),
    "mode": Own("show the modes, or choose one", _mode),
    "thinking": Own("show how much the model may think, or choose", _thinking),
    "compact": Own("have the agent make a summary of what was said", _compact),
    "undo": Own("take the last turn back, the VM's files with it", _undo, between_turns=True),
    "fork": Own("go on in a copy of the session; with a name in a copy of the VM", _fork, between_turns=True),
    "new": Own("begin a new session in the VM", _new, between_turns=True),
    "diff": Own("list the files that the session has changed; `turn`: the last turn", _diff),
    "files": Own("list the VM's files, here or in a folder", _files),
    "cost": Own("tell what the session has used", _cost),
    "sleep": Own("put the VM to sleep", _sleep, between_turns=True),
    "quit": Own("leave; the session is kept", _quit),
}
"""Name -> what it does, in the order of the help."""
