"""What the host functions of a guest get: WASI's state, and the process that the guest runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from runtime.wasi.state import WasiState

if TYPE_CHECKING:
    from runtime.posix.process import PosixProcess
    from runtime.wasi.streams import Source


@attrs.define(eq=False, kw_only=True)
class PosixState(WasiState):
    """See the module's docstring."""

    process: PosixProcess

    def interruption(self) -> Source:
        """A signal that the process is to handle. Only programs that have told where their signals' record is get one."""
        return self.process.interruption()
