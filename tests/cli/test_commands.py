from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from runtime.cli import exits, output
from runtime.cli.main import parser
from runtime.cli.sections import SECTIONS
from runtime.client.sync import connect
from runtime.daemon.places import state_path
from tests.patience import WAIT

COMMAND = [sys.executable, "-P", "-m", "runtime.cli"]


def subcommands(found=None, prefix=()):
    for action in (found or parser())._subparsers._group_actions:
        for name, sub in action.choices.items():
            if sub._subparsers is not None:
                yield from subcommands(sub, (*prefix, name))
            else:
                yield (*prefix, name), sub


@pytest.mark.parametrize("command", [" ".join(name) for name, _ in subcommands()])
def test_every_command_has_help_a_socket_flag_and_json(command):
    sub = dict(subcommands())[tuple(command.split())]
    text = sub.format_help()
    assert "--socket" in text
    assert "--json" in text
    assert len(sub.description) > 20
    assert all(action.help or action.metavar == "PATH" for action in sub._actions), "an argument without help"


def test_the_help_lists_every_command_once():
    listed = [name for names in SECTIONS.values() for name in names]
    (commands,) = parser()._subparsers._group_actions
    assert sorted(listed) == sorted(commands.choices)


def test_the_help_holds_the_exit_codes(torpor):
    done = torpor("--help")
    assert done.returncode == exits.OK
    for code, meaning in exits.EXITS:
        assert f"{code:>3}  {meaning}" in done.stdout
    assert len({code for code, _ in exits.EXITS}) == len(exits.EXITS)


def test_the_version(torpor):
    assert torpor("--version").stdout.startswith("torpor 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        *([], ["nothing"], ["run"], ["fs"], ["--socket"], ["events"]),
        *(["serve", "--http", "6420"], ["serve", "--http", "0.0.0.0:0"], ["serve", "--http-public"]),
        ["serve", "--http", "127.0.0.1:0", "--http-origin", "no origin"],
    ],
)
def test_a_wrong_command_line_is_2(torpor, arguments):
    assert torpor(*arguments).returncode == exits.USAGE


def test_an_argument_that_is_no_text_is_2(environment):
    done = subprocess.run(
        [*COMMAND, "fs", "cat", b"/\xff"], capture_output=True, env=environment, check=False, timeout=WAIT
    )
    assert (done.returncode, done.stderr) == (exits.USAGE, b"torpor: an argument is not valid UTF-8\n")


@pytest.mark.parametrize(
    "command",
    [
        *(["stop"], ["status"]),
        *(
            [*words, "--no-start"]
            for words in (["agents"], ["vms"], ["sessions"], ["events", "s"], ["fs", "ls"], ["sleep"])
        ),
    ],
)
def test_no_daemon_is_3(torpor, command):
    done = torpor(*command, "--socket", "/nowhere/t.sock")
    assert done.returncode == exits.NO_DAEMON
    assert "no daemon answers at /nowhere/t.sock" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_socket_path_that_is_too_long_is_3(torpor):
    assert torpor("agents", "--socket", "/" + "x" * 200).returncode == exits.NO_DAEMON


def test_agents_and_vms(torpor, socket_path):
    with connect(socket_path) as client:
        client.call("vm.getOrCreate", vm=["a", "b"])
    done = torpor("agents")
    assert done.stdout.splitlines()[0].split() == ["ID", "VERSION", "SOURCE", "TITLE"]
    assert json.loads(torpor("agents", "--json").stdout)["id"] == "echo"
    assert any(line.split()[:2] == ["a/b", "awake"] for line in torpor("vms").stdout.splitlines())
    assert torpor("sleep", "a/b").returncode == exits.OK
    assert any(line.split()[:2] == ["a/b", "asleep"] for line in torpor("vms").stdout.splitlines())
    assert torpor("sleep", "missing").returncode == exits.FAILED
    error = json.loads(torpor("sleep", "missing", "--json").stderr)["error"]
    assert error["data"]["code"] == "vm_not_found"


def test_sessions_and_events(torpor):
    torpor("run", "echo", "say one two", "--session", "listed", "--vm", "ev")
    rows = torpor("sessions").stdout.splitlines()
    assert any(row.split()[:5] == ["listed", "ev", "echo", "idle", "3"] for row in rows)
    assert json.loads(torpor("sessions", "--vm", "ev", "--json").stdout)["sessionId"] == "listed"
    shown = torpor("events", "listed", "--vm", "ev").stdout.splitlines()
    assert [line.split()[0] for line in shown] == ["0", "1", "2"]
    assert shown[1].endswith("agent_message_chunk       one")
    found = torpor("events", "listed", "--vm", "ev", "--json", "--after", "0", "--limit", "1").stdout
    assert json.loads(found)["seq"] == 1
    assert torpor("events", "listed", "--vm", "ev", "--type", "user_message_chunk").stdout.count("\n") == 1
    followed = torpor("events", "listed", "--vm", "ev", "--follow", "--limit", "3", "--json").stdout
    assert [json.loads(line)["seq"] for line in followed.splitlines()] == [0, 1, 2]
    assert torpor("events", "unknown", "--vm", "ev").returncode == exits.FAILED


def test_long_transcripts_are_read_page_by_page(torpor, monkeypatch):
    torpor("run", "echo", "burst 2500", "--session", "long")
    found = torpor("events", "long", "--json").stdout.splitlines()
    assert [json.loads(line)["seq"] for line in found] == list(range(2501))


