"""`export` and `import`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the commands."""
    export = table.command(
        "export",
        "portable:export",
        "write a VM with files and sessions to a new file",
        epilog="The values of env are left out: where the VM goes on, a session asks for them again.",
    )
    export.add_argument("vm", metavar="VM", help="the VM; parts of a name joined with /")
    export.add_argument("path", metavar="PATH", help="the file, which must not exist")
    import_ = table.command(
        "import",
        "portable:import_",
        "make a VM of a file that was exported",
        epilog="The file is distrusted: the VM may reach no host, and policies and cron jobs stay behind.",
    )
    import_.add_argument("path", metavar="PATH", help="the file")
    import_.add_argument("--vm", metavar="NAME", help="the VM's name (default: the one in the file)")
    import_.add_argument("--trust", action="store_true", help="take over hosts, policies and cron jobs as well")
