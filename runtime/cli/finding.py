"""Sessions and VMs by what people call them: a session by a part of its id, wherever it is, or as `last` and `-`.

`last` is the session that changed last, `-` the one before it: who prompts `-` again and again goes to and fro.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from runtime.cli.connecting import vm_name
from runtime.cli.output import vm_label
from runtime.cli.table import DEFAULT_VM, UsageError
from runtime.client.errors import RpcError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from runtime.client.sync import Client, Pending

Name = str | list[str]

RECENT: Final = {"last": 0, "-": 1}
"""How many sessions have changed since."""

APPLICATION_ERROR: Final = -32000
"""The API's code for all errors that have a name; that of `runtime.api.errors`, which commands do without."""

BATCH: Final = 1000
"""Calls under way at once: a quarter of what the daemon takes of one connection."""

GONE: Final = ("session_not_found", "vm_not_found")
"""Errors of what is not there, as what somebody has removed since it was listed."""

SHOWN: Final = 5
"""Candidates that a message names: who sees them types more of the id."""


def find_session(client: Client, args: argparse.Namespace) -> dict[str, Any]:
    """Return `{vm, sessionId}` of the session that `args.session` stands for, in the VM `args.vm` or in any.

    Raises RpcError (`session_not_found`, `vm_not_found`), and UsageError where several may be meant.
    """
    word: str = args.session
    if args.vm is None and word not in RECENT and _is_there(client, DEFAULT_VM, word):
        return {"vm": DEFAULT_VM, "sessionId": word}
    names = None if args.vm is None else [vm_name(args.vm)]
    found = _chosen(word, rows_of(client, names))
    if found is None and names is not None and (there := _chosen(word, rows_of(client))):
        _refuse(f"session {there['sessionId']} is in VM {vm_label(there['vm'])}, not in {args.vm}")
    if found is None:
        _refuse(f"there is no session {word}; `torpor session ls` lists them")
    return {"vm": found["vm"], "sessionId": found["sessionId"]}


def find_vm(client: Client, word: str) -> Name:
    """Return the name of the VM that `word` stands for: its name, the beginning of one name alone, or `last`, `-`.

    A word that stands for none is returned as it is: the daemon says that there is no such VM.
    """
    names = [vm_label(row["vm"]) for row in client.call("vm.list")]
    if word in names:
        return vm_name(word)
    if word in RECENT:
        name: Name = _recent(rows_of(client), RECENT[word])["vm"]
        return name
    return vm_name(_alone(word, [name for name in names if name.startswith(word)]) or word)


def find_process(client: Client, pid: int, vm: str | None) -> dict[str, Any]:
    """Return `{vm, pid}` of a process, in that VM or in whatever VM it is: a daemon gives a number once.

    A number that no VM has is left to the daemon, as one of the default VM.
    """
    if vm is None:
        awake = [row["vm"] for row in client.call("vm.list") if row["state"] == "awake"]
        found = at_once(client, [("listProcesses", {"vm": name}) for name in awake])
        having = [name for name, rows in zip(awake, found, strict=True) if any(row["pid"] == pid for row in rows or ())]
        return {"vm": having[0] if having else DEFAULT_VM, "pid": pid}
    return {"vm": vm_name(vm), "pid": pid}


def rows_of(
    client: Client, vms: Iterable[Name] | None = None, method: str = "listPersistedSessions"
) -> list[dict[str, Any]]:
    """Return the sessions of these VMs, by default of all, each with its `vm`. Raises RpcError."""
    if vms is not None:
        return [{"vm": name, **row} for name in vms for row in client.call(method, vm=name)]
    names = [row["vm"] for row in client.call("vm.list")]
    answers = at_once(client, [(method, {"vm": name}) for name in names])
    return [{"vm": name, **row} for name, rows in zip(names, answers, strict=True) for row in rows or ()]


def at_once(client: Client, calls: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """Return the answers to calls, of which many are sent before the first is waited for; None about what is gone.

    They are about what a list had, and others may remove that meanwhile. Raises RpcError.
    """
    answers: list[Any] = []
    for start in range(0, len(calls), BATCH):
        under_way = [client.start(method, **params) for method, params in calls[start : start + BATCH]]
        for each in under_way:
            client.wait(each)
        answers += map(_unless_gone, under_way)
    return answers


def _unless_gone(answered: Pending) -> Any:
    try:
        return answered.result()
    except RpcError as error:
        if error.name in GONE:
            return None
        raise


def _is_there(client: Client, vm: str, session: str) -> bool:
    try:
        client.call("getSession", vm=vm, sessionId=session)
    except RpcError as error:
        if error.name in GONE:
            return False
        raise
    return True


def _chosen(word: str, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    if word in RECENT and not any(row["sessionId"] == word for row in rows):
        return _recent(rows, RECENT[word])
    exact = [row for row in rows if row["sessionId"] == word]
    found = exact or [row for row in rows if row["sessionId"].startswith(word)]
    labels = [f"{row['sessionId']} in VM {vm_label(row['vm'])}" for row in found]
    _alone(word, labels)
    return found[0] if found else None


def _alone(word: str, found: list[str]) -> str | None:
    """Return the only one, None where there is none. Raises UsageError."""
    if len(found) > 1:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise UsageError(f"{word} may be {', '.join(found[:SHOWN])}{more}: give more of it")
    return found[0] if found else None


def _recent(rows: list[dict[str, Any]], back: int) -> dict[str, Any]:
    by_time = sorted(rows, key=lambda row: row["updatedAt"], reverse=True)
    if len(by_time) <= back:
        _refuse("there is no session yet" if not rows else "there is one session only: no other has changed before it")
    return by_time[back]


def _refuse(message: str) -> NoReturn:
    raise RpcError(APPLICATION_ERROR, message, {"code": "session_not_found"})
