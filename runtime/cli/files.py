"""`torpor fs`: a VM's files, whether it sleeps or not."""

from __future__ import annotations

import base64
import contextlib
import os
import stat
import sys
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from runtime.cli import exits, output, pieces, progress
from runtime.cli.connecting import connect_to, vm_name

if TYPE_CHECKING:
    import argparse

    from runtime.client.sync import Client


def ls(args: argparse.Namespace) -> int:
    """List a directory, or name a file."""
    vm = vm_name(args.vm)
    with connect_to(args) as client:
        found = client.call("stat", vm=vm, path=args.path)
        is_directory = found["type"] == "directory"
        names = sorted(client.call("readdir", vm=vm, path=args.path)) if is_directory else [args.path]
        if not args.long:
            for name in names:
                output.write_json({"name": name}) if args.json else sys.stdout.write(output.printable(name) + "\n")
            return exits.OK
        entries = [_entry(client, vm, args.path, name) for name in names]
    if args.json:
        for entry in entries:
            output.write_json(entry)
    else:
        output.write_table(("MODE", "SIZE", "MODIFIED", "NAME"), [_row(entry) for entry in entries])
    return exits.OK


def cat(args: argparse.Namespace) -> int:
    """Write a file to stdout, byte for byte."""
    kept = []
    sys.stdout.flush()
    with connect_to(args) as client:
        for piece in pieces.read(partial(progress.call, client, "reading", vm=vm_name(args.vm)), args.path):
            if args.json:
                kept.append(piece)
            else:
                sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()
    if args.json:
        content = {"base64": base64.b64encode(b"".join(kept)).decode()}
        output.write_json({"path": args.path, "content": content})
    return exits.OK


def put(args: argparse.Namespace) -> int:
    """Copy a local file into the VM, byte for byte; one that breaks off changes nothing."""
    path = args.path
    if path.endswith("/"):
        if args.local == "-":
            output.say("stdin has no name: give the whole path")
            return exits.USAGE
        path += Path(args.local).name
    with (
        contextlib.nullcontext(sys.stdin.buffer) if args.local == "-" else Path(args.local).open("rb") as file,
        connect_to(args) as client,
        progress.Line("writing") as line,
    ):
        status = os.fstat(file.fileno())
        content = line.watch(pieces.cut(file), total=status.st_size if stat.S_ISREG(status.st_mode) else 0)
        size = pieces.write(partial(client.call, vm=vm_name(args.vm)), path, content)
    if args.json:
        output.write_json({"path": path, "bytes": size})
    return exits.OK


def rm(args: argparse.Namespace) -> int:
    """Remove a file, or a directory with what it holds."""
    with connect_to(args) as client:
        client.call("deleteFile", vm=vm_name(args.vm), path=args.path, recursive=args.recursive or None)
    if args.json:
        output.write_json({"path": args.path, "deleted": True})
    return exits.OK


def mv(args: argparse.Namespace) -> int:
    """Rename, into a directory that is there."""
    with connect_to(args) as client:
        target = into(client, vm_name(args.vm), args.source, args.target)
        client.call("move", vm=vm_name(args.vm), **{"from": args.source, "to": target})
    if args.json:
        output.write_json({"from": args.source, "to": target})
    return exits.OK


def tree(args: argparse.Namespace) -> int:
    """List everything below a directory."""
    with connect_to(args) as client:
        found = client.call(
            "readdirRecursive", vm=vm_name(args.vm), path=args.path, maxDepth=args.depth, exclude=args.exclude or None
        )
    for entry in found:
        if args.json:
            output.write_json(entry)
        else:
            sys.stdout.write(output.one_line(entry["path"]) + ("/" if entry["type"] == "directory" else "") + "\n")
    return exits.OK


def into(client: Client, vm: str | list[str], source: str, target: str) -> str:
    """Where a file goes that is put at `target`: below it, under its own name, if that is a directory."""
    if client.call("exists", vm=vm, path=target) and client.call("stat", vm=vm, path=target)["type"] == "directory":
        return f"{target.rstrip('/')}/{PurePosixPath(source).name}"
    return target


def _entry(client: Client, vm: str | list[str], directory: str, name: str) -> dict[str, Any]:
    path = str(PurePosixPath(directory) / name)
    return {"name": name, **client.call("stat", vm=vm, path=path, followLinks=False)}


def _row(entry: dict[str, Any]) -> tuple[str, str, str, str]:
    return stat.filemode(entry["mode"]), str(entry["size"]), output.local_time(entry["mtimeMs"]), entry["name"]
