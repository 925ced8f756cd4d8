"""What of WebAssembly a guest may use, and the rest of wasmtime's configuration.

Whatever no guest needs is off: the less of the compiler and its runtime a guest can reach, the fewer of their faults are
ours. Each proposal that is on has its reason beside it; wasmtime names the one that is missing when it refuses a module.
"""

from __future__ import annotations

from typing import Final

import wasmtime

from runtime.engine import native

WASM_STACK_BYTES: Final = 1024 * 1024
"""SpiderMonkey's and CPython's parsers recurse deeply."""

FIBER_STACK_BYTES: Final = 2 * 1024 * 1024
"""The same, and the host's frames, which the fiber's stack holds too."""

SWITCHES: Final = {
    "consume_fuel": True,
    "wasm_exceptions": True,  # setjmp in C guests
    "wasm_simd": True,  # SpiderMonkey's string code
    "wasm_bulk_memory": True,  # every libc's memcpy
    "wasm_multi_value": True,  # the engine's own glue; compilers use it freely
    "wasm_reference_types": True,  # table instructions of dynamically linked guests (componentize-py)
    "wasm_tail_call": True,  # compilers use it for interpreters' dispatch
    "wasm_multi_memory": True,  # of programs merged into one module; `memoryBytes` is for all of a guest's memories
    "memory_init_cow": True,  # instances of one component share its initial memory
    "memory_may_move": False,  # the engine keeps views of memories; 4 GiB of addresses are reserved for each
    "wasm_gc": False,
    "wasm_function_references": False,
    "wasm_threads": False,
    "shared_memory": False,
    "wasm_memory64": False,
    "wasm_relaxed_simd": False,
    "wasm_wide_arithmetic": False,
    "wasm_stack_switching": False,
    "wasm_custom_page_sizes": False,
    "wasm_component_model_async": False,
    "wasm_component_model_async_stackful": False,
    "wasm_component_model_more_async_builtins": False,
    "wasm_component_model_map": False,
    "concurrency_support": False,
}
"""By their names in wasmtime's C API (`wasmtime_config_NAME_set`)."""

_PORTABLE_TARGET: Final = "x86_64-unknown-linux-gnu"
"""x86-64-v2 of the psABI, which every x86-64 processor since 2009 has."""

_PORTABLE_FEATURES: Final = ("has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt")


def configuration(*, portable: bool) -> wasmtime.Config:
    """What every engine of this program is made with; a `portable` one compiles for all x86-64 machines, not for this one."""
    config = wasmtime.Config()
    if portable:
        config.target = _PORTABLE_TARGET
        for feature in _PORTABLE_FEATURES:
            config.cranelift_flag_enable(feature)
    for name, on in SWITCHES.items():
        native.switch(config, name, on=on)
    config.max_wasm_stack = WASM_STACK_BYTES
    native.set_async_stack_size(config, FIBER_STACK_BYTES)
    return config
