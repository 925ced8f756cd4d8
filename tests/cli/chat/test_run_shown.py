"""What `torpor run` and `torpor log` show, with a real daemon and the agent echo."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from runtime.cli import exits
from tests.cli.chat.terminal import COMMAND, INTERRUPT, at_terminal
from tests.patience import WAIT

if TYPE_CHECKING:
    from tests.system.daemon import Daemon

PROMPT = "say # Title\\n\\nwith *words*\\n; toolcall a.txt; usage 12000 200000 0.03; thought Hm; say Done."

WAITING = re.compile(r"^echo: \d+ s$", re.MULTILINE)


def ran(daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TORPOR_SOCKET": str(daemon.socket)}
    return subprocess.run(
        [*COMMAND, *words, "--no-start"],
        env=env,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=WAIT,
    )


def test_into_a_pipe_goes_the_answer_alone(daemon):
    done = ran(daemon, "run", "echo", PROMPT, "--vm", "shown", "--session", "piped")
    assert (done.returncode, done.stdout) == (exits.OK, "# Title\n\nwith *words*\nDone.\n")
    assert done.stderr == (
        "* Edit /home/user/a.txt\n  /home/user/a.txt +1\n  1 + new\n"
        "torpor: $0.03, 12.0k tokens in the context\n"
        "torpor: session piped in VM shown (--session goes on with it)\n"
    )
    done = ran(daemon, "log", "piped")
    assert done.stdout == (
        f"› {PROMPT}\n\n# Title\n\nwith *words*\n\n✓ Edit /home/user/a.txt\n  /home/user/a.txt +1\n  1 + new\n\n"
        "∴ thought: Hm\n\nDone.\n"
    )
    assert ran(daemon, "log", "pip", "--json").stdout.count("\n") > 8


def test_a_terminal_is_shown_markdown(daemon):
    with at_terminal("run", "echo", PROMPT, "--vm", "shown", TORPOR_SOCKET=str(daemon.socket)) as terminal:
        assert terminal.code() == exits.OK
        assert terminal.shows("Title\n\nwith words\n* Edit", "∴ thought: Hm", "Done.\ntorpor: $0.03", "torpor: session")
        assert b"\x1b[3mwords" in terminal.written
    with at_terminal("log", "last", "--follow", "--vm", "shown", TORPOR_SOCKET=str(daemon.socket)) as terminal:
        terminal.until("› say # Title", "✓ Edit", "Done.")
        terminal.type(INTERRUPT)
    with at_terminal("run", "echo", PROMPT, TORPOR_SOCKET=str(daemon.socket), TERM="dumb") as terminal:
        assert terminal.code() == exits.OK
        assert terminal.shows("# Title\n\nwith *words*\n* Edit")
        assert b"\x1b" not in terminal.written


def test_that_something_goes_on_is_shown_at_a_terminal(daemon):
    with at_terminal("run", "echo", "sleep 100000", TORPOR_SOCKET=str(daemon.socket)) as terminal:
        terminal.wait(lambda: WAITING.search("\n".join(terminal.lines())) is not None, "a line that counts seconds")
        os.killpg(terminal.program.pid, 2)
        terminal.until("cancelling the prompt", "the turn ended: cancelled")
        terminal.wait_for_end()
        assert terminal.program.returncode == exits.INTERRUPTED
        assert not WAITING.search("\n".join(terminal.lines()))


def test_settings_and_files_of_a_prompt(daemon, tmp_path):
    assert '"model":"large"' in ran(daemon, "run", "echo", "state", "--model", "large", "--mode", "code").stdout
    (tmp_path / "a.txt").write_text("what is in it")
    done = ran(daemon, "run", "echo", f"see @{tmp_path}/a.txt", "--session", "attached")
    assert done.stdout.startswith("echo: see @")
    assert "what is in it" in ran(daemon, "log", "attached", "--json").stdout
    (tmp_path / "b.bin").write_bytes(b"\xff\xff")
    done = ran(daemon, "run", "echo", f"see @{tmp_path}/b.bin")
    assert (done.returncode, "neither text nor an image" in done.stderr) == (exits.USAGE, True)
