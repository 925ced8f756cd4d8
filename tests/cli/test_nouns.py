"""Nouns and verbs (`vm`, `session`, `permission`, `snapshot`, `fs`), run in this process against a daemon with VMs.

The methods of the API that each command calls are compared with what `runtime.cli.uses` says of it.
"""

from __future__ import annotations

import io
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.api.methods import METHODS
from runtime.cli import exits, hints
from runtime.cli.acp.workspaces import LABEL
from runtime.cli.finding import SHOWN
from runtime.cli.main import main, parser
from runtime.cli.uses import NO_COMMAND, USES
from runtime.client.sync import Client
from tests.cli.test_commands import subcommands
from tests.system.daemon import Vm, fresh_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.daemon import Api, Daemon

ASKING = "permission"
GUESTS = Path(__file__).parents[1] / "guests" / "dist"


def test_every_method_has_a_command_or_a_reason() -> None:
    """A method is a command's own when it is the first of those that the command calls, or set by the command's argument."""
    called = {method for use in USES.values() for method in use.methods}
    assert called <= METHODS.keys()
    assert NO_COMMAND.keys() <= METHODS.keys()
    assert METHODS.keys() - called - NO_COMMAND.keys() == set(), "a method without a command: runtime/cli/uses.py"
    assert all(len(reason) > 20 for reason in NO_COMMAND.values())


def test_every_command_has_a_use_and_every_use_a_command() -> None:
    assert {" ".join(words) for words, _ in subcommands()} == USES.keys()


@pytest.mark.parametrize("words", USES)
def test_every_example_is_a_line_that_the_command_takes(words: str) -> None:
    program, *line = shlex.split(USES[words].example)
    assert program == "torpor"
    assert line[: len(words.split())] == words.split()
    assert callable(parser().parse_args(line).run)
    if words != "help":
        assert USES[words].example in dict(subcommands())[tuple(words.split())].format_help()


@pytest.fixture
def api(daemon: Daemon) -> Iterator[Api]:
    with daemon.connect() as api:
        yield api


@pytest.fixture
def vm(api: Api) -> Iterator[Vm]:
    made = Vm(api, fresh_name("nouns"))
    yield made
    if any(row["vm"] == made.name for row in api.call("vm.list")):
        made.call("vm.destroy")


