"""Permission policies: decide about tool calls of a session without asking its clients.

A policy is "ask" (the default), "allow" or "deny", or

    {"default"?: verdict, "rules"?: [{"policy": verdict, "kind"?, "tool"?, "title"?, "path"?, "command"?}]}

A rule matches a call when each of its members does: `kind` is ACP's tool kind, the others are globs on the tool's name
(its title where it has none), its title, the paths that it touches and the command line that it runs. Among the rules that
match, deny wins over ask, and ask over allow, whatever their order; where none matches, `default` decides.

What is matched is what the agent says of its call: a policy spares a person questions, and is no wall. The walls are the
VM's filesystem and its network grants. Where a call is not plain, the stricter reading holds:

* deny and ask match a call when any of its paths matches, allow only when all do;
* deny and ask match a command line also by any of the commands in it ("cd /x && rm -r y" has two), while a wildcard of an
  allow never stands for a character that begins another command ("git *" does not allow "git log; rm -r y");
* a call with more paths, a longer command or a longer name or title than is looked at is never allowed by a policy with rules
  on these.
"""

from __future__ import annotations

import fnmatch
import hashlib
import posixpath
import re
import shlex
from typing import TYPE_CHECKING, Any, Final

import attrs
import msgspec

from runtime.api.sessions import PermissionPolicy, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.acp.session_state import ToolKey

KNOWN_TOOLS: Final = 1000
"""Tool calls of one agent that are remembered for the requests that name only their id."""

MAX_SUBJECT: Final = 16 * 1024
"""Characters of paths and command that are kept of one call; with `KNOWN_TOOLS`, what an agent may make us hold."""

MAX_LABEL: Final = 4096
"""Characters of a name, title or kind that are kept of one call; a digest stands for the rest, so that no two look alike."""

_STRICTEST: Final[tuple[Verdict, ...]] = ("deny", "ask", "allow")
_PATH_MEMBERS: Final = ("path", "file_path", "filePath", "paths")
_OPERATOR: Final = re.compile(r"[;&|<>$()`{}\n\r]")


@attrs.frozen
class Subject:
    """The tool call that a permission request is about."""

    kind: str = "other"
    name: str = ""
    """The tool's name, or its title where it has none."""
    title: str = ""
    paths: tuple[str, ...] = ()
    """Absolute and normalised, as far as the text of a path says: links are not followed."""
    command: str | None = None
    """The command line that it runs."""
    partial: bool = False
    """There are more paths, or more of the command, than are kept here."""
    cut: bool = False
    """There is more of the name or of the title."""

    @property
    def key(self) -> ToolKey:
        """What an "always" covers: all calls of the tool. A title is prose about one call ("Run rm -rf build"), so that
        for a tool without a name it covers exactly the same call, and nothing that the user has not seen.
        """
        return self.kind, self.name

    @property
    def exact_key(self) -> ToolKey:
        """What an "always" covers when a rule has asked: the same paths and the same command only, and nothing (an empty
        name) where these are not known in full.
        """
        detail = " ".join([*((self.command,) if self.command is not None else ()), *self.paths]) or self.title
        return self.kind, "" if self.partial or not detail else f"{self.name} [{detail}]"


@attrs.frozen
class Rule:
    """One rule of a policy; None matches everything."""

    policy: Verdict
    kind: str | None = None
    tool: str | None = None
    title: str | None = None
    path: str | None = None
    command: str | None = None

    @property
    def looks_inside(self) -> bool:
        """Whether it matches on the call's paths or command."""
        return self.path is not None or self.command is not None

    def matches(self, subject: Subject) -> bool:
        """Whether the rule is about this call."""
        return (
            self.kind in (None, subject.kind)
            and (self.tool is None or fnmatch.fnmatchcase(subject.name, self.tool))
            and (self.title is None or fnmatch.fnmatchcase(subject.title, self.title))
            and (self.path is None or self._matches_paths(self.path, subject.paths))
            and (self.command is None or self._matches_command(self.command, subject.command))
        )

    def _matches_paths(self, glob: str, paths: tuple[str, ...]) -> bool:
        matching = [matches_path(glob, path) for path in paths]
        return all(matching) and bool(matching) if self.policy == "allow" else any(matching)

    def _matches_command(self, glob: str, command: str | None) -> bool:
        if command is None:
            return False
        if self.policy == "allow":
            return _matches_plainly(glob, command)
        parts = (part.strip() for part in _OPERATOR.split(command))
        return any(fnmatch.fnmatchcase(each, glob) for each in (command, *parts))


@attrs.frozen
class Decision:
    """The decision of a policy about a call."""

    verdict: Verdict
    by_rule: bool
    """A rule said so, and not the default."""


