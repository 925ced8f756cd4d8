"""Folders of agents without a build, of any language, for a real daemon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from tests.patience import WAIT
from tests.system.daemon import Daemon, environment, fresh_name, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.system.daemon import Api

TORPOR = [sys.executable, "-m", "runtime.cli"]


class Language(NamedTuple):
    """What an agent's source is in it."""

    name: str
    """As `--lang` has it."""
    entry: str
    head: str
    """What comes before what is in the agent's class."""
    foot: str
    answer: str
    """What is in the class to answer with the value of an expression, which comes in the place of `{}`."""


@contextmanager
def running_with_agents(component_cache: Path, scratch: Path) -> Iterator[Daemon]:
    """A daemon with agents of its own."""
    directory = scratch / fresh_name("agents")
    variables = environment(component_cache, TORPOR_AGENTS=str(directory / "agents"))
    with running(Daemon(directory, variables)) as daemon:
        yield daemon
        assert daemon.stop() == 0


@contextmanager
def new_folder(api: Api, parent: Path, language: Language) -> Iterator[Folder]:
    """One that `torpor agent new` has made, added to the daemon."""
    name = fresh_name("scribe")
    command = [*TORPOR, "agent", "new", name, "--lang", language.name, "--dir", str(parent / name)]
    subprocess.run(command, check=True, capture_output=True)
    api.call("addAgent", path=str(parent / name))
    yield Folder(parent / name, name, language)
    api.call("removeAgent", name=name)


class Folder:
    """An agent's folder, that is added to the shared daemon."""

    def __init__(self, path: Path, name: str, language: Language) -> None:
        self.path = path
        self.name = name
        self._language = language

    def write(self, body: str) -> None:
        """Edit it: what is in the class."""
        text = f"{self._language.head}{body}{self._language.foot}"
        (self.path / self._language.entry).write_text(text)

    def answers(self, expression: str) -> None:
        """Edit it: what a prompt is answered with."""
        self.write(self._language.answer.replace("{}", expression))

    def manifest(self, old: str, new: str) -> None:
        """Edit its manifest, which has the one and then the other."""
        path = self.path / "agent.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def add(self, daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
        """`torpor agent add`."""
        command = [*TORPOR, "agent", "add", self.path, *words]
        variables = {**os.environ, "TORPOR_SOCKET": str(daemon.socket)}
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=WAIT, check=False)

    def is_tested(self, directory: Path, place: str) -> None:
        """`torpor test`, of what `agent new` has made: in its own process, or by the daemon of an executable."""
        tests = directory / "tests.yaml"
        steps = "[{prompt: hi, expect: {text: {contains: and you said}, tools: [execute]}}]"
        tests.write_text(
            f"agent: {self.path}\ntests:\n  - {{name: one, steps: {steps}}}\n  - {{name: two, steps: {steps}}}\n"
        )
        command = [*TORPOR, "test", tests, "--format", "tap", "--report", ""]
        if place == "executable":
            command += ["--executable", Path(sys.executable).with_name("torpor")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=False)
        passed = [line.rpartition(" ")[2] for line in done.stdout.splitlines() if line.startswith("ok ")]
        assert passed == ["one", "two"], done

    def dev(self, daemon: Daemon, bodies: Sequence[str]) -> list[str]:
        """`torpor agent dev` of what `agent new` has made, at edits of which the second is no program.

        The others say `edited` and `mended`, and `to see` to the developer. Returns the lines of stderr.
        """
        command = [*TORPOR, "agent", "dev", self.path, "hi", "--vm", fresh_name("dev")]
        variables = {**os.environ, "TORPOR_SOCKET": str(daemon.socket)}
        process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        late = threading.Timer(WAIT, process.kill)
        late.start()
        assert process.stdout is not None
        assert process.stderr is not None
        waiting = "torpor: waiting for an edit; Ctrl-C ends\n"
        try:
            assert process.stdout.readline() == "This is turn 1, and you said: hi\n"
            said = []
            for body, answer in zip(bodies, ("edited\n", None, "mended\n"), strict=True):
                said += _until(process.stderr, waiting)
                self.write(body)
                if answer is not None:
                    while (line := process.stdout.readline()) != answer:
                        assert line
            said += _until(process.stderr, waiting)
            process.send_signal(signal.SIGINT)
            assert process.wait(WAIT) == 0
        finally:
            late.cancel()
            process.kill()
            process.communicate()
        assert said.count(f"torpor: {self._language.entry} has changed\n") == len(bodies)
        assert "| to see\n" in said
        return said


def _until(stream: IO[str], last: str) -> list[str]:
    """The lines up to that one."""
    lines = []
    while not lines or lines[-1] != last:
        lines.append(stream.readline())
        assert lines[-1], lines
    return lines
