"""
Writes the shells' completions, runtime/cli/shells/torpor.{bash,zsh,fish}, from the command line's own table.

    python build/completions.py            # write
    python build/completions.py --check    # exit with 1 when a file is not what would be written
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import attrs
from toolchain import ROOT

from runtime.cli.main import parser

if TYPE_CHECKING:
    from collections.abc import Iterator

OUTPUT = ROOT / "runtime" / "cli" / "shells"
NOTICE = "Written by build/completions.py from the command line's table."
FILES, DIRECTORIES = {"FILE", "LOCAL", "PATH"}, {"DIR"}


@attrs.frozen
class Value:
    """What an option or an argument takes."""

    name: str
    choices: tuple[str, ...]
    kind: str
    """`file`, `directory` or `other`: of this machine, not of a VM."""


@attrs.frozen
class Option:
    """An option by all its names."""

    flags: tuple[str, ...]
    help: str
    value: Value | None
    repeatable: bool


@attrs.frozen
class Command:
    """A command by its words, `torpor` itself by none."""

    path: tuple[str, ...]
    help: str
    options: tuple[Option, ...]
    arguments: tuple[Value, ...]
    many: bool
    """Whether the last argument may be given again and again."""
    commands: tuple[Command, ...]

    def walk(self) -> Iterator[Command]:
        """This one and all below it."""
        yield self
        for command in self.commands:
            yield from command.walk()


def commands(found: argparse.ArgumentParser | None = None, path: tuple[str, ...] = (), text: str = "") -> Command:
    """The whole command line."""
    found = found or parser()
    options, arguments, below, many = [], [], [], False
    for action in found._actions:  # noqa: SLF001 - argparse has no other way to ask for them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            helps = {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001
            below = [commands(sub, (*path, name), helps[name]) for name, sub in action.choices.items()]
        elif action.option_strings:
            value = _value(action, path) if action.nargs != 0 else None
            repeatable = type(action).__name__ == "_AppendAction"
            options.append(Option(tuple(action.option_strings), _text(action, found), value, repeatable))
        else:
            arguments.append(_value(action, path))
            many = action.nargs in ("+", "*", argparse.REMAINDER)
    return Command(path, text, tuple(options), tuple(arguments), many, tuple(below))


def _text(action: argparse.Action, found: argparse.ArgumentParser) -> str:
    return (action.help or "") % {"default": action.default, "prog": found.prog}


def _value(action: argparse.Action, path: tuple[str, ...]) -> Value:
    name = str(action.metavar or action.dest)
    in_vm = (path[:1] == ("fs",) and not action.option_strings and name == "PATH") or action.dest == "cwd"
    kind = "other" if in_vm else "file" if name in FILES else "directory" if name in DIRECTORIES else "other"
    return Value(name, tuple(map(str, action.choices or ())), kind)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# bash

BASH_HEAD = """\
# {notice}
# Needs no bash-completion: source it, or put it where bash looks for completions, as `torpor`.
_torpor() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} command= given=0 skip= i word
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${{COMP_WORDS[i]}}
        if [[ $skip ]]; then skip=; continue; fi
        case "${{command:+$command }}$word" in
            {commands}) command="${{command:+$command }}$word"; given=0; continue ;;
        esac
        case "$command:$word" in
            {valued}) skip=1 ;;
            *:-*) ;;
            *) given=$((given + 1)) ;;
        esac
    done
    COMPREPLY=()
    if [[ $skip ]]; then
        case "$command:$previous" in
