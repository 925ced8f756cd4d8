"""The methods on sessions. Translation only; `runtime.sessions` does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from runtime.api import names
from runtime.api.errors import ErrorCode
from runtime.api.types import (
    EnvName,
    EnvValue,
    Fault,
    NewSessionId,
    Params,
    Seq,
    SessionParams,
    Timestamp,
    VmName,
    VmParams,
    name_faults,
)
from runtime.rpc.methods import Call, MethodTable
from runtime.rpc.validation import MAX_FAULTS, invalid_params, under
from runtime.sessions.asking.policy import MAX_GLOB, MAX_RULES
from runtime.sessions.options.secrets import MAX_HOSTS

if TYPE_CHECKING:
    from collections.abc import Iterator

METHODS: Final = MethodTable()

LIVE: Final = ("running", "idle")
NO_SUCH: Final = (ErrorCode.VM_NOT_FOUND, ErrorCode.SESSION_NOT_FOUND)
NEEDS_AGENT: Final = (
    *NO_SUCH,
    ErrorCode.SESSION_CLOSED,
    ErrorCode.AGENT_FAILED,
    ErrorCode.AGENT_ERROR,
    ErrorCode.SECRETS_REQUIRED,
)


class Secret(Params):
    """By `value`, or `fromHostEnv`: what the daemon finds in its environment at each start. A `placeholder` is for `hosts`."""

    value: EnvValue | None = None
    from_host_env: EnvName | None = None
    placeholder: bool | None = None
    hosts: Annotated[list[str], Meta(min_length=1, max_length=MAX_HOSTS)] | None = None


Verdict = Literal["ask", "allow", "deny"]
Glob = Annotated[str, Meta(min_length=1, max_length=MAX_GLOB)]


class PermissionRule(Params):
    """What to do with the tool calls that all its members match: `kind` is ACP's, the others are globs."""

    policy: Verdict
    kind: Glob | None = None
    tool: Glob | None = None
    title: Glob | None = None
    path: Glob | None = None
    command: Glob | None = None


class PermissionPolicy(Params):
    """Of the rules that match a tool call deny wins over ask, and ask over allow; `default` is for what none matches."""

    default: Verdict = "ask"
    rules: Annotated[list[PermissionRule], Meta(max_length=MAX_RULES)] = msgspec.field(default_factory=list)


class SessionOptions(Params):
    """Options of `createSession`."""

    session_id: NewSessionId | None = None
    env: dict[EnvName, EnvValue] | None = None
    secrets: dict[EnvName, EnvValue | Secret] | None = None
    cwd: Annotated[str, Meta(min_length=1)] | None = None
    mcp_servers: list[dict[str, Any]] | None = None
    additional_instructions: str | None = None
    skip_os_instructions: bool | None = None
    permission_policy: Verdict | PermissionPolicy | None = None
    additional_directories: list[str] | None = None


class ResumeOptions(Params):
    """What `resumeSession` may be given again, after `secrets_required`."""

    env: dict[EnvName, EnvValue] | None = None
    secrets: dict[EnvName, EnvValue | Secret] | None = None
    mcp_servers: list[dict[str, Any]] | None = None


class ResumeSession(SessionParams):
    """Which session, and what it may need again."""

    options: ResumeOptions | None = None


class CreateSession(VmParams):
    """Which agent, in which VM, and how."""

    agent_type: Annotated[str, Meta(min_length=1, max_length=256)]
    options: SessionOptions | None = None


class SessionInfo(Struct, rename="camel", kw_only=True):
    """A session with its agent, as after `createSession`."""

    session_id: str
    agent_type: str
    capabilities: dict[str, Any] | None
    agent_info: dict[str, Any] | None
    modes: dict[str, Any] | None
    config_options: list[dict[str, Any]]
    cwd: str
    created_at: Timestamp


class Context(Struct, kw_only=True):
    """How full the model's context is, in tokens."""

    used: int
    size: int


class SessionUsage(Struct, kw_only=True):
    """What the agent has told of tokens (ACP's names, summed over turns) and cost (by currency); null: nothing."""

    tokens: dict[str, int] | None
    cost: dict[str, float] | None
    context: Context | None


class SessionRow(Struct, rename="camel", kw_only=True):
    """A session, as it is stored."""

    session_id: str
    agent_type: str
    status: Literal["running", "idle", "suspended", "closed"]
    capabilities: dict[str, Any] | None
    agent_info: dict[str, Any] | None
    cwd: str
    title: str | None
    usage: SessionUsage
    last_seq: int
    created_at: Timestamp
    updated_at: Timestamp


class SessionDetails(SessionRow):
    """A session, as it is stored, with its settings and what has been asked and answered."""

    modes: dict[str, Any] | None
    config_options: list[dict[str, Any]]
    pending_permissions: list[dict[str, Any]]
    remembered_permissions: list[dict[str, Any]]
    memory_bytes: int | None


class SessionEvent(Struct, rename="camel", kw_only=True):
    """One event of a transcript."""

    session_id: str
    seq: int
    created_at: Timestamp
    event: dict[str, Any]


class AgentInfo(Struct, kw_only=True):
    """An agent that sessions can run."""

    id: str
    title: str
    version: str
    source: str
    installed: bool


