"""Methods on sessions: what they take and return."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from runtime.api.errors import ErrorCode
from runtime.api.limits import MAX_AGENT_TYPE, MAX_METHOD, MAX_RULE_GLOB, MAX_RULES, MAX_SECRET_HOSTS
from runtime.api.method import Method
from runtime.api.types import (
    EnvName,
    EnvValue,
    Fault,
    NewSessionId,
    Params,
    Seq,
    SessionParams,
    Timestamp,
    VmParams,
    doc,
    under,
)

NO_SUCH: Final = (ErrorCode.VM_NOT_FOUND, ErrorCode.SESSION_NOT_FOUND)

NEEDS_AGENT: Final = (
    *NO_SUCH,
    ErrorCode.SESSION_CLOSED,
    ErrorCode.AGENT_FAILED,
    ErrorCode.AGENT_ERROR,
    ErrorCode.SECRETS_REQUIRED,
    ErrorCode.AUTHENTICATION_REQUIRED,
)


class Secret(Params):
    """By `value`, or `fromHostEnv`: what the daemon finds in its environment at each start. A `placeholder` is for `hosts`."""

    value: Annotated[EnvValue | None, doc("The value itself: in memory only.")] = None
    from_host_env: Annotated[EnvName | None, doc("The variable of the daemon's environment that has the value.")] = None
    placeholder: Annotated[
        bool | None, doc("Give the agent a token; the host puts the value in its place in requests to `hosts`.")
    ] = None
    hosts: Annotated[
        Annotated[list[str], Meta(min_length=1, max_length=MAX_SECRET_HOSTS)] | None,
        doc("The hosts that the value may go to, written like network grants."),
    ] = None


Verdict = Literal["ask", "allow", "deny"]

Glob = Annotated[str, Meta(min_length=1, max_length=MAX_RULE_GLOB)]


class PermissionRule(Params):
    """What to do with the tool calls that all its members match: `kind` is ACP's, the others are globs."""

    policy: Annotated[Verdict, doc("What to do with a tool call that the rule matches.")]
    kind: Annotated[Glob | None, doc("ACP's tool kind, exactly.")] = None
    tool: Annotated[Glob | None, doc("A glob on the tool's name.")] = None
    title: Annotated[Glob | None, doc("A glob on the call's title.")] = None
    path: Annotated[Glob | None, doc("A glob on the paths of the call.")] = None
    command: Annotated[Glob | None, doc("A glob on the command line of the call.")] = None


class PermissionPolicy(Params):
    """Of the rules that match a tool call deny wins over ask, and ask over allow; `default` is for what none matches."""

    default: Annotated[Verdict, doc("What to do with a tool call that no rule matches.")] = "ask"
    rules: Annotated[
        list[PermissionRule],
        Meta(max_length=MAX_RULES),
        doc("Rules; of those that match, deny wins over ask, and ask over allow."),
    ] = msgspec.field(default_factory=list)


class ResumeOptions(Params):
    """What `resumeSession` may be given again, after `secrets_required` or `authentication_required`."""

    env: Annotated[
        dict[EnvName, EnvValue] | None,
        doc("Variables of the agent's process. They are kept sealed, for later resumes."),
    ] = None
    secrets: Annotated[
        dict[EnvName, EnvValue | Secret] | None,
        doc("Variables that are never written anywhere. By value, or as a record that says where the value is from."),
    ] = None
    mcp_servers: Annotated[
        list[dict[str, Any]] | None, doc("MCP servers for the agent: short forms or ACP's own, at most 64.")
    ] = None
    auth_method: Annotated[
        Annotated[str, Meta(min_length=1, max_length=MAX_METHOD)] | None,
        doc(
            "How the agent is to be authenticated at its starts: the id of one of its `authMethods`. It is kept sealed."
        ),
    ] = None

    def faults(self) -> Iterator[Fault]:
        """A variable that `env` and `secrets` both name: nothing says which value would count."""
        for name in self.env or ():
            if name in (self.secrets or ()):
                yield under("/options/env", name), "it is in /options/secrets as well"


class SessionOptions(ResumeOptions):
    """Options of `createSession`."""

    session_id: Annotated[
        NewSessionId | None, doc("The id that the session is to have; a fresh UUIDv7 when left out.")
    ] = None
    cwd: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        doc("The session's working directory in the VM, made if need be; `/home/user` when left out."),
    ] = None
    additional_instructions: Annotated[
        str | None, doc("Text that is appended to what the agent tells its model about the machine.")
    ] = None
    skip_os_instructions: Annotated[bool | None, doc("Leave out the base text about the machine.")] = None
    permission_policy: Annotated[
        Verdict | PermissionPolicy | None,
        doc("What to do when the agent asks for permission: `ask` (the default), `allow`, `deny`, or rules."),
    ] = None
    additional_directories: Annotated[list[str] | None, doc("Further directories that the agent is told of.")] = None
    elicitation: Annotated[
        list[Literal["form", "url"]] | None,
        doc("How the agent may question a person: by forms, by pages to visit. It may not when left out."),
    ] = None


