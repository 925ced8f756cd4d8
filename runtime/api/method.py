"""What the API says of one of its methods: `runtime.api.methods` has all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct

from runtime.api.types import Params

if TYPE_CHECKING:
    from runtime.api.errors import ErrorCode

P = TypeVar("P", bound=Params)


class Method(Struct, Generic[P], frozen=True):
    """One method of the API."""

    name: str
    params: type[P]
    result: Any
    """The type of the result, for documents and clients; handlers' answers are not checked against it at run time."""
    summary: str
    errors: tuple[ErrorCode, ...] = ()
    """The application errors that are particular to it."""
    returns: str = ""
    """What the result is, where the type alone does not tell. Nothing is said of a plain object that is always empty."""
    settles: bool = False
    """Whether the answer must come after every event of its session that was committed before it."""
