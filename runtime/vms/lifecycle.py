"""The state machine of a VM's life between sleep and sleep.

To a client a VM is awake or asleep. There is more to it, and the table below has a row for each:

* Waking can fail. Then the VM has slept all the while, and the call that wakes it gets the error (`WAKING`).
* Falling asleep can take a grace, in which turns and commands may end by themselves. If the caller is cancelled meanwhile, the
  VM stays awake (`ABANDONED`); another caller may cut the grace short (`FORCE`). Calls that would start something are refused.
* Once its turns and commands have ended there is no way back: its guests are ended, and its files made durable (`STOPPING`).
* A fault in its tasks puts a VM to sleep from wherever it is (`FAULT`).
* A VM that is destroyed is put to sleep first, without a notification of that sleep.

A signal says that something has happened or is wanted. It is never refused: a signal that means nothing in a state changes
nothing. Its `Effect` is what the caller has to do. The signals of clients come one at a time (`runtime.vms.awake` has a lock
for each VM), `FORCE` and `FAULT` at any moment.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

import attrs


class State(Enum):
    """Where a VM is in its life."""

    ASLEEP = "asleep"  # nothing of it runs
    WAKING = "waking"  # its tasks are being started
    AWAKE = "awake"
    FALLING_ASLEEP = "falling_asleep"  # its turns and commands are ending
    STOPPING = "stopping"  # its guests are ended, and its files made durable
    GONE = "gone"  # destroyed


class Signal(Enum):
    """What can happen to a VM."""

    WAKE = "wake"  # somebody needs it awake
    READY = "ready"  # its tasks run
    IDLE = "idle"  # nothing has gone on for its idle timeout
    SLEEP = "sleep"  # a client wants it to sleep
    RESTORE = "restore"  # its files are to be replaced by those of a snapshot
    SHUTDOWN = "shutdown"  # the daemon ends
    DESTROY = "destroy"  # a client wants it destroyed
    FORCE = "force"  # a client wants its turns and commands to end now
    ABANDONED = "abandoned"  # the caller that put it to sleep was cancelled
    SUSPENDED = "suspended"  # its turns and commands have ended
    STOPPED = "stopped"  # all of it has ended, and is durable
    FAULT = "fault"  # its tasks have failed
    DELETED = "deleted"  # the store has it no more
    IMPORTED = "imported"  # it has come from a file


class Effect(Enum):
    """The work that a signal asks for."""

    START = "start"  # start its tasks
    SUSPEND = "suspend"  # let its turns and commands end
    END_NOW = "end now"  # end them without patience
    STOP = "stop"  # end its guests
    TELL = "tell"  # record the new state, and tell clients


Move: TypeAlias = "tuple[State, Effect | None]"

_ASLEEP, _WAKING, _AWAKE, _FALLING, _STOPPING, _GONE = State

MOVES: Final[dict[tuple[State, Signal], Move]] = {
    (_ASLEEP, Signal.WAKE): (_WAKING, Effect.START),
    (_ASLEEP, Signal.IMPORTED): (_ASLEEP, Effect.TELL),
    (_ASLEEP, Signal.DELETED): (_GONE, Effect.TELL),
    (_WAKING, Signal.READY): (_AWAKE, Effect.TELL),
    (_WAKING, Signal.FAULT): (_ASLEEP, None),
    (_AWAKE, Signal.IDLE): (_FALLING, Effect.SUSPEND),
    (_AWAKE, Signal.SLEEP): (_FALLING, Effect.SUSPEND),
    (_AWAKE, Signal.RESTORE): (_FALLING, Effect.SUSPEND),
    (_AWAKE, Signal.SHUTDOWN): (_FALLING, Effect.SUSPEND),
    (_AWAKE, Signal.DESTROY): (_FALLING, Effect.SUSPEND),
    (_AWAKE, Signal.FAULT): (_ASLEEP, Effect.TELL),
    (_FALLING, Signal.FORCE): (_FALLING, Effect.END_NOW),
    (_FALLING, Signal.ABANDONED): (_AWAKE, None),
    (_FALLING, Signal.SUSPENDED): (_STOPPING, Effect.STOP),
    (_FALLING, Signal.FAULT): (_ASLEEP, Effect.TELL),
    (_STOPPING, Signal.STOPPED): (_ASLEEP, Effect.TELL),
}
"""The signals that mean something in a state: (state, signal) -> (next state, effect)."""

TRANSITIONS: Final[dict[tuple[State, Signal], Move]] = {
    **{(state, signal): (state, None) for state in State for signal in Signal},
    **MOVES,
}
"""Total: every pair has a row."""

REASONS: Final[dict[Signal, str | None]] = {
    Signal.WAKE: "wake",
    Signal.IDLE: "idle",
    Signal.SLEEP: "request",
    Signal.RESTORE: "restore",
    Signal.SHUTDOWN: "shutdown",
    Signal.FAULT: "fault",
    Signal.DESTROY: None,  # what is told is that it is gone
    Signal.DELETED: "request",
    Signal.IMPORTED: "import",
}
"""`reason` of the notification `vmState` that a signal leads to in the end; None: clients are not told."""

SHOWN: Final = {State.AWAKE: "awake", State.FALLING_ASLEEP: "awake", State.GONE: "destroyed"}
"""`state` as clients see it, where it is not "asleep"."""


@attrs.define
class Life:
    """A VM's state, and why it is in it or on its way."""

    state: State = State.ASLEEP
    reason: str | None = None

    @property
    def shown(self) -> str:
        """The state as clients see it."""
        return SHOWN.get(self.state, "asleep")

    @property
    def present(self) -> bool:
        """Whether the VM has tasks that can be asked for something."""
        return self.state in {State.AWAKE, State.FALLING_ASLEEP}

    @property
    def falling_asleep(self) -> bool:
        """Whether its turns and commands are ending: calls that would start something are refused."""
        return self.state is State.FALLING_ASLEEP

    def signal(self, signal: Signal) -> Effect | None:
        """Change the state by a signal, and return its effect."""
        self.state, effect = TRANSITIONS[self.state, signal]
        if effect is not None and signal in REASONS:
            self.reason = REASONS[signal]
        return effect
