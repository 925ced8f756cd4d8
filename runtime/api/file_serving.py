"""Methods by which a client opens an agent's files itself: what they take and return."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from runtime.api.errors import ErrorCode
from runtime.api.limits import MAX_MOUNTS, MAX_PATH
from runtime.api.method import Method
from runtime.api.types import Fault, Params, SessionParams, doc


class ServeFiles(SessionParams):
    """Which files the client opens itself."""

    paths: Annotated[
        Annotated[
            list[Annotated[str, Meta(min_length=1, max_length=MAX_PATH)]], Meta(min_length=1, max_length=MAX_MOUNTS)
        ],
        doc("Directories of the VM that are mounted, and that the client has under the same paths."),
    ]
    read: Annotated[bool, doc("Ask it for what the agent reads there.")] = True
    write: Annotated[bool, doc("Tell it what the agent writes there.")] = True


class Serving(Struct, frozen=True, rename="camel"):
    """The client is asked from now on."""

    subscription_id: Annotated[
        str, doc("By which `fileRequest` comes; `unsubscribe` ends it, as the connection's end does.")
    ]


class RespondFile(Params):
    """An answer to a `fileRequest`: `error`, or `content` for what was to be read."""

    subscription_id: Annotated[str, doc("As `fileRequest` has it.")]
    request_id: Annotated[str, doc("As `fileRequest` has it.")]
    content: Annotated[str | None, doc("The text that was to be read.")] = None
    error: Annotated[str | None, doc("Why it was not done. What was to be read is read from the mount then.")] = None

    def faults(self) -> Iterator[Fault]:
        """Also two answers at once."""
        yield from super().faults()
        if self.content is not None and self.error is not None:
            yield "/content", "content or error is expected, not both"


SERVE_FILES: Final = Method(
    "serveFiles",
    ServeFiles,
    Serving,
    "Open files of a session's mounts for its agent: its `fs/*` requests come as `fileRequest`, until the subscription ends.",
    errors=(ErrorCode.VM_NOT_FOUND, ErrorCode.SESSION_NOT_FOUND, ErrorCode.LIMIT_EXCEEDED),
)

RESPOND_FILE: Final = Method(
    "respondFile",
    RespondFile,
    dict[str, Any],
    "Answer a `fileRequest`.",
    errors=(ErrorCode.NOT_FOUND, ErrorCode.TOO_LARGE),
)
