"""The trees of all VMs: one for each, as long as anybody holds it, for two would disagree."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from runtime.vms.options import VmOptions
from runtime.vms.volume import Volume

if TYPE_CHECKING:
    from runtime.store.store import Store
    from runtime.store.vms import VmRecord
    from wasi_fs import Base

MAX_IDLE_VOLUMES: Final = 32
"""Trees of sleeping VMs that clients read just now: what a few dozen open file browsers need."""


class Volumes:
    """By VM. The last ones that were asked for are kept in memory."""

    def __init__(self, store: Store, base: Base) -> None:
        self._store = store
        self._base = base
        self._volumes: WeakValueDictionary[int, Volume] = WeakValueDictionary()  # by the VM's row
        self._recent: deque[Volume] = deque(maxlen=MAX_IDLE_VOLUMES)

    def __len__(self) -> int:
        return len(self._volumes)

    def of(self, record: VmRecord) -> Volume:
        """The tree of a VM."""
        volume = self._volumes.get(record.row)
        if volume is None:
            options = VmOptions.parse(record.options)
            volume = self._volumes[record.row] = Volume(self._store, record, options, base=self._base)
        if volume not in self._recent:
            self._recent.append(volume)
        return volume

    def in_memory(self, record: VmRecord) -> Volume | None:
        """The tree of a VM, if it is in memory anyhow."""
        return self._volumes.get(record.row)

    def forget(self, record: VmRecord) -> None:
        """The VM is gone."""
        volume = self._volumes.pop(record.row, None)
        self._recent = deque((each for each in self._recent if each is not volume), MAX_IDLE_VOLUMES)
