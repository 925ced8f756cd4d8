"""The files of the page: what `make inspect` has built of clients/inspect, and the headers that they are sent with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = Path(__file__).parent / "page"
INDEX: Final = "index.html"

TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}

# Nothing but what is ours, and no code or style in the page itself: what an agent writes could be neither, whatever we miss.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class NotBuiltError(Exception):
    """There is no page here: a checkout in which it has not been built."""


def load() -> dict[str, tuple[str, bytes]]:
    """Return the files by their paths in the address, with their types. Raises NotBuiltError."""
    found = {
        f"/{path.relative_to(FOLDER).as_posix()}": (TYPES[path.suffix], path.read_bytes())
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in TYPES
    }
    if f"/{INDEX}" not in found:
        raise NotBuiltError(f"{FOLDER} has no page: `make inspect` builds it")
    found["/"] = found.pop(f"/{INDEX}")
    return found