@pytest.fixture
def run(daemon: Daemon, api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in this process: exit code, stdout and stderr."""
    monkeypatch.setenv("TORPOR_SOCKET", str(daemon.socket))
    monkeypatch.setenv("TORPOR_STATE", str(daemon.state))
    started: list[str] = []
    begin = Client.start

    def start(self: Client, method: str, /, **params: Any) -> Any:
        if self is not api.client:
            started.append(method)
        return begin(self, method, **params)

    monkeypatch.setattr(Client, "start", start)

    def run(*words: str) -> tuple[int, str, str]:
        started.clear()
        try:
            code = main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
        told = capsys.readouterr()
        name = " ".join(words[:2]) if " ".join(words[:2]) in USES else words[0]
        if name in USES and name != "api":
            always = {"hello", "vm.list"} if code else {"hello"}  # of a failure: what may have been meant
            assert set(started) - always <= set(USES[name].methods), f"{name} calls more than runtime/cli/uses.py says"
        return code, told.out, told.err

    return run


def as_json(told: tuple[int, str, str]) -> list[Any]:
    assert told[0] == exits.OK, told
    return [json.loads(line) for line in told[1].splitlines()]


def test_a_vm_from_its_making_to_its_end(run: Any, api: Api) -> None:
    name = fresh_name("made")
    limits = ("--limit", "files=1000", "--limit", "processes=8")
    assert run("vm", "new", name, "--allow", "example.com", "--label", "for=me", *limits)[0] == exits.OK
    (shown,) = as_json(run("vm", "show", name, "--json"))
    assert shown["options"] == {
        "network": {"allow": ["example.com"]},
        "labels": {"for": "me"},
        "limits": {"files": 1000, "processes": 8},
    }
    assert shown["stats"]["sessions"]["total"] == 0
    assert run("vm", "configure", name, "--allow", "", "--limit", "files=2000", "--idle", "60")[0] == exits.OK
    options = api.call("vm.get", vm=name)["options"]
    assert options["network"] == {}
    assert options["limits"] == {"files": 2000, "processes": 8}
    assert options["idleTimeoutMs"] == 60_000
    assert run("vm", "wake", name)[0] == exits.OK
    assert api.call("vm.get", vm=name)["state"] == "awake"
    assert run("vm", "sleep", name)[0] == exits.OK
    rows = {line.split()[0]: line.split() for line in run("vm", "ls")[1].splitlines()}
    assert rows["VM"][:5] == ["VM", "STATE", "SESSIONS", "FILES", "SIZE"]
    assert rows[name][1:3] == ["asleep", "0"]
    assert run("vm", "ls", "-q", "--label", "for=me")[1] == f"{name}\n"
    assert run("vm", "ls", "-q", "--label", "for=you")[1] == ""
    assert name in run("vm", "stats", name)[1]
    assert as_json(run("vm", "stats", name, "--json"))[0]["vm"] == name
    assert run("vm", "fork", name, f"{name}-fork")[0] == exits.OK
    code, _, said = run("vm", "rm", name)
    assert (code, "--yes does it" in said) == (exits.USAGE, True)
    assert run("vm", "rm", "--yes", name, f"{name}-fork")[0] == exits.OK
    assert run("vm", "show", name)[0] == exits.FAILED


def test_a_vm_leaves_and_comes_back(run: Any, vm: Vm, tmp_path: Path) -> None:
    assert run("vm", "export", vm.name, str(tmp_path / "out"))[0] == exits.OK
    assert run("vm", "import", str(tmp_path / "out"), "--vm", f"{vm.name}-back")[0] == exits.OK
    assert run("vm", "rm", "-f", f"{vm.name}-back")[0] == exits.OK


@pytest.mark.parametrize(
    "words",
    [
        *(["--label", "none"], ["--limit", "files=many"], ["--limit", "=1"]),
        [],
    ],
)
def test_options_that_are_none(run: Any, vm: Vm, words: list[str]) -> None:
    assert run("vm", "configure", vm.name, *words)[0] == exits.USAGE


def test_a_deletion_is_asked_about_at_a_terminal(run: Any, vm: Vm, monkeypatch: pytest.MonkeyPatch) -> None:
    for answer, code in (("n\n", exits.FAILED), ("\n", exits.FAILED), ("", exits.FAILED), ("y\n", exits.OK)):
        terminal = io.StringIO(answer)
        monkeypatch.setattr(terminal, "isatty", lambda: True)
        monkeypatch.setattr(sys, "stdin", terminal)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
        done, _, said = run("vm", "rm", vm.name)
        assert f"Remove VM {vm.name} with 0 sessions" in said
        assert done == code
    assert run("vm", "show", vm.name)[0] == exits.FAILED


def test_what_is_removed_while_it_is_listed_is_left_out(
    run: Any, api: Api, vm: Vm, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Client.call

    def call(self: Client, method: str, /, **params: Any) -> Any:
        found = listed(self, method, **params)
        if method == "vm.list" and self is not api.client:
            gone.call("vm.destroy")
        return found

    for words in (["vm", "ls"], ["vm", "stats"], ["session", "ls"], ["sessions"], ["permission", "ls"]):
        gone = Vm(api, fresh_name("gone"))
        vm.session("echo", sessionId=f"of-{'-'.join(words)}")
        with monkeypatch.context() as patch:
            patch.setattr(Client, "call", call)
            code, out, said = run(*words)
        assert (code, said, gone.name in out) == (exits.OK, "", False)
        assert vm.name in out or words == ["permission", "ls"]


def test_a_session_from_its_first_turn_to_its_end(run: Any, vm: Vm) -> None:
    session = vm.session("echo", sessionId="nouns-session")
    session.say("hello")
    where = ("--vm", vm.name)
    rows = as_json(run("session", "ls", *where, "--json"))
    assert [(row["vm"], row["sessionId"]) for row in rows] == [(vm.name, session.id)]
    assert run("session", "ls", "--live", *where)[1].splitlines()[1].split()[:4] == [
        session.id,
        vm.name,
        "echo",
        "idle",
    ]
    assert as_json(run("session", "show", "nouns-s", "--json"))[0]["sessionId"] == session.id
    assert json.loads(run("session", "show", session.id)[1])["vm"] == vm.name
    assert run("session", "cancel", session.id)[2] == "torpor: there was no turn\n"
    assert run("session", "close", session.id)[0] == exits.OK
    assert session.call("getSession")["status"] == "closed"
    assert run("session", "resume", session.id)[0] == exits.OK
    assert session.call("getSession")["status"] == "idle"
    forked = run("session", "fork", session.id)
    assert forked[0] == exits.OK
    assert run("session", "rm", forked[1].strip(), "--yes")[0] == exits.OK
    code, _, said = run("session", "send", session.id, "no/such")
    assert (code, said != "") == (exits.AGENT_FAILED, True)
    assert run("session", "send", session.id, "no/such", "{")[0] == exits.USAGE
    assert run("session", "rm", session.id)[0] == exits.USAGE
    assert run("session", "rm", session.id, "--yes")[0] == exits.OK
    assert run("session", "show", session.id)[0] == exits.FAILED


def test_a_session_is_found_wherever_it_is(run: Any, api: Api, vm: Vm) -> None:
    other = Vm(api, fresh_name("nouns"))
    for name in ("found-a", "found-b", "shared"):
        vm.session("echo", sessionId=name)
    for name in ("found-c", "shared"):
        other.session("echo", sessionId=name)

    def found(*words: str) -> tuple[str, str]:
        (row,) = as_json(run("session", "show", *words, "--json"))
        return row["vm"], row["sessionId"]

    assert found("found-c") == found("found-c", "--vm", other.name) == (other.name, "found-c")
    assert found("shared", "--vm", vm.name) == (vm.name, "shared")
    code, _, said = run("session", "show", "shared")
    assert (code, f"shared in VM {other.name}" in said) == (exits.USAGE, True)
    code, _, said = run("session", "show", "found-c", "--vm", vm.name)
    assert (code, f"found-c is in VM {other.name}, not in {vm.name}" in said) == (exits.FAILED, True)
    code, _, said = run("session", "show", "found-d")
    assert (code, "there is no session found-d" in said) == (exits.FAILED, True)
    assert json.loads(run("session", "show", "found-d", "--json")[2])["error"]["data"]["code"] == "session_not_found"
    vm.call("sendPrompt", sessionId="found-a", prompt="one")
    other.call("sendPrompt", sessionId="found-c", prompt="two")
    assert (found("last")[1], found("-")[1]) == ("found-c", "found-a")
    vm.call("sendPrompt", sessionId=found("-")[1], prompt="three")
    assert (found("last")[1], found("-")[1]) == ("found-a", "found-c")
    assert as_json(run("vm", "show", "last", "--json"))[0]["vm"] == vm.name
    other.call("vm.destroy")


def test_a_new_session_of_run_is_new(run: Any, vm: Vm) -> None:
    words = ("run", "echo", "hi", "--vm", vm.name)
    assert run(*words, "--new", "fresh")[0] == exits.OK
    assert vm.call("getSession", sessionId="fresh")["status"] == "idle"
    code, _, said = run(*words, "--new", "fresh")
    assert (code, "there is a session fresh already" in said) == (exits.USAGE, True)
    assert run(*words, "--session", "fresh")[0] == exits.OK
    assert run(*words, "--new", "other", "--session", "fresh")[0] == exits.USAGE


def test_so_many_that_may_be_meant_are_named(run: Any, vm: Vm) -> None:
    for index in range(SHOWN + 2):
        vm.session("echo", sessionId=f"many-{index}")
    code, _, said = run("session", "show", "many-")
    assert code == exits.USAGE
    assert said.count("many-") == SHOWN + 1
    assert "and 2 more: give more of it" in said


def test_what_a_session_works_with(run: Any, vm: Vm) -> None:
    session = vm.session("echo")
    for words in (["mode", "code"], ["model", "large"], ["thinking", "high"]):
        assert run("session", "set", session.id, *words)[0] == exits.OK
    listed = [line.split() for line in run("session", "set", session.id)[1].splitlines()]
    assert ["mode", "code", "ask", "code"] in listed
    assert ["model", "large", "small", "large"] in listed
    assert ["thought", "high", "off", "low", "high"] in listed
    assert run("session", "set", session.id, "thought", "low")[0] == exits.OK
    (found,) = as_json(run("session", "set", session.id, "--json"))
    assert {each["id"]: each["currentValue"] for each in found["configOptions"]}["thought"] == "low"
    assert run("session", "set", session.id, "mode")[0] == exits.USAGE
    assert run("session", "set", session.id, "none", "none")[0] == exits.FAILED


def test_what_an_agent_asks_for_is_answered_from_elsewhere(run: Any, vm: Vm) -> None:
    session = vm.session("echo")
    session.subscribe()
    for answer in ("allow", "deny"):
        turn = session.start("sendPrompt", prompt=ASKING)
        request = session.until_permission()
        (row,) = as_json(run("permission", "ls", "--json", "--vm", vm.name))
        assert (row["sessionId"], row["permissionId"]) == (session.id, request["permissionId"])
        assert session.id in run("permission", "ls")[1]
        assert run("permission", answer, "x" * 50)[0] == exits.FAILED
        assert run("permission", answer, request["permissionId"])[0] == exits.OK
        vm.api.result(turn)
    assert run("permission", "allow", "--vm", vm.name)[0] == exits.FAILED


def test_files(run: Any, vm: Vm, tmp_path: Path) -> None:
    vm.write("/home/user/a/b.txt", "hello")
    where = ("--vm", vm.name)
    assert run("fs", "mkdir", "-p", "/home/user/new/deep", *where)[0] == exits.OK
    assert run("fs", "ln", "a/b.txt", "/home/user/link", *where)[0] == exits.OK
    (found,) = as_json(run("fs", "stat", "/home/user/link", "--json", *where))
    assert (found["type"], found["target"]) == ("symlink", "a/b.txt")
    assert "/home/user/link -> a/b.txt" in run("fs", "stat", "/home/user/link", *where)[1]
    assert run("fs", "stat", "/home/user/none", *where)[0] == exits.FAILED
    assert run("fs", "chmod", "700", "/home/user/a/b.txt", *where)[0] == exits.OK
    assert "-rwx------" in run("fs", "stat", "/home/user/a/b.txt", *where)[1]
    assert run("fs", "chmod", "999", "/home/user/a/b.txt", *where)[0] == exits.USAGE
    assert run("fs", "find", "*.txt", *where)[1] == "/home/user/a/b.txt\n"
    assert run("fs", "find", "*.md", *where)[0] == exits.FAILED
    assert run("fs", "get", "/home/user/a", str(tmp_path / "out"), *where)[0] == exits.OK
    assert (tmp_path / "out" / "b.txt").read_text() == "hello"
    assert run("fs", "truncate", "/home/user/a/b.txt", "2", *where)[0] == exits.OK
    assert vm.read("/home/user/a/b.txt") == "he"


def test_snapshots(run: Any, vm: Vm) -> None:
    vm.write("/home/user/a", "1")
    where = ("--vm", vm.name)
    assert run("snapshot", "new", "first", *where)[1] == "first\n"
    vm.write("/home/user/a", "2")
    assert run("snapshot", "diff", "first", *where)[1] == "M /home/user/a\n"
    assert run("snapshot", "restore", "first", *where)[0] == exits.OK
    assert vm.read("/home/user/a") == "1"
    assert "first" in run("snapshot", "ls", *where)[1]
    assert run("snapshot", "rm", "first", *where)[0] == exits.USAGE
    assert run("snapshot", "rm", "first", "--yes", *where)[0] == exits.OK
    assert "first" not in run("snapshot", "ls", *where)[1]


def test_commands_that_run(run: Any, vm: Vm) -> None:
    vm.api.client.vm.get(vm.name).write_file("/bin/cat", (GUESTS / "copy_stdin.wasm").read_bytes())
    pids = [vm.call("spawn", argv=["cat"])["pid"] for _ in range(3)]
    assert run("kill", str(pids[0]))[0] == exits.OK
    assert run("kill", str(pids[1]), "--vm", vm.name, "--grace", "60")[0] == exits.OK
    vm.call("writeProcessStdin", pid=pids[2], data="meow\n")
    vm.call("closeProcessStdin", pid=pids[2])
    assert run("wait", str(pids[2]))[:2] == (exits.OK, "meow\n")
    assert run("wait", str(pids[0]), "--vm", vm.name)[0] == 137
    assert as_json(run("wait", str(pids[1]), "--vm", vm.name, "--json"))[0]["reason"] == "exit"
    assert run("kill", "999999")[0] == exits.FAILED


def test_any_method(run: Any, vm: Vm) -> None:
    assert as_json(run("api", "vm.get", json.dumps({"vm": vm.name})))[0]["vm"] == vm.name
    assert as_json(run("api"))[0]["openrpc"]
    assert run("api", "vm.get", "[]")[0] == exits.USAGE
    assert run("api", "vm.get", "{")[0] == exits.USAGE
    assert run("api", "no.such")[0] == exits.FAILED


def test_help_and_version(run: Any) -> None:
    code, version, _ = run("version")
    assert (code, version.split()[0]) == (exits.OK, "torpor")
    assert run("-V")[1] == version
    assert as_json(run("version", "--json")) == [{"version": version.split()[1]}]
    assert run("help", "vm", "rm")[1] == run("vm", "rm", "--help")[1] != ""
    assert "commands:" in run("help")[1]


@pytest.mark.parametrize(
    ("line", "meant"), [("sesion ls", "torpor session"), ("vm stat", "torpor vm stats"), ("fs tre", "torpor fs tree")]
)
def test_a_mistyped_command_is_guessed_at(run: Any, line: str, meant: str) -> None:
    code, _, said = run(*line.split())
    assert code == exits.USAGE
    assert f"did you mean `{meant}`?" in said


def test_vms_that_editors_have_left_are_pruned(run: Any, api: Api) -> None:
    label = {"labels": {LABEL: "/home/me/project"}}
    left, at_work, mine = (Vm(api, fresh_name("acp"), **options) for options in (label, label, {}))
    at_work.session("echo")
    for each in (left, mine):
        each.sleep()
    assert run("vm", "prune", "--older-than", "soon")[0] == exits.USAGE
    assert "no VM of an editor" in run("vm", "prune")[2]
    assert run("vm", "prune", "--older-than", "0min")[0] == exits.USAGE
    listed = run("vm", "prune", "--older-than", "0min", "--dry-run")[1]
    assert [line.split()[0] for line in listed.splitlines()[1:]] == [left.name]
    assert "/home/me/project" in listed
    assert as_json(run("vm", "prune", "--older-than", "0h", "--dry-run", "--json"))[0]["removed"] is False
    (told,) = as_json(run("vm", "prune", "--older-than", "0d", "--yes", "--json"))
    assert (told["vm"], told["removed"]) == (left.name, True)
    assert {row["vm"] for row in api.call("vm.list")} >= {at_work.name, mine.name}
    for each in (at_work, mine):
        each.call("vm.destroy")


def test_a_vm_that_is_used_while_prune_asks_stays(run: Any, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    used, removed = (Vm(api, fresh_name("acp"), labels={LABEL: "/home/me/project"}) for _ in range(2))
    for each in (used, removed):
        each.sleep()

    class Person(io.StringIO):
        def isatty(self) -> bool:
            return True

        def readline(self, size: int | None = -1, /) -> str:
            used.call("vm.wake")
            removed.call("vm.destroy")
            return "y\n"

    monkeypatch.setattr(sys, "stdin", Person())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    code, _, said = run("vm", "prune", "--older-than", "0d")
    assert (code, said.count("is left alone")) == (exits.OK, 2)
    assert used.call("vm.get")["state"] == "awake"
    used.call("vm.destroy")


def test_hints_name_commands_and_what_may_have_been_meant(run: Any, vm: Vm) -> None:
    code, _, said = run("exec", "--vm", f"{vm.name}0", "--", "ls")
    assert code == exits.FAILED
    assert f"`torpor vm new` makes one; did you mean {vm.name}?" in said
    assert "did you mean" not in run("exec", "--vm", "quite-another", "--", "ls")[2]
    code, _, said = run("run", "ecko", "hi", "--vm", vm.name)
    assert "did you mean echo?" in said
    assert hints.in_commands("destroy some (vm.destroy); stat and userAgent stay") == (
        "destroy some (`torpor vm rm`); stat and userAgent stay"
    )
    told = "there is no file /home/user/readFile.ts, createSession/a or vm.destroy.py"
    assert hints.in_commands(told) == told
