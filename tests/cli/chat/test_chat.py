"""`torpor chat` at a terminal, with a real daemon and the agent echo."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from typing import TYPE_CHECKING

import pytest

from runtime.cli import exits
from runtime.cli.chat import commands
from runtime.cli.chat.conversation import MAX_WAITING, REPLAYED_EVENTS
from runtime.cli.chat.pasted import LONG_LINES
from runtime.cli.chat.screen import INPUT_ROWS, LIVE_TEXT, MENU_ROWS, OTHER_ROWS
from runtime.testing.script import call, say
from tests.cli.chat.terminal import END, ENTER, ESCAPE, INTERRUPT, Terminal, at_terminal
from tests.system.model import model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.system.daemon import Daemon

numbers = itertools.count()


@pytest.fixture
def vm() -> str:
    return f"chat-{next(numbers)}"


@pytest.fixture
def chat(daemon: Daemon, vm: str, tmp_path: Path):
    """Begin a conversation in a VM of the test's; it is ready for a prompt."""

    @contextlib.contextmanager
    def begin(*arguments: str, agent: str = "echo", **how: object) -> Iterator[Terminal]:
        env = {"TORPOR_SOCKET": str(daemon.socket), "XDG_STATE_HOME": str(tmp_path), **how}
        words = ["chat", *([agent] if agent else []), "--vm", vm, "--no-start", *arguments]
        with at_terminal(*words, **env) as terminal:
            terminal.until("›", f"{vm} · ")
            yield terminal

    return begin


def leave(terminal: Terminal) -> None:
    terminal.type(END)
    assert terminal.code() == exits.OK
    assert terminal.shows("` goes on")


def until_idle(terminal: Terminal, *texts: str) -> None:
    """Look until all of this can be read, and no turn runs: an answer can be read before its turn is over."""
    terminal.wait(lambda: terminal.shows(*texts) and not terminal.shows("Esc stops"), texts)


def test_a_conversation(chat):
    with chat() as terminal:
        terminal.type(f"say # Title\\n\\nwith *words*\\n{ENTER}")
        terminal.until("› say # Title", "\nTitle\n", "\nwith words\n", "· small · Ask")
        terminal.type(f"toolcall a.txt; thought Let me see; say Done.{ENTER}")
        terminal.until("✓ Edit /home/user/a.txt", "/home/user/a.txt +1", "1 + new", "∴ thought", "Let me see", "Done.")
        terminal.type(f"first{ESCAPE}{ENTER}second\\{ENTER}third{ENTER}")
        terminal.until("› first\n  second\n  third", "echo: first\necho: second\necho: third".replace("\n", ""))
        leave(terminal)
    with chat("--continue", agent="") as terminal:
        terminal.until("› say # Title", "Title", "with words", "✓ Edit", "Done.", "› first")
        terminal.type(f"/cost{ENTER}")
        terminal.until("echo does not tell what it uses")
        leave(terminal)


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        *((ENTER, "allow-once"), ("y", "allow-once"), ("2", "allow-always"), ("n", "reject-once")),
        ("\x1b[B\x1b[B\x1b[B" + ENTER, "reject-always"),
    ],
)
def test_permissions_are_answered_by_keys_and_the_draft_stays(chat, key, answer):
    with chat() as terminal:
        terminal.type(f"permission Remove it{ENTER}draft")
        terminal.until("? Allow: Remove it", "› 1. Allow once", "4. Always reject")
        terminal.type(key)
        terminal.until(f"permission: {answer}", "› draft")


def test_a_turn_is_stopped_and_what_waits_comes_back(chat):
    with chat() as terminal:
        terminal.type(f"sleep 100000{ENTER}")
        terminal.until("› sleep 100000", "Esc stops")
        terminal.type(f"say later{ENTER}")
        terminal.until("› say later  (waits)")
        terminal.type("draft")
        terminal.until("› draft")
        terminal.type(ESCAPE)
        until_idle(terminal, "the turn ended: cancelled", "› say later\n  draft")
        terminal.type(INTERRUPT)
        terminal.wait(lambda: not terminal.shows("  draft"), "an empty prompt line")
        terminal.type(f"say on{ENTER}")
        until_idle(terminal, "› say on", "\non\n")
        terminal.type(INTERRUPT)
        terminal.until("Ctrl-C again leaves")
        terminal.type(INTERRUPT)
        assert terminal.code() == exits.OK


