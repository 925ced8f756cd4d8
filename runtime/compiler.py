"""The compiler's process: what `runtime.engine.workshop` starts, and the single executable under a word of its own.

It imports what a compiler needs and nothing else, since who waits for it waits for its imports too. So it lies outside of the
engine's package, whose face would load more.
"""

from __future__ import annotations

import importlib.util
import sys


def main(descriptor: int) -> None:
    """Take orders from the socket until it is closed, or nothing has come for a while."""
    # The package as a mere folder: its face would import trio and all that guests need, for twice the time.
    spec = importlib.util.find_spec("runtime.engine")
    assert spec is not None
    sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    from runtime.engine.workbench import serve  # noqa: PLC0415 - see above

    serve(descriptor)
