"""Runs of pytest from outside: what a failing test leaves behind, golden files, workers, and daemons."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from runtime.client.sync import connect
from tests.system.daemon import Daemon, environment, running

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., subprocess.CompletedProcess[str]]

FAILING = """
from runtime.testing.script import call, say

def test_it_fails(torpor_session, scripted_model):
    scripted_model.script(call("write", path="<b>.txt", content="one\\ntwo\\n"), say("Done & dusted."))
    session = torpor_session("pi", files={"start.txt": "x"})
    session.prompt("Write <script>alert(1)</script>").expect_text("Finished.")

def test_it_passes(torpor_session):
    torpor_session("echo").prompt("say hi").expect_text("hi")
"""

GOLDEN = """
def test_it(torpor_session):
    session = torpor_session("echo", permissions="once")
    session.prompt("toolcall /home/user/a.txt; permission Do it; say at 2026-01-02T03:04:05Z; stderr noise")
    session.expect_golden()
"""


ASYNC = """
import asyncio
import pytest

async def test_the_model(torpor_session, scripted_model):
    scripted_model.answer(lambda request: f"You said: {request.prompts()[-1]}")
    session = await torpor_session.aio("pi")
    turn = await session.aio.prompt("Hello")
    turn.expect_text("You said: Hello")

async def test_two_turns_at_once(torpor_session):
    sessions = [await torpor_session.aio("echo") for _ in range(2)]
    turns = await asyncio.gather(*(each.aio.prompt(f"say {number}") for number, each in enumerate(sessions)))
    assert [turn.text for turn in turns] == ["0", "1"]

async def test_a_turn_that_is_given_up(torpor_session):
    session = await torpor_session.aio("echo")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(session.aio.prompt("sleep 60000"), 0.1)
"""

EXPECTED = """\
session started: echo in /home/user
prompt
  toolcall /home/user/a.txt; permission Do it; say at <time>; stderr noise
tool completed: Edit /home/user/a.txt
  path: /home/user/a.txt
  -> diff of /home/user/a.txt
permission: Do it
permission selected: allow-once by client
text
  permission: allow-onceat <time>
turn ended: end_turn
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(source: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_agent.py").write_text(source)
        loaded = [] if entry_points(group="pytest11", name="torpor") else ["-p", "runtime.testing.plugin"]
        if not any("asyncio" in argument for argument in arguments):
            loaded += ["-p", "no:asyncio"]
        command = [sys.executable, "-m", "pytest", "-q", "-W", "error", *loaded, *arguments]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=180,  # the first run compiles, which takes a minute on a busy machine
            check=False,
        )

    return run


class Outside(HTMLParser):
    """Finds whatever a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs if name in {"src", "href", "srcset", "style"} or name.startswith("on")]
        inside = [value for name, value in attrs if name == "href" and str(value).startswith("#")]
        if tag in {"script", "link", "img", "iframe", "object"} or len(names) > len(inside):
            self.found.append(tag)


def test_a_failing_test_leaves_its_transcript_and_state(run: Run, tmp_path: Path, component_cache: Path) -> None:
    pytest.importorskip("xdist")
    done = run(FAILING, "-n2", "--junitxml=junit.xml", GITHUB_ACTIONS="true")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    # The message shows what was expected, found, and the transcript.
    assert "the agent's text is not as expected" in done.stdout
    assert "tool completed: Write /home/user/<b>.txt" in done.stdout
    assert re.search(
        r"^::error file=test_agent.py,line=4,title=test_it_fails::AssertionError", done.stdout, re.MULTILINE
    )

    again = run(FAILING, "-k", "fails")  # what an earlier run left is replaced
    assert "1 failed" in again.stdout
    (page,) = (tmp_path / "torpor-report").glob("*.html")
    text = page.read_text()
    outside = Outside()
    outside.feed(text)
    assert outside.found == []
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "Done &amp; dusted." in text
    assert "/v1/messages" in text
    # The place that the failure is about is marked, and linked to.
    assert text.count('id="here"') == 1
    assert '<li class="text" id="here">' in text

    cases = {case.get("name"): case for case in ET.parse(tmp_path / "junit.xml").iter("testcase")}  # noqa: S314
    properties = {each.get("name"): each.get("value") for each in cases["test_it_fails"].iter("property")}
    assert properties["torpor_transcript"] == str(page)
    assert properties["torpor_turns"] == "1"
    assert int(str(properties["torpor_fuel"])) > 0
    assert len(list(cases["test_it_passes"].iter("property"))) == 2

    daemon = Daemon(tmp_path / "d", environment(component_cache))
    daemon.state = Path(str(properties["torpor_state"]))
    with running(daemon), connect(daemon.socket) as client:
        (vm,) = client.call("vm.list")
        assert client.call("readFile", vm=vm["vm"], path="/home/user/<b>.txt")["content"] == "one\ntwo\n"
        (session,) = client.call("listPersistedSessions", vm=vm["vm"])
        assert client.call("getSessionEvents", vm=vm["vm"], sessionId=session["sessionId"])


def test_under_pytest_asyncio(run: Run) -> None:
    pytest.importorskip("pytest_asyncio")
    options = ["asyncio_mode=auto", "asyncio_default_fixture_loop_scope=function"]
    done = run(ASYNC, "-p", "no:trio", *(each for option in options for each in ("-o", option)))
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_golden_transcripts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "golden").mkdir()
    (tmp_path / "golden" / "test_it.txt").write_text(EXPECTED)
    changed = (
        GOLDEN.replace("test_it", "test_that").replace("Do it", "Do that").replace("golden()", "golden('test_it')")
    )
    done = run(GOLDEN + changed + GOLDEN.replace("test_it", "test_none"))
    assert "2 failed, 1 passed" in done.stdout, done.stdout
    assert "+permission: Do that" in done.stdout
    assert "--torpor-update writes it" in done.stdout


COLLIDING = """
import pytest