"""
BASH_FILES = 'compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -{flag} -- "$current")'
BASH_WORDS = 'mapfile -t COMPREPLY < <(compgen -W {words} -- "$current")'


def bash(root: Command) -> str:
    """The completion of bash."""
    every = list(root.walk())
    valued = [
        f"{_name(each)}:{flag}" for each in every for option in each.options if option.value for flag in option.flags
    ]
    lines = [
        BASH_HEAD.format(
            notice=NOTICE,
            commands=" | ".join(_quoted(_name(each)) for each in every[1:]),
            valued=" | ".join(_quoted(each) for each in valued),
        )
    ]
    actions: dict[str, list[str]] = {}
    for each in every:
        for option in each.options:
            if option.value and (action := _bash_value(option.value)):
                actions.setdefault(action, []).extend(f"{_name(each)}:{flag}" for flag in option.flags)
    for action, places in actions.items():
        lines.append(f"            {' | '.join(map(_quoted, places))})\n                {action} ;;\n")
    lines.append('        esac\n        return\n    fi\n    case "$command" in\n')
    for each in every:
        words = [flag for option in each.options for flag in option.flags]
        below = [sub.path[-1] for sub in each.commands]
        lines.append(f"        {_quoted(_name(each))})\n")
        lines.append(f"            if [[ $current == -* ]]; then {BASH_WORDS.format(words=_quoted(' '.join(words)))}\n")
        if below:
            lines.append(f"            else {BASH_WORDS.format(words=_quoted(' '.join(below)))}\n")
        for number, value in enumerate(each.arguments):
            action = _bash_value(value)
            if action:
                operator = "-ge" if each.many and number == len(each.arguments) - 1 else "-eq"
                lines.append(f"            elif [[ $given {operator} {number} ]]; then {action}\n")
        lines.append("            fi ;;\n")
    lines.append("    esac\n}\ncomplete -F _torpor torpor\n")
    return "".join(lines)


def _bash_value(value: Value) -> str:
    if value.choices:
        return BASH_WORDS.format(words=_quoted(" ".join(value.choices)))
    return {"file": BASH_FILES.format(flag="f"), "directory": BASH_FILES.format(flag="d"), "other": ""}[value.kind]


def _name(command: Command) -> str:
    return " ".join(command.path)


# zsh


def zsh(root: Command) -> str:
    """The completion of zsh."""
    lines = [
        f"#compdef torpor\n# {NOTICE}\n# Put it into a folder of $fpath as `_torpor`, or source it after compinit.\n"
    ]
    for each in root.walk():
        lines += _zsh_function(each)
    lines.append('if [[ $funcstack[1] == _torpor ]]; then _torpor "$@"; else compdef _torpor torpor; fi\n')
    return "".join(lines)


def _zsh_function(command: Command) -> Iterator[str]:
    name = "_".join(("_torpor", *command.path))
    yield f"{name}() {{\n    local context state state_descr line\n    typeset -A opt_args\n"
    specifications = [spec for option in command.options for spec in _zsh_option(option)]
    for number, value in enumerate(command.arguments, 1):
        place = "*" if command.many and number == len(command.arguments) else str(number)
        specifications.append(f"{place}:{_zsh_text(value.name)}:{_zsh_value(value)}")
    if command.commands:
        specifications += ["1:command:->command", "*::argument:->argument"]
    yield "    _arguments -s -S -C \\\n"
    yield " \\\n".join(f"        {_quoted(each)}" for each in specifications)
    yield "\n"
    if command.commands:
        yield "    case $state in\n        command)\n            local -a commands=(\n"
        for each in command.commands:
            yield f"                {_quoted(each.path[-1] + ':' + each.help)}\n"
        yield "            )\n            _describe -t commands command commands ;;\n"
        yield "        argument)\n            case $line[1] in\n"
        for each in command.commands:
            yield f"                {each.path[-1]}) {'_'.join(('_torpor', *each.path))} ;;\n"
        yield "            esac ;;\n    esac\n"
    yield "}\n"


def _zsh_option(option: Option) -> Iterator[str]:
    star = "*" if option.repeatable else ""
    others = "" if option.repeatable or len(option.flags) == 1 else f"({' '.join(option.flags)})"
    for flag in option.flags:
        value = "" if option.value is None else f":{_zsh_text(option.value.name)}:{_zsh_value(option.value)}"
        equals = "=" if option.value is not None and flag.startswith("--") else ""
        yield f"{others}{star}{flag}{equals}[{_zsh_text(option.help)}]{value}"


def _zsh_value(value: Value) -> str:
    if value.choices:
        return f"({' '.join(value.choices)})"
    return {"file": "_files", "directory": "_files -/", "other": " "}[value.kind]


def _zsh_text(text: str) -> str:
    for character in "\\[]:":
        text = text.replace(character, "\\" + character)
    return text


# fish

FISH_HEAD = """\
# {notice}
# Put it into ~/.config/fish/completions as `torpor.fish`.
function __torpor_command
    set -l command
    for word in (commandline -opc)[2..-1]
        switch "$command $word"
            case {commands}
                set command "$command $word"
        end
    end
    string trim -- "$command"
end
function __torpor_at
    test (__torpor_command) = "$argv"
end
complete -c torpor -f
"""


def fish(root: Command) -> str:
    """The completion of fish."""
    every = list(root.walk())
    names = " ".join(_fish_text(" " + _name(each)) for each in every[1:])
    lines = [FISH_HEAD.format(notice=NOTICE, commands=names)]
    for each in every:
        start = f"complete -c torpor -n {_fish_text(f'__torpor_at {_name(each)}'.strip())}"
        lines += [f"{start} -a {sub.path[-1]} -d {_fish_text(sub.help)}\n" for sub in each.commands]
        for option in each.options:
            flags = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)
            lines.append(f"{start} {flags}{_fish_value(option.value)} -d {_fish_text(option.help)}\n")
        kinds = {value.kind for value in each.arguments}
        choices = [choice for value in each.arguments for choice in value.choices]
        if choices:
            lines.append(f"{start} -a {_fish_text(' '.join(choices))}\n")
        if "file" in kinds:
            lines.append(f"{start} -F\n")
    return "".join(lines)


def _fish_value(value: Value | None) -> str:
    if value is None:
        return ""
    if value.choices:
        return f" -x -a {_fish_text(' '.join(value.choices))}"
    return {"file": " -r -F", "directory": " -x -a '(__fish_complete_directories)'", "other": " -x"}[value.kind]


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def main(arguments: list[str]) -> int:
    """Runs the command line; the exit code."""
    options = argparse.ArgumentParser(description="Writes the shells' completions.")
    options.add_argument("--check", action="store_true", help="only say whether the files are current")
    check = options.parse_args(arguments).check
    root = commands()
    stale = []
    OUTPUT.mkdir(exist_ok=True)
    for shell, write in (("bash", bash), ("zsh", zsh), ("fish", fish)):
        path, text = OUTPUT / f"torpor.{shell}", write(root)
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(path)
            if not check:
                path.write_text(text, "utf-8")
    for path in stale if check else ():
        print(f"{path.relative_to(ROOT)} is out of date: python build/completions.py", file=sys.stderr)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
