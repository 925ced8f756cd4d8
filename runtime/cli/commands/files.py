"""`fs`."""

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
    for action in (ls, cat, put, rm):
        add_vm(action)