LONG = "x" * 300

@pytest.mark.parametrize("x", [
    "src/main.py", "lib/main.py", "a b", "a-b", "A-b", "a::b", "c::b", "ä", "ö", "", "/", LONG + "1", LONG + "2", "..", "CON",
])
def test_g(torpor_session, x):
    session = torpor_session("echo")
    session.prompt("say " + x[-3:] + str(len(x)) + ascii(x)[:5])
    session.expect_golden()

def test_G(torpor_session):
    session = torpor_session("echo")
    session.prompt("say capital")
    session.expect_golden()

class TestOne:
    def test_plain(self, torpor_session):
        session = torpor_session("echo")
        session.prompt("say " + type(self).__name__)
        session.expect_golden()

class TestTwo(TestOne):
    pass
"""

PLAIN = """
def test_plain(torpor_session):
    session = torpor_session("echo")
    session.prompt("say " + __name__)
    session.expect_golden()
"""
COLLIDE = 15 + 1 + 2
"""Tests in COLLIDING."""


def test_no_two_tests_share_a_golden_file(run: Run, tmp_path: Path) -> None:
    for name in ("test_one.py", "test_two.py", "deeper/test_one.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(PLAIN)
    everything = (
        "-n2",
        "-p",
        "xdist",
        "--import-mode=importlib",
        "test_agent.py",
        "test_one.py",
        "test_two.py",
        "deeper",
    )
    done = run(COLLIDING, "--torpor-update", *everything)
    assert f"{COLLIDE + 3} passed" in done.stdout, done.stdout
    assert "passed" in (again := run(COLLIDING, *everything)).stdout
    assert "failed" not in again.stdout, again.stdout
    names = [path.name for path in (tmp_path / "golden").iterdir()]
    assert len({name.casefold() for name in names}) == len(names) == COLLIDE + 2
    assert {"test_one.test_plain.txt", "test_two.test_plain.txt"} <= set(names)
    assert max(map(len, names)) < 150
    assert [path.name for path in (tmp_path / "deeper" / "golden").iterdir()] == ["test_one.test_plain.txt"]


def test_no_two_tests_share_a_report(run: Run, tmp_path: Path) -> None:
    failing = COLLIDING.replace("session.expect_golden()", "raise AssertionError(session.transcript())")
    done = run(failing, "-n2", "-p", "xdist")
    assert f"{COLLIDE} failed" in done.stdout, done.stdout
    kept = Counter(path.suffix for path in (tmp_path / "torpor-report").iterdir())
    assert kept == {".html": COLLIDE, ".db": COLLIDE}


TWICE = """
import pytest

@pytest.mark.parametrize("name", ["one", "two"])
def test_it(torpor_session, name):
    session = torpor_session("echo")
    session.prompt("say the same")
    session.expect_golden("shared")  # which is fine
    session.prompt("say " + name)
    session.expect_golden("greeting")

def test_that(torpor_session):
    for text in ("one", "two"):
        session = torpor_session("echo")
        session.prompt("say " + text)
        session.expect_golden()
"""


def test_a_name_that_two_transcripts_are_given_is_told(run: Run, tmp_path: Path) -> None:
    done = run(TWICE, "--torpor-update")
    assert "2 failed, 1 passed" in done.stdout, done.stdout
    assert done.stdout.count("greeting.txt was written before in this run, with another transcript") >= 1
    assert done.stdout.count("test_agent.test_that.txt was written before in this run") >= 1
    assert "one" in (tmp_path / "golden" / "greeting.txt").read_text()


def test_golden_files_of_old_are_found_where_they_were_one_tests(run: Run, tmp_path: Path) -> None:
    done = run(COLLIDING, "--torpor-update", "-k", "plain or a-b")
    assert done.returncode == 0, done.stdout
    golden = tmp_path / "golden"
    one = next(golden.glob("*TestOne*"))
    one.rename(golden / "test_plain.txt")
    next(golden.glob("*a-b*")).unlink()
    alone = run(COLLIDING, "-k", "TestOne")
    assert "there is no golden transcript" in alone.stdout  # TestTwo had the same
    source = COLLIDING.replace("TestTwo(TestOne)", "Two(TestOne)")
    assert "1 passed" in run(source, "-k", "TestOne").stdout
    changed = source.replace("type(self).__name__", "'something else'")
    assert "the transcript is not as in test_plain.txt" in run(changed, "-k", "TestOne").stdout
    assert "1 passed" in run(changed, "-k", "TestOne", "--torpor-update").stdout
    assert "1 passed" in run(changed, "-k", "TestOne").stdout


def test_against_a_daemon(run: Run, tmp_path: Path, component_cache: Path) -> None:
    daemon = Daemon(tmp_path / "d", environment(component_cache))
    with running(daemon):
        done = run(GOLDEN, f"--torpor-socket={daemon.socket}", "--torpor-update")
        assert done.returncode == 0, done.stdout + done.stderr
        with connect(daemon.socket) as client:
            assert client.call("vm.list") == []


def test_against_an_executable(run: Run) -> None:
    executable = Path(sys.executable).with_name("torpor")
    path = Path(__file__).resolve().parents[2] / "agents" / "echo"
    source = GOLDEN.replace('"echo"', repr(str(path)))
    done = run(source, f"--torpor-executable={executable}", "--torpor-update")
    assert done.returncode == 0, done.stdout + done.stderr
