"""What `torpor run` does when an agent asks for a permission: ask the person at the terminal, or follow `--yes`."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

from runtime.cli import output
from runtime.client.sync import RpcError

if TYPE_CHECKING:
    from runtime.client.sync import Client


class Asker:
    """Answers the permission requests of one turn."""

    def __init__(self, client: Client, ids: dict[str, Any], *, yes: bool, as_json: bool) -> None:
        self._client = client
        self._ids = ids
        self._yes = yes
        self._as_json = as_json

    def answer(self, request: dict[str, Any]) -> bool:
        """Answer one request; False when the person at the terminal interrupted instead."""
        call = request.get("toolCall") or {}
        what = request.get("description") or call.get("title") or call.get("kind") or "something"
        shown = output.one_line(str(what))
        if self._yes:
            answer = {"reply": "once"}
            output.say(f"allowed: {shown}")
        elif sys.stdin.isatty() and sys.stderr.isatty() and not self._as_json:
            try:
                answer = _ask(shown, request.get("options") or [])
            except KeyboardInterrupt:
                return False
        else:
            answer = {"reply": "reject"}
            output.say(f"rejected: {shown} (--yes allows what the agent asks for)")
        if self._as_json:
            output.write_json({"type": "permission", "request": request, **answer})
        try:
            self._client.call("respondPermission", **self._ids, permissionId=request["permissionId"], **answer)
        except RpcError as error:
            if error.name != "permission_not_pending":  # then somebody else was first, or the turn is over
                raise
        return True


def _ask(what: str, options: list[dict[str, Any]]) -> dict[str, str]:
    """Let the person at the terminal choose. Raises KeyboardInterrupt."""
    sys.stderr.write(f"The agent asks for permission: {what}\n")
    for number, option in enumerate(options, 1):
        sys.stderr.write(f"  {number}. {output.one_line(str(option.get('name') or option.get('optionId')))}\n")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        while True:
            sys.stderr.write(f"1-{len(options)}, or nothing to reject: ")
            sys.stderr.flush()
            choice = sys.stdin.readline().strip()
            if not choice:
                return {"reply": "reject"}
            if choice.isdecimal() and 1 <= int(choice) <= len(options):
                return {"optionId": options[int(choice) - 1]["optionId"]}
    finally:
        signal.signal(signal.SIGINT, before)
