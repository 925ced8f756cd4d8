"""Permission requests: policies, what an "always" is remembered for, and the requests that wait for a client.

A policy is "ask" (the default), "allow" or "deny", or `{default, rules: [{kind?, tool?, policy}]}`: the first rule whose
`kind` equals the tool call's and whose `tool` (a glob) matches its name, or its title when it has no name, decides.

The outcome is one of the offered options or `cancelled` (ACP, "Requesting permission"). Replies map to the options'
kinds, and never to more than was said: "once" does not choose an `allow_always`.
"""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from runtime.errors import ApiError, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.acp.codec import Id
    from runtime.acp.messages import PermissionOption, PermissionRequest
    from runtime.acp.session_state import ToolKey

Reply: TypeAlias = Literal["once", "always", "reject"]
Verdict: TypeAlias = Literal["ask", "allow", "deny"]

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "once": ("allow_once",),
    "always": ("allow_always", "allow_once"),  # we remember it as well, so once from the agent's view will do
    "reject": ("reject_once", "reject_always"),
}
"""What a client says -> the kinds of option that say it, in order of preference."""

MAX_RULES: Final = 100
"""Rules of one policy: they are tried one by one on every request."""

KNOWN_TOOLS: Final = 1000
"""Tool calls of one agent whose name and kind are kept for the requests that name only their id."""

_VERDICTS: Final = ("ask", "allow", "deny")


@attrs.frozen
class Rule:
    """One rule of a policy; None matches everything."""

    policy: Verdict
    kind: str | None = None
    tool: str | None = None


@attrs.frozen
class Policy:
    """What is decided without asking."""

    default: Verdict = "ask"
    rules: tuple[Rule, ...] = ()

    @classmethod
    def parse(cls, value: Any) -> Policy:
        """Read the option `permissionPolicy`. Raises `ApiError` INVALID_ARGUMENT."""
        if value is None:
            return cls()
        if isinstance(value, str):
            return cls(_verdict(value))
        if not isinstance(value, dict) or set(value) - {"default", "rules"}:
            raise _invalid("permissionPolicy is ask, allow or deny, or an object with default and rules")
        rules = value.get("rules", [])
        if not isinstance(rules, list) or len(rules) > MAX_RULES:
            raise _invalid(f"permissionPolicy.rules is a list of at most {MAX_RULES} rules")
        return cls(_verdict(value.get("default", "ask")), tuple(_rule(rule) for rule in rules))

    def decide(self, key: ToolKey) -> Verdict:
        """The verdict on a tool."""
        kind, name = key
        for rule in self.rules:
            if rule.kind in (None, kind) and (rule.tool is None or fnmatch.fnmatchcase(name, rule.tool)):
                return rule.policy
        return self.default


@attrs.frozen
class Pending:
    """A request that waits for a client."""

    permission_id: str
    request_id: Id
    key: ToolKey
    options: tuple[PermissionOption, ...]
    request: dict[str, Any]
    """What clients are shown: `{permissionId, toolCall, options}`."""


