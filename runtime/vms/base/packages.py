"""Python's packages that come with Torpor itself: in VMs they are where Python looks for any."""

from __future__ import annotations

from typing import Final

from runtime.vms.base.texts import Text
from runtime.vms.catalogue import built_in_directory

LIBRARY: Final = "/usr/lib/python3.13"
"""Python's own, where VMs have it."""


def python_packages() -> dict[str, Text]:
    """The sources of the SDK for agents in Python, by their paths in VMs. Raises OSError."""
    folder = built_in_directory() / "sdk" / "python"
    paths = sorted(folder.glob("*/*.py"))
    return {f"{LIBRARY}/site-packages/{path.relative_to(folder)}": Text(path.read_text("utf-8")) for path in paths}
