"""wasmtime's own WASI 0.2 on a directory of the host, through the same Python package: what our host is held against."""

from __future__ import annotations

import tempfile
import time
from typing import TYPE_CHECKING, Any

import wasmtime
from wasmtime import component as wit

if TYPE_CHECKING:
    from collections.abc import Sequence

MEMORY_FILES = "/dev/shm"

RUN_VERSIONS = ("0.2.12", "0.2.6", "0.2.3", "0.2.0")
"""The versions of the interface under which the guests of this repository export `run`."""


class Native:
    """Runs command components with nothing of ours between them and wasmtime."""

    def __init__(self) -> None:
        self._engine = wasmtime.Engine(wasmtime.Config())
        self._linker: Any = wit.Linker(self._engine)
        self._linker.add_wasip2()
        self._programs: dict[bytes, Any] = {}

    def run(self, content: bytes, arguments: Sequence[str] = ()) -> float:
        """Seconds of CPU from the instantiation to the end, in a new directory that is the guest's root."""
        program = self._programs.get(content)
        if program is None:
            program = self._programs[content] = wit.Component(self._engine, content)
        with tempfile.TemporaryDirectory(dir=MEMORY_FILES) as root, tempfile.NamedTemporaryFile() as output:
            store: Any = wasmtime.Store(self._engine)
            config = wasmtime.WasiConfig()
            config.argv = ["bench", *arguments]
            config.stdout_file = output.name
            config.preopen_dir(root, "/")
            store.set_wasi(config)
            started = time.process_time()
            instance = self._linker.instantiate(store, program)
            names = (f"wasi:cli/run@{version}" for version in RUN_VERSIONS)
            exported = next(found for name in names if (found := instance.get_export_index(store, name)))
            instance.get_func(store, instance.get_export_index(store, "run", exported))(store)
            return time.process_time() - started
