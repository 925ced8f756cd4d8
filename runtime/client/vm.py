"""A VM as an object: the methods of the API under Python's names, ids first, options by keyword.

Times that are given are in milliseconds, as in the API. All methods raise RpcError (match on its `name`) and
ConnectionLostError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from runtime.api.sessions import SessionEvent, SessionInfo
from runtime.api.settings import Settings
from runtime.api.turns import PromptResult
from runtime.client.connection import Connection
from runtime.client.handle import Handle, Json, Name
from runtime.client.results import SessionRow
from runtime.client.vm_files import FileMethods
from runtime.client.vm_processes import ProcessMethods

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from runtime.client.client import Client


class Vms:
    """The VMs of a daemon: `client.vm`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get_or_create(self, name: Name, options: Json | None = None) -> Vm:
        """Return the VM of this name (or list of parts), created by the first call; `await` it to have it made at once.

        `options` in the API's own form; RpcError vm_conflict when the VM exists with other ones.
        """
        return Vm(self._client, name, options, create=True)

    def get(self, name: Name) -> Vm:
        """Return a VM that exists: `await` it to find out (RpcError vm_not_found)."""
        return Vm(self._client, name, None, create=False)

    async def import_(self, path: str, name: Name | None = None, *, trust: bool = False) -> Vm:
        """Make a VM of an exported file on the daemon's machine, and return it.

        Without `trust` it reaches no host until `configure` says so, and asks for secrets again.
        """
        made = await self._client.call("vm.import", path=path, vm=name, trust=trust or None)
        return Vm(self._client, made["vm"], None, create=False)

    async def list(self) -> list[Json]:
        """Describe all VMs: `vm`, `state`, `createdAt`; wakes none."""
        vms: list[Json] = await self._client.call("vm.list")
        return vms


