"""The VMs of a file that is read only: what can be told of VMs that sleep, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from runtime.api.errors import ApiError, ErrorCode
from runtime.hub import Hub
from runtime.vms.awake import AwakeVms
from runtime.vms.host import Host
from runtime.vms.queries import HostQueries
from runtime.vms.volumes import Volumes
from wasi_fs import Base

if TYPE_CHECKING:
    import trio

    from runtime.store.store import Store
    from runtime.store.vms import VmRecord
    from runtime.vms.catalogue import Catalogue
    from runtime.vms.volume import Volume


class _StoredVolumes(Volumes):
    """What the file holds: nothing of this machine is mounted in it, nor is there a base system beneath it."""

    def of(self, record: VmRecord) -> Volume:
        options = {name: value for name, value in record.options.items() if name != "mounts"}
        return super().of(attrs.evolve(record, options=options))


class ViewedHost(Host):
    """A host whose VMs do not wake. Who serves it offers only methods that read."""

    def __init__(self, store: Store, agents: Catalogue, nursery: trio.Nursery) -> None:
        self.store = store
        self.hub = Hub()
        self._volumes = _StoredVolumes(store, Base())
        self._awake = AwakeVms(store, self.hub, nursery, _asleep)
        self.queries = HostQueries(store, agents, self._awake, self._volumes)

    def status(self) -> dict[str, Any]:
        """Figures as a daemon has them."""
        return {"vms": self.store.vms.count(), "awake": 0, "state": str(self.store.path)}


def _asleep(record: VmRecord) -> NoReturn:
    raise ApiError(ErrorCode.READ_ONLY, f"VM {record.name} is in a file that is open for reading only")
