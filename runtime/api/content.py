"""Bytes as they travel in JSON: as a string where they are valid UTF-8, else as `{"base64": ...}`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Content = str | dict[str, bytes]
"""Ready for msgspec's encoder, which writes bytes as base64."""


class Bytes(Struct, forbid_unknown_fields=True):
    """Bytes as they travel."""

    base64: Annotated[bytes, Meta(description="The bytes in base64.")]


def as_content(data: bytes, encoding: str | None = None) -> Content:
    """Return bytes in the form for a client; with the encoding "base64" never as a string."""
    if encoding != "base64":
        try:
            return data.decode()
        except UnicodeDecodeError:
            pass
    return {"base64": data}
