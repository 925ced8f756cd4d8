"""The ACP methods of `torpor acp`, as an editor calls them (ACP v1, agent's side).

Sessions are the daemon's: their ids are the public ones, and their agents live in a VM, one for each workspace unless a VM is
named. The editor's own `fs/*` and `terminal/*` are not used: the agent works on the VM's files, among which the workspace is
mounted if its user wants that.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from runtime.cli import output
from runtime.cli.acp.errors import RefusedError, last_seq
from runtime.cli.acp.events import Events
from runtime.cli.acp.flows import Answer, Call, Flow, Flows, Reached
from runtime.cli.acp.wire import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    RESOURCE_NOT_FOUND,
    Id,
    LineError,
    decode,
)
from runtime.cli.acp.workspaces import (
    Name,
    Session,
    absolute_path,
    is_workspace,
    session_info,
    setup,
    with_mounts,
    workspace_labels,
    workspace_vm,
)
from runtime.cli.mounts import host_mount, normal
from runtime.cli.progress import compiling

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
        env: dict[str, str],
        mounts: Sequence[dict[str, Any]] = (),
        workspace: bool = False,
        on_terminal: bool = False,
    ) -> None:
        self.flows = Flows()
        self._agent = agent
        self._vm = vm
        self._allow = allow
        self._env = env
        self._mounts = list(mounts)
        self._workspace = workspace
        self._on_terminal = on_terminal
        self._heard: list[Name] = []
        """VMs of whose compilations we are told."""
        self._events = Events(self.flows)
        self._open: dict[str, Session] = {}
        self._seen: dict[str, Name] = {}
        """The VMs of sessions that `session/list` has told of."""
        self._used: list[Name] = []
        self.finished = False
        self._requests: dict[str, Callable[[dict[str, Any]], Flow]] = {
            "initialize": self._initialize,
            "session/new": self._new,
            "session/load": self._load,
            "session/resume": self._resume,
            "session/list": self._list,
            "session/close": self._close,
            "session/delete": self._delete,
            "session/prompt": self._prompt,
            "session/set_mode": self._set_mode,
            "session/set_config_option": self._set_config_option,
        }

    # What comes in.

    def hear_editor(self, line: bytes | None) -> None:
        """Take a line of the editor, None for one that was too long."""
        try:
            message = decode(line)
        except LineError as error:
            self.flows.post({"id": None, "error": {"code": error.code, "message": error.message}})
            return
        if message is None:
            return
        if "method" not in message:
            self.flows.answered_by_editor(message)
            return
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        if "id" in message:
            self._take_request(message["id"], message["method"], params)
        elif message["method"] == "session/cancel":
            self._cancel(lambda session: session.id == params.get("sessionId"))
        elif message["method"] == "$/cancel_request":
            self._cancel(lambda session: session.prompting and session.prompt == params.get("requestId"))

    def hear_daemon(self, line: bytes | None) -> None:
        """Take a line of the daemon."""
        message = decode(line)
        if message is None:
            return
        if message.get("method") == "compiling":
            output.say(compiling(message["params"]))
        elif "method" in message:
            self._events.take(message["method"], message.get("params") or {})
        else:
            self.flows.answered_by_daemon(message)

    def finish(self) -> None:
        """The editor is gone: cancel its turns and let its sessions sleep; `finished` says when that is done."""
        self.flows.start(self._finish())

    def _take_request(self, id_: Id, method: str, params: dict[str, Any]) -> None:
        handler = self._requests.get(method)
        flow = self._other(method, params) if handler is None else handler(params)
        session = self._open.get(str(params.get("sessionId")))
        if method == "session/prompt" and session is not None and not session.prompting:
            session.prompt = id_
        self.flows.start(flow, (id_,))

    def _cancel(self, is_meant: Callable[[Session], bool]) -> None:
        for session in list(self._open.values()):
            if is_meant(session):
                self.flows.start(self._events.cancel(session))

    # The methods.

    def _initialize(self, _params: dict[str, Any]) -> Flow:
        found = yield from self._probe()
        theirs = found["capabilities"] or {}
        ours: dict[str, Any] = {"list": {}, "resume": {}, "close": {}, "delete": {}}
        if isinstance((theirs.get("sessionCapabilities") or {}).get("additionalDirectories"), dict):
            ours["additionalDirectories"] = {}
        passed = {name: theirs[name] for name in ("promptCapabilities", "mcpCapabilities") if theirs.get(name)}
        return {
            "protocolVersion": PROTOCOL_VERSION,
            "agentCapabilities": {"loadSession": True, **passed, "sessionCapabilities": ours},
            "agentInfo": found["agentInfo"] or {"name": self._agent, "version": "unknown"},
            "authMethods": [],
        }

    def _new(self, params: dict[str, Any]) -> Flow:
        cwd = absolute_path(params, "cwd")
        vm = yield from self._make_vm(cwd)
        options = {
            "cwd": cwd,
            "mcpServers": params.get("mcpServers") or None,
            "additionalDirectories": params.get("additionalDirectories") or None,
            "env": self._env or None,
        }
        given = {name: value for name, value in options.items() if value is not None}
        yield from self._listen(vm)
        made = yield Call("createSession", {"vm": vm, "agentType": self._agent, "options": given})
        session = self._enter(Session(vm, made["sessionId"]))
        yield Answer({"sessionId": session.id, **setup(made)})
        yield from self._events.follow(session)

    def _load(self, params: dict[str, Any]) -> Flow:
        session, _ = yield from self._find(params)
        made = yield from self._bring_back(session, params)
        while page := (yield Call("getSessionEvents", {**session.ids, "after": session.last_seq, "limit": PAGE})):
            for event in page:
                self._events.forward(session, event, replay=True)
        self._enter(session)
        yield Answer(setup(made))
        yield from self._events.follow(session)

    def _resume(self, params: dict[str, Any]) -> Flow:
        session, row = yield from self._find(params)
        session.last_seq = row["lastSeq"]
        made = yield from self._bring_back(session, params)
        self._enter(session)
        yield Answer(setup(made))
        yield from self._events.follow(session)

    def _list(self, params: dict[str, Any]) -> Flow:
        cwd = absolute_path(params, "cwd") if params.get("cwd") is not None else None
        if params.get("cursor") is not None:
            raise RefusedError(INVALID_PARAMS, "Invalid params: there are no further pages")
        found = []
        for vm in (yield from self._vms(cwd)):
            try:
                rows = yield Call("listPersistedSessions", {"vm": vm})
            except RefusedError as refusal:
                if refusal.name == "vm_not_found":
                    continue
                raise
            found += [row for row in rows if row["agentType"] == self._agent and cwd in (None, row["cwd"])]
            self._seen.update({row["sessionId"]: vm for row in rows})
        found.sort(key=lambda row: row["updatedAt"], reverse=True)
        return {"sessions": [session_info(row) for row in found]}

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

    def _prompt(self, params: dict[str, Any]) -> Flow:
        session = self._session(params)
        if session.prompting:
            raise RefusedError(INVALID_REQUEST, "a prompt of this session is in progress")
        session.prompting, session.cancelling, session.too_early = True, False, False
        try:
            result = yield Call("sendPrompt", {**session.ids, "prompt": params.get("prompt")})
            yield Reached(session, result["seq"])
        except RefusedError as refusal:
            yield Reached(session, last_seq(refusal) or session.last_seq)
            raise
        finally:
            session.prompting = False
        return {**(result["response"] or {}), "stopReason": result["stopReason"]}

    def _set_mode(self, params: dict[str, Any]) -> Flow:
        yield Call("setMode", {**self._session(params).ids, "modeId": params.get("modeId")})
        return {}

    def _set_config_option(self, params: dict[str, Any]) -> Flow:
        option = {"configId": params.get("configId"), "value": params.get("value")}
        settings = yield Call("setConfigOption", {**self._session(params).ids, **option})
        return {"configOptions": settings["configOptions"]}

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
        vm = self._open[id_].vm if id_ in self._open else self._seen.get(id_, self._vm)
        if vm is None:
            raise _unknown(params.get("sessionId"))
        return {"vm": vm, "sessionId": id_}

    def _enter(self, session: Session) -> Session:
        self._open[session.id] = session
        if session.vm not in self._used:
            self._used.append(session.vm)
        return session

    def _leave(self, ids: dict[str, Any]) -> Flow:
        self._seen[ids["sessionId"]] = ids["vm"]
        session = self._open.pop(ids["sessionId"], None)
        if session is not None:
            yield from self._events.leave(session)

    def _find(self, params: dict[str, Any]) -> Flow:
        """The session that is to be loaded or resumed, and its row; one that was open here is left."""
        id_ = params.get("sessionId")
        if not isinstance(id_, str):
            raise RefusedError(INVALID_PARAMS, "Invalid params: sessionId is a string")
        vm = self._vm or workspace_vm(absolute_path(params, "cwd"), mounted=self._workspace)
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
        return Session(vm, id_), row

    def _bring_back(self, session: Session, params: dict[str, Any]) -> Flow:
        yield from self._listen(session.vm)
        try:
            return (yield Call("resumeSession", session.ids))
        except RefusedError as refusal:
            if refusal.name != "secrets_required":
                raise
            asked = refusal.data.get("options") or []
            servers = {"mcpServers": params.get("mcpServers") or []} if "mcpServers" in asked else {}
            again = {**({"env": self._env} if self._env else {}), **servers}
            if not again:
                raise
        return (yield Call("resumeSession", {**session.ids, "options": again}))

    def _make_vm(self, cwd: str) -> Flow:
        vm = self._vm or workspace_vm(cwd, mounted=self._workspace)
        mounts = [host_mount(cwd, normal(cwd)), *self._mounts] if self._workspace else self._mounts
        try:
            found = yield Call("vm.get", {"vm": vm})
        except RefusedError as refusal:
            if refusal.name != "vm_not_found":
                raise
            options = self._network() | ({} if self._vm else {"labels": workspace_labels(cwd)})
            options |= {"mounts": mounts} if mounts else {}
            yield Call("vm.getOrCreate", {"vm": vm, "options": options or None})
            return vm
        allowed = ((found.get("options") or {}).get("network") or {}).get("allow") or []
        if missing := [host for host in self._allow if host not in allowed]:
            message = f"VM {output.vm_label(vm)} exists already and may not reach {', '.join(missing)}"
            raise RefusedError(INVALID_PARAMS, f"{message}: --allow counts when a VM is created")
        if added := with_mounts(found, mounts):
            yield Call("vm.configure", {"vm": vm, "options": {"mounts": added}})
        return vm

    def _listen(self, vm: Name) -> Flow:
        """Hear of programs of the VM that are compiled before they start, if a person may see what we say."""
        if self._on_terminal and vm not in self._heard:
            yield Call("subscribe", {"vm": vm, "types": ["compiling"]})
            self._heard.append(vm)

    def _network(self) -> dict[str, Any]:
        return {"network": {"allow": self._allow}} if self._allow else {}

    def _vms(self, cwd: str | None) -> Flow:
        if self._vm is not None:
            return [self._vm]
        if cwd is not None:
            return [workspace_vm(cwd, mounted=self._workspace)]
        return [row["vm"] for row in (yield Call("vm.list", {})) if is_workspace(row, mounted=self._workspace)]

    def _probe(self) -> Flow:
        """What the agent says of itself: it is asked in a VM that is made for that and removed again."""
        vm = f"acp-probe-{secrets.token_hex(8)}"
        yield Call("vm.getOrCreate", {"vm": vm, "options": self._network() or None})
        yield from self._listen(vm)
        options = {"env": self._env} if self._env else None
        failure: RefusedError | None = None
        found: dict[str, Any] = {"capabilities": None, "agentInfo": None}
        try:
            found = yield Call("createSession", {"vm": vm, "agentType": self._agent, "options": options})
        except RefusedError as refusal:
            failure = refusal
        yield Call("vm.destroy", {"vm": vm})
        if failure is not None and failure.name != "agent_failed":
            raise failure
        if failure is not None:
            # Its sessions will say so, too, and some agents start in a proper workspace only.
            output.say(f"the agent could not be asked for its capabilities: {failure.message}")
        return found

    def _finish(self) -> Flow:
        try:
            for session in list(self._open.values()):
                if session.prompting:
                    yield from self._events.cancel(session)
            for vm in self._used:
                yield from self._let_sleep(vm)
        finally:
            self.finished = True

    def _let_sleep(self, vm: Name) -> Flow:
        """Suspend what we have used, unless somebody else is at work in the VM; then it falls asleep by itself later."""
        rows = yield Call("listSessions", {"vm": vm})
        stats = yield Call("vm.stats", {"vm": vm})
        if not stats["processes"]["commands"] and _only(rows, self._open):
            yield Call("vm.sleep", {"vm": vm, "graceMs": 0})


def _only(rows: Iterable[dict[str, Any]], ours: dict[str, Session]) -> bool:
    return all(row["sessionId"] in ours for row in rows)


def _unknown(session_id: object) -> RefusedError:
    return RefusedError(RESOURCE_NOT_FOUND, f"Resource not found: session {session_id}", {"sessionId": session_id})
