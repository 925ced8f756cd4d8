"""What the host functions of a guest get: WASI's state, and the process that the guest runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from runtime.wasi.state import WasiState

if TYPE_CHECKING:
    from runtime.posix.process import PosixProcess


@attrs.define(eq=False, kw_only=True)
class PosixState(WasiState):
    """See the module's docstring."""

    process: PosixProcess
