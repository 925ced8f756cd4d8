"""The daemon's log: what is in it, what never is, and how much of it there is."""

from __future__ import annotations

import json
import logging
import stat
from typing import TYPE_CHECKING

import pytest

from runtime.daemon import logs
from tests.system.daemon import Daemon, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.places import Place

WORDS = {
    "prompt": "prompt-c3a1",
    "env": "env-value-77f0",
    "secret": "secret-value-19bd",
    "file": "file-content-5e2c",
    "answer": "answer-8d41",
    "error": "error-of-an-agent-4b7e",
    "command": "command-line-2af9",
}


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """Logging as it was, afterwards."""
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    levels = {name: logging.getLogger(name).level for name in logs.OURS}
    yield root
    for handler in root.handlers[:]:
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    root.setLevel(level)
    logging.raiseExceptions = raising
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def test_nothing_of_contents_is_ever_in_it(component_cache: Path, place: Place) -> None:
    """At the level that says most, with agents that fail and crash, calls that are wrong, and files that cannot be read."""
    daemon = Daemon(place.directory / "d", dict(place.environment))
    daemon.arguments = ["--log-level", "debug"]
    with running(daemon), daemon.connect() as api:
        api.call("vm.getOrCreate", vm="v")
        options = {"env": {"TOKEN": WORDS["env"]}, "secrets": {"KEY": WORDS["secret"]}}
        for prompt in (
            f"say {WORDS['answer']} {WORDS['prompt']}",
            f"fail {WORDS['error']}",
            f"stderr {WORDS['error']}",
            "env TOKEN",
            "env KEY",
            f"fswrite /home/user/f {WORDS['file']}",
            f"terminal {WORDS['command']}",
            "garbage",
            "crash",
            "exit 3",
        ):
            session = api.call("createSession", vm="v", agentType="echo", options=options)["sessionId"]
            pending = api.start("sendPrompt", vm="v", sessionId=session, prompt=prompt)
            assert api.client.wait(pending, 30)
        api.call("writeFile", vm="v", path="/home/user/g", content=WORDS["file"])
        api.error("writeFile", vm="v", path="/nowhere/deep/g", content={"base64": WORDS["file"]})
        api.error("sendPrompt", vm="v", sessionId="none", prompt=[{"type": "image", "data": WORDS["prompt"]}])
        api.error("createSession", vm="v", agentType="echo", options={"env": {"A": [WORDS["env"]]}})
        api.call("vm.sleep", vm="v")
        assert daemon.stop() == 0
    written = {path.name: path.read_text() for path in daemon.state.parent.glob("*.log*")}
    assert "sendPrompt took" in written["state.db.log"]
    for text in (*written.values(), daemon.log.read_text()):
        for kind, word in WORDS.items():
            assert word not in text, kind


def fail() -> None:
    try:
        int(WORDS["secret"])
    except ValueError as error:
        raise ExceptionGroup(WORDS["file"], [KeyError(WORDS["env"]), OSError(28, WORDS["prompt"])]) from error


def test_an_exception_is_its_type_and_place_and_not_its_message(
    root: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.start_logging("info")
    logs.log_to_file(tmp_path / "log")
    try:
        fail()
    except ExceptionGroup:
        logging.getLogger("runtime.test").exception("%s failed", "a method")
    line = json.loads((tmp_path / "log").read_text())
    assert (line["level"], line["logger"], line["message"]) == ("error", "runtime.test", "a method failed")
    assert line["exception"]["type"] == "ExceptionGroup"
    assert line["exception"]["cause"]["type"] == "ValueError"
    assert [each["type"] for each in line["exception"]["exceptions"]] == ["KeyError", "OSError"]
    assert line["exception"]["exceptions"][1]["errno"] == 28
    assert line["exception"]["at"][-1].endswith(" fail")
    shown = capsys.readouterr().err
    assert "Traceback: ExceptionGroup" in shown
    for text in (shown, json.dumps(line)):
        assert not [word for word in WORDS.values() if word in text]


def test_it_is_rotated_private_and_bounded(
    root: logging.Logger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MAX_FILE_BYTES", 2000)
    logs.start_logging("warning")
    logs.log_to_file(tmp_path / "log")
    logger = logging.getLogger("torpor")
    for number in range(200):
        logger.warning("line %d", number)
        logger.info("not asked for")
    logger.warning("x" * 10_000)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 1 + logs.KEPT_FILES
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert max(len(line["message"]) for line in lines) == logs.MAX_MESSAGE
    assert {line["level"] for line in lines} == {"warning"}


def test_a_name_that_is_no_text_does_not_lose_its_line(root: logging.Logger, tmp_path: Path) -> None:
    logs.start_logging("info")
    logs.log_to_file(tmp_path / "log")
    logging.getLogger("runtime.test").warning("cannot read %s", "a\udcff")
    assert json.loads((tmp_path / "log").read_text("utf-8"))["message"] == "cannot read a\ufffd"


def test_libraries_are_heard_from_warning_on(root: logging.Logger, tmp_path: Path) -> None:
    logs.start_logging("debug")
    logs.log_to_file(tmp_path / "log")
    for name in ("httpcore.http11", "websockets", "trio"):
        logging.getLogger(name).debug("a header with a key")
        logging.getLogger(name).info("a header with a key")
    logging.getLogger("runtime.rpc").debug("ours")
    assert [json.loads(line)["message"] for line in (tmp_path / "log").read_text().splitlines()] == ["ours"]


def test_a_link_in_its_place_is_not_followed(root: logging.Logger, tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        logs.log_to_file(tmp_path / "log")
    assert not (tmp_path / "elsewhere").exists()


def test_of_where_an_exception_came_from_the_innermost_is_told() -> None:
    def fall(depth: int) -> None:
        if not depth:
            raise ValueError("deep")
        fall(depth - 1)

    with pytest.raises(ValueError, match="deep") as caught:
        fall(2 * logs.MAX_FRAMES)
    found = logs.describe(caught.value)["at"]
    assert len(found) == logs.MAX_FRAMES
    assert all(each.endswith(" fall") for each in found)
