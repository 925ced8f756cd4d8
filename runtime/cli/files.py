"""The files of VMs, whether they sleep or not: `fs` but for their past, which is `runtime.cli.history`'s."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from runtime.api.defaults import HOME
from runtime.cli import exits, output, progress
from runtime.cli.connecting import connect_to, vm_name
from runtime.cli.table import add_vm

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table
    from runtime.client.sync import Client


def register(table: Table) -> None:
    """Enter the commands."""
    fs = table.group("fs", "read and write a VM's files")
    command = fs.command("ls", ls, "list a directory of the VM")
    command.add_argument("path", metavar="PATH", nargs="?", default=HOME, help=f"default: {HOME}")
    command.add_argument("-l", "--long", action="store_true", help="with type, mode, size and time")
    add_vm(command)
    command = fs.command("cat", cat, "write a file of the VM to stdout")
    command.add_argument("path", metavar="PATH", help="the file")
    add_vm(command)
    command = fs.command("put", put, "copy a local file into the VM")
    command.add_argument("local", metavar="LOCAL", help="the file to copy; - reads stdin")
    command.add_argument("path", metavar="PATH", help="where to; a path that ends in / keeps the name")
    add_vm(command)
    command = fs.command("rm", rm, "remove a file from the VM")
    command.add_argument("path", metavar="PATH", help="the file or directory")
    command.add_argument("-r", "--recursive", action="store_true", help="remove directories with what they hold")
    add_vm(command)
    command = fs.command(
        "cp",
        cp,
        "copy files into the VM, out of it, or within it",
        epilog=f"A path in the VM begins with a colon: `torpor fs cp -r src :{HOME}/`.",
    )
    command.add_argument("source", metavar="SOURCE", help="what to copy")
    command.add_argument("target", metavar="TARGET", help="where to; into it, if that is a directory")
    command.add_argument("-r", "--recursive", action="store_true", help="copy directories with what they hold")
    add_vm(command)
    command = fs.command("mv", mv, "rename a file or directory of the VM")
    command.add_argument("source", metavar="FROM", help="what to rename")
    command.add_argument("target", metavar="TO", help="its new path; into it, if that is a directory")
    add_vm(command)
    command = fs.command("tree", tree, "list everything below a directory of the VM")
    command.add_argument("path", metavar="PATH", nargs="?", default=HOME, help=f"default: {HOME}")
    command.add_argument("--depth", metavar="N", type=int, help="how deep; 1: the directory's own entries")
    command.add_argument(
        "--exclude",
        metavar="GLOB",
        action="append",
        default=[],
        help="leave out what has such a name, or with a slash such a path, and all below it (repeatable)",
    )
    add_vm(command)


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
    import base64

    from runtime.cli import pieces

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
    from pathlib import Path

    from runtime.cli import pieces

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


def cp(args: argparse.Namespace) -> int:
    """Copy; a path that begins with a colon is in the VM."""
    if not (args.source.startswith(":") or args.target.startswith(":")):
        output.say("neither path is in the VM: such a one begins with a colon")
        return exits.USAGE
    return copy_files(args, args.source, args.target, recursive=args.recursive)


def copy_files(args: argparse.Namespace, source: str, target: str, *, recursive: bool) -> int:
    """Copy, and tell how much; `fs get` is this as well."""
    from runtime.cli.copying import CopyError, copy

    with connect_to(args) as client:
        try:
            copied = copy(client, vm_name(args.vm), source, target, recursive=recursive)
        except CopyError as failure:
            output.say(str(failure))
            return exits.FAILED
    if args.json:
        output.write_json({"files": copied})
    return exits.OK


def mv(args: argparse.Namespace) -> int:
    """Rename, into a directory that is there."""
    from runtime.cli.copying import into

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


def _entry(client: Client, vm: str | list[str], directory: str, name: str) -> dict[str, Any]:
    from pathlib import PurePosixPath

    path = str(PurePosixPath(directory) / name)
    return {"name": name, **client.call("stat", vm=vm, path=path, followLinks=False)}


def _row(entry: dict[str, Any]) -> tuple[str, str, str, str]:
    return stat.filemode(entry["mode"]), str(entry["size"]), output.local_time(entry["mtimeMs"]), entry["name"]
