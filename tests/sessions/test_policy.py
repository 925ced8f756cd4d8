from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from runtime.api.limits import MAX_RULE_GLOB, MAX_RULES
from runtime.api.sessions import CreateSession
from runtime.rpc.messages import ProtocolError
from runtime.rpc.validation import decode_params
from runtime.sessions.options.policy import (
    KNOWN_TOOLS,
    MAX_LABEL,
    MAX_SUBJECT,
    Decision,
    Policy,
    Subject,
    ToolCalls,
    matches_path,
)

HOME = "/home/user"


def rules(*given: dict[str, str], default: str = "ask") -> Policy:
    return Policy.restore({"default": default, "rules": list(given)})


def verdict(policy: Policy, **subject: Any) -> str:
    return policy.decide(Subject(**subject)).verdict


def test_deny_wins_over_ask_and_ask_over_allow_whatever_the_order() -> None:
    every = [{"policy": "allow"}, {"policy": "ask", "kind": "edit"}, {"policy": "deny", "title": "*secret*"}]
    for order in (every, every[::-1]):
        policy = rules(*order, default="deny")
        assert verdict(policy, kind="read", title="x") == "allow"
        assert verdict(policy, kind="edit", title="x") == "ask"
        assert verdict(policy, kind="edit", title="the secret") == "deny"


def test_the_default_is_for_what_no_rule_matches() -> None:
    policy = rules({"policy": "deny", "kind": "edit"}, default="allow")
    assert policy.decide(Subject(kind="read")) == Decision("allow", by_rule=False)
    assert policy.decide(Subject(kind="edit")) == Decision("deny", by_rule=True)
    assert Policy.restore(None).decide(Subject()) == Decision("ask", by_rule=False)
    assert Policy.restore("allow").decide(Subject(command="rm -rf /", partial=True)).verdict == "allow"


def test_every_member_of_a_rule_must_match() -> None:
    policy = rules({"policy": "allow", "kind": "execute", "tool": "ba*", "title": "Run *", "command": "ls*"})
    call = Subject(kind="execute", name="bash", title="Run ls", command="ls -l")
    assert policy.decide(call).verdict == "allow"
    for change in ({"kind": "read"}, {"name": "sh"}, {"title": "Ran ls"}, {"command": "rm"}, {"command": None}):
        assert policy.decide(attrs.evolve(call, **change)).verdict == "ask", change


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("/home/user/*", "/home/user/a", True),
        ("/home/user/*", "/home/user/a/b", False),
        ("/home/user/**", "/home/user/a/b", True),
        ("/home/user/**", "/home/user", True),
        ("/home/user/**", "/home/username", False),
        ("/home/user/**/*.py", "/home/user/a.py", True),
        ("/home/user/**/*.py", "/home/user/x/y/a.py", True),
        ("/home/user/**/*.py", "/home/user/x/y/a.pyc", False),
        ("**/.env", "/a/b/.env", True),
        ("**/.env", "/a/b/x.env", False),
        ("**/.git/**", "/a/.git/config", True),
        ("/a/?.[ch]", "/a/x.c", True),
        ("/a/?.[ch]", "/a/xy.c", False),
        ("/a/", "/a", True),
        ("/", "/", True),
        ("/**", "/", True),
        ("**", "/anything/at/all", True),
        ("/*a*", "/b/a", False),
        ("/**/a/**/a/**/b", "/" + "a/" * 2000 + "c", False),
    ],
)
def test_path_globs(glob: str, path: str, expected: bool) -> None:
    assert matches_path(glob, path) is expected


def test_an_allow_needs_all_paths_and_a_deny_only_one() -> None:
    inside, outside = f"{HOME}/a", "/etc/passwd"
    allow = rules({"policy": "allow", "path": f"{HOME}/**"})
    assert verdict(allow, paths=(inside,)) == "allow"
    assert verdict(allow, paths=(inside, outside)) == "ask"
    assert verdict(allow, paths=()) == "ask"
    deny = rules({"policy": "deny", "path": "/etc/**"})
    assert verdict(deny, paths=(inside, outside)) == "deny"
    assert verdict(deny, paths=(inside,)) == "ask"


@pytest.mark.parametrize(
    ("command", "allowed"),
    [
        ("git log", True),
        ("git log --oneline -3", True),
        ("git log; rm -rf x", False),
        ("git log && rm -rf x", False),
        ("git log | sh", False),
        ("git log > /etc/passwd", False),
        ("git $(rm -rf x)", False),
        ("git `rm -rf x`", False),
        ("git log\nrm -rf x", False),
        ("rm x; git log", False),
    ],
)
def test_a_wildcard_of_an_allow_reaches_no_second_command(command: str, allowed: bool) -> None:
    assert (verdict(rules({"policy": "allow", "command": "git *"}), command=command) == "allow") is allowed


def test_operators_that_an_allow_spells_out_are_allowed() -> None:
    policy = rules({"policy": "allow", "command": "ls * | wc -l"})
    assert verdict(policy, command="ls -a | wc -l") == "allow"
    assert verdict(policy, command="ls a; b | wc -l") == "ask"
    assert verdict(rules({"policy": "allow", "command": "ls[;x]*"}), command="lsx;rm") == "ask"


