"""wasi:filesystem/preopens: the one preopen is the VM's root, under the name `/`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.engine import HostInterface
from runtime.wasi.filesystem.descriptor import Descriptor

if TYPE_CHECKING:
    from runtime.wasi.state import WasiState

preopens = HostInterface("wasi:filesystem/preopens")
preopens.resource("descriptor", Descriptor)


@preopens.function("get-directories")
def get_directories(state: WasiState) -> list[tuple[Descriptor, str]]:
    """The root, and nothing else."""
    root = state.filesystem.open("/", directory=True)
    return [(Descriptor(root), "/")]


INTERFACES: Final = (preopens,)