def test_undo_takes_files_back(chat, daemon, vm):
    with chat() as terminal:
        terminal.type(f"write a.txt one{ENTER}")
        terminal.until("write: /home/user/a.txt")
        terminal.type(f"write b.txt two{ENTER}")
        terminal.until("write: /home/user/b.txt")
        terminal.type(f"/diff{ENTER}")
        terminal.until("A /home/user/a.txt", "A /home/user/b.txt")
        terminal.type(f"/undo{ENTER}")
        terminal.until("the last turn is taken back")
        terminal.type(f"/files{ENTER}")
        terminal.until("› /files", "3 bytes  a.txt", "· small")
        with daemon.connect() as api:
            assert api.client.call("readdir", vm=vm, path="/home/user") == ["a.txt"]
        terminal.type(f"say on{ENTER}")
        terminal.until("the agent begins afresh", "› say on", "you answer.]on\n")


def test_bytes_that_are_not_utf8_are_replaced(chat):
    with chat() as terminal:
        os.write(terminal.end, b"say caf\xe9 au lait\r")
        terminal.until("› say caf\ufffd au lait", "\ncaf\ufffd au lait\n")
        leave(terminal)


def test_settings(chat):
    with chat("--mode", "code", "--model", "large") as terminal:
        terminal.until("echo · large · Code")
        terminal.type(f"/model{ENTER}")
        terminal.until("  small\n› large")
        terminal.type(f"/model sma{ENTER}")
        terminal.until("model: small", "echo · small · Code")
        terminal.type("\x1b[Z")
        terminal.until("echo · small · Ask")
        terminal.type(f"/model huge{ENTER}")
        terminal.until("huge is none of them: small, large")
        terminal.type(f"/thinking{ENTER}")
        terminal.until("› off\n  low\n  high")
        terminal.type(f"/nothing{ENTER}")
        terminal.until("there is no /nothing")
        terminal.type(f"\x15/compact{ENTER}")
        terminal.until("echo has no /compact")
        terminal.type(f"/sleep{ENTER}")
        terminal.until("sleeps; the next prompt wakes it")


def test_a_fork_is_gone_on_with(chat, vm):
    with chat() as terminal:
        terminal.type(f"write a.txt one{ENTER}")
        terminal.until("write: /home/user/a.txt")
        terminal.type(f"/fork {vm}-b{ENTER}")
        terminal.until(f"from here on in VM {vm}-b", f"{vm}-b · echo")
        terminal.type(f"say there{ENTER}")
        terminal.until("the agent begins afresh", "› say there", "there\n")


