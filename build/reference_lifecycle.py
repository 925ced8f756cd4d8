"""A VM's life, drawn from the table that the host lives by (`runtime.vms.lifecycle`)."""

from __future__ import annotations

from itertools import groupby

from runtime.vms.lifecycle import MOVES, Effect, Signal, State

WORDS = {
    Signal.WAKE: "a call needs it awake",
    Signal.READY: "its tasks run",
    Signal.IDLE: "it was idle for long enough",
    Signal.SLEEP: "`vm.sleep`",
    Signal.RESTORE: "`restore`",
    Signal.SHUTDOWN: "the daemon ends",
    Signal.DESTROY: "`vm.destroy`",
    Signal.FORCE: "`vm.sleep` with `force`, or `vm.destroy`",
    Signal.ABANDONED: "the caller goes away",
    Signal.SUSPENDED: "its turns and commands have ended",
    Signal.STOPPED: "its guests have ended, and its files are durable",
    Signal.FAULT: "its tasks fail",
    Signal.DELETED: "`vm.destroy`",
    Signal.IMPORTED: "`vm.import` has made it",
}
EFFECTS = {
    Effect.START: "its tasks are started",
    Effect.SUSPEND: "its turns and commands may end",
    Effect.END_NOW: "they are ended now",
    Effect.STOP: "its guests are ended",
    Effect.TELL: "`vmState` is sent",
    None: "",
}


def table(_: str = "") -> str:
    """Every move, by the state that it begins in, as Markdown."""
    lines = ["| state | when | next state | and |", "| --- | --- | --- | --- |"]
    moves = [(state, after, effect, signal) for (state, signal), (after, effect) in MOVES.items()]
    for (state, after, effect), group in groupby(moves, lambda move: move[:3]):
        when = ", ".join(WORDS[signal] for *_, signal in group)
        lines.append(f"| {_name(state)} | {when} | {_name(after)} | {EFFECTS[effect]} |")
    return "\n".join(lines) + "\n"


def _name(state: State) -> str:
    return state.value.replace("_", " ")
