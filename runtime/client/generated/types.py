"""The types of results and of options.

Written by build/python_clients.py from the daemon's methods (`runtime.api`). Do not edit: run it again.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypedDict

from msgspec import Struct

from runtime.api import many_files, processes
from runtime.api.files import FileStat
from runtime.api.forks import SessionForked
from runtime.api.many_files import DirEntry, FileError, FileWritten, TreeEntry
from runtime.api.past import FilesDiff, Snapshot
from runtime.api.sessions import SessionEvent, SessionInfo
from runtime.api.settings import Settings
from runtime.api.turns import PromptResult


class FileRead(Struct, frozen=True, kw_only=True, rename="camel"):
    """A file's content, or why there is none."""

    path: str
    """An absolute POSIX path inside the VM."""
    content: str | bytes | None = None
    """A string, or bytes."""
    error: FileError | None = None
    """Why this file could not be read or written."""


class ProcessInfo(Struct, frozen=True, kw_only=True, rename="camel"):
    """A process: an agent, a service that lives with one, or a command. How it ended, where `state` says that
    it has.
    """

    pid: int
    """The process; no other one has this number in this run of the daemon."""
    argv: list[str]
    """The words of the command, the program first."""
    cwd: str
    """The working directory."""
    kind: Literal["agent", "command", "service"]
    """`agent`, `service` (it lives with an agent) or `command`."""
    state: Literal["ended", "running"]
    """`running` or `ended`."""
    started_at: int
    """When it was started, in milliseconds since the epoch."""
    memory_bytes: int
    """Bytes of its memories and tables, touched or not; 0 once it has ended."""
    peak_memory_bytes: int
    """The most that it has had."""
    ppid: int | None = None
    """The process that has started it, if one has and runs."""
    ended_at: int | None = None
    """When it ended, in milliseconds since the epoch."""
    exit_code: int | None = None
    """What the process exited with; None when it ended in another way."""
    reason: Literal["exit", "fault", "killed", "out_of_fuel", "output_limit", "timeout", "trap"] | None = None
    """How it ended: `exit`, or what ended it."""
    detail: str | None = None
    """The same in words, where there is more to say."""
    stdout: str | bytes | None = None
    """What is kept of its output: a string, or bytes."""
    stderr: str | bytes | None = None
    """What is kept of its messages: a string, or bytes."""
    stdout_bytes: int | None = None
    """Bytes of output so far, kept or not."""
    stderr_bytes: int | None = None
    """Bytes of messages so far, kept or not."""
    truncated: bool | None = None
    """Whether only the end of the output was kept."""


