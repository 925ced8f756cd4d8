"""Types that the params of many methods share, and how the name of a VM travels.

A VM's name is one string, or a list of such strings for those who build names from parts (tenant, user, task). Inside the
daemon the parts are joined with "/", which no part can contain: a list of one part is the same VM as the bare string, and
no two different lists meet. Results and notifications give such a name back as the list that it came as.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from runtime.rpc.validation import invalid_params

SEPARATOR: Final = "/"

# The alphabet is checked by `joined` and only documented here: msgspec 0.22.0 frees the pattern of a string twice when it
# discards a union of that string with a list or a dict, and the process dies of it later.
_ALPHABET: Final = re.compile(r"[A-Za-z0-9._-]+")
NamePart = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        description="1 to 128 of A-Za-z0-9._-",
        extra_json_schema={"pattern": "^[A-Za-z0-9._-]+$"},
    ),
]
VmName = NamePart | Annotated[list[NamePart], Meta(min_length=1, max_length=8)]
NewSessionId = Annotated[
    str,
    Meta(
        # `$` alone would let a trailing newline pass; the look-ahead means the same in JSON Schema's dialect.
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9._:-]{0,127}$(?!\n)",
        description="1 to 128 of A-Za-z0-9._:-, not beginning with a dot, a colon or a hyphen",
    ),
]
MAX_INT: Final = 2**53 - 1
"""The largest integer that every JSON library keeps exact (RFC 8259, section 6), and well within SQLite's 64 bits."""
Seq = Annotated[int, Meta(ge=-1, le=MAX_INT, description="a transcript position; -1 is before the first event")]
Millis = Annotated[int, Meta(ge=0, le=7 * 24 * 3600 * 1000, description="milliseconds, at most a week")]
Timestamp = Annotated[int, Meta(description="milliseconds since the epoch")]
EnvName = Annotated[str, Meta(pattern=r"^[^=\u0000]+$")]
EnvValue = Annotated[str, Meta(pattern=r"^[^\u0000]*$")]


class Params(Struct, forbid_unknown_fields=True, rename="camel", kw_only=True, omit_defaults=True):
    """Base of all params: members by name in camelCase, unknown ones refused. Never used by itself."""


class NoParams(Params):
    """No members."""


class VmParams(Params):
    """The VM alone."""

    vm: VmName


class SessionParams(VmParams):
    """One session of a VM."""

    session_id: str


class Bytes(Struct, forbid_unknown_fields=True):
    """Bytes as they travel."""

    base64: bytes


def as_bytes(content: str | Bytes) -> bytes:
    """Return what a client has sent in either form."""
    return content.encode() if isinstance(content, str) else content.base64


def joined(vm: str | list[str], param: str = "vm") -> str:
    """Return the daemon's name for a VM. ProtocolError (-32602) when it is none, for it comes from a param."""
    parts = {f"/{param}": vm} if isinstance(vm, str) else {f"/{param}/{index}": part for index, part in enumerate(vm)}
    faults = [
        (pointer, "a name is of A-Za-z0-9._-") for pointer, part in parts.items() if not _ALPHABET.fullmatch(part)
    ]
    if faults:
        raise invalid_params(*faults)
    return SEPARATOR.join(parts.values())


def as_given(name: str) -> str | list[str]:
    """Return the API's form of the daemon's name for a VM: the inverse of `joined`."""
    return name.split(SEPARATOR) if SEPARATOR in name else name


def with_vm_as_given(answer: dict[str, Any]) -> dict[str, Any]:
    """Return `answer` with its `vm` member in the API's form."""
    name = answer.get("vm")
    if isinstance(name, str) and SEPARATOR in name:
        return {**answer, "vm": as_given(name)}
    return answer
