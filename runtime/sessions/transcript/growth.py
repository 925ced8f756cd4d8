"""How far transcripts may grow: in one turn, in one session, in all sessions of a VM.

At a limit the turn is cancelled, as if a client had asked for it; an agent that goes on talking is killed. Nothing that was
recorded goes away and all of it stays readable, but whatever would record more is refused with LIMIT_EXCEEDED, which says
what helps: a higher limit (`vm.configure`, at once), or, for the bytes of a VM, fewer sessions.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import attrs

from runtime.api.errors import ApiError, ErrorCode
from runtime.api.events import LIMIT_REACHED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.sessions.transcript.transcript import Transcript


RESERVE_BYTES: Final = 1024 * 1024
"""What an agent may still say beyond a limit until it has ended its turn: the last words of one that streams. One that
fills this as well is killed before its grace is over."""

_HELP: Final = {
    "turnBytes": "another prompt begins a new turn; vm.configure can raise limits.turnBytes",
    "sessionBytes": "the session stays readable; go on in a new one, or raise limits.sessionBytes with vm.configure",
    "transcriptBytes": "all sessions stay readable; raise limits.transcriptBytes with vm.configure, or destroy sessions "
    "that nobody needs (destroySession)",
    "agentBytes": "of all agents, this one made the daemon hold the most (half lines, unread answers, output of its terminals "
    "and MCP servers); the next prompt starts it again",
    "sessions": "destroy sessions that nobody needs (destroySession), or raise limits.sessions with vm.configure",
}


@attrs.frozen
class TranscriptLimits:
    """Limits of a VM, by their names in the API: `limits.turnBytes`, ..."""

    turn: int
    session: int
    transcript: int
    sessions: int


@attrs.define
class Tally:
    """The sum of the events of all sessions of one VM."""

    limits: Callable[[], TranscriptLimits]
    """Those that hold now."""
    bytes: int
    """Of all events."""
    sessions: int

    def check_room(self) -> None:
        """Raise LIMIT_EXCEEDED if the VM may record no more."""
        check("transcriptBytes", self.bytes, self.limits().transcript)

    def check_another(self) -> None:
        """Raise LIMIT_EXCEEDED if the VM may have no other session."""
        self.check_room()
        check("sessions", self.sessions, self.limits().sessions)

    @contextlib.contextmanager
    def another(self, transcript: Transcript) -> Iterator[None]:
        """Count the session that the block makes, unless it fails."""
        self.sessions += 1
        try:
            yield
        except BaseException:
            self.destroyed(transcript)
            raise

    def destroyed(self, transcript: Transcript) -> None:
        """Forget the session that had this transcript."""
        self.sessions -= 1
        self.bytes -= transcript.bytes


def check(limit: str, used: int, allowed: int) -> None:
    """Raise LIMIT_EXCEEDED with `limit`, `used` and `allowed` if there is nothing left."""
    if used >= allowed:
        raise exceeded(limit, used, allowed)


def exceeded(limit: str, used: int, allowed: int) -> ApiError:
    """The error for a limit that is reached, with advice."""
    message = f"{limit} is reached ({used:,} of {allowed:,}): {_HELP[limit]}"
    return ApiError(ErrorCode.LIMIT_EXCEEDED, message, limit=limit, used=used, allowed=allowed)


class Growth:
    """Holds one session to the limits."""

    def __init__(
        self, transcript: Transcript, tally: Tally, stop_turn: Callable[[ApiError], bool], kill: Callable[[], None]
    ) -> None:
        """`stop_turn` ends the turn, if there is one, with an error as its result; `kill` ends the agent."""
        self.tally = tally
        self._transcript = transcript
        self._stop_turn = stop_turn
        self._kill = kill
        self._turn_bytes = 0
        """Since the last turn began: output between two turns counts as well."""
        self._stopped = False

    def begin_turn(self) -> None:
        """Another turn begins."""
        self._turn_bytes = 0
        self._stopped = False

    def check_room(self) -> None:
        """Raise LIMIT_EXCEEDED if the session may record no more."""
        check("sessionBytes", self._transcript.bytes, self.tally.limits().session)
        self.tally.check_room()

    def grew(self, size: int) -> None:
        """An event of so many bytes was recorded."""
        self.tally.bytes += size
        self._turn_bytes += size
        limits = self.tally.limits()
        for limit, used, allowed in (
            ("turnBytes", self._turn_bytes, limits.turn),
            ("sessionBytes", self._transcript.bytes, limits.session),
            ("transcriptBytes", self.tally.bytes, limits.transcript),
        ):
            if used >= allowed:
                self.stop(limit, used, allowed)
                return

    def stop(self, limit: str, used: int, allowed: int) -> None:
        """A limit is reached: end the turn or, outside of a turn, the agent."""
        if not self._stopped:
            self._stopped = True
            self._transcript.append(
                LIMIT_REACHED, {"limit": limit, "used": used, "allowed": allowed, "help": _HELP[limit]}
            )
            if self._stop_turn(exceeded(limit, used, allowed)):
                return
        elif used < allowed + RESERVE_BYTES:
            return
        self._kill()