class ResumeSession(SessionParams):
    """Which session, and what it may need again."""

    options: Annotated[ResumeOptions | None, doc("What an earlier answer `secrets_required` asked for.")] = None

    def faults(self) -> Iterator[Fault]:
        """Also those of the options."""
        yield from super().faults()
        if self.options is not None:
            yield from self.options.faults()


class CreateSession(VmParams):
    """Which agent, in which VM, and how."""

    agent_type: Annotated[
        str, Meta(min_length=1, max_length=MAX_AGENT_TYPE), doc("The agent's id, as `listAgents` has it.")
    ]
    options: Annotated[SessionOptions | None, doc("How the session is to be; see the record.")] = None

    def faults(self) -> Iterator[Fault]:
        """Also those of the options."""
        yield from super().faults()
        if self.options is not None:
            yield from self.options.faults()


class SessionInfo(Struct, frozen=True, rename="camel", kw_only=True):
    """A session with its agent, as after `createSession`."""

    session_id: Annotated[str, doc("The session's public id, which stays the same for the session's whole life.")]
    agent_type: Annotated[str, doc("The agent's id, as `listAgents` has it.")]
    capabilities: Annotated[dict[str, Any] | None, doc("What the agent said it can do (ACP's `agentCapabilities`).")]
    agent_info: Annotated[dict[str, Any] | None, doc("Name, title and version that the agent gave of itself.")]
    modes: Annotated[dict[str, Any] | None, doc("The agent's modes and the current one; null for an agent without.")]
    config_options: Annotated[list[dict[str, Any]], doc("The agent's config options with their current values.")]
    auth_methods: Annotated[
        list[dict[str, Any]], doc("The ways to authenticate that the agent offers (ACP's `authMethods`).")
    ]
    cwd: Annotated[str, doc("The session's working directory in the VM.")]
    created_at: Annotated[Timestamp, doc("When it was created, in milliseconds since the epoch.")]


class Context(Struct, frozen=True, kw_only=True):
    """How full the model's context is, in tokens."""

    used: Annotated[int, doc("Tokens in the context.")]
    size: Annotated[int, doc("Tokens that it can hold.")]


class SessionUsage(Struct, frozen=True, kw_only=True):
    """What the agent has told of tokens (ACP's names, summed over turns) and cost (by currency); null: nothing."""

    tokens: Annotated[
        dict[str, int] | None,
        doc("Tokens summed over the turns, by ACP's names for the kinds; null where the agent tells none."),
    ]
    cost: Annotated[dict[str, float] | None, doc("Cost by currency; null where the agent tells none.")]
    context: Annotated[Context | None, doc("How full the model's context is; null where the agent does not tell.")]


class SessionRow(Struct, frozen=True, rename="camel", kw_only=True):
    """A session, as it is stored."""

    session_id: Annotated[str, doc("The session's public id, which stays the same for the session's whole life.")]
    agent_type: Annotated[str, doc("The agent's id, as `listAgents` has it.")]
    status: Annotated[
        Literal["running", "idle", "suspended", "closed"],
        doc("`running` a turn, `idle`, `suspended` (without an agent in memory), or `closed`."),
    ]
    capabilities: Annotated[dict[str, Any] | None, doc("What the agent said it can do (ACP's `agentCapabilities`).")]
    agent_info: Annotated[dict[str, Any] | None, doc("Name, title and version that the agent gave of itself.")]
    cwd: Annotated[str, doc("The session's working directory in the VM.")]
    title: Annotated[str | None, doc("The title that the agent gave the session; null without one.")]
    usage: Annotated[SessionUsage, doc("Tokens and cost, as far as the agent tells.")]
    last_seq: Annotated[int, doc("The position of the transcript's last event; -1 when it has none.")]
    created_at: Annotated[Timestamp, doc("When it was created, in milliseconds since the epoch.")]
    updated_at: Annotated[Timestamp, doc("When the row last changed, in milliseconds since the epoch.")]


class SessionDetails(SessionRow, frozen=True):
    """A session, as it is stored, with its settings and what has been asked and answered."""

    modes: Annotated[dict[str, Any] | None, doc("The agent's modes and the current one; null for an agent without.")]
    config_options: Annotated[list[dict[str, Any]], doc("The agent's config options with their current values.")]
    pending_permissions: Annotated[
        list[dict[str, Any]],
        doc("Requests that wait for an answer: `{permissionId, toolCall, options, description?}`."),
    ]
    pending_elicitations: Annotated[
        list[dict[str, Any]], doc("Questions of the agent that wait for an answer, as `elicitationRequest` has them.")
    ]
    remembered_permissions: Annotated[list[dict[str, Any]], doc("What `always` was said to: `{kind, tool}`.")]
    memory_bytes: Annotated[
        int | None, doc("Bytes of the agent's memories and tables, touched or not; null without an agent in memory.")
    ]


