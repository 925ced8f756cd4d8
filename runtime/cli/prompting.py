"""One prompt of `torpor run`, and its answer as it comes."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any, Final

from runtime.api.events import COMPILING, ELICITATION_REQUEST, PERMISSION_REQUEST, SESSION_EVENT, SUBSCRIPTION_LAGGED
from runtime.cli import elicitations, exits, output, progress
from runtime.cli.connecting import vm_name
from runtime.cli.mounts import parse_mounts
from runtime.cli.permissions import Asker
from runtime.client.sync import RpcError

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
        self._tools: dict[str, str] = {}
        self._unfinished_line = False
        self._on_terminal = sys.stderr.isatty()

    def go(self, prompt: str) -> int:
        """Open the session, send the prompt, show what comes; return the exit code."""
        before = signal.signal(signal.SIGINT, self._on_interrupt)
        try:
            self._prepare()
            turn = self._client.start("sendPrompt", **self._ids, prompt=prompt)
            self._follow(turn)
            return self._finish(turn)
        except RpcError as error:
            if self._args.json:
                output.write_json({"type": "error", **output.error_members(error)})
            else:
                self._end_line()
                output.report(error)
            if self._interrupts:
                return exits.INTERRUPTED
            return exits.AGENT_FAILED if error.name in exits.AGENT_ERRORS else exits.FAILED
        finally:
            signal.signal(signal.SIGINT, before)

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
        self._session = self._args.session or ""
        if not (self._session and self._resumed()):
            wanted = {"sessionId": self._session or None, "env": self._env or None, "cwd": self._args.cwd}
            wanted["authMethod"] = self._args.auth_method
            wanted["elicitation"] = ["form", "url"] if self._is_answered else None
            given = {name: value for name, value in wanted.items() if value is not None}
            wanted_of = {"vm": self._vm, "agentType": self._args.agent, "options": given}
            made = progress.call(self._client, f"starting {self._args.agent}", "createSession", **wanted_of)
            self._session = made["sessionId"]
        self._subscribe()
        if self._args.json:
            output.write_json({"type": "session", **self._ids})

    def _resumed(self) -> bool:
        """Go on in the session that `--session` names; False when there is none yet."""
        try:
            found = self._client.call("getSession", **self._ids)
        except RpcError as error:
            if error.name == "session_not_found":
                return False
            raise
        if found["agentType"] != self._args.agent:
            output.say(f"session {self._session} belongs to the agent {found['agentType']}, which goes on with it")
        if self._env:
            output.say(f"--env is left aside: session {self._session} keeps the variables that it was made with")
        if found["status"] == "closed":
            progress.call(self._client, f"starting {found['agentType']}", "resumeSession", **self._ids)
        if self._args.auth_method:
            self._client.call("authenticate", **self._ids, methodId=self._args.auth_method)
        return True

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
                    self._end_line()
                    if not asker.answer(notification.params["request"]):
                        self._interrupts = max(1, self._interrupts)
                elif notification.method == ELICITATION_REQUEST:
                    self._end_line()
                    request = notification.params["request"]
                    if not elicitations.answer(self._client, self._ids, request, ask=self._is_answered):
                        self._interrupts = max(1, self._interrupts)
                else:
                    self._show(notification)
                if self._interrupts:
                    break
            if self._interrupts and self._cancelled is None:
                self._end_line()
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
            elif params["event"]["method"] == "session/update":
                self._show_update(params["event"]["params"].get("update") or {})

    def _show_update(self, update: dict[str, Any]) -> None:
        kind = update.get("sessionUpdate")
        if kind == "agent_message_chunk":
            text = (update.get("content") or {}).get("text")
            if isinstance(text, str) and text:
                output.write_text(text)
                self._unfinished_line = not text.endswith("\n")
        elif kind == "tool_call":
            title = str(update.get("title") or update.get("kind") or "tool")
            self._tools[str(update.get("toolCallId"))] = title
            self._note(f"* {title}")
        elif kind == "tool_call_update" and update.get("status") == "failed":
            title = update.get("title") or self._tools.get(str(update.get("toolCallId")), "tool")
            self._note(f"* failed: {title}")

    def _note(self, line: str) -> None:
        """Write a line on what the agent does to stderr."""
        self._end_line()
        sys.stderr.write(output.one_line(line) + "\n")
        sys.stderr.flush()

    def _end_line(self) -> None:
        if self._unfinished_line:
            output.write_text("\n")
            self._unfinished_line = False

    def _finish(self, turn: Pending) -> int:
        result = turn.result()
        reason = result["stopReason"]
        if self._args.json:
            shown = {name: result[name] for name in ("text", "stopReason", "seq")}
            output.write_json({"type": "result", **self._ids, **shown})
        else:
            self._end_line()
            if reason != "end_turn":
                output.say(f"the turn ended: {reason}")
            output.say(f"session {self._session} in VM {output.vm_label(self._vm)} (--session goes on with it)")
        if self._interrupts:
            return exits.INTERRUPTED
        return exits.OK if reason == "end_turn" else exits.NOT_FINISHED
