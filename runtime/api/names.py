"""What VMs, sessions and variables may be called, and how the name of a VM travels.

A VM's name is one string, or a list of such strings for those who build names from parts (tenant, user, task). Inside the
daemon the parts are joined with "/", which no part can contain: a list of one part is the same VM as the bare string, and
no two different lists meet. Results and notifications give such a name back as the list that it came as.

Only the standard library is used: commands read with this, too.
"""

from __future__ import annotations

import re
from typing import Any, Final

SEPARATOR: Final = "/"

MAX_NAME: Final = 128
"""Characters of one part of a VM's name, and of a session's id: they become names of files, which may have 255 bytes."""
MAX_PARTS: Final = 8
"""Parts of a VM's name: more levels than anybody has who builds names of tenant, user and task."""

PART: Final = "^[A-Za-z0-9._-]+$"
"""The characters of a part of a VM's name."""

SESSION_ID: Final = rf"^[A-Za-z0-9_][A-Za-z0-9._:-]{{0,{MAX_NAME - 1}}}$(?!\n)"
"""`$` alone would let a trailing newline pass; the look-ahead means the same in JSON Schema's dialect."""

VARIABLE: Final = r"^[^=\u0000]+$"
"""The name of an environment's variable."""
VARIABLE_VALUE: Final = r"^[^\u0000]*$"

TRACEPARENT: Final = r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$(?!\n)"
"""Of W3C's Trace Context, section 3.2: version, trace, span and flags."""

_PART: Final = re.compile(r"[A-Za-z0-9._-]+")
_SESSION_ID: Final = re.compile(SESSION_ID)
_VARIABLE: Final = re.compile(VARIABLE)


def is_part(text: str) -> bool:
    """Whether `text` has the characters of a part of a VM's name, and of no other."""
    return _PART.fullmatch(text) is not None


def is_vm_name(name: str) -> bool:
    """Whether `name` is the daemon's name for a VM."""
    parts = name.split(SEPARATOR)
    return len(parts) <= MAX_PARTS and all(len(part) <= MAX_NAME and is_part(part) for part in parts)


def is_session_id(text: str) -> bool:
    """Whether a session may have this id."""
    return _SESSION_ID.match(text) is not None


def is_variable(text: str) -> bool:
    """Whether a variable of an environment may have this name."""
    return _VARIABLE.fullmatch(text) is not None


def joined(vm: str | list[str]) -> str:
    """Return the daemon's name for a VM."""
    return vm if isinstance(vm, str) else SEPARATOR.join(vm)


def as_given(name: str) -> str | list[str]:
    """Return the API's form of the daemon's name for a VM: the inverse of `joined`."""
    return name.split(SEPARATOR) if SEPARATOR in name else name


def with_vm_as_given(answer: dict[str, Any]) -> dict[str, Any]:
    """Return `answer` with its `vm` member in the API's form."""
    name = answer.get("vm")
    if isinstance(name, str) and SEPARATOR in name:
        return {**answer, "vm": as_given(name)}
    return answer