class ToolCalls:
    """The tool calls that an agent has announced, so that a permission request can be told what it is about."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Any]] = {}

    def note(self, update: dict[str, Any]) -> None:
        """Take a `tool_call` or `tool_call_update`; others are ignored."""
        id_ = update.get("toolCallId")
        if update.get("sessionUpdate") not in ("tool_call", "tool_call_update") or not isinstance(id_, str):
            return
        known = {name: update[name] for name in ("kind", "name", "title") if isinstance(update.get(name), str)}
        self._known[id_] = {**self._known.pop(id_, {}), **known}
        if len(self._known) > KNOWN_TOOLS:
            del self._known[next(iter(self._known))]

    def key(self, tool_call: dict[str, Any]) -> ToolKey:
        """What a permission for `tool_call` is about: its kind, and its name, or its title where it has no name.

        A title is prose about one call ("Run rm -rf build"), so that an "always" for a tool without a name covers
        exactly the same call, and nothing that the user has not seen.
        """
        id_ = tool_call.get("toolCallId")
        known = self._known.get(id_, {}) if isinstance(id_, str) else {}
        said = {**known, **{name: value for name, value in tool_call.items() if isinstance(value, str)}}
        return said.get("kind", "other"), said.get("name") or said.get("title", "")


class Permissions:
    """The requests of one session that wait."""

    def __init__(self) -> None:
        self._pending: dict[str, Pending] = {}
        self._answered: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, pending: Pending) -> None:
        """Let a request wait."""
        self._pending[pending.permission_id] = pending

    def requests(self) -> list[dict[str, Any]]:
        """What waits, as clients are shown it, oldest first."""
        return [pending.request for pending in self._pending.values()]

    def of_request(self, request_id: Id) -> Pending | None:
        """The waiting permission that the agent's request is for."""
        return next((p for p in self._pending.values() if p.request_id == request_id), None)

    def take(self, permission_id: str, reply: Reply | None, option_id: str | None) -> tuple[Pending, PermissionOption]:
        """End the wait with a client's choice: the first valid one wins.

        Raises `ApiError` PERMISSION_NOT_PENDING (with `reason`: unknown, or how it was answered) or
        INVALID_PERMISSION_OPTION, which leaves the request waiting.
        """
        pending = self._pending.get(permission_id)
        if pending is None:
            reason = self._answered.get(permission_id, "unknown")
            message = f"permission request {permission_id} is not waiting for an answer ({reason})"
            raise ApiError(ErrorCode.PERMISSION_NOT_PENDING, message, reason=reason)
        if option_id is not None:
            option = next((option for option in pending.options if option.option_id == option_id), None)
        else:
            option = choose(pending.options, reply or "")
        if option is None:
            raise ApiError(
                ErrorCode.INVALID_PERMISSION_OPTION,
                f"the agent offers no option for {option_id or reply!r}",
                options=pending.request["options"],
            )
        self.settle(pending, "answered")
        return pending, option

    def take_all(self, reason: str) -> list[Pending]:
        """End every wait, for `reason` (cancelled, closed, agent_exit, ...)."""
        waiting = list(self._pending.values())
        for pending in waiting:
            self.settle(pending, reason)
        return waiting

    def settle(self, pending: Pending, reason: str) -> None:
        """End one wait and keep the reason for those who answer too late."""
        del self._pending[pending.permission_id]
        self._answered[pending.permission_id] = reason
        if len(self._answered) > KNOWN_TOOLS:
            del self._answered[next(iter(self._answered))]


def choose(options: Sequence[PermissionOption], reply: str) -> PermissionOption | None:
    """The option that says `reply`, None if the agent offers none."""
    for kind in KINDS.get(reply, ()):
        for option in options:
            if option.kind == kind:
                return option
    return None


def permission_request(pending_id: str, request: PermissionRequest, raw_options: Any) -> dict[str, Any]:
    """What clients are shown of a request."""
    shown: dict[str, Any] = {"permissionId": pending_id, "toolCall": request.tool_call, "options": raw_options}
    title = request.tool_call.get("title")
    return {**shown, "description": title} if isinstance(title, str) else shown


def _rule(value: Any) -> Rule:
    if not isinstance(value, dict) or set(value) - {"kind", "tool", "policy"}:
        raise _invalid("a rule of permissionPolicy has kind, tool and policy")
    kind, tool = value.get("kind"), value.get("tool")
    if not all(part is None or isinstance(part, str) for part in (kind, tool)):
        raise _invalid("kind and tool of a rule are strings")
    return Rule(_verdict(value.get("policy")), kind, tool)


def _verdict(value: Any) -> Verdict:
    if value not in _VERDICTS:
        raise _invalid(f"a permission policy is one of {', '.join(_VERDICTS)}, not {value!r}")
    verdict: Verdict = value
    return verdict


def _invalid(message: str) -> ApiError:
    return ApiError(ErrorCode.INVALID_ARGUMENT, message)