class GetSessionEvents(SessionParams):
    """A range of the transcript; both bounds are exclusive."""

    after: Seq | None = None
    before: Seq | None = None
    limit: Annotated[int, Meta(ge=0)] | None = None
    types: list[str] | None = None


class ListAgents(Params):
    """The VM whose agents are meant; any without it."""

    vm: VmName | None = None

    def faults(self) -> Iterator[Fault]:
        """A VM's name that is none."""
        return name_faults("/vm", self.vm)


class RawSend(SessionParams):
    """Any ACP request; `sessionId` of its params is filled in."""

    method: Annotated[str, Meta(min_length=1, max_length=256)]
    params: dict[str, Any] | None = None


def check_distinct(options: SessionOptions | ResumeOptions | None) -> None:
    """Refuse a variable that `env` and `secrets` both name: nothing says which value would count. ProtocolError -32602."""
    secrets = {} if options is None else options.secrets or {}
    env = {} if options is None else options.env or {}
    faults = [(under("/options/env", name), "it is in /options/secrets as well") for name in env if name in secrets]
    if faults:
        raise invalid_params(*faults[:MAX_FAULTS])


@METHODS.method(
    "createSession",
    CreateSession,
    SessionInfo,
    "Start an agent in the VM, which is woken, and open a session with it. Cancelled, it leaves none.",
    ErrorCode.VM_NOT_FOUND,
    ErrorCode.AGENT_NOT_FOUND,
    ErrorCode.AGENT_FAILED,
    ErrorCode.SESSION_CONFLICT,
    ErrorCode.LIMIT_EXCEEDED,
    settles=True,
)
async def _create(call: Call, params: CreateSession) -> Any:
    check_distinct(params.options)
    vm = await call.host.vm(params.vm_name)
    options = {} if params.options is None else msgspec.to_builtins(params.options)
    return await vm.sessions.create(params.agent_type, options)


@METHODS.method(
    "closeSession",
    SessionParams,
    dict[str, Any],
    "Stop the agent, keep everything; idempotent.",
    *NO_SUCH,
    settles=True,
)
async def _close(call: Call, params: SessionParams) -> Any:
    vm = await call.host.vm(params.vm_name)
    await vm.sessions.close(params.session_id)
    return {}


@METHODS.method(
    "destroySession", SessionParams, dict[str, Any], "Remove the session and all its events.", *NO_SUCH, settles=True
)
async def _destroy(call: Call, params: SessionParams) -> Any:
    vm = await call.host.vm(params.vm_name)
    await vm.sessions.destroy(params.session_id)
    return {}


@METHODS.method(
    "resumeSession",
    ResumeSession,
    SessionInfo,
    "Bring a closed or suspended session back.",
    *NO_SUCH,
    ErrorCode.AGENT_FAILED,
    ErrorCode.AGENT_ERROR,
    ErrorCode.SECRETS_REQUIRED,
    settles=True,
)
async def _resume(call: Call, params: ResumeSession) -> Any:
    check_distinct(params.options)
    vm = await call.host.vm(params.vm_name)
    options = None if params.options is None else msgspec.to_builtins(params.options)
    return await vm.sessions.resume(params.session_id, options)


@METHODS.method(
    "getSessionEvents",
    GetSessionEvents,
    list[SessionEvent],
    "Read the transcript by seq; wakes nothing. A very long answer ends early: go on with `after`.",
    *NO_SUCH,
)
async def _get_session_events(call: Call, params: GetSessionEvents) -> Any:
    return await call.host.session_events_json(
        params.vm_name,
        params.session_id,
        after=params.after,
        before=params.before,
        limit=params.limit,
        types=params.types,
    )


@METHODS.method(
    "listPersistedSessions",
    VmParams,
    list[SessionRow],
    "List all sessions of the VM, oldest first; wakes nothing.",
    ErrorCode.VM_NOT_FOUND,
)
async def _list_persisted(call: Call, params: VmParams) -> Any:
    return await call.host.persisted_sessions(params.vm_name)


@METHODS.method(
    "listSessions",
    VmParams,
    list[SessionRow],
    "List the sessions that are live; wakes nothing.",
    ErrorCode.VM_NOT_FOUND,
)
async def _list_live(call: Call, params: VmParams) -> Any:
    rows = await call.host.persisted_sessions(params.vm_name)
    return [row for row in rows if row["status"] in LIVE]


@METHODS.method("getSession", SessionParams, SessionDetails, "Describe a session; wakes nothing.", *NO_SUCH)
async def _get(call: Call, params: SessionParams) -> Any:
    return await call.host.session(params.vm_name, params.session_id)


@METHODS.method("listAgents", ListAgents, list[AgentInfo], "List the agents that sessions can run.")
async def _list_agents(call: Call, params: ListAgents) -> Any:
    return await call.host.list_agents(None if params.vm is None else names.joined(params.vm))


@METHODS.method(
    "rawSend", RawSend, Any, "Send any ACP request to the agent and return its result.", *NEEDS_AGENT, settles=True
)
async def _raw_send(call: Call, params: RawSend) -> Any:
    vm = await call.host.vm(params.vm_name)
    return await vm.sessions.raw_send(params.session_id, params.method, params.params or {})
