"""The socket and who serves it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, Final

from runtime.api.defaults import PROTOCOL
from runtime.api.endpoint import EndpointError, check_directory, socket_path
from runtime.api.names import joined
from runtime.client.greeting import greet
from runtime.client.sync import ClientError, ConnectError, RpcError
from runtime.doctor.finding import Finding, fail, ok, warn
from runtime.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RESTART: Final = "torpor restart"

NEARLY: Final = 0.9
"""Of the bound: a large agent or two more, and no other guest starts."""


def check_socket(given: str | None, status: dict[str, Any]) -> Iterator[Finding]:
    """The checks of the socket; what the daemon tells of itself goes into `status`."""
    try:
        path = socket_path(given)
        check_directory(path)
    except EndpointError as error:
        yield fail("socket", str(error), "name another place with --socket or $TORPOR_SOCKET, or repair this one")
        return
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        yield ok("socket", f"{path} is made when a daemon starts")
        yield ok("daemon", "none runs; commands start one")
        return
    if not stat.S_ISSOCK(mode):
        yield fail("socket", f"{path} is not a socket", f"move {path} away")
        return
    if stat.S_IMODE(mode) & 0o077:
        yield fail("socket", f"{path} is open to other users", f"chmod 600 {path}")
    else:
        yield ok("socket", f"{path} is private")
    near: list[dict[str, Any]] = []
    yield _daemon(path, status, near)
    yield from _near(near)
    if status.get("maxMemoryBytes") is not None:
        yield _memory(status["memoryBytes"], status["maxMemoryBytes"])


def _daemon(path: Path, status: dict[str, Any], near: list[dict[str, Any]]) -> Finding:
    try:
        client, welcome = greet(path)
        with client:
            status.update(client.call("daemon.status"))
            ours = welcome["protocol"] == PROTOCOL and welcome["version"] == VERSION
            for row in client.call("vm.list") if ours else ():
                near += ({"vm": row["vm"], **each} for each in client.call("vm.stats", vm=row["vm"])["near"])
    except ConnectError as error:
        if "refused" in error.reason:
            return ok("daemon", "none runs, and the socket is a left one, which the next daemon removes")
        return fail("daemon", str(error), "see `torpor logs`")
    except RpcError as error:
        return fail("daemon", f"it refuses this program: {error.message}", RESTART)
    except (ClientError, EndpointError) as error:
        return fail(
            "daemon", str(error), "see `torpor logs`; end the process if it hangs, and any command starts the next"
        )
    if welcome["protocol"] != PROTOCOL:
        return fail("daemon", f"it speaks protocol {welcome['protocol']}, this program {PROTOCOL}", RESTART)
    if welcome["version"] != VERSION:
        return warn("daemon", f"it is torpor {welcome['version']}, this program {VERSION}", RESTART)
    return ok("daemon", f"torpor {welcome['version']} runs as process {status['pid']}")


def _near(near: list[dict[str, Any]]) -> Iterator[Finding]:
    """A line for each limit of a VM that is nearly reached."""
    for each in near:
        vm = joined(each["vm"])
        text = f"VM {vm}: {each['used']:,} of {each['allowed']:,} are used of {each['limit']}"
        if each["limit"] == "context":
            text = f"{text} of session {each['sessionId']}"
            remedy = "have the agent compact the conversation, or go on in a new session"
        else:
            remedy = f"remove what nobody needs, or `torpor vm configure {vm} --limit {each['limit']}=N`"
        yield warn("limits of VMs", text, remedy)


def _memory(used: int, bound: int) -> Finding:
    text = f"the daemon and its guests have {used / 1e6:.0f} MB, and above {bound / 1e6:.0f} MB no other guest starts"
    if used < bound * NEARLY:
        return ok("memory", text)
    remedy = "`torpor ps` tells who has it; put VMs to sleep, or start the daemon with a larger --max-memory"
    return (warn if used <= bound else fail)("memory", text, remedy)
