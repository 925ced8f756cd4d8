"""Advisory locks of whole files (flock): of open file descriptions, each shared or exclusive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.wasi.streams import Source

if TYPE_CHECKING:
    from runtime.posix.descriptions import File, Folder


class Locks(Source):
    """Those of a VM. Whoever waits is told of every lock that is given up."""

    def __init__(self) -> None:
        super().__init__()
        self._shared: dict[int, set[File | Folder]] = {}
        self._exclusive: dict[int, File | Folder] = {}

    def is_ready(self) -> bool:
        """See Source: whoever waits looks himself."""
        return False

    def take(self, holder: File | Folder, *, exclusive: bool) -> bool:
        """Lock what is open, in place of the lock that the description has; whether that was possible."""
        ino = holder.handle.node.ino
        owner = self._exclusive.get(ino)
        others = self._shared.get(ino, set()) - {holder}
        if (owner is not None and owner is not holder) or (exclusive and others):
            return False
        self.give_up(holder)
        if exclusive:
            self._exclusive[ino] = holder
        else:
            self._shared.setdefault(ino, set()).add(holder)
        return True

    def give_up(self, holder: File | Folder) -> None:
        """The description has no lock any more."""
        ino = holder.handle.node.ino
        if self._exclusive.get(ino) is holder:
            del self._exclusive[ino]
        elif holder in self._shared.get(ino, ()):
            self._shared[ino].discard(holder)
            if not self._shared[ino]:
                del self._shared[ino]
        else:
            return
        self.notify()
