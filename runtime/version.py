"""The version: written here alone, since to look it up in the installed package's metadata takes a command 25 ms."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
