"""What a check has found."""

from __future__ import annotations

from typing import Literal

import attrs


@attrs.frozen
class Finding:
    """One line of the doctor's."""

    check: str
    verdict: Literal["ok", "warn", "fail"]
    message: str
    remedy: str | None = None
    """What to do; None where all is well."""


def ok(check: str, message: str) -> Finding:
    """All is well."""
    return Finding(check, "ok", message)


def warn(check: str, message: str, remedy: str) -> Finding:
    """It works, and may not for long or not as meant."""
    return Finding(check, "warn", message, remedy)


def fail(check: str, message: str, remedy: str) -> Finding:
    """Something does not work."""
    return Finding(check, "fail", message, remedy)
