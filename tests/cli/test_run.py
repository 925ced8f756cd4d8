from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from runtime.cli import exits
from runtime.client.sync import connect
from tests.patience import WAIT

COMMAND = [sys.executable, "-P", "-m", "runtime.cli"]


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def session_of(done):
    return done.stderr.rpartition("torpor: session ")[2].split()[0]


def test_text_goes_to_stdout_and_the_session_to_stderr(torpor):
    done = torpor("run", "echo", "say Hello, there")
    assert (done.returncode, done.stdout) == (exits.OK, "Hello,there\n")
    assert done.stderr.startswith("torpor: session session-")


def test_tool_calls_are_told_on_stderr_when_they_are_over(torpor):
    done = torpor("run", "echo", "tool make\nall")
    assert done.returncode == exits.OK
    assert done.stderr.splitlines()[0] == "* failed: make all"


@pytest.mark.parametrize(
    "words",
    [
        ("echo", "say", "one", "two"),
        ("--vm", "words", "echo", "say one", "two"),
        ("echo", "--vm", "words", "say", "one", "two"),
        ("echo", "say", "--vm", "words", "one", "two"),
        ("echo", "--", "say", "one", "two"),
    ],
)
def test_a_prompt_may_have_several_words(torpor, words):
    assert torpor("run", *words).stdout == "onetwo\n"


def test_json_is_one_object_a_line(torpor):
    done = torpor("run", "echo", "say a b", "--json", "--vm", "j/k")
    session, *events, result = lines(done.stdout)
    assert session == {"type": "session", "vm": ["j", "k"], "sessionId": result["sessionId"]}
    assert [event["seq"] for event in events] == [0, 1, 2]
    assert {event["type"] for event in events} == {"event"}
    assert (result["type"], result["text"], result["stopReason"], result["seq"]) == ("result", "ab", "end_turn", 2)


def test_the_prompt_can_come_from_stdin(torpor):
    assert torpor("run", "echo", "-", text="say piped").stdout == "piped\n"
    assert torpor("run", "echo", text="say piped").stdout == "piped\n"


def test_text_that_is_not_whole(torpor):
    assert torpor("run", "echo", "-", text="say piped\udcff").stdout == "piped\ufffd\n"
    done = torpor("run", "echo", "say \udcff")
    assert (done.returncode, done.stderr) == (exits.USAGE, "torpor: an argument is not valid UTF-8\n")


@pytest.mark.parametrize(
    ("prompt", "code"), [("say x", exits.OK), ("refuse", exits.NOT_FINISHED), ("fail", exits.AGENT_FAILED)]
)
def test_exit_codes_of_turns(torpor, prompt, code):
    done = torpor("run", "echo", prompt)
    assert done.returncode == code
    as_json = torpor("run", "echo", prompt, "--json")
    assert as_json.returncode == code
    assert lines(as_json.stdout)[-1]["type"] == ("error" if prompt == "fail" else "result")
    if prompt == "refuse":
        assert "the turn ended: refusal" in done.stderr
    if prompt == "fail":
        assert "the agent crashed (agent_failed)" in done.stderr
        assert "  | boom" in done.stderr


def test_an_unknown_agent_is_a_failure(torpor):
    done = torpor("run", "nobody", "x")
    assert done.returncode == exits.FAILED
    assert "(agent_not_found)" in done.stderr


def test_a_session_can_be_gone_on_with(torpor, socket_path):
    number = session_of(torpor("run", "echo", "say one"))
    assert torpor("run", "echo", "say two", "--session", number).stdout == "two\n"
    with connect(socket_path) as client:
        client.call("closeSession", vm="default", sessionId=number)
    done = torpor("run", "pi", "say three", "--session", number, "--env", "A=b")
    assert done.stdout == "three\n"
    assert "belongs to the agent echo" in done.stderr
    assert "--env is left aside" in done.stderr
    done = torpor("run", "echo", "say new", "--session", "mine")
    assert (done.stdout, session_of(done)) == ("new\n", "mine")


def test_a_session_that_was_made_for_a_prompt_is_closed_after_it(torpor, socket_path):
    made = {
        session_of(torpor("run", "echo", "say x", "--vm", "closing", *more)): status
        for more, status in (((), "closed"), (("--keep",), "idle"), (("--session", "named"), "idle"))
    }
    with connect(socket_path) as client:
        rows = client.call("listPersistedSessions", vm="closing")
    assert {row["sessionId"]: row["status"] for row in rows} == made
    done = torpor("run", "echo", "say on", "--vm", "closing", "--continue")
    assert session_of(done) in made
    assert torpor("run", "pi", "say on", "--vm", "closing", "--continue").stdout == "on\n"