def test_files(torpor, tmp_path):
    torpor("run", "echo", "say x", "--vm", "fs")
    raw = bytes(range(256))
    (tmp_path / "raw.bin").write_bytes(raw)
    assert torpor("fs", "put", str(tmp_path / "raw.bin"), "/home/user/", "--vm", "fs").returncode == exits.OK
    assert torpor("fs", "put", "-", "/home/user/text", "--vm", "fs", text="hello").returncode == exits.OK
    assert torpor("fs", "put", "-", "/home/user/", "--vm", "fs", text="hello").returncode == exits.USAGE
    assert torpor("fs", "ls", "--vm", "fs").stdout == "raw.bin\ntext\n"
    long = torpor("fs", "ls", "-l", "/home/user", "--vm", "fs").stdout.splitlines()
    assert long[1].split()[:2] == ["-rw-r--r--", "256"]
    assert torpor("fs", "ls", "/home/user/text", "--vm", "fs").stdout == "/home/user/text\n"
    assert json.loads(torpor("fs", "cat", "/home/user/text", "--json", "--vm", "fs").stdout)["content"]
    cat = subprocess.run(
        [*COMMAND, "fs", "cat", "/home/user/raw.bin", "--vm", "fs"],
        capture_output=True,
        env={**os.environ, "TORPOR_SOCKET": _socket(torpor)},
        check=True,
        timeout=WAIT,
    )
    assert cat.stdout == raw
    assert torpor("fs", "rm", "/home/user/text", "--vm", "fs").returncode == exits.OK
    done = torpor("fs", "cat", "/home/user/text", "--vm", "fs")
    assert (done.returncode, "(not_found)" in done.stderr) == (exits.FAILED, True)
    done = torpor("fs", "put", str(tmp_path / "missing"), "/x", "--vm", "fs")
    assert done.returncode == exits.FAILED
    assert done.stderr == f"torpor: {tmp_path}/missing: No such file or directory\n"


def _socket(torpor):
    return torpor.__closure__[0].cell_contents["TORPOR_SOCKET"]


def test_serve_ends_with_0_on_sigterm_and_3_when_it_cannot_start(environment):
    with tempfile.TemporaryDirectory(prefix="torpor-") as directory:
        env = environment
        serve = [*COMMAND, "serve", "--socket", f"{directory}/t.sock", "--state", f"{directory}/state/s.db"]
        with subprocess.Popen(serve, stderr=subprocess.PIPE, text=True, env=env) as serving:
            assert serving.stderr is not None
            assert serving.stderr.readline() == f"torpor: ready on {directory}/t.sock\n"
            assert Path(directory, "state").stat().st_mode & 0o777 == 0o700
            serving.send_signal(signal.SIGTERM)
            assert serving.wait(WAIT) == exits.OK
        done = subprocess.run(
            [*COMMAND, "serve", "--socket", f"{directory}/t.sock", "--state", f"{directory}/broken.db"],
            capture_output=True,
            env=env,
            timeout=WAIT,
            check=False,
        )
        assert done.returncode == exits.NO_DAEMON


def test_the_order_of_places_of_the_state_file(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TORPOR_STATE", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert state_path(None) == tmp_path / ".local/state/torpor/torpor.db"
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert state_path(None) == Path("/state/torpor/torpor.db")
    monkeypatch.setenv("TORPOR_STATE", "/x.db")
    assert state_path(None) == Path("/x.db")
    assert state_path("y.db") == Path.cwd() / "y.db"


def test_what_an_agent_says_cannot_command_a_terminal():
    assert output.printable("a\x1b[2Jb\x9b\r\tc\n") == "a\ufffd[2Jb\ufffd\ufffd\tc\n"
    assert output.one_line("a\nb\x1b" + "c" * 300).startswith("a b\ufffdccc")
    assert len(output.one_line("c" * 300)) == 200


def test_the_command_line_is_read_without_what_only_commands_need():
    code = """
import sys
from runtime.cli.main import GROUPS, parser
parser()
groups = {group.__name__.rpartition(".")[2] for group in GROUPS}
own = {"main", "table", "parsers", "sections", "uses", "exits", "output", "connecting", "progress", *groups}
ours = {name for name in sys.modules if name.startswith("runtime.")}
words = {"runtime.api", "runtime.api.defaults", "runtime.api.events"}
assert ours == {"runtime.cli", "runtime.version", *words, *(f"runtime.cli.{name}" for name in own)}, ours
heavy = {"json", "pathlib", "socket", "selectors", "base64", "logging", "subprocess", "signal"} & set(sys.modules)
assert not heavy, heavy
"""
    root = Path(output.__file__).parents[2]
    program = f"import sys; sys.path.insert(0, {str(root)!r})\n{code}"
    subprocess.run([sys.executable, "-P", "-S", "-c", program], check=True, timeout=WAIT)


def test_client_commands_import_only_the_standard_library(socket_path):
    code = """
import sys
import runtime.cli.at_terminal, runtime.cli.attached  # of shell and exec
from runtime.cli.main import main
codes = [main([*words, "--socket", sys.argv[1]]) for words in (
    ["agents"], ["vms"], ["sessions"], ["run", "echo", "say x", "--session", "imports"], ["events", "imports"],
    ["fs", "ls", "/"], ["sleep"],
)]
assert codes == [0] * len(codes), codes
ours = {name for name in sys.modules if name.startswith("runtime.")}
light = ("runtime.api", "runtime.cli", "runtime.client", "runtime.jsonrpc", "runtime.text", "runtime.version")
assert all(name.startswith(light) for name in ours), ours
heavy = {"trio", "wasmtime", "msgspec", "attr", "attrs", "asyncio", "dataclasses", "subprocess", "inspect"} & set(sys.modules)
assert not heavy, heavy
"""
    root = Path(output.__file__).parents[2]
    program = f"import sys; sys.path.insert(0, {str(root)!r})\n{code}"
    subprocess.run(
        [sys.executable, "-P", "-S", "-c", program, socket_path], check=True, timeout=WAIT, stdout=subprocess.DEVNULL
    )
