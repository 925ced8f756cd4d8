"""`fs`, the files of VMs and their past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.cli.table import add_vm

if TYPE_CHECKING:
    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the commands."""
    fs = table.group("fs", "read and write a VM's files")
    ls = fs.command("ls", "files:ls", "list a directory of the VM")
    ls.add_argument("path", metavar="PATH", nargs="?", default="/home/user", help="default: /home/user")
    ls.add_argument("-l", "--long", action="store_true", help="with type, mode, size and time")
    cat = fs.command("cat", "files:cat", "write a file of the VM to stdout")
    cat.add_argument("path", metavar="PATH", help="the file")
    put = fs.command("put", "files:put", "copy a local file into the VM")
    put.add_argument("local", metavar="LOCAL", help="the file to copy; - reads stdin")
    put.add_argument("path", metavar="PATH", help="where to; a path that ends in / keeps the name")
    rm = fs.command("rm", "files:rm", "remove a file from the VM")
    rm.add_argument("path", metavar="PATH", help="the file or directory")
    rm.add_argument("-r", "--recursive", action="store_true", help="remove directories with what they hold")
    cp = fs.command(
        "cp",
        "copies:cp",
        "copy files into the VM, out of it, or within it",
        epilog="A path in the VM begins with a colon: `torpor fs cp -r src :/home/user/`.",
    )
    cp.add_argument("source", metavar="SOURCE", help="what to copy")
    cp.add_argument("target", metavar="TARGET", help="where to; into it, if that is a directory")
    cp.add_argument("-r", "--recursive", action="store_true", help="copy directories with what they hold")
    mv = fs.command("mv", "files:mv", "rename a file or directory of the VM")
    mv.add_argument("source", metavar="FROM", help="what to rename")
    mv.add_argument("target", metavar="TO", help="its new path; into it, if that is a directory")
    tree = fs.command("tree", "files:tree", "list everything below a directory of the VM")
    tree.add_argument("path", metavar="PATH", nargs="?", default="/home/user", help="default: /home/user")
    tree.add_argument("--depth", metavar="N", type=int, help="how deep; 1: the directory's own entries")
    tree.add_argument(
        "--exclude",
        metavar="GLOB",
        action="append",
        default=[],
        help="leave out what has such a name, or with a slash such a path, and all below it (repeatable)",
    )
    for action in (ls, cat, put, rm, cp, mv, tree):
        add_vm(action)
    _register_past(fs)


def _register_past(fs: Table) -> None:
    point = "a snapshot's name, or SESSION@SEQ for what the turns of a session up to this event have left"
    snapshot = fs.command("snapshot", "past:snapshot", "keep the VM's files as they are, under a name")
    snapshot.add_argument("name", metavar="NAME", nargs="?", help="the name (default: one is made up)")
    snapshots = fs.command("snapshots", "past:snapshots", "list snapshots of the VM's files")
    snapshots.add_argument("--session", metavar="ID", help="those that the turns of a session have left")
    drop = fs.command("drop", "past:drop", "delete a snapshot, with what only it has kept")
    drop.add_argument("name", metavar="NAME", help="its name")
    diff = fs.command("diff", "past:diff", "tell what is different in the VM's files")
    diff.add_argument("before", metavar="FROM", help=point)
    diff.add_argument("after", metavar="TO", nargs="?", help="the same (default: as the files are now)")
    diff.add_argument("--path", metavar="PATH", help="only what is at this path or below it")
    restore = fs.command("restore", "past:restore", "put the VM to sleep and make its files what they were")
    restore.add_argument("to", metavar="POINT", help=point)
    restore.add_argument("--force", action="store_true", help="cancel turns and processes instead of waiting for them")
    for action in (snapshot, snapshots, drop, diff, restore):
        add_vm(action)
