"""Bytes as they travel in JSON: as a string where they are valid UTF-8, else as `{"base64": ...}`."""

from __future__ import annotations

import codecs
from typing import Final

import trio

STEP_BYTES: Final = 256 * 1024  # decoded in one step, in a quarter of a millisecond

Content = str | dict[str, bytes]
"""Ready for msgspec's encoder, which writes bytes as base64."""


async def as_large_content(data: bytes, encoding: str | None = None) -> Content:
    """As `as_content`, in small steps."""
    if encoding == "base64":
        return {"base64": data}
    decoder = codecs.getincrementaldecoder("utf-8")()
    texts: list[str] = []
    try:
        for at in range(0, len(data), STEP_BYTES):
            texts.append(decoder.decode(data[at : at + STEP_BYTES]))
            await trio.lowlevel.checkpoint()
        texts.append(decoder.decode(b"", True))
    except UnicodeDecodeError:
        return {"base64": data}
    return "".join(texts)


def as_content(data: bytes, encoding: str | None = None) -> Content:
    """Return bytes in the form for a client; with the encoding "base64" never as a string."""
    if encoding != "base64":
        try:
            return data.decode()
        except UnicodeDecodeError:
            pass
    return {"base64": data}
