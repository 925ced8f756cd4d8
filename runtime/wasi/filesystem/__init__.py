"""wasi:filesystem (WASI 0.2): the tree of a VM as guests see it.

    types       the functions of wasi:filesystem/types
    preopens    those of wasi:filesystem/preopens
    descriptor  the resources, and how their methods are registered: with waits and error codes
    streams     files as wasi:io streams
    devices     /dev/stdin and its like: the program's own streams, reached through a descriptor
    sync        `sync`, and descriptors whose writes are durable when they return

The tree itself is the package `wasi_fs`, which knows nothing of guests.
"""

from __future__ import annotations

from typing import Final

from runtime.wasi.filesystem import preopens, types

INTERFACES: Final = (*types.INTERFACES, *preopens.INTERFACES)
