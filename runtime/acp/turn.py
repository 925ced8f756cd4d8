"""The state machine of one turn.

A turn begins when a client's prompt is accepted and ends exactly once. It is tempting to write it as "send the prompt,
await the answer", and that is wrong in four ways, each of which the table below has a row for:

* The agent may have to be started or resumed first, and the user may change their mind meanwhile (`RESTORING`).
* Cancelling is a notification: the turn goes on until the agent says that it is over, updates included. An agent that
  never says so is killed after a grace, and the turn has ended all the same (`CANCELLING`, `EXPIRED`).
* The agent may end without a word, by exit, trap or limit (`EXITED`).
* In version 2 of the protocol the prompt's answer only acknowledges the prompt, and the end of the turn is told by an
  update. So the machine knows no answers: whoever reads the agent's messages says `STOPPED` where that version of the
  protocol says that the turn is over.

Signals are what happened; they are never refused. After the end they change nothing, which is what makes late answers,
double cancels and an exit that follows a kill harmless without a special case. Time is a signal as well: the caller keeps
one deadline (the turn's own while prompting, the grace's while cancelling) and says `EXPIRED`.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

import attrs


class Phase(Enum):
    """Where a turn is."""

    RESTORING = "restoring"  # the agent is being started or resumed, or the user's message is not committed yet
    PROMPTING = "prompting"  # the agent has the prompt
    CANCELLING = "cancelling"  # the agent has been told to stop
    ENDED = "ended"


class Signal(Enum):
    """What can happen to a turn."""

    READY = "ready"  # the prompt is on its way to the agent
    STOPPED = "stopped"  # the agent said that the turn is over, and why
    REFUSED = "refused"  # the agent answered the prompt with an error
    EXITED = "exited"  # the agent is gone, or could not be brought up
    CANCEL = "cancel"  # a client wants the turn to end
    EXPIRED = "expired"  # the deadline of this phase has passed


class End(Enum):
    """How a turn ended."""

    STOPPED = "stopped"  # with the agent's own stop reason
    CANCELLED = "cancelled"
    KILLED = "killed"  # cancelled, and the agent had to be killed for it
    AGENT_ERROR = "agent_error"
    AGENT_FAILED = "agent_failed"


Move: TypeAlias = "tuple[Phase, End | None]"

_R, _P, _C, _E = Phase.RESTORING, Phase.PROMPTING, Phase.CANCELLING, Phase.ENDED

TRANSITIONS: Final[dict[tuple[Phase, Signal], Move]] = {
    (_R, Signal.READY): (_P, None),
    (_R, Signal.STOPPED): (_R, None),  # nothing was asked of the agent yet: not about this turn
    (_R, Signal.REFUSED): (_R, None),
    (_R, Signal.EXITED): (_E, End.AGENT_FAILED),
    (_R, Signal.CANCEL): (_E, End.CANCELLED),
    (_R, Signal.EXPIRED): (_E, End.CANCELLED),
    (_P, Signal.READY): (_P, None),
    (_P, Signal.STOPPED): (_E, End.STOPPED),
    (_P, Signal.REFUSED): (_E, End.AGENT_ERROR),
    (_P, Signal.EXITED): (_E, End.AGENT_FAILED),
    (_P, Signal.CANCEL): (_C, None),
    (_P, Signal.EXPIRED): (_C, None),
    (_C, Signal.READY): (_C, None),
    (_C, Signal.STOPPED): (_E, End.STOPPED),  # with `cancelled`, or with what it had reached before it saw the cancel
    (_C, Signal.REFUSED): (_E, End.CANCELLED),  # agents whose abort surfaces as an error: ACP forbids it, many do it
    (_C, Signal.EXITED): (_E, End.CANCELLED),
    (_C, Signal.CANCEL): (_C, None),
    (_C, Signal.EXPIRED): (_E, End.KILLED),
    **{(_E, signal): (_E, None) for signal in Signal},
}
"""(phase, signal) -> (next phase, how the turn ended if this ended it). Total: every pair has a row."""


@attrs.define
class TurnState:
    """A turn's phase and, once it is over, its end."""

    phase: Phase = Phase.RESTORING
    end: End | None = None

    @property
    def over(self) -> bool:
        """Whether the turn has ended."""
        return self.phase is Phase.ENDED

    def signal(self, signal: Signal) -> bool:
        """Take a signal; whether it changed the phase."""
        before = self.phase
        self.phase, end = TRANSITIONS[before, signal]
        if end is not None:
            self.end = end
        return self.phase is not before
