"""/proc: what the host tells of itself and of what runs, made when it is asked for, in no backend.

    entries  files, directories and links, as the host gives them
    nodes    their inodes
    tree     how one tree shows them

It is read-only (EROFS), in no change set, no quota and no export. What a VM has of its own under that name, from before there
was a /proc, takes its place. Who sees what there is the host's business; as long as it puts nothing there, the directory is
empty.
"""

from __future__ import annotations

from wasi_fs.proc.entries import MadeDirectory, MadeFile, MadeLink

__all__ = ["MadeDirectory", "MadeFile", "MadeLink"]
