"""Permission requests: decisions without asking, remembered "always" replies, and the requests that wait.

The outcome is one of the offered options or `cancelled` (ACP, "Requesting permission"). Replies map to the options'
kinds, and never to more than was said: "once" does not choose an `allow_always`. Policies are in
`runtime.sessions.options.policy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from runtime.api.errors import ApiError, ErrorCode
from runtime.sessions.asking.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtime.acp.codec import Id
    from runtime.acp.messages import PermissionOption, PermissionRequest
    from runtime.acp.session_state import ToolKey

Reply: TypeAlias = Literal["once", "always", "reject"]

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "once": ("allow_once",),
    "always": ("allow_always", "allow_once"),  # we remember it as well, so once from the agent's view will do
    "reject": ("reject_once", "reject_always"),
}
"""What a client says -> the kinds of option that say it, in order of preference."""


@attrs.frozen
class Pending:
    """A request that waits for a client."""

    id: str
    request_id: Id
    key: ToolKey
    options: tuple[PermissionOption, ...]
    request: dict[str, Any]
    """The request as clients see it: `{permissionId, toolCall, options}`."""
    size: int = 0
    """Bytes of the request, once it waits."""


class Permissions(Waiting[Pending]):
    """The requests of one session that wait."""

    def take(self, permission_id: str, reply: Reply | None, option_id: str | None) -> tuple[Pending, PermissionOption]:
        """End the wait with a client's choice: the first valid one wins.

        Raises `ApiError` PERMISSION_NOT_PENDING (with `reason`: unknown, or how it was answered) or
        INVALID_PERMISSION_OPTION, which leaves the request waiting.
        """
        pending = self.get(permission_id)
        if pending is None:
            reason = self.reason(permission_id)
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


def choose(options: Sequence[PermissionOption], reply: str) -> PermissionOption | None:
    """The option that says `reply`, None if the agent offers none."""
    for kind in KINDS.get(reply, ()):
        for option in options:
            if option.kind == kind:
                return option
    return None


def permission_request(pending_id: str, request: PermissionRequest, raw: dict[str, Any]) -> dict[str, Any]:
    """A request as clients see it; `raw` is what the agent sent."""
    shown: dict[str, Any] = {"permissionId": pending_id, "toolCall": request.tool_call, "options": raw["options"]}
    if isinstance(raw.get("_meta"), dict):
        shown["_meta"] = raw["_meta"]
    title = request.tool_call.get("title")
    return {**shown, "description": title} if isinstance(title, str) else shown


def remembered_permissions(remembered: Iterable[ToolKey]) -> list[dict[str, str]]:
    """`rememberedPermissions` of getSession: `[{kind, tool}]`, one for each "always"."""
    return [{"kind": kind, "tool": tool} for kind, tool in sorted(remembered)]
