"""The numbers of torpor:posix/sys, as its WIT has them."""

from __future__ import annotations

from typing import Final

DONE: Final = 0
"""The answer of a call that has nothing to tell."""

OUTSIDE: Final = 1
"""The pid of the parent that a process without one has: as on Linux, where init takes orphans. No process has it."""

LAST_PID: Final = (1 << 31) - 1
"""The highest number that a process can have."""

USER: Final = 1000
"""All of a VM are this user, and its group."""

TERMINALS: Final = 136 << 8
"""The device number of the first terminal, as /proc tells it: Linux's of pts/0."""

INODES: Final = 4096
FIRST_FD: Final = 64
"""Of /proc: inode numbers for each process, and which of these are its descriptors, from their directory's on."""

UMASK: Final = 0o022
"""Of a process that was started from outside."""

WORKING_DIRECTORY: Final = -100
"""Of paths: in place of a directory's descriptor (AT_FDCWD)."""

EXECUTABLE: Final = 0o111
"""Of modes: somebody may execute the file."""

NOW: Final = -1
AS_IT_IS: Final = -2
"""Of set-times."""

EXECUTE: Final = 1
"""Of access."""

PENDING: Final = 0
BLOCKED: Final = 8
ACTIONS: Final = 16
RECORD_BYTES: Final = 80
"""Of the record of signals: offsets, and its size."""

DEFAULT: Final = 0
IGNORED: Final = 1
HANDLED: Final = 2
"""Of its actions."""

SHARED: Final = 1
EXCLUSIVE: Final = 2
NOT_NOW: Final = 4
UNLOCK: Final = 8
"""Of lock."""

NO_HANG: Final = 1
UNTRACED: Final = 2
CONTINUES: Final = 8
NO_REAP: Final = 0x1000000
"""Of wait."""

DUPLICATE: Final = 0
CLOSE: Final = 1
GROUP: Final = 2
DIRECTORY: Final = 3
MOVE: Final = 4
"""Of spawn's actions."""

DRAIN: Final = 1
FLUSH: Final = 2
"""Of set-terminal: once all is written; and what was not read is thrown away."""

TREE: Final = 1
DEVICES: Final = 2
MOUNTS: Final = 3
NO_FILE: Final = 4
"""Of stat, which device: the VM's own tree and the base system's, its devices and /proc, host directories, no file."""

BLOCK: Final = 512
"""Of stat: bytes of a block."""
