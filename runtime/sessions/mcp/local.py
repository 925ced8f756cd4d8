"""The local MCP servers of a session: they live as long as its agent.

They start beside the agent's `session/new`, which does not wait for them: a message to a server that is still starting
waits by itself. What they write to stderr, and how one ends that nobody has ended, goes into the transcript:

* `_torpor/mcp_stderr` {server, text, dropped?}: also what it writes to stdout that is no message;
* `_torpor/mcp_exit` {server, exitCode, reason, message, stderr}: it ended, or could not be started (`reason` start). The agent
  gets the message as the answer to its requests. The next agent of the session starts the servers anew.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Protocol

from runtime.api.events import MCP_EXIT, MCP_STDERR
from runtime.sessions.mcp.http import McpHost
from runtime.sessions.mcp.stdio import StdioServer
from runtime.sessions.options.mcp_servers import HOST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.network import InternalHost
    from runtime.sessions.agent.process import Agent
    from runtime.sessions.ports import ExitStatus, Process
    from runtime.sessions.transcript.transcript import Transcript


class Spawn(Protocol):
    """Starts a program of the VM beside the agent."""

    async def __call__(self, argv: list[str], env: dict[str, str], /) -> Process:
        """Start it, and return its process."""


class LocalServers:
    """The servers among `servers` (in ACP's shape) that are commands, for one agent of the session."""

    def __init__(self, transcript: Transcript, spawn: Spawn, servers: list[dict[str, Any]]) -> None:
        self._transcript = transcript
        self._spawn = spawn
        self._servers = {server["name"]: self._server(server) for server in servers if "command" in server}

    @property
    def hosts(self) -> Mapping[str, InternalHost]:
        """The internal hosts of the agent's process; empty without local servers."""
        return {HOST: McpHost(self._servers)} if self._servers else {}

    def start(self, agent: Agent) -> None:
        """Start them all; they end with the agent."""
        for server in self._servers.values():
            server.backlog.hold = agent.hold
            with contextlib.suppress(RuntimeError):  # the agent has just ended, which its next request will tell
                agent.start_soon(server.run)

    def _server(self, server: dict[str, Any]) -> StdioServer:
        transcript, name = self._transcript, server["name"]

        async def on_stderr(text: str, dropped: int) -> None:
            await transcript.room()
            params: dict[str, Any] = {"server": name, "text": text}
            transcript.append(MCP_STDERR, {**params, "dropped": dropped} if dropped else params)

        def on_exit(status: ExitStatus | None, message: str, stderr: str) -> None:
            how = ("start", None) if status is None else (status.reason, status.code)
            transcript.append(
                MCP_EXIT, {"server": name, "exitCode": how[1], "reason": how[0], "message": message, "stderr": stderr}
            )

        async def start() -> Process:
            env = {variable["name"]: variable["value"] for variable in server["env"]}
            return await self._spawn([server["command"], *server["args"]], env)

        return StdioServer(name, start, on_stderr, on_exit)
