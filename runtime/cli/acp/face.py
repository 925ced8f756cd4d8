"""The ACP methods of `torpor acp`, as an editor calls them (ACP v1, agent's side).

Sessions are the daemon's: their ids are the public ones, and their agents live in a VM, one for each workspace unless a VM is
named. The agent works on the VM's files, among which the workspace is mounted if its user wants that, and runs its commands in
the VM: the editor's own `fs/*` are used for what is in the workspace (`files`), its `terminal/*` never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.api.events import COMPILING
from runtime.cli import output
from runtime.cli.acp.editor import Editor
from runtime.cli.acp.errors import RefusedError, last_seq
from runtime.cli.acp.events import Events
from runtime.cli.acp.files import Files
from runtime.cli.acp.flows import Call, Flow, Flows, Respond, Until
from runtime.cli.acp.pages import page
from runtime.cli.acp.shapes import faults
from runtime.cli.acp.trace import trace_context
from runtime.cli.acp.vms import Vms
from runtime.cli.acp.wire import Id, LineError, Message, decode
from runtime.cli.acp.workspaces import (
    Name,
    Prompt,
    Session,
    absolute_path,
    session_info,
)
from runtime.cli.mounts import normal
from runtime.cli.progress import compiling
from runtime.jsonrpc import INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, RESOURCE_NOT_FOUND, Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

PROTOCOL_VERSION: Final = 1
PAGE: Final = 500
"""Events of a replay that are asked for at a time: some 200 KiB."""


class Face:
    """One editor's view of one agent."""

    def __init__(
        self,
        agent: str,
        *,
        vm: Name | None,
        allow: list[str],
        base: str | None = None,
        env: dict[str, str],
        mounts: Sequence[dict[str, Any]] = (),
        workspace: bool = False,
        on_terminal: bool = False,
    ) -> None:
        self.flows = Flows()
        self._agent = agent
        self._env = env
        self._auth_methods: list[dict[str, Any]] = []
        """What the agent offers, and the editor is told of."""
        self._auth_method: str | None = None
        """What the editor has chosen of them."""
        self._vms = Vms(vm, allow=allow, base=base, mounts=mounts, workspace=workspace, on_terminal=on_terminal)
        self._editor = Editor()
        self._events = Events(self.flows, self._editor)
        self._files = Files(self.flows, self._editor, workspace=workspace)
        self._open: dict[str, Session] = {}
        self._seen: dict[str, Name] = {}
        """The VMs of sessions that `session/list` has told of."""
        self._used: list[Name] = []
        self.finished = False
        self._requests: dict[str, Callable[[dict[str, Any]], Flow]] = {
            "initialize": self._initialize,
            "authenticate": self._authenticate,
            "session/new": self._new,
            "session/load": self._load,
            "session/resume": self._resume,
            "session/fork": self._fork,
            "session/list": self._list,
            "session/close": self._close,
            "session/delete": self._delete,
            "session/set_mode": self._set_mode,
            "session/set_config_option": self._set_config_option,
        }

    # What comes in.

    def hear_editor(self, line: Line) -> None:
        """Take a line of the editor."""
        try:
            self._take(decode(line))
        except LineError as error:
            self.flows.post({"id": error.id, "error": {"code": error.code, "message": error.message}})
        self.flows.settle()

    def _take(self, message: Message) -> None:
        params = message.get("params")
        params = {} if params is None else params
        if "method" not in message:
            self.flows.answered_by_editor(message)
        elif "id" in message:
            self.flows.start(self._serve(message["id"], message["method"], params), (message["id"],))
        elif message["method"] == "session/cancel" and isinstance(params, dict):
            for session in list(self._open.values()):
                if session.id == params.get("sessionId"):
                    self._cancel(session, session.prompts)
        elif message["method"] == "$/cancel_request" and isinstance(params, dict):
            for session in list(self._open.values()):
                if meant := [prompt for prompt in session.prompts if prompt.id == params.get("requestId")]:
                    self._cancel(session, meant)

    def hear_daemon(self, line: Line) -> None:
        """Take a line of the daemon. Raises LineError if it is no message."""
        message = decode(line)
        if message.get("method") == COMPILING:
            output.say(compiling(message["params"]))
        elif "method" in message:
            for each in (self._events, self._files):
                each.take(message["method"], message.get("params") or {})
        else:
            self.flows.answered_by_daemon(message)
        self.flows.settle()

    def finish(self) -> None:
        """The editor is gone: cancel its turns and let its sessions sleep; `finished` says when that is done."""
        self.flows.start(self._finish())
        self.flows.settle()

    def _serve(self, id_: Id, method: str, params: Any) -> Flow:
        if wrong := faults(method, params):
            told = "; ".join(f"{pointer or 'params'}: {message}" for pointer, message in wrong)
            errors = [{"pointer": pointer, "message": message} for pointer, message in wrong]
            raise RefusedError(INVALID_PARAMS, f"Invalid params: {told}", {"errors": errors})
        if method == "session/prompt":
            return (yield from self._prompt(Prompt(id_), params))
        handler = self._requests.get(method)
        if handler is None:
            return (yield from self._other(method, params if isinstance(params, dict) else {}))
        return (yield from handler(params))

    def _cancel(self, session: Session, prompts: Iterable[Prompt]) -> None:
        """Cancel these prompts; without any, what another client has asked the agent."""
        waiting = True
        for prompt in prompts:
            prompt.cancelled = True
            waiting = waiting and not prompt.begun
        if not (session.prompts and waiting):
            self.flows.start(self._events.cancel(session))

    # The methods.

    def _initialize(self, params: dict[str, Any]) -> Flow:
        self._editor.hear(params.get("clientCapabilities"))
        found = yield from self._vms.probe(self._agent, self._env)
        self._auth_methods = found["authMethods"]
        theirs = found["capabilities"] or {}
        ours: dict[str, Any] = {"list": {}, "resume": {}, "fork": {}, "close": {}, "delete": {}}
        if isinstance((theirs.get("sessionCapabilities") or {}).get("additionalDirectories"), dict):
            ours["additionalDirectories"] = {}
        passed = {name: theirs[name] for name in ("promptCapabilities", "mcpCapabilities") if theirs.get(name)}
        return {
            "protocolVersion": PROTOCOL_VERSION,
            "agentCapabilities": {"loadSession": True, **passed, "sessionCapabilities": ours},
            "agentInfo": found["agentInfo"] or {"name": self._agent, "version": "unknown"},
            "authMethods": self._auth_methods,
        }

    def _authenticate(self, params: dict[str, Any]) -> Flow:
        """Authenticate the agents of the sessions that are open; those of later ones authenticate themselves as they start."""
        chosen = params["methodId"]
        if chosen not in [method["id"] for method in self._auth_methods]:
            raise RefusedError(INVALID_PARAMS, f"Invalid params: the agent has no auth method {chosen}")
        for session in list(self._open.values()):
            yield Call("authenticate", {**session.ids, "methodId": chosen})
        self._auth_method = chosen
        return {}

    def _new(self, params: dict[str, Any]) -> Flow:
        cwd = absolute_path(params, "cwd")
        vm = yield from self._vms.make(cwd)
        options = {
            "cwd": cwd,
            "mcpServers": params.get("mcpServers") or None,
            "additionalDirectories": params.get("additionalDirectories") or None,
            "env": self._env or None,
            "authMethod": self._auth_method,
            "elicitation": self._editor.elicitation or None,
        }
        given = {name: value for name, value in options.items() if value is not None}
        yield from self._vms.listen(vm)
        made = yield Call("createSession", {"vm": vm, "agentType": self._agent, "options": given})
        session = yield from self._enter(Session(vm, made["sessionId"], cwd))
        yield Respond({"sessionId": session.id, **self._editor.setup(made)})
        yield from self._events.follow(session)

    def _load(self, params: dict[str, Any]) -> Flow:
        session, _ = yield from self._find(params)
        made = yield from self._bring_back(session, params)
        while page := (yield Call("getSessionEvents", {**session.ids, "after": session.last_seq, "limit": PAGE})):
            for event in page:
                self._events.forward(session, event, replay=True)
        yield from self._enter(session)
        yield Respond(self._editor.setup(made))
        yield from self._events.follow(session)

    def _resume(self, params: dict[str, Any]) -> Flow:
        session, row = yield from self._find(params)
        session.last_seq = row["lastSeq"]
        made = yield from self._bring_back(session, params)
        yield from self._enter(session)
        yield Respond(self._editor.setup(made))
        yield from self._events.follow(session)

    def _fork(self, params: dict[str, Any]) -> Flow:
        """A new session with the history of another, which stays as it is."""
        source = self._open.get(params["sessionId"]) or (yield from self._find(params))[0]
        made = yield Call("forkSession", source.ids)
        session = Session(source.vm, made["sessionId"], source.cwd)
        session.last_seq = (yield Call("getSession", session.ids))["lastSeq"]
        try:
            setup = self._editor.setup((yield from self._bring_back(session, params)))
        except RefusedError:  # the editor would never hear of it, and could only make another one
            yield Call("destroySession", session.ids)
            raise
        yield from self._enter(session)
        yield Respond({"sessionId": session.id, **setup})
        yield from self._events.follow(session)

    def _list(self, params: dict[str, Any]) -> Flow:
        cwd = absolute_path(params, "cwd") if params.get("cwd") is not None else None
        found = []
        for vm in (yield from self._vms.of(cwd)):
            try:
                rows = yield Call("listPersistedSessions", {"vm": vm})
            except RefusedError as refusal:
                if refusal.name == "vm_not_found":
                    continue
                raise
            found += [row for row in rows if row["agentType"] == self._agent and cwd in (None, normal(row["cwd"]))]
            self._seen.update({row["sessionId"]: vm for row in rows})
        shown, cursor = page(found, params.get("cursor"))
        return {"sessions": [session_info(row) for row in shown], **({} if cursor is None else {"nextCursor": cursor})}

    def _close(self, params: dict[str, Any]) -> Flow:
        ids = self._ids(params)
        yield Call("closeSession", ids)
        yield from self._leave(ids)
        return {}

    def _delete(self, params: dict[str, Any]) -> Flow:
        ids = self._ids(params)
        yield Call("destroySession", ids)
        yield from self._leave(ids)
        return {}

    def _prompt(self, prompt: Prompt, params: dict[str, Any]) -> Flow:
        session = self._session(params)
        if session.prompts and not session.prompts[-1].cancelled:
            raise RefusedError(INVALID_REQUEST, "a prompt of this session is in progress")
        session.prompts.append(prompt)
        try:
            yield Until(lambda: session.is_free_for(prompt))
            if prompt.cancelled:
                return {"stopReason": "cancelled"}
            prompt.begun = True
            asked = {"prompt": params["prompt"], "traceContext": trace_context(params)}
            result = yield Call("sendPrompt", {**session.ids, **asked})
            yield Until(lambda: session.has_forwarded(result["seq"]))
        except RefusedError as refusal:
            seq = last_seq(refusal) or session.last_seq
            yield Until(lambda: session.has_forwarded(seq))
            raise
        finally:
            session.prompts.remove(prompt)
        return {**(result["response"] or {}), "stopReason": result["stopReason"]}

    def _set_mode(self, params: dict[str, Any]) -> Flow:
        yield Call("setMode", {**self._session(params).ids, "modeId": params.get("modeId")})
        return {}

    def _set_config_option(self, params: dict[str, Any]) -> Flow:
        option = {"configId": params.get("configId"), "value": params.get("value")}
        settings = yield Call("setConfigOption", {**self._session(params).ids, **option})
        return {"configOptions": self._editor.options(settings["configOptions"])}

    def _other(self, method: str, params: dict[str, Any]) -> Flow:
        """Extensions are the agent's business, where they name a session."""
        session = self._open.get(str(params.get("sessionId")))
        if session is None or not method.startswith(("_", "session/")):
            raise RefusedError(METHOD_NOT_FOUND, f"Method not found: {method}", {"method": method})
        return (yield Call("rawSend", {**session.ids, "method": method, "params": params}))

    # What they have in common.

    def _session(self, params: dict[str, Any]) -> Session:
        session = self._open.get(str(params.get("sessionId")))
        if session is None:
            raise _unknown(params.get("sessionId"))
        return session

    def _ids(self, params: dict[str, Any]) -> dict[str, Any]:
        """The params that name a session to the daemon, be it open here or not."""
        id_ = str(params.get("sessionId"))
        vm = self._open[id_].vm if id_ in self._open else self._seen.get(id_, self._vms.named)
        if vm is None:
            raise _unknown(params.get("sessionId"))
        return {"vm": vm, "sessionId": id_}

    def _enter(self, session: Session) -> Flow:
        self._open[session.id] = session
        if session.vm not in self._used:
            self._used.append(session.vm)
        yield from self._files.serve(session)
        return session

    def _leave(self, ids: dict[str, Any]) -> Flow:
        self._seen[ids["sessionId"]] = ids["vm"]
        session = self._open.pop(ids["sessionId"], None)
        if session is not None:
            yield from self._events.leave(session)
            yield from self._files.leave(session)

    def _find(self, params: dict[str, Any]) -> Flow:
        """The session that is to be loaded or resumed, and its row; one that was open here is left."""
        id_ = params.get("sessionId")
        if not isinstance(id_, str):
            raise RefusedError(INVALID_PARAMS, "Invalid params: sessionId is a string")
        vm = self._vms.at(absolute_path(params, "cwd"))
        try:
            row = yield Call("getSession", {"vm": vm, "sessionId": id_})
        except RefusedError as refusal:
            if refusal.name not in ("vm_not_found", "session_not_found"):
                raise
            # An editor may have moved to another folder; the list knows better where the session is.
            if id_ not in self._seen or self._seen[id_] == vm:
                raise _unknown(id_) from refusal
            vm = self._seen[id_]
            row = yield Call("getSession", {"vm": vm, "sessionId": id_})
        if row["agentType"] != self._agent:
            raise RefusedError(INVALID_PARAMS, f"session {id_} belongs to the agent {row['agentType']}")
        yield from self._leave({"vm": vm, "sessionId": id_})
        return Session(vm, id_, row["cwd"]), row

    def _bring_back(self, session: Session, params: dict[str, Any]) -> Flow:
        yield from self._vms.listen(session.vm)
        chosen = {} if self._auth_method is None else {"authMethod": self._auth_method}
        try:
            return (yield Call("resumeSession", {**session.ids, "options": chosen or None}))
        except RefusedError as refusal:
            if refusal.name != "secrets_required":
                raise
            asked = refusal.data.get("options") or []
            servers = {"mcpServers": params.get("mcpServers") or []} if "mcpServers" in asked else {}
            again = {**({"env": self._env} if self._env else {}), **servers}
            if not again:
                raise
        return (yield Call("resumeSession", {**session.ids, "options": {**chosen, **again}}))

    def _finish(self) -> Flow:
        try:
            for session in list(self._open.values()):
                for prompt in session.prompts:
                    prompt.cancelled = True
                if session.prompting:
                    yield from self._events.cancel(session)
            for vm in self._used:
                yield from self._vms.let_sleep(vm, self._open)
        finally:
            self.finished = True


def _unknown(session_id: object) -> RefusedError:
    return RefusedError(RESOURCE_NOT_FOUND, f"Resource not found: session {session_id}", {"sessionId": session_id})