@attrs.frozen
class Policy:
    """The rules of one session, and their default."""

    default: Verdict = "ask"
    rules: tuple[Rule, ...] = ()

    @classmethod
    def of(cls, given: Verdict | PermissionPolicy | None) -> Policy:
        """That of the option `permissionPolicy`."""
        if given is None:
            return cls()
        if isinstance(given, str):
            return cls(given)
        rules = (Rule(each.policy, each.kind, each.tool, each.title, each.path, each.command) for each in given.rules)
        return cls(given.default, tuple(rules))

    @classmethod
    def restore(cls, stored: Any) -> Policy:
        """The policy from an option as it is stored. Raises ValueError for a value that is no policy."""
        return cls.of(msgspec.convert(stored, Verdict | PermissionPolicy | None))

    def decide(self, subject: Subject) -> Decision:
        """The verdict on a call."""
        said = {rule.policy for rule in self.rules if rule.matches(subject)}
        verdict = next((each for each in _STRICTEST if each in said), self.default)
        unseen = (subject.partial and any(rule.looks_inside for rule in self.rules)) or (
            subject.cut and any(rule.tool is not None or rule.title is not None for rule in self.rules)
        )
        if verdict == "allow" and unseen:
            return Decision("ask", by_rule=True)
        return Decision(verdict, by_rule=bool(said))


class ToolCalls:
    """The tool calls that an agent has announced, so that a permission request can be matched with its call."""

    def __init__(self, cwd: str) -> None:
        self._cwd = cwd
        self._known: dict[str, Subject] = {}

    def note(self, update: dict[str, Any]) -> None:
        """Take a `tool_call` or `tool_call_update`; others are ignored."""
        id_ = update.get("toolCallId")
        if update.get("sessionUpdate") not in ("tool_call", "tool_call_update") or not isinstance(id_, str):
            return
        self._known[id_] = self._merged(self._known.pop(id_, Subject()), update)
        if len(self._known) > KNOWN_TOOLS:
            del self._known[next(iter(self._known))]

    def subject(self, tool_call: dict[str, Any]) -> Subject:
        """The subject of a permission for `tool_call`, completed from earlier updates about the same call."""
        id_ = tool_call.get("toolCallId")
        known = self._known.get(id_) if isinstance(id_, str) else None
        subject = self._merged(known or Subject(), tool_call)
        return subject if subject.name else attrs.evolve(subject, name=subject.title)

    def _merged(self, known: Subject, said: dict[str, Any]) -> Subject:
        labels = {name: said[name] for name in ("kind", "name", "title") if isinstance(said.get(name), str)}
        changes: dict[str, Any] = {name: _label(text) for name, text in labels.items()}
        cut = known.cut or changes != labels
        # Paths add up: a later message that names fewer of them must not make a call look more harmless than it is.
        paths = list(dict.fromkeys([*known.paths, *(self._absolute(path) for path in _paths(said))]))
        command = _command(said.get("rawInput"))
        if command is None:
            command = known.command
        partial = known.partial
        if sum(map(len, paths)) + len(command or "") > MAX_SUBJECT:
            partial, paths, command = True, [], None
        return attrs.evolve(known, **changes, paths=tuple(paths), command=command, partial=partial, cut=cut)

    def _absolute(self, path: str) -> str:
        return "/" + posixpath.normpath(posixpath.join(self._cwd, path)).lstrip("/")


def matches_path(glob: str, path: str) -> bool:
    """Whether a path glob matches: `*`, `?` and `[…]` within one part of a path, `**` for any number of parts."""
    globs, parts = glob.rstrip("/").split("/"), path.rstrip("/").split("/")
    at, part, back, resume = 0, 0, -1, 0
    while part < len(parts):
        if at < len(globs) and globs[at] == "**":
            back, resume, at = at, part, at + 1
        elif at < len(globs) and fnmatch.fnmatchcase(parts[part], globs[at]):
            at, part = at + 1, part + 1
        elif back >= 0:  # the last ** takes one part more
            resume += 1
            at, part = back + 1, resume
        else:
            return False
    return all(rest == "**" for rest in globs[at:])


def _label(text: str) -> str:
    if len(text) <= MAX_LABEL:
        return text
    return text[:MAX_LABEL] + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _paths(said: dict[str, Any]) -> Iterable[str]:
    for member in ("locations", "content"):  # the paths that it touches, and its diffs
        entries = said.get(member)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("path"), str):
                yield entry["path"]
    raw = said.get("rawInput")
    raw = raw if isinstance(raw, dict) else {}
    for member in _PATH_MEMBERS:
        value = raw.get(member)
        yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))


def _command(raw: Any) -> str | None:
    if not isinstance(raw, dict):
        return None
    command, args = raw.get("command"), raw.get("args")
    words = [each for each in args if isinstance(each, str)] if isinstance(args, list) else []
    if isinstance(command, list):
        return shlex.join([each for each in [*command, *words] if isinstance(each, str)])
    return " ".join([command, *map(shlex.quote, words)]) if isinstance(command, str) else None


def _matches_plainly(glob: str, command: str) -> bool:
    """Whether a command glob matches with no wildcard standing for a character that could begin another command.

    What the glob does not spell out a wildcard took: so there is none in the wildcards if there are as many in the command
    as in the glob. A set in brackets may spell out one that it does not take; then there may be none at all.
    """
    spelled_out = 0 if "[" in glob else len(_OPERATOR.findall(glob))
    return len(_OPERATOR.findall(command)) == spelled_out and fnmatch.fnmatchcase(command, glob)