def test_completions(chat, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("noted\n")
    with chat() as terminal:
        terminal.type("/un")
        terminal.until("› /un\n", "/undo  take the last turn back")
        terminal.type("\t")
        terminal.until("› /undo")
        terminal.type("\x15params @no")
        terminal.until("› params @no\n", "notes.txt")
        terminal.type(f"\t{ENTER}")
        terminal.until("› params @notes.txt")


def test_a_daemon_that_went_away_is_waited_for_and_nothing_is_missed(chat, daemon):
    with chat() as terminal:
        terminal.type(f"say before{ENTER}")
        terminal.until("\nbefore")
        terminal.type(f"sleep 100000{ENTER}")
        terminal.until("› sleep 100000", "Esc stops")  # the daemon has begun the turn
        daemon.kill()
        terminal.until("the daemon went away; waiting for it")
        terminal.type(f"say after{ENTER}")
        terminal.until("› say after  (waits)")
        daemon.start()
        terminal.until(
            "the turn failed: the daemon ended in the middle of this turn", "› say after", "you answer.]after\n"
        )


def test_a_window_of_another_size(chat):
    with chat(columns=120) as terminal:
        terminal.type(f"say {'word ' * 30}{ENTER}")
        terminal.until("word word")
        terminal.resize(24, 60)
        terminal.type(f"say {'mot ' * 30}{ENTER}")
        terminal.until(("mot " * 15).rstrip() + "\n" + ("mot " * 15).rstrip() + "\n")


def test_without_colours_there_are_none(chat):
    with chat(NO_COLOR="1") as terminal:
        terminal.type(f"toolcall; say `code` and *more*{ENTER}")
        terminal.until("✓ Edit", "code and more")
        leave(terminal)
        codes = {code for found in re.findall(rb"\x1b\[([0-9;]*)m", terminal.written) for code in found.split(b";")}
        assert codes <= {b"", b"0", b"1", b"2", b"3", b"4"}


def test_a_terminal_is_needed(torpor):
    done = torpor("chat", "echo")
    assert (done.returncode, "needs a terminal" in done.stderr) == (exits.USAGE, True)


def test_a_terminal_that_knows_nothing_is_told_another_way(daemon):
    with at_terminal("chat", "echo", columns=200, TORPOR_SOCKET=str(daemon.socket), TERM="dumb") as terminal:
        assert terminal.code() == exits.USAGE
        assert terminal.shows("`torpor run AGENT --continue` goes on prompt by prompt")
        assert b"\x1b" not in terminal.written


def test_without_a_key_the_way_to_one_is_told(daemon, tmp_path):
    env = {"TORPOR_SOCKET": str(daemon.socket), "XDG_STATE_HOME": str(tmp_path)}
    keys = dict.fromkeys(("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY"), "")
    with at_terminal(columns=200, **env, **keys) as terminal:
        terminal.wait_for_end()
        assert terminal.program.returncode == exits.USAGE
        assert terminal.shows("set one of ANTHROPIC_API_KEY", "torpor chat echo")


def test_long_lists_prompts_and_pastes_have_their_room(chat, daemon, vm):
    files = [{"path": f"/home/user/many/{number:03}.txt", "content": ""} for number in range(commands.LISTED + 20)]
    with chat(rows=24) as terminal:
        with daemon.connect() as api:
            api.client.call("vm.getOrCreate", vm=vm)  # the program may not have come so far
            api.client.call("writeFiles", vm=vm, files=files)
        terminal.type(f"/files many{ENTER}")
        terminal.until(f"0 bytes  {commands.LISTED - 1:03}.txt", "…")
        assert not terminal.shows(f"{commands.LISTED:03}.txt")
        terminal.type("\x1b[200~" + "\n".join("x" * (LONG_LINES - 1)) + "\x1b[201~")
        terminal.wait(
            lambda: terminal.screen.display.count("  x".ljust(80)) == INPUT_ROWS, "a prompt line of its largest size"
        )
        terminal.type("\x15\x03")
        terminal.wait(lambda: not terminal.shows("  x"), "an empty prompt line")
        terminal.type("\x1b[200~" + "\n".join("y" * LONG_LINES) + "\x1b[201~")
        terminal.until(f"› [pasted 1: {LONG_LINES} lines]")
        terminal.type("\x03/")
        terminal.until("› /\n", "/help", f"{vm} · ")
        assert sum("  /" in line for line in terminal.screen.display) == MENU_ROWS
        terminal.type(f"\x15sleep 100000{ENTER}")
        terminal.until("Esc stops")
        for number in range(MAX_WAITING):
            terminal.type(f"{number}{ENTER}")
        terminal.until(f"… {MAX_WAITING - 3} more wait")
        terminal.type(f"more{ENTER}")
        terminal.until("too many prompts wait")


def test_a_long_block_that_is_not_complete_has_its_end_on_the_screen(chat):
    rows = 24
    text = "word " * (2 * LIVE_TEXT // 5)
    with chat(rows=rows) as terminal:
        terminal.type(f"say {text[: LIVE_TEXT // 2]}; say {text}; say END ; sleep 100000{ENTER}")
        terminal.until("END", "Esc stops")
        assert sum("word" in line for line in terminal.screen.display) <= rows - OTHER_ROWS
        terminal.type(ESCAPE)
        terminal.until("END", "the turn ended: cancelled")


def test_a_long_session_is_gone_on_with_at_its_end(chat):
    with chat() as terminal:
        terminal.type(f"say first;stream {REPLAYED_EVENTS + 100}{ENTER}say last{ENTER}")
        terminal.until("› say last\n", "\nlast\n", "· small")
        leave(terminal)
    with chat("--continue") as terminal:
        terminal.until("… what was before is in `torpor log`", "\nlast\n")
        assert not terminal.shows("say first")


def test_pi_asks_before_it_writes(chat):
    script = [say("I will **write** it."), call("write", path="a.txt", content="one\ntwo\n"), say("Done.")]
    with model(script) as served:
        env = [word for name, value in served.env.items() for word in ("--env", f"{name}={value}")]
        with chat("--mode", "ask", "--allow", served.host, *env, agent="pi") as terminal:
            terminal.until("· Ask")
            terminal.type(f"Hello{ENTER}")
            terminal.until("I will write it.", "% of ")
            terminal.type(f"Write a.txt{ENTER}")
            terminal.until("› Write a.txt", "? Allow: ", "a.txt", "› 1. ")
            terminal.type("y")
            terminal.until("✓ Write /home/user/a.txt", "/home/user/a.txt +2", "1 + one", "2 + two", "Done.", "% of ")
            terminal.type(f"/undo{ENTER}")
            terminal.until("the last turn is taken back")
            terminal.type(f"/files{ENTER}")
            terminal.wait(
                lambda: terminal.shows("› /files", "a.txt") or terminal.shows("› /files", "nothing is there"), "a list"
            )
            assert not terminal.shows("› /files", "a.txt")
