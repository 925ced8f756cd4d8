"""`torpor fs`: a VM's files, whether it sleeps or not."""

from __future__ import annotations

import base64
import stat
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from runtime.cli import exits, output, progress
from runtime.cli.connecting import connect_to, vm_name

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from runtime.client.sync import Client

PIECE_BYTES: Final = 8 * 1024 * 1024
"""Of a file, read at a time: half of what one answer may hold."""


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
    for piece in _pieces(args):
        if args.json:
            kept.append(piece)
        else:
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    if args.json:
        content = {"base64": base64.b64encode(b"".join(kept)).decode()}
        output.write_json({"path": args.path, "content": content})
    return exits.OK


def _pieces(args: argparse.Namespace) -> Iterator[bytes]:
    offset = 0
    with connect_to(args) as client:
        while True:
            piece = {"path": args.path, "encoding": "base64", "offset": offset, "length": PIECE_BYTES}
            read = progress.call(client, "reading", "readFile", vm=vm_name(args.vm), **piece)
            data = base64.b64decode(read["content"]["base64"])
            yield data
            offset += len(data)
            if len(data) < PIECE_BYTES:
                return


def put(args: argparse.Namespace) -> int:
    """Copy a local file into the VM, byte for byte."""
    data = sys.stdin.buffer.read() if args.local == "-" else Path(args.local).read_bytes()
    path = args.path
    if path.endswith("/"):
        if args.local == "-":
            output.say("stdin has no name: give the whole path")
            return exits.USAGE
        path += Path(args.local).name
    content = {"base64": base64.b64encode(data).decode()}
    with connect_to(args) as client:
        progress.call(client, "writing", "writeFile", vm=vm_name(args.vm), path=path, content=content)
    if args.json:
        output.write_json({"path": path, "bytes": len(data)})
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
    kinds = {"directory": stat.S_IFDIR, "symlink": stat.S_IFLNK}
    mode = stat.S_IMODE(entry["mode"]) | kinds.get(entry["type"], stat.S_IFREG)
    return stat.filemode(mode), str(entry["size"]), output.local_time(entry["mtimeMs"]), entry["name"]
