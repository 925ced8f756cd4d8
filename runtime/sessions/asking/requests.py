"""The permission requests of a session's agent: decided by the policy or by an earlier "always", else by a client.

Each request is recorded before it is decided, and its reply before the agent has it. `permissions` knows which requests
wait, `policy` what the policy says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from runtime.acp.messages import REQUEST_PERMISSION, MessageError
from runtime.api.events import MALFORMED, PERMISSION_REPLY, PERMISSION_REQUEST
from runtime.sessions.asking.permissions import Pending, Permissions, choose, permission_request
from runtime.sessions.options.policy import Policy, ToolCalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.acp.codec import Id
    from runtime.acp.messages import PermissionOption, PermissionRequest
    from runtime.hub import Notice
    from runtime.sessions.agent.process import Agent
    from runtime.sessions.asking.permissions import Reply
    from runtime.sessions.transcript.transcript import Transcript


class Asking:
    """The permission requests of one session, over all its agents."""

    def __init__(self, transcript: Transcript, notice: Callable[[str, dict[str, Any]], Notice]) -> None:
        self._transcript = transcript
        self._notice = notice
        self._agent: Agent | None = None
        self._policy = Policy()
        self._waiting = Permissions()
        self._tools = ToolCalls("/")
        self._last = 0

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The requests that wait for a client, oldest first."""
        return self._waiting.requests()

    def begin(self, agent: Agent, cwd: str, policy: Policy) -> None:
        """Take requests of a new agent from now on, and forget the tool calls of the last one."""
        self._agent = agent
        self._policy = policy
        self._tools = ToolCalls(cwd)

    def note(self, update: dict[str, Any]) -> None:
        """Take an update that may tell of a tool call."""
        self._tools.note(update)

    def ask(self, request_id: Id, request: PermissionRequest, raw: dict[str, Any], *, cancelling: bool) -> None:
        """Decide a request of the agent, or let it wait for a client.

        Raises `MessageError` for one without options: no answer but `cancelled` would be possible (ACP: the options are
        what the user chooses from), so that it would wait for ever.
        """
        transcript = self._transcript
        if not request.options:
            reason = "a permission request without options"
            transcript.append(MALFORMED, {"kind": "permission", "reason": reason, "size": 0, "head": ""})
            raise MessageError("options: at least one is expected")
        self._last += 1
        # The seq that the request will have makes the id unique over all agents of the session.
        permission_id = f"perm_{transcript.last_seq + 1}_{self._last}"
        shown = permission_request(permission_id, request, raw)
        subject = self._tools.subject(request.tool_call)
        decision = self._policy.decide(subject)
        verdict = decision.verdict
        # An "always" for a tool does not hold where a rule wants a question each time.
        key = subject.exact_key if verdict == "ask" and decision.by_rule else subject.key
        pending = Pending(permission_id, request_id, key, tuple(request.options), shown)
        remembered = key in transcript.state.remembered
        option: PermissionOption | None = None
        by = "policy"
        if cancelling:
            by = "cancelled"
        elif verdict == "deny":
            option = choose(request.options, "reject")
        elif remembered:
            option, by = choose(request.options, "always"), "remembered"
        elif verdict == "allow":
            option = choose(request.options, "once") or choose(request.options, "always")
        asked = not cancelling and option is None and verdict != "deny"
        notices = [self._notice(PERMISSION_REQUEST, {"request": shown})] if asked else []
        before = transcript.bytes
        transcript.append(REQUEST_PERMISSION, {**raw, "permissionId": permission_id}, notices=notices)
        if asked:
            pending = attrs.evolve(pending, size=transcript.bytes - before)
            self._waiting.add(pending)
            if self._agent is not None:
                self._agent.hold(pending.size)
        else:
            self._settled(pending, option, by)

    def respond(self, permission_id: str, reply: Reply | None, option_id: str | None) -> None:
        """A client's answer to a permission request. Raises `ApiError`: see `Permissions.take`."""
        pending, option = self._waiting.take(permission_id, reply, option_id)
        always = reply == "always" or (reply is None and option.kind == "allow_always")
        remember = always and bool(pending.key[1])  # a tool without a name cannot be recognised again
        self._settled(pending, option, "client", remember=remember)

    def withdrawn(self, request_id: Id) -> None:
        """Drop a request that the agent has taken back."""
        pending = self._waiting.of_request(request_id)
        if pending is not None:
            self._waiting.settle(pending, "cancelled")
            self._settled(pending, None, "agent")

    def settle(self, reason: str) -> None:
        """Answer every request that waits with `cancelled` (ACP, "Cancellation")."""
        for pending in self._waiting.take_all(reason):
            self._settled(pending, None, reason)

    def _settled(self, pending: Pending, option: PermissionOption | None, by: str, *, remember: bool = False) -> None:
        if self._agent is not None:
            self._agent.hold(-pending.size)
        outcome = "cancelled" if option is None else "selected"
        record: dict[str, Any] = {"permissionId": pending.id, "outcome": outcome, "by": by}
        answer: dict[str, Any] = {"outcome": outcome}
        if option is not None:
            record["optionId"] = answer["optionId"] = option.option_id
        if remember:
            record["remember"] = list(pending.key)
        self._transcript.append(PERMISSION_REPLY, record)
        if self._agent is not None:
            self._agent.respond(pending.request_id, {"outcome": answer})
