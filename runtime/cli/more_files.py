"""More of `fs`, for what is done less often: `get`, `mkdir`, `stat`, `find`, `ln`, `chmod` and `truncate`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from runtime.api.defaults import HOME
from runtime.cli import exits, output
from runtime.cli.connecting import connect_to, vm_name
from runtime.cli.table import UsageError, add_vm

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table

MAX_MODE: Final = 0o7777
"""All permission bits that there are."""


def register(table: Table) -> None:
    """Enter the commands beside the others of `fs`."""
    fs = table.more("fs")
    command = fs.command("get", get, "copy a file or directory of the VM to this machine")
    command.add_argument("path", metavar="PATH", help="what to copy, in the VM")
    command.add_argument("local", metavar="LOCAL", nargs="?", default=".", help="where to (default: here)")
    add_vm(command)
    command = fs.command("mkdir", mkdir, "make a directory in the VM")
    command.add_argument("path", metavar="PATH", help="the directory")
    command.add_argument(
        "-p", "--parents", action="store_true", help="with what is missing above it; none may be there"
    )
    add_vm(command)
    command = fs.command(
        "stat", stat, "describe a file of the VM, a link itself", epilog="Exits with 1 when there is no such file."
    )
    command.add_argument("path", metavar="PATH", help="the file, directory or link")
    add_vm(command)
    command = fs.command("find", find, "list what has a name like a pattern, below a directory of the VM")
    command.add_argument("pattern", metavar="GLOB", help="the name, with * and ? for what may be anything")
    command.add_argument("path", metavar="PATH", nargs="?", default=HOME, help=f"default: {HOME}")
    add_vm(command)
    command = fs.command("ln", ln, "make a symbolic link in the VM")
    command.add_argument("target", metavar="TARGET", help="what the link holds")
    command.add_argument("path", metavar="PATH", help="where the link is to be")
    add_vm(command)
    command = fs.command("chmod", chmod, "set the permission bits of a file of the VM")
    command.add_argument("mode", metavar="MODE", help="in octal digits, as 755")
    command.add_argument("path", metavar="PATH", help="the file or directory")
    add_vm(command)
    command = fs.command("truncate", truncate, "cut a file of the VM off, or extend it by zeros")
    command.add_argument("path", metavar="PATH", help="the file")
    command.add_argument("size", metavar="BYTES", type=int, help="the size that it is to have")
    add_vm(command)


def get(args: argparse.Namespace) -> int:
    """Copy out of the VM, with what is below a directory."""
    from runtime.cli.files import copy_files

    return copy_files(args, f":{args.path}", args.local, recursive=True)


def mkdir(args: argparse.Namespace) -> int:
    """Make a directory."""
    return _change(args, "mkdir", path=args.path, recursive=args.parents or None)


def stat(args: argparse.Namespace) -> int:
    """Describe a file."""
    import stat as modes

    with connect_to(args) as client:
        found: dict[str, Any] = client.call("stat", vm=vm_name(args.vm), path=args.path, followLinks=False)
        if found["type"] == "symlink":
            found["target"] = client.call("readlink", vm=vm_name(args.vm), path=args.path)
    if args.json:
        output.write_json({"path": args.path, **found})
        return exits.OK
    rows = [
        ("path", args.path + (f" -> {found['target']}" if "target" in found else "")),
        ("type", found["type"]),
        ("size", f"{found['size']} bytes"),
        ("mode", modes.filemode(found["mode"])),
        ("modified", output.local_time(found["mtimeMs"])),
        ("names", str(found["nlink"])),
    ]
    for name, value in rows:
        sys.stdout.write(f"{name:<10}{output.one_line(value)}\n")
    return exits.OK


def find(args: argparse.Namespace) -> int:
    """List what has such a name; exit with FAILED where nothing has."""
    from fnmatch import fnmatchcase

    with connect_to(args) as client:
        entries = client.call("readdirRecursive", vm=vm_name(args.vm), path=args.path)
    found = [entry for entry in entries if fnmatchcase(entry["path"].rpartition("/")[2], args.pattern)]
    for entry in found:
        output.write_json(entry) if args.json else sys.stdout.write(output.printable(entry["path"]) + "\n")
    return exits.OK if found else exits.FAILED


def ln(args: argparse.Namespace) -> int:
    """Make a link."""
    return _change(args, "symlink", target=args.target, path=args.path)


def chmod(args: argparse.Namespace) -> int:
    """Set permission bits."""
    try:
        mode = int(args.mode, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= MAX_MODE:
        raise UsageError(f"{args.mode} is no mode: octal digits are expected, as 755")
    return _change(args, "chmod", path=args.path, mode=mode)


def truncate(args: argparse.Namespace) -> int:
    """Give a file a size."""
    return _change(args, "truncate", path=args.path, size=args.size)


def _change(args: argparse.Namespace, method: str, **params: Any) -> int:
    with connect_to(args) as client:
        client.call(method, vm=vm_name(args.vm), **params)
    if args.json:
        output.write_json(params)
    return exits.OK
