"""What the daemon tells unasked: events become `session/update`s, permission requests the editor's to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.api.events import (
    ELICITATION_REPLY,
    ELICITATION_REQUEST,
    PERMISSION_REPLY,
    PERMISSION_REQUEST,
    SESSION_EVENT,
    SUBSCRIPTION_LAGGED,
    TERMINAL_ENDED,
    TURN_ENDED,
    TURN_INTERRUPTED,
    TURN_STARTED,
)
from runtime.cli import output
from runtime.cli.acp.errors import RefusedError
from runtime.cli.acp.flows import Ask, Call, Flow, Flows
from runtime.cli.acp.terminals import CALL_UPDATE

if TYPE_CHECKING:
    from runtime.cli.acp.editor import Editor
    from runtime.cli.acp.workspaces import Session

UPDATE: Final = "session/update"
TURNS: Final = {TURN_STARTED: True, TURN_ENDED: False, TURN_INTERRUPTED: False}
"""The events that say whether a turn is in progress."""
ANSWERED: Final = {PERMISSION_REPLY: "permissionId", ELICITATION_REPLY: "questionId"}
"""The events that say that the agent has an answer, and the member that names what was asked."""
ELICITATION_COMPLETE: Final = "elicitation/complete"
NOTHING: Final = "no_active_prompt"


class Events:
    """The subscriptions of one connection to the daemon."""

    def __init__(self, flows: Flows, editor: Editor) -> None:
        self._flows = flows
        self._editor = editor
        self._subscribed: dict[str, Session] = {}
        self._deciding: set[tuple[Session, str]] = set()
        """Permission requests and questions that the editor has before it, or has answered and the daemon has not
        acknowledged: it may be told twice of one, by the notification and by `getSession`."""

    def take(self, method: str, params: dict[str, Any]) -> None:
        """Take a notification of the daemon."""
        session = self._subscribed.get(params.get("subscriptionId", ""))
        if session is None:
            return
        if method == SESSION_EVENT:
            self.forward(session, params)
        elif method == PERMISSION_REQUEST:
            self._flows.start(self._permission(session, params["request"]))
        elif method == ELICITATION_REQUEST:
            self._flows.start(self._elicitation(session, params["request"]))
        elif method == SUBSCRIPTION_LAGGED:
            # The editor reads more slowly than the agent writes. What was missed is in the transcript.
            del self._subscribed[params["subscriptionId"]]
            self._flows.start(self.follow(session))

    def follow(self, session: Session) -> Flow:
        """Forward what comes after the session's `last_seq`, and ask what the agent is waiting to be told."""
        session.following = True
        try:
            subscribed = yield Call("subscribe", {**session.ids, "after": session.last_seq})
            session.subscription = subscribed["subscriptionId"]
            self._subscribed[subscribed["subscriptionId"]] = session
            details = yield Call("getSession", session.ids)
        except RefusedError:
            session.following = False
            raise
        for request in details.get("pendingPermissions") or ():
            self._flows.start(self._permission(session, request))
        for request in details.get("pendingElicitations") or ():
            self._flows.start(self._elicitation(session, request))

    def leave(self, session: Session) -> Flow:
        """Forward no more of the session."""
        subscription, session.subscription = session.subscription, None
        session.following = False
        if subscription in self._subscribed:
            del self._subscribed[subscription]
            yield Call("unsubscribe", {"subscriptionId": subscription})

    def forward(self, session: Session, event: dict[str, Any], *, replay: bool = False) -> None:
        """Tell the editor of an event, if it is news and one that ACP has a name for.

        The user's own words are replayed, and told where another client has said them: the editor knows its own.
        """
        if event["seq"] <= session.last_seq:
            return
        session.last_seq = event["seq"]
        message = event["event"]
        method, params = message["method"], message.get("params") or {}
        if method == UPDATE:
            own = session.prompting and not replay
            shown = self._editor.shown(params, replay=replay)
            if shown is not None and not (own and params["update"].get("sessionUpdate") == "user_message_chunk"):
                self._post(shown, session.terminals.shown(self._editor, shown["update"]))
        elif method == TERMINAL_ENDED:
            self._post({"sessionId": session.id}, session.terminals.end(self._editor, params))
        elif method in TURNS:
            session.in_turn = TURNS[method]
            if session.in_turn and session.prompts and session.prompts[0].too_early:
                session.prompts[0].too_early = False
                self._flows.start(self.cancel(session))
        elif method in ANSWERED and not replay:
            self._flows.withdraw((session, params.get(ANSWERED[method])))
        elif method == ELICITATION_COMPLETE and not replay and self._editor.elicitation:
            self._flows.post({"method": method, "params": {"elicitationId": params.get("elicitationId")}})

    def _post(self, params: dict[str, Any], updates: list[dict[str, Any]]) -> None:
        for update in updates:
            self._flows.post({"method": UPDATE, "params": {**params, "update": update}})

    def cancel(self, session: Session) -> Flow:
        """End the turn in progress.

        The daemon serves requests side by side, so that a cancel may overtake the prompt that it is for: it is said
        again once that turn has begun. No prompt is sent before the answer, so that it overtakes no later one either.
        """
        first = session.prompts[0] if session.prompts else None
        session.cancels += 1
        try:
            while (yield Call("cancelPrompt", session.ids))["outcome"] == NOTHING:
                if first is None or first not in session.prompts:
                    return
                if not session.in_turn:
                    first.too_early = True
                    return
        finally:
            session.cancels -= 1

    def _permission(self, session: Session, request: dict[str, Any]) -> Flow:
        key = (session, request["permissionId"])
        if key in self._deciding:
            return
        self._deciding.add(key)
        try:
            question = {name: request[name] for name in request if name in ("options", "_meta")}
            question["toolCall"] = self._tool_call(session, request["toolCall"])
            try:
                answer = yield Ask("session/request_permission", {"sessionId": session.id, **question}, key)
            except RefusedError as refusal:
                output.say(f"the editor did not answer a permission request: {refusal.message}")
                answer = None
            yield from self._reply(session, request["permissionId"], answer)
        finally:
            self._deciding.discard(key)

    def _tool_call(self, session: Session, call: dict[str, Any]) -> dict[str, Any]:
        """The call of a permission request, with no terminal that the editor does not have."""
        update = {**call, "sessionUpdate": CALL_UPDATE}
        shown, *ends = session.terminals.shown(self._editor, update)
        if ends:
            self._post({"sessionId": session.id}, [shown, *ends])
            (shown,) = session.terminals.shown(self._editor, update)
        return {name: value for name, value in shown.items() if name != "sessionUpdate"}

    def _elicitation(self, session: Session, request: dict[str, Any]) -> Flow:
        """Pass a question on, or decline it for an editor that knows no such questions."""
        key = (session, request["questionId"])
        if key in self._deciding:
            return
        self._deciding.add(key)
        try:
            question = {name: value for name, value in request.items() if name != "questionId"}
            answer: Any = {"action": "decline"}
            if request["mode"] in self._editor.elicitation:
                try:
                    answer = yield Ask("elicitation/create", {"sessionId": session.id, **question}, key)
                except RefusedError as refusal:
                    output.say(f"the editor did not answer a question of the agent: {refusal.message}")
            yield from self._answer(session, request["questionId"], answer if isinstance(answer, dict) else {})
        finally:
            self._deciding.discard(key)

    def _answer(self, session: Session, question_id: str, answer: dict[str, Any]) -> Flow:
        action = answer.get("action") if answer.get("action") in ("accept", "decline") else "cancel"
        content = answer.get("content") if action == "accept" else None
        said = {"questionId": question_id, "action": action, "content": content}
        try:
            yield Call("respondElicitation", {**session.ids, **said})
        except RefusedError as refusal:
            if refusal.name != "elicitation_not_pending":
                output.say(f"the editor's answer to a question was not taken, which is declined: {refusal.message}")
                yield Call("respondElicitation", {**session.ids, "questionId": question_id, "action": "decline"})

    def _reply(self, session: Session, permission_id: str, answer: Any) -> Flow:
        outcome = answer.get("outcome") if isinstance(answer, dict) else None
        chosen = outcome.get("optionId") if isinstance(outcome, dict) else None
        if chosen is None and session.cancelling:
            return  # the cancel has answered it already
        said = {"optionId": chosen} if isinstance(chosen, str) else {"reply": "reject"}
        try:
            yield Call("respondPermission", {**session.ids, "permissionId": permission_id, **said})
        except RefusedError as refusal:
            if refusal.name == "permission_not_pending":
                return
            # There is no option that says no, or the editor has made one up: nothing may be allowed that way.
            output.say(f"a permission request was not answered: {refusal.message}; the turn is cancelled")
            yield from self.cancel(session)