class SessionEvent(Struct, frozen=True, rename="camel", kw_only=True):
    """One event of a transcript."""

    session_id: Annotated[str, doc("The session's public id, which stays the same for the session's whole life.")]
    seq: Annotated[int, doc("The event's position in its transcript, from 0, without gaps.")]
    created_at: Annotated[Timestamp, doc("When it was recorded, in milliseconds since the epoch.")]
    event: Annotated[dict[str, Any], doc("The event as it is kept: `{jsonrpc, method, params}`.")]


class GetSessionEvents(SessionParams):
    """A range of the transcript; both bounds are exclusive."""

    after: Annotated[Seq | None, doc("Only what comes after this position. -1 is before the first event.")] = None
    before: Annotated[Seq | None, doc("Only what comes before this position.")] = None
    limit: Annotated[Annotated[int, Meta(ge=0)] | None, doc("How many to return at most.")] = None
    types: Annotated[
        list[str] | None,
        doc("Only events of these types: the names of ACP's updates, or of methods. All when left out."),
    ] = None


class RawSend(SessionParams):
    """Any ACP request; `sessionId` of its params is filled in."""

    method: Annotated[str, Meta(min_length=1, max_length=MAX_METHOD), doc("The method of ACP, or of the agent's own.")]
    params: Annotated[dict[str, Any] | None, doc("Its params; `sessionId` is filled in.")] = None


class Authenticate(SessionParams):
    """One of the ways that the agent offers."""

    method_id: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_METHOD),
        doc("The id of the way, of the `authMethods` of `authentication_required` and of `createSession`."),
    ]


CREATE_SESSION: Final = Method(
    "createSession",
    CreateSession,
    SessionInfo,
    "Start an agent in the VM, which is woken, and open a session with it. Cancelled, it leaves none.",
    errors=(
        ErrorCode.VM_NOT_FOUND,
        ErrorCode.AGENT_NOT_FOUND,
        ErrorCode.AGENT_FAILED,
        ErrorCode.AUTHENTICATION_REQUIRED,
        ErrorCode.SESSION_CONFLICT,
        ErrorCode.LIMIT_EXCEEDED,
    ),
    settles=True,
)

CLOSE_SESSION: Final = Method(
    "closeSession",
    SessionParams,
    dict[str, Any],
    "Stop the agent, keep everything; idempotent.",
    errors=NO_SUCH,
    settles=True,
)

DESTROY_SESSION: Final = Method(
    "destroySession",
    SessionParams,
    dict[str, Any],
    "Remove the session and all its events.",
    errors=NO_SUCH,
    settles=True,
)

RESUME_SESSION: Final = Method(
    "resumeSession",
    ResumeSession,
    SessionInfo,
    "Bring a closed or suspended session back.",
    errors=(
        *NO_SUCH,
        ErrorCode.AGENT_FAILED,
        ErrorCode.AGENT_ERROR,
        ErrorCode.SECRETS_REQUIRED,
        ErrorCode.AUTHENTICATION_REQUIRED,
    ),
    settles=True,
)

AUTHENTICATE: Final = Method(
    "authenticate",
    Authenticate,
    dict[str, Any],
    "Have the agent authenticate itself, now and at its later starts. The agent may wait for a person who logs in.",
    errors=NEEDS_AGENT,
    settles=True,
)

GET_SESSION_EVENTS: Final = Method(
    "getSessionEvents",
    GetSessionEvents,
    list[SessionEvent],
    "Read the transcript by seq; wakes nothing. A very long answer ends early: go on with `after`.",
    errors=NO_SUCH,
    returns="The events by `seq`.",
)

LIST_PERSISTED_SESSIONS: Final = Method(
    "listPersistedSessions",
    VmParams,
    list[SessionRow],
    "List all sessions of the VM, oldest first; wakes nothing.",
    errors=(ErrorCode.VM_NOT_FOUND,),
    returns="One row a session, oldest first.",
)

LIST_SESSIONS: Final = Method(
    "listSessions",
    VmParams,
    list[SessionRow],
    "List the sessions that are live; wakes nothing.",
    errors=(ErrorCode.VM_NOT_FOUND,),
    returns="One row a session whose agent is in memory, oldest first.",
)

GET_SESSION: Final = Method(
    "getSession",
    SessionParams,
    SessionDetails,
    "Describe a session; wakes nothing.",
    errors=NO_SUCH,
)

RAW_SEND: Final = Method(
    "rawSend",
    RawSend,
    Any,
    "Send any ACP request to the agent and return its result.",
    errors=NEEDS_AGENT,
    returns="What the agent answered.",
    settles=True,
)
