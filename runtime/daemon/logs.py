"""The daemon's log: one JSON object a line in a file of its own, text for people on stderr.

Neither holds what users, agents and files say. Messages are the project's own and name VMs, sessions, methods and types; of an
exception the type and the places in the code are noted, not its message, which may quote a value. Libraries are heard from
WARNING on: at DEBUG they would note requests with their keys.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import time
import traceback
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any, Final

from runtime.text import whole

if TYPE_CHECKING:
    from io import TextIOWrapper
    from pathlib import Path

OURS: Final = ("torpor", "runtime", "wasi_fs")
"""The loggers that `--log-level` is about."""

MAX_FILE_BYTES: Final = 4 * 1024 * 1024
"""Some 30,000 lines: weeks of ordinary life."""

KEPT_FILES: Final = 4
"""Old ones: with the one in use 20 MiB at most, whatever happens."""

MAX_MESSAGE: Final = 2000
"""Characters; a name in it may come from a client."""

SELDOM_SECONDS: Final = 60.0
"""A person looks at a log every few minutes at most."""

MAX_FRAMES: Final = 20
"""The innermost of an exception: where it came from."""

Trouble = tuple[type[BaseException] | None, BaseException | None, Any]


def describe(error: BaseException) -> dict[str, Any]:
    """Return an exception's type and where it came from, innermost last, without its message; groups with all in them."""
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    description: dict[str, Any] = {
        "type": type(error).__qualname__,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if isinstance(error, OSError) and error.errno is not None:
        description["errno"] = error.errno
    if isinstance(error, BaseExceptionGroup):
        description["exceptions"] = [describe(each) for each in error.exceptions]
    if error.__cause__ is not None:
        description["cause"] = describe(error.__cause__)
    return description


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return {time, level, logger, message} and, of a failure, {exception}."""
        milliseconds = int(record.created * 1000)
        clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{clock}.{milliseconds % 1000:03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()[:MAX_MESSAGE],
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = describe(record.exc_info[1])
        return whole(json.dumps(line, ensure_ascii=False))  # a name in it may be no text


class PlainLines(logging.Formatter):
    """Formats a record for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line and, for an exception, its places in the code. Ignores the text that another handler made of it."""
        record.exc_text = None
        try:
            return super().format(record)
        finally:
            record.exc_text = None

    def formatException(self, ei: Trouble) -> str:  # noqa: N802 - logging's name
        """Return a traceback without messages and values."""
        return "" if ei[1] is None else "\n".join(_lines(describe(ei[1]), ""))


def _lines(description: dict[str, Any], indent: str) -> list[str]:
    lines = [f"{indent}Traceback: {description['type']}", *(f"{indent}  {place}" for place in description["at"])]
    for each in (*description.get("exceptions", ()), *((description["cause"],) if "cause" in description else ())):
        lines += _lines(each, indent + "    ")
    return lines


class _PrivateFile(RotatingFileHandler):
    """A rotated file that only its owner can read."""

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.fdopen(os.open(self.baseFilename, flags, 0o600), "a", encoding="utf-8")


class _Seldom(logging.Filter):
    """Lets a message through once a minute, without its traceback: for messages that come ten times a second, for ever."""

    _last = -math.inf

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        if record.created < self._last + SELDOM_SECONDS:
            return False
        self._last = record.created
        record.exc_info = None
        return True


def start_logging(level: str) -> None:
    """Log to stderr from now on."""
    logging.raiseExceptions = False  # a log that cannot be written, on a full disk, is no reason to say so at each line
    _set_up(logging.StreamHandler(sys.stderr), PlainLines())
    logging.getLogger().setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
    logging.getLogger("trio.serve_listeners").addFilter(_Seldom())  # no descriptor is left for another connection


def log_to_file(path: Path) -> None:
    """Log to `path`, too; the caller holds the lock of the state file that it belongs to. Raises OSError."""
    handler = _PrivateFile(path, maxBytes=MAX_FILE_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
    _set_up(handler, JsonLines())


def leave_stderr() -> None:
    """Log to the file alone."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler.formatter, PlainLines):
            root.removeHandler(handler)


def _set_up(handler: logging.Handler, formatter: logging.Formatter) -> None:
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)