@pytest.mark.parametrize("command", ["rm -rf x", "cd x && rm -rf y", "(rm -rf x)", "a | rm -rf x", "true;rm -rf x"])
def test_a_deny_finds_its_command_among_several(command: str) -> None:
    assert verdict(rules({"policy": "deny", "command": "rm *"}, default="allow"), command=command) == "deny"


def test_what_is_too_long_to_look_at_is_never_allowed_by_rules_on_it() -> None:
    call = ToolCalls(HOME).subject({"rawInput": {"command": "x" * (MAX_SUBJECT + 1)}})
    assert call.partial
    assert rules({"policy": "deny", "command": "rm *"}, default="allow").decide(call).verdict == "ask"
    assert rules({"policy": "allow", "command": "*"}).decide(call).verdict == "ask"
    assert rules({"policy": "deny"}, {"policy": "deny", "command": "?"}).decide(call).verdict == "deny"
    assert rules({"policy": "allow", "kind": "other"}).decide(call).verdict == "allow"
    assert call.exact_key == ("other", "")


@pytest.mark.parametrize("member", ["name", "title"])
def test_of_a_long_label_the_beginning_is_looked_at_and_all_of_it_counts(member: str) -> None:
    rule = {"name": "tool"}.get(member, member)
    subjects = [ToolCalls(HOME).subject({member: "x" * MAX_LABEL + end}) for end in ("", " secret", " secrets")]
    assert [each.cut for each in subjects] == [False, True, True]
    assert len({each.key for each in subjects}) == 3, "an always for one is none for another"
    assert max(len(getattr(each, member)) for each in subjects) < MAX_LABEL + 100
    for policy in (rules({"policy": "deny", rule: "*secret"}, default="allow"), rules({"policy": "allow", rule: "x*"})):
        assert [policy.decide(each).verdict for each in subjects] == ["allow", "ask", "ask"]
    assert rules({"policy": "allow", "kind": "other"}).decide(subjects[1]).verdict == "allow"
    assert rules({"policy": "deny", rule: "x*"}).decide(subjects[1]).verdict == "deny"


def test_a_call_is_known_from_what_was_said_of_it_before() -> None:
    tools = ToolCalls(HOME)
    tools.note({"sessionUpdate": "tool_call", "toolCallId": "t", "kind": "edit", "title": "Edit a"})
    tools.note({"sessionUpdate": "tool_call_update", "toolCallId": "t", "title": "Edit b", "status": "pending"})
    assert tools.subject({"toolCallId": "t"}).key == ("edit", "Edit b")
    assert tools.subject({"toolCallId": "t", "name": "editor"}).key == ("edit", "editor")
    assert tools.subject({"toolCallId": 5}).key == ("other", "")
    tools.note({"sessionUpdate": "tool_call_update", "toolCallId": "t", "locations": [{"path": "/etc/passwd"}]})
    assert tools.subject({"toolCallId": "t", "locations": [{"path": "b"}]}).paths == ("/etc/passwd", f"{HOME}/b")
    for number in range(2 * KNOWN_TOOLS):
        tools.note({"sessionUpdate": "tool_call", "toolCallId": str(number)})
    assert len(tools._known) == KNOWN_TOOLS


def test_where_paths_and_commands_are_found() -> None:
    def subject(**call: Any) -> Subject:
        return ToolCalls(HOME).subject(call)

    call = subject(
        locations=[{"path": "/a/../etc/./passwd", "line": 1}, {"path": 5}, "x"],
        content=[{"type": "diff", "path": "b"}, {"type": "content"}],
        rawInput={"path": "../c", "file_path": "//d", "filePath": None, "paths": ["e", 6], "command": "ls"},
    )
    assert call.paths == ("/etc/passwd", f"{HOME}/b", "/home/c", "/d", f"{HOME}/e")
    assert call.command == "ls"
    assert subject(rawInput={"command": "grep", "args": ["a b", 1, "c"]}).command == "grep 'a b' c"
    assert subject(rawInput={"command": ["sh", "-c", "ls; rm"]}).command == "sh -c 'ls; rm'"
    for odd in (None, "text", [], {"command": 5}):
        assert subject(rawInput=odd, locations=odd, content=odd).command is None


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        (5, ""),
        ("sometimes", ""),
        ({"rule": []}, "/rule"),
        ({"rules": 5}, "/rules"),
        ({"rules": [{"policy": "allow"}] * (MAX_RULES + 1)}, "/rules"),
        ({"default": None}, "/default"),
        ({"rules": ["allow"]}, "/rules/0"),
        ({"rules": [{"policy": "allow"}, {"policy": "allow", "where": 1}]}, "/rules/1/where"),
        ({"rules": [{"kind": "x"}]}, "/rules/0/policy"),
        ({"rules": [{"policy": "deny", "path": 1}]}, "/rules/0/path"),
        ({"rules": [{"policy": "deny", "path": "x" * (MAX_RULE_GLOB + 1)}]}, "/rules/0/path"),
    ],
)
def test_what_is_no_policy(value: Any, pointer: str) -> None:
    params = {"vm": "v", "agentType": "a", "options": {"permissionPolicy": value}}
    with pytest.raises(ProtocolError) as caught:
        decode_params(msgspec.Raw(msgspec.json.encode(params)), CreateSession)
    assert caught.value.data["errors"][0]["pointer"] == f"/options/permissionPolicy{pointer}"
    with pytest.raises(ValueError, match=r"\S"):
        Policy.restore(value)