class ProcessResult(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a process ended, and its output: where it is `truncated`, the last of it. `exit_code` is None unless
    it exited.
    """

    pid: int
    """The process; no other one has this number in this run of the daemon."""
    exit_code: int | None
    """What the process exited with; None when it ended in another way."""
    reason: Literal["exit", "fault", "killed", "out_of_fuel", "output_limit", "timeout", "trap"]
    """How it ended: `exit`, or what ended it."""
    stdout: str | bytes
    """What is kept of its output: a string, or bytes."""
    stderr: str | bytes
    """What is kept of its messages: a string, or bytes."""
    stdout_bytes: int
    """Bytes of output so far, kept or not."""
    stderr_bytes: int
    """Bytes of messages so far, kept or not."""
    truncated: bool
    """Whether only the end of the output was kept."""
    detail: str | None = None
    """The same in words, where there is more to say."""


class SessionRow(Struct, frozen=True, kw_only=True, rename="camel"):
    """A session, as it is stored."""

    session_id: str
    """The session's public id, which stays the same for the session's whole life."""
    agent_type: str
    """The agent's id, as `list_agents` has it."""
    status: Literal["closed", "idle", "running", "suspended"]
    """`running` a turn, `idle`, `suspended` (without an agent in memory), or `closed`."""
    capabilities: dict[str, Any] | None
    """What the agent said it can do (ACP's `agentCapabilities`)."""
    agent_info: dict[str, Any] | None
    """Name, title and version that the agent gave of itself."""
    cwd: str
    """The session's working directory in the VM."""
    title: str | None
    """The title that the agent gave the session; None without one."""
    usage: SessionUsage
    """Tokens and cost, as far as the agent tells."""
    last_seq: int
    """The position of the transcript's last event; -1 when it has none."""
    created_at: int
    """When it was created, in milliseconds since the epoch."""
    updated_at: int
    """When the row last changed, in milliseconds since the epoch."""


class AgentCheck(TypedDict):
    """What an agent is that could be added."""

    id: str
    """As `addAgent` would have it."""
    title: str
    """The agent's name for people, from its manifest, or as it says itself."""
    version: str
    """The agent's version, likewise."""
    kind: str
    """`component`, or the language of an agent without a build: `python`."""
    sha256: str | None
    """The hash of its component; None where it has none."""
    bytes: int | None
    """The size of its component; None where it has none."""
    imports: list[str]
    """The interfaces of which its component uses functions."""
    network: list[str]
    """The public hosts that its manifest asks for."""
    agent_info: dict[str, Any] | None
    """What the agent says of itself (ACP's `agentInfo`)."""
    capabilities: dict[str, Any] | None
    """What the agent says it can do (ACP's `agentCapabilities`)."""
    refusal: str | None
    """What it has answered to `session/new` in place of a session, for want of a key perhaps; else None."""


class AgentInfo(TypedDict):
    """An agent that sessions can run."""

    id: str
    """What `createSession` takes as `agentType`."""
    title: str
    """The agent's name for people."""
    version: str
    """The agent's version, from its manifest."""
    kind: str | None
    """`component`, or the language of an agent without a build: `python`; None where the manifest cannot be
    used.
    """
    source: str
    """Where the agent is from: `built-in` or `user`."""
    installed: bool
    """Whether what it runs and a usable manifest are there."""
    sha256: str | None
    """The hash of the component of one that was added with `addAgent`; else None."""
    problem: str | None
    """Why no session can run it: the fault in its manifest, whose folder's name is the `id` then, that its
    component has not been built, or that its entry is not there; None for one that can be run.
    """


class CommandOfBase(TypedDict):
    """A command of the base system."""

    name: str
    """The command's name: it is in /usr/bin, where /bin leads, of VMs with the base system."""
    sha256: str
    """The hash of its component; several commands may have one."""
    bytes: int
    """The size of its component."""
    source: Literal["built-in", "user"]
    """`built-in`: it comes with Torpor; `user`: it was added."""
    version: str | None
    """The version of the program; None where nobody has told."""
    licence: str | None
    """Its licence (SPDX); None where nobody has told."""


class Context(TypedDict):
    """How full the model's context is, in tokens."""

    used: int
    """Tokens in the context."""
    size: int
    """Tokens that it can hold."""


class DaemonStatus(TypedDict):
    """A daemon, for people who look after it."""

    pid: int
    """The process."""
    version: str
    """The version of the daemon."""
    epoch: str
    """Names this run of the daemon: another one after each start. Subscriptions do not outlast it."""
    socket: str
    """The Unix socket that is served."""
    http: str | None
    """The URL that is served besides; None without `--http`."""
    state: str
    """The state file."""
    durability: str
    """What outlives a power cut: `power`, all that was answered, or `process`, all but the last second."""
    startedAt: int
    """When it began, in milliseconds since the epoch."""
    memoryBytes: int
    """Memory that it shares with nobody, all guests included."""
    maxMemoryBytes: int | None
    """Above so much of `memoryBytes` no other guest starts; None without a bound."""
    connections: int
    """Clients that are connected."""
    subscriptions: int
    """Subscriptions of all connections."""
    requests: int
    """Requests under way, this one included."""
    vms: int
    """All VMs."""
    awake: int
    """Those that are awake."""
    sessions: int
    """Sessions whose agent is in memory."""
    processes: int
    """Guests in memory."""
    busy: int
    """VMs in which something goes on: a turn, a request for permission, a command."""
    secrets: int
    """Sessions whose secrets are in its memory alone, and would be asked for again."""
    log: str
    """Its log."""
    idleExitSeconds: float | None
    """How long it may be idle before it ends; None: for ever."""
    activated: bool
    """Whether systemd has passed the socket."""
    managed: bool
    """Whether systemd wants to know how it does."""
    supervisor: int | None
    """The process that starts it again when it dies; None where there is none, or systemd does that."""
    arguments: list[str]
    """What it was started with."""


class Exported(TypedDict):
    """An export that was made."""

    path: str
    """The file that was made."""
    bytes: int
    """The size of the file."""
    mounts: NotRequired[list[str]]
    """Paths of the VM where directories of this machine are mounted; the file has nothing of those."""
    needs: NotRequired[list[Need]]
    """What was added to this daemon that the VM may need elsewhere: agents of its sessions, and commands."""


class FileCounts(TypedDict):
    """Entries and bytes of a VM's filesystem."""

    count: int
    """Files, directories and links."""
    bytes: int
    """Bytes of all files."""


class FilesAt(TypedDict):
    """The snapshot that a fork's files are from: that of the last turn which had ended at the event of the
    fork.
    """

    sessionId: str
    """The session's public id, which stays the same for the session's whole life."""
    seq: int
    """The event after which the snapshot was taken."""
    createdAt: int
    """When the snapshot was taken, in milliseconds since the epoch."""


class ForkPoint(TypedDict):
    """An event of a session."""

    sessionId: str
    """The session's public id, which stays the same for the session's whole life."""
    seq: int
    """The event's position in its transcript, from 0, without gaps."""


class Lack(TypedDict):
    """Something that a VM had where it was exported, and has not here, or another one."""

    kind: Literal["agent", "command"]
    """What it is."""
    name: str
    """The agent's id, or the command's name."""
    sha256: str | None
    """The hash of its component there; None where the file does not tell it."""
    here: str | None
    """The hash of what has that name here; None where nothing has."""


class Limits(TypedDict):
    """Limits of the VM; what is left out has the daemon's default."""

    memoryBytes: NotRequired[int | None]
    """Memory of each guest, at least 1 MiB. Default: 512 MiB."""
    fuel: NotRequired[int | None]
    """Fuel of each guest, about one unit for each instruction. Default: unlimited."""
    files: NotRequired[int | None]
    """Files, directories and links of the VM. Default: 1,000,000."""
    fileBytes: NotRequired[int | None]
    """Bytes of all files of the VM together. Default: 10 GiB."""
    processes: NotRequired[int | None]
    """Guests of the VM at once, agents included. Default: 1,024."""
    outputBytes: NotRequired[int | None]
    """Bytes that are kept of one process's output. Default: 4 MiB."""
    turnBytes: NotRequired[int | None]
    """Bytes of the events of one turn. Default: 128 MiB."""
    sessionBytes: NotRequired[int | None]
    """Bytes of the events of one session. Default: 1 GiB."""
    transcriptBytes: NotRequired[int | None]
    """Bytes of the events of all sessions of the VM together. Default: 4 GiB."""
    sessions: NotRequired[int | None]
    """Sessions of the VM, closed ones included. Default: 20,000."""


class Modes(TypedDict):
    """The modes that the agent offers."""

    currentModeId: str
    """The mode that the agent is in."""
    availableModes: list[dict[str, Any]]
    """The modes that there are, as the agent describes them."""


class Mount(TypedDict):
    """A directory of the daemon's machine in the VM."""

    path: str
    """Where it is in the VM: absolute, not the root, not in another mount."""
    host: str
    """The directory's real path on the daemon's machine: absolute, and without symbolic links."""
    readOnly: NotRequired[bool]
    """Nothing below it can be changed through the VM. Default: false."""


class NearLimit(TypedDict):
    """A limit of which four fifths are used."""

    limit: str
    """Its name in `options.limits`; or `context`, how full the context of a session's model is."""
    used: int
    """How much of it is used; of `memoryBytes`, by the largest guest."""
    allowed: int
    """The limit."""
    sessionId: NotRequired[str | None]
    """The session that it is of, where it is of one."""


class Need(TypedDict):
    """An agent or a command that was added to a daemon, and that a VM may need."""

    kind: Literal["agent", "command"]
    """What it is."""
    name: str
    """The agent's id, or the command's name."""
    sha256: str
    """The hash of its component."""


class Network(TypedDict):
    """What the VM's guests may reach."""

    allow: NotRequired[list[str]]
    """Grants; a VM without any reaches nothing but what an agent's manifest declares."""


class PermissionPolicy(TypedDict):
    """Of the rules that match a tool call deny wins over ask, and ask over allow; `default` is for what none
    matches.
    """

    default: NotRequired[Literal["allow", "ask", "deny"]]
    """What to do with a tool call that no rule matches."""
    rules: NotRequired[list[PermissionRule]]
    """Rules; of those that match, deny wins over ask, and ask over allow."""


class PermissionRule(TypedDict):
    """What to do with the tool calls that all its members match: `kind` is ACP's, the others are globs."""

    policy: Literal["allow", "ask", "deny"]
    """What to do with a tool call that the rule matches."""
    kind: NotRequired[str | None]
    """ACP's tool kind, exactly."""
    tool: NotRequired[str | None]
    """A glob on the tool's name."""
    title: NotRequired[str | None]
    """A glob on the call's title."""
    path: NotRequired[str | None]
    """A glob on the paths of the call."""
    command: NotRequired[str | None]
    """A glob on the command line of the call."""


class ProcessCounts(TypedDict):
    """Processes of a VM: all, and those that are neither agents nor their MCP servers."""

    count: int
    """All of them."""
    commands: int
    """Those that are neither agents nor their MCP servers."""


class RotatedKey(TypedDict):
    """How many sessions' environments are sealed with the new key, and how many the old one did not open."""

    resealed: int
    """How many sessions' environments are sealed with the new key."""
    unreadable: int
    """How many the old key did not open; they stay as they are."""


class Secret(TypedDict):
    """By `value`, or `fromHostEnv`: what the daemon finds in its environment at each start. A `placeholder` is
    for `hosts`.
    """

    value: NotRequired[str | None]
    """The value itself: in memory only."""
    fromHostEnv: NotRequired[str | None]
    """The variable of the daemon's environment that has the value."""
    placeholder: NotRequired[bool | None]
    """Give the agent a token; the host puts the value in its place in requests to `hosts`."""
    hosts: NotRequired[list[str] | None]
    """The hosts that the value may go to, written like network grants."""


class SessionCounts(TypedDict):
    """Sessions of a VM: all, those with an agent, those with a turn."""

    total: int
    """All sessions."""
    live: int
    """Those whose agent is in memory."""
    running: int
    """Those that are in a turn."""


class SessionDetails(TypedDict):
    """A session, as it is stored, with its settings and what has been asked and answered."""

    modes: dict[str, Any] | None
    """The agent's modes and the current one; None for an agent without."""
    configOptions: list[dict[str, Any]]
    """The agent's config options with their current values."""
    pendingPermissions: list[dict[str, Any]]
    """Requests that wait for an answer: `{permissionId, toolCall, options, description?}`."""
    pendingElicitations: list[dict[str, Any]]
    """Questions of the agent that wait for an answer, as `elicitationRequest` has them."""
    rememberedPermissions: list[dict[str, Any]]
    """What `always` was said to: `{kind, tool}`."""
    memoryBytes: int | None
    """Bytes of the agent's memories and tables, touched or not; None without an agent in memory."""
    sessionId: str
    """The session's public id, which stays the same for the session's whole life."""
    agentType: str
    """The agent's id, as `listAgents` has it."""
    status: Literal["closed", "idle", "running", "suspended"]
    """`running` a turn, `idle`, `suspended` (without an agent in memory), or `closed`."""
    capabilities: dict[str, Any] | None
    """What the agent said it can do (ACP's `agentCapabilities`)."""
    agentInfo: dict[str, Any] | None
    """Name, title and version that the agent gave of itself."""
    cwd: str
    """The session's working directory in the VM."""
    title: str | None
    """The title that the agent gave the session; None without one."""
    usage: SessionUsage
    """Tokens and cost, as far as the agent tells."""
    lastSeq: int
    """The position of the transcript's last event; -1 when it has none."""
    createdAt: int
    """When it was created, in milliseconds since the epoch."""
    updatedAt: int
    """When the row last changed, in milliseconds since the epoch."""


class SessionUsage(TypedDict):
    """What the agent has told of tokens (ACP's names, summed over turns) and cost (by currency); None:
    nothing.
    """

    tokens: dict[str, int] | None
    """Tokens summed over the turns, by ACP's names for the kinds; None where the agent tells none."""
    cost: dict[str, float] | None
    """Cost by currency; None where the agent tells none."""
    context: Context | None
    """How full the model's context is; None where the agent does not tell."""


class Shell(TypedDict):
    """A shell that was opened."""

    shell: str
    """The shell; no other one has this name in this run of the daemon."""
    pid: int
    """Its first process."""


class ShellExit(TypedDict):
    """How a shell ended. `exitCode` is None unless it exited."""

    shell: str
    """The shell; no other one has this name in this run of the daemon."""
    pid: int
    """Its first process."""
    exitCode: int | None
    """What the process exited with; None when it ended in another way."""
    reason: Literal["exit", "fault", "killed", "out_of_fuel", "output_limit", "timeout", "trap"]
    """How it ended: `exit`, or what ended it."""
    detail: NotRequired[str | None]
    """The same in words, where there is more to say."""


class Subscribed(TypedDict):
    """The new subscription."""

    subscriptionId: str
    """The subscription, as `subscribe` answered it; it is of this connection only."""
    epoch: str
    """Names this run of the daemon: another one after each start. Subscriptions do not outlast it."""


class TraceContext(TypedDict):
    """Where a trace of OpenTelemetry goes on, as W3C has it."""

    traceparent: str
    """The trace, the span that asks, and flags: `00-...-...-01`."""
    tracestate: NotRequired[str | None]
    """What tracers add."""
    baggage: NotRequired[str | None]
    """What goes with the whole trace."""


class VmChanges(TypedDict):
    """Options to replace: what is left out stays as it is, None goes back to the default."""

    network: NotRequired[Network | None]
    """What the VM's guests may reach."""
    limits: NotRequired[Limits | None]
    """What the VM's guests and files may use."""
    idleTimeoutMs: NotRequired[int | None]
    """The VM falls asleep after so long without work. Default: 15 minutes."""
    labels: NotRequired[dict[str, str] | None]
    """Texts of the creator's own, at most 100."""
    mounts: NotRequired[list[Mount] | None]
    """Directories of the daemon's machine that the VM's guests and clients may use. Default: none."""
    base: NotRequired[Literal["default", "none"] | None]
    """Whether Torpor's own commands and a few texts lie beneath the VM's files: `default`, or `none`."""


class VmForked(TypedDict):
    """A fork. `filesAt` says of which moment its files are, when an event was given."""

    options: NotRequired[dict[str, Any] | None]
    """The options of the VM that it was forked from."""
    filesAt: NotRequired[FilesAt | None]
    """The snapshot that the files are of, where an event was given."""
    vm: str | list[str]
    """The VM's name: 1 to 128 of `A-Za-z0-9._-`, or a list of up to 8 such strings."""
    state: Literal["asleep", "awake"]
    """`awake` when guests of the VM may be in memory, else `asleep`."""
    createdAt: int
    """When it was created, in milliseconds since the epoch."""
    updatedAt: int
    """When it last woke, fell asleep or got other options, in milliseconds since the epoch."""


class VmInfo(TypedDict):
    """A VM."""

    vm: str | list[str]
    """The VM's name: 1 to 128 of `A-Za-z0-9._-`, or a list of up to 8 such strings."""
    state: Literal["asleep", "awake"]
    """`awake` when guests of the VM may be in memory, else `asleep`."""
    createdAt: int
    """When it was created, in milliseconds since the epoch."""
    updatedAt: int
    """When it last woke, fell asleep or got other options, in milliseconds since the epoch."""
    options: NotRequired[dict[str, Any] | None]
    """The options as they were given; what is left out has the daemon's default."""


class VmOptions(TypedDict):
    """Options of a VM, kept with it."""

    network: NotRequired[Network | None]
    """What the VM's guests may reach."""
    limits: NotRequired[Limits | None]
    """What the VM's guests and files may use."""
    idleTimeoutMs: NotRequired[int | None]
    """The VM falls asleep after so long without work. Default: 15 minutes."""
    labels: NotRequired[dict[str, str] | None]
    """Texts of the creator's own, at most 100."""
    mounts: NotRequired[list[Mount] | None]
    """Directories of the daemon's machine that the VM's guests and clients may use. Default: none."""
    base: NotRequired[Literal["default", "none"] | None]
    """Whether Torpor's own commands and a few texts lie beneath the VM's files: `default`, or `none`."""


class VmStats(TypedDict):
    """What a VM uses. Fuel and peak are since it woke; tokens and cost sum up its sessions, None where no
    agent tells any.
    """

    vm: str | list[str]
    """The VM's name: 1 to 128 of `A-Za-z0-9._-`, or a list of up to 8 such strings."""
    state: Literal["asleep", "awake"]
    """`awake` when guests of the VM may be in memory, else `asleep`."""
    sessions: SessionCounts
    """Sessions of the VM."""
    processes: ProcessCounts
    """Guests of the VM that are in memory."""
    fuelUsed: int
    """Fuel that the VM's guests have used since it woke."""
    memoryBytes: int
    """Bytes of memories and tables that the VM's guests have, touched or not."""
    peakMemoryBytes: int
    """The most of these that was seen since it woke, looking when asked and when a guest ends."""
    files: FileCounts
    """What the VM's filesystem holds."""
    events: int
    """Events in all transcripts of the VM."""
    eventBytes: int
    """Bytes of these events: what `limits.transcriptBytes` bounds."""
    near: list[NearLimit]
    """Limits of which four fifths are used; also the context of models, of sessions that are not closed."""
    tokens: dict[str, int] | None
    """Tokens of all sessions, by kind; None where no agent tells any."""
    cost: dict[str, float] | None
    """Cost of all sessions, by currency; None where no agent tells any."""


KINDS: Final[dict[str, Any]] = {
    "createSession": SessionInfo,
    "resumeSession": SessionInfo,
    "getSessionEvents": list[SessionEvent],
    "listPersistedSessions": list[SessionRow],
    "listSessions": list[SessionRow],
    "sendPrompt": PromptResult,
    "forkSession": SessionForked,
    "setModel": Settings,
    "setThoughtLevel": Settings,
    "setMode": Settings,
    "setConfigOption": Settings,
    "stat": FileStat,
    "readFiles": list[many_files.FileRead],
    "writeFiles": list[FileWritten],
    "readdirEntries": list[DirEntry],
    "readdirRecursive": list[TreeEntry],
    "snapshot": Snapshot,
    "listSnapshots": list[Snapshot],
    "restore": Snapshot,
    "diff": FilesDiff,
    "exec": processes.ProcessResult,
    "waitProcess": processes.ProcessResult,
    "stopProcess": processes.ProcessResult,
    "killProcess": processes.ProcessResult,
    "listProcesses": list[processes.ProcessInfo],
    "getProcess": processes.ProcessInfo,
}
"""Method -> the type of a result with attributes, as it travels."""

OWN: Final[dict[type[Struct], type[Struct]]] = {
    many_files.FileRead: FileRead,
    processes.ProcessInfo: ProcessInfo,
    processes.ProcessResult: ProcessResult,
}
"""Record as it travels -> the same with bytes as bytes."""
