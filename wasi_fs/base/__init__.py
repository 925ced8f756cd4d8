"""The base system: files that every tree of a process shows and none of them has.

    layer   what is in it
    nodes   its inodes, as one tree has them
    tree    how one tree shows it beneath its own

A `Base` is a tree of directories, files and symlinks: the host makes it, all VMs share it, and no backend hears of it, so that
it counts for no quota and is in no export. It lies beneath a VM's own tree, path by path:

* What a VM has at a path wins. A name that its directory does not have is looked for in the base's directory of the same path,
  and listings are the union. Where the VM has a directory and the base a symlink to one (/bin), that one is united with it.
* A new name in a directory that only the base has makes the directory the VM's own first, with the base's mode.
* To write to a file of the base, or to change its attributes, by its path makes a copy of it the VM's own, as long as it has at
  most `COPIED_BYTES`, else EROFS; one that is emptied or replaced is not copied. Something can also be renamed onto its name.
* Its names cannot be taken away (EROFS): there are no marks for what is missing. What the VM removes of its own uncovers what
  the base has there.

Nothing is remembered about which directories of a VM lie over which of the base: it is looked up each time, and only for
names that the base has somewhere. So moves and removals need no care, and the paths of the VM's own files cost nothing.

`Base.replace` exchanges what is in a base, under all its trees at once; what is open stays what it was.
"""

from __future__ import annotations

from wasi_fs.base.layer import Base, Content, Digest

__all__ = ["Base", "Content", "Digest"]
