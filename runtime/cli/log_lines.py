"""Lines of the daemon's log, as JSON or for people."""

from __future__ import annotations

import json
import os
import sys
import time
from itertools import count, takewhile
from pathlib import Path
from typing import IO, Any, Final

from runtime.cli import output

FOLLOW_SECONDS: Final = 0.2
"""Between two looks whether the file has grown."""


def read(path: Path) -> list[str]:
    """Return all lines of the log at `path`, those of older files first."""
    earlier = takewhile(Path.is_file, (path.with_name(f"{path.name}.{number}") for number in count(1)))
    return [
        line
        for file in [path, *earlier][::-1]
        if file.is_file()
        for line in file.read_text("utf-8", "replace").splitlines()
    ]


def follow(path: Path, *, as_json: bool) -> None:
    """Show each line that is appended, also after the file was replaced, until interrupted."""
    file = _opened(path)
    if file is not None:
        file.seek(0, os.SEEK_END)
    line = ""
    while True:
        while file is not None and (part := file.readline()):
            line += part
            if line.endswith("\n"):
                show(line.rstrip("\n"), as_json=as_json)
                line = ""
        if file is None or _identity(path) != os.fstat(file.fileno()).st_ino:
            replaced = _opened(path)
            if replaced is not None:
                if file is not None:
                    file.close()
                file = replaced
                continue
        time.sleep(FOLLOW_SECONDS)


def _opened(path: Path) -> IO[str] | None:
    try:
        return path.open(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _identity(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def show(line: str, *, as_json: bool) -> None:
    """Write a line to stdout."""
    if as_json:
        sys.stdout.write(line + "\n")
    else:
        for shown in _plain(line):
            sys.stdout.write(output.printable(shown) + "\n")
    sys.stdout.flush()


def _plain(line: str) -> list[str]:
    try:
        record = json.loads(line)
        shown = [f"{record['time']}  {record['level']:<7}  {record['logger']}: {record['message']}"]
        return shown + (_failure(record["exception"], "    ") if "exception" in record else [])
    except (ValueError, KeyError, TypeError):
        return [line]


def _failure(found: dict[str, Any], indent: str) -> list[str]:
    lines = [f"{indent}{found['type']}", *(f"{indent}  {place}" for place in found["at"])]
    for each in (*found.get("exceptions", ()), *((found["cause"],) if "cause" in found else ())):
        lines += _failure(each, indent + "  ")
    return lines
