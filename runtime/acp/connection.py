"""The client's side of one ACP connection: the requests that are open on both sides, and the meaning of each message.

Sans-I/O, after h11: `receive` turns bytes into events in the order in which the agent wrote them, the other methods
return the bytes to write. A senseless message (an answer to nothing, an id that is in use) becomes a `Noise` event that
can be recorded, and changes nothing else; where JSON-RPC asks for an error in return, it carries that reply.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from runtime.acp.codec import (
    Decoder,
    ErrorObject,
    Frame,
    Id,
    Large,
    Malformed,
    Notification,
    Request,
    Response,
    TooLong,
    decode_line,
    encode_error,
    encode_notification,
    encode_request,
    encode_result,
)
from runtime.acp.halves import Halves
from runtime.jsonrpc import INVALID_REQUEST, PARSE_ERROR, REQUEST_CANCELLED
from runtime.wire_json import encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

CANCEL_REQUEST: Final = "$/cancel_request"
_NUMBER: Final = re.compile(r"[0-9]{1,18}")

NoiseKind: TypeAlias = Literal[
    "malformed", "too_long", "unknown_answer", "late_answer", "duplicate_id", "refused_by_agent"
]


@attrs.frozen
class AgentAnswer:
    """The agent answered our request `id`."""

    id: int
    method: str
    result: Any
    error: ErrorObject | None


@attrs.frozen
class Noise:
    """Something that has no place in the conversation."""

    kind: NoiseKind
    reason: str
    size: int = 0
    head: str = ""
    reply: bytes | None = None
    """The line to write back, if any."""


@attrs.frozen
class RequestCancelled:
    """The agent no longer wants the answer to its request `id`, which is being served."""

    id: Id


Event: TypeAlias = "Request | Notification | AgentAnswer | RequestCancelled | Noise"


class ClientConnection:
    """JSON-RPC state of the client. Our ids count from 0, so that any smaller one than the next was ours once."""

    def __init__(self, decoder: Decoder | None = None) -> None:
        self._decoder = decoder or Decoder()
        self._halves = Halves()
        self._next_id = 0
        self._outstanding: dict[int, str] = {}
        """Our requests without an answer: id to method."""
        self._serving: set[Id] = set()

    @property
    def buffered(self) -> int:
        """Bytes of an unfinished line that are held."""
        return self._decoder.buffered

    @property
    def serving(self) -> int:
        """How many requests of the agent wait for our answer."""
        return len(self._serving)

    def request(self, method: str, params: Any) -> tuple[int, bytes]:
        """Open a request: its id, and the bytes to write."""
        id_, data = self.request_parts(method, [encoded(params)])
        return id_, b"".join(data)

    def request_parts(self, method: str, params: Sequence[bytes]) -> tuple[int, list[bytes]]:
        """As `request`, with params that are JSON already, in parts; so are the bytes to write."""
        id_ = self._next_id
        self._next_id += 1
        self._outstanding[id_] = method
        return id_, encode_request(id_, method, params)

    def notify(self, method: str, params: Any) -> bytes:
        """The bytes of a notification to the agent."""
        return encode_notification(method, params)

    def abandon(self, id_: int) -> bytes:
        """Forget a request of ours: an answer that still comes is `late_answer` noise. Returns the note to the agent."""
        self._outstanding.pop(id_, None)
        return encode_notification(CANCEL_REQUEST, {"requestId": id_})

    def respond(self, id_: Id, result: Any) -> bytes:
        """Answer a request of the agent. Raises KeyError if it is not being served."""
        self._serving.remove(id_)
        return encode_result(id_, result)

    def refuse(self, id_: Id, error: ErrorObject) -> bytes:
        """Answer a request of the agent with an error. Raises KeyError if it is not being served."""
        self._serving.remove(id_)
        return encode_error(id_, error)

    def receive(self, data: bytes) -> list[Event]:
        """Take bytes of the agent; the caller handles each event before the next."""
        return [event for frame in self.frames(data) for event in self.events(_at_once(frame))]

    def frames(self, data: bytes) -> list[Frame | Large]:
        """Take bytes of the agent, as `receive`, for callers that decode large frames themselves and hand each to `events`."""
        return self._decoder.feed(data)

    def events(self, frame: Frame) -> list[Event]:
        """The events of a frame, once everything before it has been handled."""
        return [event for each in self._halves.take(frame) for event in self._take(each)]

    def last_frames(self) -> list[Frame | Large]:
        """The agent writes no more: the frames of its last bytes, as `frames`; a Malformed one was cut off."""
        return self._decoder.finish()

    def finish(self) -> list[Event]:
        """The last events: of frames that were held back, and of `last_frames` if that was not called."""
        last = [_at_once(frame) for frame in self.last_frames()]
        frames = [each for frame in last if not isinstance(frame, Malformed) for each in self._halves.take(frame)]
        return [event for frame in [*frames, *self._halves.finish()] for event in self._take(frame)]

    def _take(self, frame: Frame) -> list[Event]:
        if isinstance(frame, Malformed):
            return self._refused(frame, "malformed", frame.reason, ErrorObject(frame.code, frame.reason))
        if isinstance(frame, TooLong):
            error = ErrorObject(INVALID_REQUEST, "the line is too long")
            return self._refused(frame, "too_long", f"a line of {frame.size} bytes", error)
        return [self._event(frame)]

    def _refused(self, frame: Malformed | TooLong, kind: NoiseKind, reason: str, error: ErrorObject) -> list[Event]:
        # A request whose id is in use gets no reply, and an answer never does.
        reply = None if frame.answers or frame.request in self._serving else encode_error(frame.request, error)
        unreadable = ErrorObject(error.code, f"the answer cannot be read: {error.message}")
        answers = [self._end(self._ours(id_), error=unreadable) for id_ in frame.answers]
        return [
            Noise(kind, reason, frame.size, frame.head, reply),
            *(answer for answer in answers if answer is not None),
        ]

    def _event(self, frame: Request | Notification | Response) -> Event:
        match frame:
            case Request(id=id_, method=method):
                if id_ in self._serving:
                    # No reply: the agent could only take it for the answer to the request that has the id already.
                    return Noise("duplicate_id", f"request {method} reuses the id {id_!r} of one that is being served")
                self._serving.add(id_)
                return frame
            case Notification(method=method, params=params):
                if method == CANCEL_REQUEST:
                    target = params.get("requestId") if isinstance(params, dict) else None
                    if isinstance(target, (int, str)) and target in self._serving:
                        return RequestCancelled(target)
                return frame
            case Response():
                return self._answer(frame)

    def _answer(self, frame: Response) -> AgentAnswer | Noise:
        error = frame.error
        if frame.id is None and error is None:
            error = ErrorObject(INVALID_REQUEST, "the answer cannot be read: it has no id")
        # An error without an id says that we were not understood; any other one may be about a notification.
        is_ours = frame.id is not None or (error is not None and error.code in (PARSE_ERROR, INVALID_REQUEST))
        if is_ours and (answer := self._end(self._ours(frame.id), frame.result, error)):
            return answer
        if frame.id is None:
            reason = f"{frame.error.code}: {frame.error.message}" if frame.error else "an answer without an id"
            return Noise("refused_by_agent", reason)
        if isinstance(frame.id, int) and 0 <= frame.id < self._next_id:
            return Noise("late_answer", f"request {frame.id} was answered before, or given up")
        return Noise("unknown_answer", f"no request has the id {frame.id!r}")

    def _ours(self, id_: Id | None) -> int | None:
        """The request of ours that an answer with this id is for: without one, for the only one; some agents have strings."""
        if id_ is None:
            return next(iter(self._outstanding)) if len(self._outstanding) == 1 else None
        number = int(id_) if isinstance(id_, str) and _NUMBER.fullmatch(id_) else id_
        return number if isinstance(number, int) and number in self._outstanding else None

    def _end(self, id_: int | None, result: Any = None, error: ErrorObject | None = None) -> AgentAnswer | None:
        method = None if id_ is None else self._outstanding.pop(id_, None)
        return None if id_ is None or method is None else AgentAnswer(id_, method, None if error else result, error)


def _at_once(frame: Frame | Large) -> Frame:
    return decode_line(b"".join(frame.pieces)) if isinstance(frame, Large) else frame


CANCELLED: Final = ErrorObject(REQUEST_CANCELLED, "the request was cancelled")
"""The answer to a request that the agent took back."""
