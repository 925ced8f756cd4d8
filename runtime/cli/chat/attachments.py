"""Files of this machine that a prompt names as `@path`: they go along with it, as resources or images."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any, Final

MAX_FILES: Final = 5
"""Files of one prompt: with their size a message of the API's is not too long (32 MiB)."""

MAX_FILE: Final = 4 * 1024 * 1024
"""Bytes of one file: images of models' APIs have no more, and a text of that size is a million tokens."""

IMAGES: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
"""How files of these kinds begin."""

NAMED: Final = re.compile(r'(?<!\S)@(?:"([^"\n]+)"|(\S+))')
"""`@path` or `@"a path with blanks"`, as a word of its own."""

_MARKS: Final = ".,;:!?)"
"""What follows a path in a sentence."""


class AttachmentError(Exception):
    """A file that cannot go along; the message says why."""


def content_blocks(text: str, capabilities: dict[str, Any]) -> str | list[dict[str, Any]]:
    """Return a prompt as the API takes it: the text, and the files that it names. Raises AttachmentError.

    A name of no file is text.
    """
    found: dict[Path, None] = {}
    for match in NAMED.finditer(text):
        path = _file(match[1] or match[2])
        if path is not None:
            found[path] = None
    if not found:
        return text
    if len(found) > MAX_FILES:
        raise AttachmentError(f"a prompt takes {MAX_FILES} files, and this one names {len(found)}")
    understood = capabilities.get("promptCapabilities") or {}
    return [{"type": "text", "text": text}, *(_block(path, understood) for path in found)]


def _file(name: str) -> Path | None:
    for each in (name, name.rstrip(_MARKS)):
        path = Path(each).expanduser()
        try:
            if path.is_file():
                return path.resolve()
        except (OSError, ValueError):  # no name that a file could have
            return None
    return None


def _block(path: Path, understood: dict[str, Any]) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise AttachmentError(f"{path}: {error.strerror}") from error
    if len(data) > MAX_FILE:
        raise AttachmentError(f"{path} is larger than {MAX_FILE // 1024 // 1024} MiB")
    kind = next((kind for start, kind in IMAGES.items() if data.startswith(start)), None)
    if kind is not None:
        if not understood.get("image"):
            raise AttachmentError(f"{path}: this agent takes no images")
        return {"type": "image", "mimeType": kind, "data": base64.b64encode(data).decode(), "uri": path.as_uri()}
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise AttachmentError(f"{path} is neither text nor an image that models take") from error
    if understood.get("embeddedContext"):
        return {"type": "resource", "resource": {"uri": path.as_uri(), "mimeType": "text/plain", "text": text}}
    return {"type": "text", "text": f"\n{path}:\n\n{text}"}
