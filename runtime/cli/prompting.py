"""One prompt of `torpor run`, and its answer as it comes."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from runtime.api.events import COMPILING, ELICITATION_REQUEST, PERMISSION_REQUEST, SESSION_EVENT, SUBSCRIPTION_LAGGED
from runtime.cli import elicitations, exits, output, progress
from runtime.cli.chat.attachments import AttachmentError, content_blocks
from runtime.cli.connecting import vm_name
from runtime.cli.mounts import parse_mounts
from runtime.cli.permissions import Asker
from runtime.cli.showing import Showing
from runtime.cli.table import UsageError
from runtime.client.errors import ClientError, RpcError

if TYPE_CHECKING:
    import argparse
    from types import FrameType

    from runtime.client.sync import Client, Notification, Pending

TICK: Final = 0.2
"""Seconds between looks for a Ctrl-C: its handler only takes a note, so that no message is torn in two."""


class Run:
    """One `torpor run`, once it is connected."""

    def __init__(self, client: Client, args: argparse.Namespace, env: dict[str, str]) -> None:
        self._client = client
        self._args = args
        self._env = env
        self._vm = vm_name(args.vm)
        self._session = ""
        self._interrupts = 0
        self._cancelled: Pending | None = None
        self._subscription = ""
        self._last_seq: int | None = None
        self._capabilities: dict[str, Any] = {}
        self._has_made = False
        self._showing = Showing(args.agent)
        self._on_terminal = sys.stderr.isatty()

    def go(self, prompt: str, *, attach: bool = True) -> int:
        """Open the session, send the prompt, show what comes; return the exit code.

        Files that the prompt names as `@path` go along, if it is to `attach` them. Raises UsageError for one that cannot.
        """
        before = signal.signal(signal.SIGINT, self._on_interrupt)
        try:
            self._prepare()
            content = content_blocks(prompt, self._capabilities) if attach else prompt
            turn = self._client.start("sendPrompt", **self._ids, prompt=content)
            self._follow(turn)
            return self._finish(turn)
        except AttachmentError as error:
            raise UsageError(str(error)) from error
        except RpcError as error:
            if self._args.json:
                output.write_json({"type": "error", **output.error_members(error)})
            else:
                self._showing.end()
                output.report(error)
            if self._interrupts:
                return exits.INTERRUPTED
            return exits.AGENT_FAILED if error.name in exits.AGENT_ERRORS else exits.FAILED
        finally:
            signal.signal(signal.SIGINT, before)
            is_kept = self._args.keep or self._args.session or self._args.new
            if self._has_made and not is_kept and self._interrupts <= 1:
                self.close()

    def close(self) -> None:
        """End the session, if there is one; its transcript stays."""
        if self._session:
            with suppress(ClientError):
                self._client.call("closeSession", **self._ids)

    @property
    def _ids(self) -> dict[str, Any]:
        return {"vm": self._vm, "sessionId": self._session}

    @property
    def _is_answered(self) -> bool:
        """Whether a person is there who can be questioned."""
        return self._on_terminal and sys.stdin.isatty() and not self._args.json

    def _prepare(self) -> None:
        options: dict[str, Any] = {"network": {"allow": self._args.allow}} if self._args.allow else {}
        if mounts := parse_mounts(self._args.mount):
            options["mounts"] = mounts
        if self._args.base:
            options["base"] = self._args.base
        self._client.call("vm.getOrCreate", vm=self._vm, options=options or None)
        if self._on_terminal:
            self._client.call("subscribe", vm=self._vm, types=[COMPILING])
        self._session = self._args.new or self._args.session or (self._last() if self._args.last else "")
        if not (self._session and self._resumed()):
            wanted = {"sessionId": self._session or None, "env": self._env or None, "cwd": self._args.cwd}
            wanted["authMethod"] = self._args.auth_method
            wanted["elicitation"] = ["form", "url"] if self._is_answered else None
            given = {name: value for name, value in wanted.items() if value is not None}
            wanted_of = {"vm": self._vm, "agentType": self._args.agent, "options": given}
            made = progress.call(self._client, f"starting {self._args.agent}", "createSession", **wanted_of)
            self._session, self._has_made = made["sessionId"], True
            self._capabilities = made["capabilities"] or {}
        if self._args.model:
            self._client.call("setModel", **self._ids, value=self._args.model)
        if self._args.mode:
            self._client.call("setMode", **self._ids, modeId=self._args.mode)
        self._subscribe()
        if self._args.json:
            output.write_json({"type": "session", **self._ids})

    def _resumed(self) -> bool:
        """Go on in the session that `--session` names; False when there is none yet. UsageError where `--new` names one."""
        try:
            found = self._client.call("getSession", **self._ids)
        except RpcError as error:
            if error.name == "session_not_found":
                return False
            raise
        if self._args.new:
            raise UsageError(f"there is a session {self._session} already: --session goes on with it")
        self._capabilities = found["capabilities"] or {}
        if found["agentType"] != self._args.agent:
            output.say(f"session {self._session} belongs to the agent {found['agentType']}, which goes on with it")
        if self._env:
            output.say(f"--env is left aside: session {self._session} keeps the variables that it was made with")
        if found["status"] == "closed":
            progress.call(self._client, f"starting {found['agentType']}", "resumeSession", **self._ids)
        if self._args.auth_method:
            self._client.call("authenticate", **self._ids, methodId=self._args.auth_method)
        return True

    def _last(self) -> str:
        """Return the id of the session of this agent in the VM that has changed last, "" where there is none."""
        rows = self._client.call("listPersistedSessions", vm=self._vm)
        of_agent = [row for row in rows if row["agentType"] == self._args.agent]
        last: str = max(of_agent, key=lambda row: int(row["updatedAt"]), default={"sessionId": ""})["sessionId"]
        return last

    def _subscribe(self) -> None:
        self._subscription = self._client.call("subscribe", **self._ids, after=self._last_seq)["subscriptionId"]

    def _on_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._interrupts += 1
        if self._interrupts > 1:
            raise KeyboardInterrupt

    def _follow(self, turn: Pending) -> None:
        """Show notifications until the turn is answered."""
        asker = Asker(self._client, self._ids, yes=self._args.yes, as_json=self._args.json)
        while not turn.done:
            for notification in self._client.notifications(until=turn, timeout=TICK):
                if notification.method == PERMISSION_REQUEST:
                    self._showing.pause()
                    if not asker.answer(notification.params["request"]):
                        self._interrupts = max(1, self._interrupts)
                elif notification.method == ELICITATION_REQUEST:
                    self._showing.pause()
                    request = notification.params["request"]
                    if not elicitations.answer(self._client, self._ids, request, ask=self._is_answered):
                        self._interrupts = max(1, self._interrupts)
                else:
                    self._show(notification)
                if self._interrupts:
                    break
            self._showing.wait()
            if self._interrupts and self._cancelled is None:
                self._showing.pause()
                output.say("cancelling the prompt; Ctrl-C again leaves it to itself")
                self._cancelled = self._client.start("cancelPrompt", **self._ids)

    def _show(self, notification: Notification) -> None:
        params = notification.params
        if notification.method == COMPILING:
            self._note(f"* {progress.compiling(params)}")
        elif notification.method == SUBSCRIPTION_LAGGED and params["subscriptionId"] == self._subscription:
            if params["lastSeq"] is not None:
                self._last_seq = params["lastSeq"]
            self._subscribe()
        elif notification.method == SESSION_EVENT:
            self._last_seq = params["seq"]
            if self._args.json:
                shown = {name: params[name] for name in ("seq", "createdAt", "event")}
                output.write_json({"type": "event", **shown})
            else:
                self._showing.event(params)

    def _note(self, line: str) -> None:
        """Write a line on what the agent does to stderr."""
        self._showing.note(line)

    def _finish(self, turn: Pending) -> int:
        result = turn.result()
        reason = result["stopReason"]
        if self._args.json:
            shown = {name: result[name] for name in ("text", "stopReason", "seq")}
            output.write_json({"type": "result", **self._ids, **shown})
        else:
            self._showing.end()
            if reason != "end_turn":
                output.say(f"the turn ended: {reason}")
            if cost := self._showing.cost():
                output.say(cost)
            output.say(f"session {self._session} in VM {output.vm_label(self._vm)} (--session goes on with it)")
        if self._interrupts:
            return exits.INTERRUPTED
        return exits.OK if reason == "end_turn" else exits.NOT_FINISHED
