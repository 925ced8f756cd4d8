"""The requests of an agent that ACP's client serves: fs/*, terminal/*, session/request_permission; others get -32601.

Requests are served in the order in which they come, each before the agent's next message is looked at: a read that
follows a write sees it. Only what waits for something else, a permission, a client's file or
the end of a command, is left to a task.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from runtime.acp.codec import ErrorObject, Id, Request
from runtime.acp.messages import (
    ELICITATION_CREATE,
    READ_TEXT_FILE,
    REQUEST_PERMISSION,
    TERMINAL_CREATE,
    TERMINAL_KILL,
    TERMINAL_OUTPUT,
    TERMINAL_RELEASE,
    TERMINAL_WAIT,
    WRITE_TEXT_FILE,
    CreateTerminal,
    Elicitation,
    PermissionRequest,
    ReadTextFile,
    TerminalRef,
    WriteTextFile,
    parse,
)
from runtime.api.events import TERMINAL_ENDED
from runtime.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, RESOURCE_NOT_FOUND
from runtime.sessions.services.files import AgentFiles
from runtime.sessions.services.refusals import REFUSALS, RefusedError, error_of
from runtime.sessions.services.terminals import Terminals

if TYPE_CHECKING:
    from runtime.network import Egress
    from runtime.sessions.agent.process import Agent
    from runtime.sessions.ports import VmServices
    from runtime.sessions.services.terminals import Terminal
    from runtime.sessions.transcript.transcript import Transcript

MAX_SERVING: Final = 64
"""Requests of one agent that may wait at once (permissions, ends of commands): as many as it may have terminals."""

Ask = Callable[[Id, PermissionRequest, Any], None]
"""Takes a permission request: its id, its params, and those as they came; answers it now or later.
Raises `MessageError` for one that nobody could answer."""

Elicit = Callable[[Id, Elicitation, Any], None]
"""The same for a question to a person."""


class ClientServices:
    """Serves the requests of one agent."""

    def __init__(
        self,
        vm: VmServices,
        transcript: Transcript,
        agent: Agent,
        cwd: str,
        egress: Egress,
        *,
        ask: Ask,
        elicit: Elicit,
    ) -> None:
        self._agent = agent
        self._transcript = transcript
        self._files = AgentFiles(vm.files, agent, partial(vm.hub.file_servers.find, vm.name, transcript.session_id))
        self._ask = ask
        self._elicit = elicit
        self._terminals = Terminals(vm, f"term_{transcript.last_seq + 1}", cwd, egress, agent.hold)
        self.agent_session_id: str | None = None
        """The agent's id of our session, None until it has told us: until then any id is taken."""
        self._table: dict[str, Callable[[Request], Awaitable[None]]] = {
            READ_TEXT_FILE: self._read,
            WRITE_TEXT_FILE: self._write,
            REQUEST_PERMISSION: self._permission,
            ELICITATION_CREATE: self._elicitation,
            TERMINAL_CREATE: self._terminal_create,
            TERMINAL_OUTPUT: self._terminal_output,
            TERMINAL_WAIT: self._terminal_wait,
            TERMINAL_KILL: self._terminal_kill,
            TERMINAL_RELEASE: self._terminal_release,
        }

    async def serve(self, request: Request) -> None:
        """Serve one request; its answer may come later."""
        handler = self._table.get(request.method)
        if handler is None:
            error = ErrorObject(METHOD_NOT_FOUND, f"Method not found: {request.method}", {"method": request.method})
            self._agent.refuse(request.id, error)
            return
        if self._agent.serving > MAX_SERVING:
            error = ErrorObject(INTERNAL_ERROR, f"more than {MAX_SERVING} requests are waiting already")
            self._agent.refuse(request.id, error)
            return
        try:
            await handler(request)
        except REFUSALS as refusal:
            self._agent.refuse(request.id, error_of(refusal))

    def cancel(self) -> None:
        """The turn is to end: wait for no client's file any more."""
        self._files.cancel()

    def close(self) -> None:
        """Release the terminals that the agent has not released."""
        self._terminals.close()

    async def _read(self, request: Request) -> None:
        params = parse(request.params, ReadTextFile)
        self._check(params.session_id, params.path)
        await self._files.read(request.id, params)

    async def _write(self, request: Request) -> None:
        params = parse(request.params, WriteTextFile)
        self._check(params.session_id, params.path)
        await self._files.write(request.id, params)

    async def _permission(self, request: Request) -> None:
        params = parse(request.params, PermissionRequest)
        self._check(params.session_id)
        self._ask(request.id, params, request.params)

    async def _elicitation(self, request: Request) -> None:
        params = parse(request.params, Elicitation)
        if params.session_id is not None:
            self._check(params.session_id)
        self._elicit(request.id, params, request.params)

    async def _terminal_create(self, request: Request) -> None:
        params = parse(request.params, CreateTerminal)
        self._check(params.session_id, params.cwd)
        terminal_id, terminal = await self._terminals.create(params)
        self._agent.start_soon(partial(self._run, terminal_id, terminal))
        self._agent.respond(request.id, {"terminalId": terminal_id})

    async def _terminal_output(self, request: Request) -> None:
        params = self._terminal_ref(request)
        self._agent.respond(request.id, self._terminals.get(params.terminal_id).output())

    async def _terminal_wait(self, request: Request) -> None:
        terminal = self._terminals.get(self._terminal_ref(request).terminal_id)

        async def wait() -> None:
            await terminal.ended.wait()
            if terminal.exit_status is not None:
                self._agent.respond(request.id, terminal.exit_status)

        self._agent.serve_later(request.id, wait)

    async def _terminal_kill(self, request: Request) -> None:
        self._terminals.get(self._terminal_ref(request).terminal_id).process.kill()
        self._agent.respond(request.id, {})

    async def _terminal_release(self, request: Request) -> None:
        terminal_id = self._terminal_ref(request).terminal_id
        terminal = self._terminals.get(terminal_id)
        if not terminal.ended.is_set():
            self._record(terminal_id, terminal)
        self._terminals.release(terminal_id)
        self._agent.respond(request.id, {})

    async def _run(self, terminal_id: str, terminal: Terminal) -> None:
        await terminal.run()
        if self._terminals.has(terminal_id):  # else its release was its end
            self._record(terminal_id, terminal)

    def _record(self, terminal_id: str, terminal: Terminal) -> None:
        self._transcript.append(TERMINAL_ENDED, {"terminalId": terminal_id, **terminal.shown()})

    def _terminal_ref(self, request: Request) -> TerminalRef:
        params = parse(request.params, TerminalRef)
        self._check(params.session_id)
        return params

    def _check(self, session_id: str, path: str | None = None) -> None:
        if self.agent_session_id is not None and session_id != self.agent_session_id:
            raise RefusedError(RESOURCE_NOT_FOUND, "Resource not found", {"sessionId": session_id})
        if path is not None and not path.startswith("/"):
            raise RefusedError(INVALID_PARAMS, f"Invalid params: paths are absolute in ACP, not {path!r}")
