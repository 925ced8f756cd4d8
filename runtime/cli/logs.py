"""`torpor logs`: the daemon's log, whether it runs or not."""

from __future__ import annotations

import json
import os
import sys
import time
from itertools import count, takewhile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from runtime.api.endpoint import socket_path
from runtime.cli import exits, output
from runtime.cli.connecting import greet
from runtime.cli.serve import state_path
from runtime.client.sync import ClientError

if TYPE_CHECKING:
    import argparse

FOLLOW_SECONDS: Final = 0.2  # between two looks whether the file has grown


def run(args: argparse.Namespace) -> int:
    """Print the last lines, and with `--follow` what comes."""
    path = _path(args)
    earlier = takewhile(Path.is_file, (path.with_name(f"{path.name}.{number}") for number in count(1)))
    lines = [
        line
        for file in [path, *earlier][::-1]
        if file.is_file()
        for line in file.read_text("utf-8", "replace").splitlines()
    ]
    if not lines and not args.follow:
        output.say(f"there is no log at {path}: no daemon has run with that state file")
        return exits.FAILED
    for line in lines[-args.lines :] if args.lines else ():
        _print(line, as_json=args.json)
    if args.follow:
        _follow(path, as_json=args.json)
    return exits.OK


def _path(args: argparse.Namespace) -> Path:
    """Where the daemon that runs says, else beside the state file."""
    if args.state is None:
        try:
            client, _ = greet(socket_path(args.socket))
            with client:
                return Path(client.call("daemon.status")["log"])
        except (ClientError, OSError, KeyError):
            pass
    state = state_path(args.state)
    return state.with_name(state.name + ".log")


def _follow(path: Path, *, as_json: bool) -> None:
    file = _opened(path)
    if file is not None:
        file.seek(0, os.SEEK_END)
    line = ""
    while True:
        while file is not None and (part := file.readline()):
            line += part
            if line.endswith("\n"):
                _print(line.rstrip("\n"), as_json=as_json)
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


def _print(line: str, *, as_json: bool) -> None:
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
