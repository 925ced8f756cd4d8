"""Types that the params and results of many methods share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from runtime.api import names
from runtime.api.limits import MAX_INT, MAX_MILLIS

if TYPE_CHECKING:
    from collections.abc import Iterator

# The alphabet is checked by `name_faults` and only documented here: msgspec 0.22.0 frees the pattern of a string twice when it
# discards a union of that string with a list or a dict, and the process dies of it later.
NamePart = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=names.MAX_NAME,
        description=f"1 to {names.MAX_NAME} of A-Za-z0-9._-",
        extra_json_schema={"pattern": names.PART},
    ),
]
VmName = NamePart | Annotated[list[NamePart], Meta(min_length=1, max_length=names.MAX_PARTS)]
NewSessionId = Annotated[
    str,
    Meta(
        pattern=names.SESSION_ID,
        description=f"1 to {names.MAX_NAME} of A-Za-z0-9._:-, not beginning with a dot, a colon or a hyphen",
    ),
]
Seq = Annotated[int, Meta(ge=-1, le=MAX_INT, description="a transcript position; -1 is before the first event")]
Millis = Annotated[int, Meta(ge=0, le=MAX_MILLIS, description="milliseconds, at most a week")]
Timestamp = Annotated[int, Meta(description="milliseconds since the epoch")]
EnvName = Annotated[str, Meta(pattern=names.VARIABLE)]
EnvValue = Annotated[str, Meta(pattern=names.VARIABLE_VALUE)]


def doc(text: str) -> Meta:
    """What is said of a member in the document of `rpc.discover`, and in all that is made of it."""
    return Meta(description=text)


def under(pointer: str, name: str) -> str:
    """Return the pointer of the member `name` of what `pointer` names (RFC 6901, section 3)."""
    escaped = name.replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{escaped}"


Fault = tuple[str, str]
"""The JSON pointer (RFC 6901) of a value, from the params, and what is wrong with it."""


class Params(Struct, forbid_unknown_fields=True, rename="camel", kw_only=True, omit_defaults=True):
    """Base of all params: members by name in camelCase, unknown ones refused. Never used by itself."""

    def faults(self) -> Iterator[Fault]:
        """What is wrong with values that have the right types, where no schema can say it."""
        yield from ()


class NoParams(Params):
    """No members."""


class VmParams(Params):
    """The VM alone."""

    vm: Annotated[VmName, doc("The VM's name: 1 to 128 of `A-Za-z0-9._-`, or a list of up to 8 such strings.")]

    @property
    def vm_name(self) -> str:
        """The daemon's name for the VM."""
        return names.joined(self.vm)

    def faults(self) -> Iterator[Fault]:
        """A VM's name that is none."""
        return name_faults("/vm", self.vm)


class SessionParams(VmParams):
    """One session of a VM."""

    session_id: Annotated[str, doc("The session's public id, which stays the same for the session's whole life.")]


def name_faults(pointer: str, vm: str | list[str] | None) -> Iterator[Fault]:
    """What is wrong with the characters of a VM's name; nothing with None."""
    parts = [(pointer, vm)] if isinstance(vm, str) else [(f"{pointer}/{at}", part) for at, part in enumerate(vm or ())]
    for at, part in parts:
        if not names.is_part(part):
            yield at, "a name is of A-Za-z0-9._-"
