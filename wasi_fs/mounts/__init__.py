"""Host directories in the VM's tree.

    nodes    inodes of the host, each held by a descriptor
    tree     names and attributes of one mounted directory
    content  what its files hold
    table    which directories are mounted where

All of it is done by the kernel, one component at a time and never through a link: `resolve` follows links itself, and
those of a mount lead nowhere else. Nothing of the host is cached between two operations.
"""

from __future__ import annotations

from wasi_fs.mounts.table import set_mounts
from wasi_fs.mounts.tree import Mount, open_top

__all__ = ["Mount", "open_top", "set_mounts"]