def test_nothing_is_inherited_but_what_env_names(torpor, socket_path):
    arguments = ("--env", "A=1=2", "--env", "GIVEN", "--env", "EMPTY=", "--cwd", "/w", "--session", "with-env")
    assert torpor("run", "echo", "say x", *arguments, GIVEN="g", ANTHROPIC_API_KEY="secret").returncode == exits.OK
    assert torpor("run", "echo", "x", "--env", "NOT_SET_ANYWHERE").returncode == exits.USAGE
    assert torpor("run", "echo", "x", "--env", "=x").returncode == exits.USAGE
    with connect(socket_path) as client:
        made = client.call("rawSend", vm="default", sessionId="with-env", method="test/options")
    assert made["options"] == {
        "sessionId": "with-env",
        "env": {"A": "1=2", "GIVEN": "g", "EMPTY": ""},
        "cwd": "/w",
    }


def test_hosts_are_granted_when_the_vm_is_made(torpor):
    assert torpor("run", "echo", "say x", "--vm", "net", "--allow", "a.example").returncode == exits.OK
    assert torpor("run", "echo", "say x", "--vm", "net", "--allow", "a.example").returncode == exits.OK
    done = torpor("run", "echo", "say x", "--vm", "net", "--allow", "b.example")
    assert done.returncode == exits.FAILED
    assert "(vm_conflict)" in done.stderr


def test_permissions_are_rejected_without_a_terminal_unless_yes(torpor):
    done = torpor("run", "echo", "ask")
    assert (done.returncode, done.stdout) == (exits.OK, "reply: reject\n")
    assert "rejected: rm -rf / (--yes allows" in done.stderr
    done = torpor("run", "echo", "ask", "--yes")
    assert done.stdout == "reply: once\n"
    answered = [line for line in lines(torpor("run", "echo", "ask", "--json").stdout) if line["type"] == "permission"]
    assert [(line["request"]["permissionId"], line["reply"]) for line in answered] == [("p1", "reject")]


@pytest.mark.parametrize(("typed", "reply"), [(b"9\n1\n", "yes"), (b"2\n", "no"), (b"\n", "reject")])
def test_permissions_are_asked_for_at_a_terminal(environment, typed, reply):
    ours, theirs = pty.openpty()
    try:
        os.write(ours, typed)
        done = subprocess.run(
            [*COMMAND, "run", "echo", "ask"],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            env=environment,
            timeout=WAIT,
            check=False,
        )
        assert done.stdout == f"reply: {reply}\n".encode()
        shown = b""
        while b"The agent asks for permission: rm -rf /" not in shown:  # it comes in as many pieces as it likes
            shown += os.read(ours, 10_000)
    finally:
        os.close(ours)
        os.close(theirs)


def test_ctrl_c_cancels_the_prompt(environment):
    with subprocess.Popen(
        [*COMMAND, "run", "echo", "hang", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()
        assert b"user_message_chunk" in running.stdout.readline()
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=WAIT)
    assert running.returncode == exits.INTERRUPTED
    assert lines(out.decode())[-1]["stopReason"] == "cancelled"
    assert b"cancelling the prompt" in err


def test_a_reader_that_goes_away_is_no_error_of_ours(environment):
    with subprocess.Popen(
        [*COMMAND, "run", "echo", "burst 5000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        err = running.stderr.read()
        assert running.wait(WAIT) == exits.BROKEN_PIPE
    assert b"Traceback" not in err
    assert b"Exception ignored" not in err


def test_a_daemon_is_started_if_none_answers_and_stopped_again(torpor):
    with tempfile.TemporaryDirectory(prefix="torpor-") as directory:
        place = Path(directory)
        env = {"TORPOR_SOCKET": str(place / "new" / "t.sock")}
        done = torpor("run", "echo", "say hello", "--state", str(place / "s.db"), **env)
        assert (done.returncode, done.stdout) == (exits.OK, "hello\n")
        assert done.stderr.startswith(f"torpor: starting a daemon on {place}/new/t.sock")
        assert (place / "s.db").read_text() == "opened"
        again = torpor("run", "echo", "say again", **env)
        assert (again.stdout, "starting" in again.stderr) == ("again\n", False)
        assert torpor("stop", **env).returncode == exits.OK
        assert torpor("stop", **env).returncode == exits.NO_DAEMON


def test_a_daemon_that_cannot_start_says_why(torpor):
    with tempfile.TemporaryDirectory(prefix="torpor-") as directory:
        env = {"TORPOR_SOCKET": f"{directory}/t.sock"}
        done = torpor("run", "echo", "x", "--state", f"{directory}/broken.db", **env)
        assert done.returncode == exits.NO_DAEMON
        assert done.stderr.endswith("torpor: the daemon did not start: the state file is broken\n")
