"""What can be wrong with a component before any of its code runs, and what wasmtime says of it afterwards."""

from __future__ import annotations

import re
from typing import Final

_NUMBER: Final = re.compile(r"^\s*\d+:\s+")


class ComponentError(Exception):
    """The file cannot be run; the message says why, and what to do about it."""


class InvalidComponentError(ComponentError):
    """Not a component at all, or a damaged one."""


class UnsupportedComponentError(ComponentError):
    """A valid component that needs something this runtime does not provide."""


def last_cause(message: str) -> str:
    """wasmtime's report without its wasm backtrace of possibly thousands of frames: the causes, a line each."""
    head, _, causes = message.partition("Caused by:")
    lines = [_NUMBER.sub("", line).strip() for line in causes.splitlines() if line.strip()]
    return "; ".join(lines) if lines else head.splitlines()[0].strip()