class Vm(FileMethods, ProcessMethods, Handle):
    """One VM. Handles are cheap, and any number may be had of one VM."""

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._found().__await__()

    async def _found(self) -> Self:
        await (self.ready() if self._create else self.get())
        return self

    def connect(
        self, session_id: str | None = None, *, after: int | None = None, types: Iterable[str] | None = None
    ) -> Connection:
        """Hear the VM, or one session, inside `async with`; `after` replays that session from after this `seq` (-1: all).

        `types` are events' types (`agent_message_chunk`) and notifications' methods (`permissionRequest`).
        """
        if after is not None and session_id is None:
            raise ValueError("a replay is of one session")
        return Connection(self, session_id, after, types)

    # The VM.

    async def get(self) -> Json:
        """Describe the VM; never wakes it."""
        info: Json = await self.call("vm.get")
        return info

    async def stats(self) -> Json:
        """Tell what the VM uses; wakes nothing."""
        stats: Json = await self.call("vm.stats")
        return stats

    async def configure(self, options: Json) -> Json:
        """Replace members of the VM's options, in the API's own form; None goes back to the default. Describes the VM."""
        info: Json = await self.call("vm.configure", options=options)
        return info

    async def fork(self, to: Name, *, at: tuple[str, int] | None = None) -> Json:
        """Make a VM `to` like this one: as it is, or as it was right after an event (`at`: the session's id and the seq).

        Describes the new VM; `filesAt` says of which moment its files are.
        """
        point = None if at is None else {"sessionId": at[0], "seq": at[1]}
        info: Json = await self.call("vm.fork", to=to, at=point)
        return info

    async def sleep(self, *, grace_ms: int | None = None, force: bool = False) -> None:
        """Hibernate the VM now."""
        await self.call("vm.sleep", graceMs=grace_ms, force=force or None)

    async def wake(self) -> None:
        """Wake the VM; never needed, since calls do."""
        await self.call("vm.wake")

    async def destroy(self) -> None:
        """Remove the VM with all that it holds."""
        await self.call("vm.destroy")

    async def export(self, path: str) -> Json:
        """Write the VM to a new file on the daemon's machine, without the values of `env`; returns `path` and `bytes`."""
        made: Json = await self.call("vm.export", path=path)
        return made

    async def list_agents(self) -> list[Json]:
        """Return the agents that sessions of this VM can run."""
        agents: list[Json] = await self.call("listAgents")
        return agents

    # Sessions.

    async def create_session(
        self,
        agent_type: str,
        *,
        session_id: str | None = None,
        env: dict[str, str] | None = None,
        secrets: dict[str, str | Json] | None = None,
        cwd: str | None = None,
        mcp_servers: list[Json] | None = None,
        additional_instructions: str | None = None,
        skip_os_instructions: bool | None = None,
        permission_policy: str | Json | None = None,
        additional_directories: list[str] | None = None,
    ) -> SessionInfo:
        """Start an agent and open a session with it. A secret is a value or an object such as `{"fromHostEnv": NAME}`."""
        given = {
            "sessionId": session_id,
            "env": env,
            "secrets": secrets,
            "cwd": cwd,
            "mcpServers": mcp_servers,
            "additionalInstructions": additional_instructions,
            "skipOsInstructions": skip_os_instructions,
            "permissionPolicy": permission_policy,
            "additionalDirectories": additional_directories,
        }
        return await self._typed(SessionInfo, "createSession", agentType=agent_type, options=_given(given))

    async def send_prompt(
        self,
        session_id: str,
        prompt: str | list[Json],
        *,
        idempotency_key: str | None = None,
        timeout_ms: int | None = None,
    ) -> PromptResult:
        """Run one turn. Cancelling this call gives up the answer and not the turn, which `cancel_prompt` ends."""
        return await self._typed(
            PromptResult,
            "sendPrompt",
            sessionId=session_id,
            prompt=prompt,
            idempotencyKey=idempotency_key,
            timeoutMs=timeout_ms,
        )

    async def cancel_prompt(self, session_id: str, *, grace_ms: int | None = None) -> str:
        """End the turn in progress; returns `cancelled`, `killed` or `no_active_prompt` once it is over."""
        answer = await self.call("cancelPrompt", sessionId=session_id, graceMs=grace_ms)
        return str(answer["outcome"])

    async def close_session(self, session_id: str) -> None:
        """Stop the agent, keep everything; idempotent."""
        await self.call("closeSession", sessionId=session_id)

    async def resume_session(
        self,
        session_id: str,
        *,
        env: dict[str, str] | None = None,
        secrets: dict[str, str | Json] | None = None,
        mcp_servers: list[Json] | None = None,
    ) -> SessionInfo:
        """Bring a closed or suspended session back, with the `options` that an error `secrets_required` asked for."""
        options = _given({"env": env, "secrets": secrets, "mcpServers": mcp_servers})
        return await self._typed(SessionInfo, "resumeSession", sessionId=session_id, options=options)

    async def destroy_session(self, session_id: str) -> None:
        """Remove the session and all its events."""
        await self.call("destroySession", sessionId=session_id)

    async def get_session(self, session_id: str) -> Json:
        """Describe a session; wakes nothing."""
        session: Json = await self.call("getSession", sessionId=session_id)
        return session

    async def list_sessions(self) -> list[SessionRow]:
        """Return the sessions that are live."""
        return await self._typed(list[SessionRow], "listSessions")

    async def list_persisted_sessions(self) -> list[SessionRow]:
        """Return all sessions, oldest first; never wakes the VM."""
        return await self._typed(list[SessionRow], "listPersistedSessions")

    async def get_session_events(
        self,
        session_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        types: Iterable[str] | None = None,
    ) -> list[SessionEvent]:
        """Read the transcript by `seq`, both bounds exclusive; a very long answer ends early: go on with `after`."""
        only = None if types is None else list(types)
        return await self._typed(
            list[SessionEvent],
            "getSessionEvents",
            sessionId=session_id,
            after=after,
            before=before,
            limit=limit,
            types=only,
        )

    async def respond_permission(
        self,
        session_id: str,
        permission_id: str,
        reply: Literal["once", "always", "reject"] | None = None,
        *,
        option_id: str | None = None,
    ) -> None:
        """Answer a permission request, by `reply` or with one of its options; the first valid answer wins."""
        await self.call(
            "respondPermission", sessionId=session_id, permissionId=permission_id, reply=reply, optionId=option_id
        )

    async def raw_send(self, session_id: str, method: str, params: Json | None = None) -> Any:
        """Send any ACP request to the agent and return its result."""
        await self.ready()
        members = {"vm": self.name, "sessionId": session_id, "method": method, "params": params}
        return await (await self.client.link()).call("rawSend", members)

    async def fork_session(self, session_id: str, *, at: int | None = None, to: Name | None = None) -> SessionInfo:
        """Make a session with the history of another, up to event `at`: a new one here, or the same in a forked VM `to`."""
        return await self._typed(SessionInfo, "forkSession", sessionId=session_id, at=at, to=to)

    # A session's options.

    async def set_model(self, session_id: str, value: str) -> Settings:
        """Set the option of category `model`."""
        return await self._typed(Settings, "setModel", sessionId=session_id, value=value)

    async def set_thought_level(self, session_id: str, value: str) -> Settings:
        """Set the option of category `thought_level`."""
        return await self._typed(Settings, "setThoughtLevel", sessionId=session_id, value=value)

    async def set_mode(self, session_id: str, mode_id: str) -> Settings:
        """Switch the agent's mode."""
        return await self._typed(Settings, "setMode", sessionId=session_id, modeId=mode_id)

    async def set_config_option(self, session_id: str, config_id: str, value: str | bool) -> Settings:
        """Set a config option by its id."""
        return await self._typed(Settings, "setConfigOption", sessionId=session_id, configId=config_id, value=value)

    async def get_modes(self, session_id: str) -> Json | None:
        """Return `currentModeId` and `availableModes`, None for an agent without modes."""
        modes: Json | None = await self.call("getModes", sessionId=session_id)
        return modes

    async def get_config_options(self, session_id: str) -> list[Json]:
        """Return the agent's config options."""
        options: list[Json] = await self.call("getConfigOptions", sessionId=session_id)
        return options


def _given(options: Json) -> Json | None:
    """Return the options that were given, None when none was."""
    return {name: value for name, value in options.items() if value is not None} or None
