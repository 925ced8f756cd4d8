"""Host directories in the VM's tree.

    kernel   the kernel's errors and numbers as the filesystem's
    nodes    inodes of the host, each held by a descriptor
    scan     the names of one directory
    still    directories whose links stay as they are for a while
    tree     names and attributes of one mounted directory
    content  what its files hold
    removal  a subtree's
    table    which directories are mounted where
    direct   paths by which a program of the host may open a file

All of it is done by the kernel, one component at a time and never through a link: `resolve` follows links itself, and
those of a mount lead nowhere else. Nothing of the host is cached between two operations.
"""

from __future__ import annotations

from wasi_fs.mounts.still import HeldStillError
from wasi_fs.mounts.table import set_mounts
from wasi_fs.mounts.tree import open_top

__all__ = ["HeldStillError", "open_top", "set_mounts"]
