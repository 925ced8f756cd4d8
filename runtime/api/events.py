"""What is told of sessions and VMs: the events of ours in transcripts, and the notifications of subscriptions.

An event of ours is a `_torpor/...` method with its params beside `sessionId`. What ACP has a name for stands in the transcript
under that name: `session/update`, and `session/request_permission` with a `permissionId`. The document of `rpc.discover` and
the documentation are made from these tables.

Only the standard library is used: commands read with this, too.
"""

from __future__ import annotations

from typing import Final, NamedTuple

SESSION_STARTED: Final = "_torpor/session_started"
SESSION_RESUMED: Final = "_torpor/session_resumed"
SESSION_SUSPENDED: Final = "_torpor/session_suspended"
SESSION_CLOSED: Final = "_torpor/session_closed"
TURN_STARTED: Final = "_torpor/turn_started"
TURN_ENDED: Final = "_torpor/turn_ended"
TURN_INTERRUPTED: Final = "_torpor/turn_interrupted"
AGENT_EXIT: Final = "_torpor/agent_exit"
AUTHENTICATION_REQUIRED: Final = "_torpor/authentication_required"
AUTHENTICATED: Final = "_torpor/authenticated"
ELICITATION_REPLY: Final = "_torpor/elicitation_reply"
TERMINAL_ENDED: Final = "_torpor/terminal_ended"
PERMISSION_REPLY: Final = "_torpor/permission_reply"
LIMIT_REACHED: Final = "_torpor/limit_reached"
AGENT_STDERR: Final = "_torpor/stderr"
MALFORMED: Final = "_torpor/malformed"
LOST: Final = "_torpor/lost"
NOTIFICATION: Final = "_torpor/notification"
HTTP_REQUEST: Final = "_torpor/http_request"
HTTP_REQUESTS: Final = "_torpor/http_requests"
MCP_STDERR: Final = "_torpor/mcp_stderr"
MCP_EXIT: Final = "_torpor/mcp_exit"

SESSION_EVENT: Final = "sessionEvent"
PERMISSION_REQUEST: Final = "permissionRequest"
ELICITATION_REQUEST: Final = "elicitationRequest"
FILE_REQUEST: Final = "fileRequest"
FILE_REQUEST_ENDED: Final = "fileRequestEnded"
VM_STATE: Final = "vmState"
VM_WARNING: Final = "vmWarning"
AGENT_EXITED: Final = "agentExit"
PROCESS_OUTPUT: Final = "processOutput"
PROCESS_EXIT: Final = "processExit"
SHELL_DATA: Final = "shellData"
COMPILING: Final = "compiling"
PROGRESS: Final = "progress"
SUBSCRIPTION_LAGGED: Final = "subscriptionLagged"


class Kind(NamedTuple):
    """One kind of event."""

    meaning: str
    members: dict[str, str] = {}  # noqa: RUF012
    """Member -> what it says; `?` ends the name of one that may be missing."""


class Notification(NamedTuple):
    """One kind of notification."""

    members: tuple[str, ...]
    """`?` ends the name of one that may be missing."""
    meaning: str


_TURN: Final = {"turnId": "Names the turn in all its events."}
_STDERR: Final = {
    "text": "What it wrote.",
    "dropped?": "Bytes before it that were left out because they came too fast.",
}
_ENDED: Final = {
    "exitCode": "The exit code; null when it did not end by exiting.",
    "reason": "How it ended: `exit`, `trap`, `killed`, `out_of_fuel`, `out_of_memory`.",
    "message": "The same for people.",
    "stderr": "The last lines of its stderr.",
}
_SETUP: Final = {
    "modes": "The agent's modes and the current one, or null.",
    "configOptions": "The agent's config options with their values.",
}

EVENTS: Final[dict[str, Kind]] = {
    SESSION_STARTED: Kind(
        "The session was created. Only stderr, and updates that the agent sent before its answer, may stand before it.",
        {
            "agentType": "The agent's id.",
            "cwd": "The working directory.",
            "agentInfo": "What the agent said of itself, or null.",
            "capabilities": "ACP's `agentCapabilities`.",
            **_SETUP,
        },
    ),
    SESSION_RESUMED: Kind(
        "A new process of the agent goes on with the session.",
        {
            "tier": "How it got to know the conversation: `resume`, `load` or `continuation`.",
            **_SETUP,
            "path?": "With `continuation`: the file in the VM that holds the transcript.",
        },
    ),
    SESSION_SUSPENDED: Kind("The agent was stopped with its VM.", {"reason": "Always `sleep`."}),
    SESSION_CLOSED: Kind("closeSession was called."),
    TURN_STARTED: Kind(
        "A prompt was accepted. Its content follows as `user_message_chunk`s.",
        {**_TURN, "idempotencyKey?": "The key that the client gave.", "traceContext?": "As in sendPrompt."},
    ),
    TURN_ENDED: Kind(
        "The turn is over, and the files that it wrote are durable.",
        {
            **_TURN,
            "end": "`stopped` by the agent, `cancelled`, `killed` for it, `agent_error`, `agent_failed`, `internal_error`.",
            "stopReason?": "ACP's stop reason; null where the agent gave none.",
            "response?": "The agent's whole answer.",
            "error?": "The error that the agent answered with.",
            "limit?": "The limit that it was ended for: see `_torpor/limit_reached`.",
            "filesError?": "Why the turn's files could not be stored.",
            "fuelUsed?": "Fuel that the agent used in the turn.",
            "peakMemoryBytes?": "The most bytes of memories and tables that the agent has had since its start.",
        },
    ),
    TURN_INTERRUPTED: Kind("The daemon ended in the middle of this turn. Found when the session was next used.", _TURN),
    LIMIT_REACHED: Kind(
        "The transcript, or what is held for the agent, has reached a limit. The turn is cancelled; an agent that goes on is "
        "killed, as is one outside a turn.",
        {
            "limit": "`turnBytes`, `sessionBytes` or `transcriptBytes`, as in the VM's `limits`, or `agentBytes`.",
            "used": "Bytes so far, of events or of what is held for the agent.",
            "allowed": "The limit.",
            "help": "What can be done, for people.",
        },
    ),
    AGENT_EXIT: Kind(
        "The agent ended by itself, or was killed in a cancel.",
        {**_ENDED, "restart": "Whether the next prompt starts it again."},
    ),
    AUTHENTICATION_REQUIRED: Kind(
        "The agent refused the turn that ends next until it has been authenticated.",
        {"authMethods": "The ways that it offers, as ACP describes them; `authenticate` takes the id of one."},
    ),
    AUTHENTICATED: Kind(
        "`authenticate` was called, and the agent took it.", {"methodId": "The way, of those that the agent offers."}
    ),
    PERMISSION_REPLY: Kind(
        "A permission request was answered.",
        {
            "permissionId": "The request.",
            "outcome": "`selected` or `cancelled`.",
            "by": "`client`, `policy`, `remembered`, or what made it pointless: `cancelled`, `closed`, `agent_exit`, ...",
            "optionId?": "The option that was chosen.",
            "remember?": "The kind and the tool that this answer is remembered for.",
        },
    ),
    TERMINAL_ENDED: Kind(
        "A command that the agent ran by `terminal/create` has ended, or the agent has released it: what a tool call with "
        "this terminal among its content shows.",
        {
            "terminalId": "The terminal; no other of the session has this id.",
            "output": "The end of its output, 64 KiB at most.",
            "truncated": "Whether there was more before it.",
            "exitCode": "The exit code; null when it did not exit.",
            "signal": "The signal that ended it, or null.",
        },
    ),
    ELICITATION_REPLY: Kind(
        "A question of the agent was answered.",
        {
            "questionId": "The question.",
            "action": "`accept`, `decline` or `cancel`.",
            "by": "`client`, or what made it pointless: `cancelled`, `closed`, `agent_exit`, ...",
            "content?": "What was filled in.",
        },
    ),
    AGENT_STDERR: Kind("Output of the agent on stderr.", _STDERR),
    MALFORMED: Kind(
        "A line of the agent that has no place in the protocol. The session goes on.",
        {
            "kind": "What is wrong with it.",
            "reason": "The same for people.",
            "size": "The line's length in bytes.",
            "head": "How it begins.",
        },
    ),
    LOST: Kind("Stands for an event that a damaged state file has lost (`torpor salvage`)."),
    NOTIFICATION: Kind(
        "A notification of the agent that ACP version 1 does not have.",
        {"method": "Its method.", "params": "Its params."},
    ),
    HTTP_REQUEST: Kind(
        "An HTTP request of the agent, of its commands or of its MCP servers is over.",
        {
            "method": "GET, POST, ...",
            "scheme": "`http` or `https`.",
            "host": "Where it went.",
            "port": "The port.",
            "path": "The path without the query.",
            "status?": "The status of the answer, if one came.",
            "error?": "What failed, as wasi:http names it; `HTTP-request-denied` where no grant names the host.",
            "bytesOut": "Bytes of the request's body.",
            "bytesIn": "Bytes of the answer's body.",
            "durationMs": "How long it took.",
            "secrets?": "Secrets whose values were put in place of placeholders.",
        },
    ),
    HTTP_REQUESTS: Kind(
        "HTTP requests that came too fast to be recorded one by one.",
        {
            "count": "How many.",
            "errors": "How many failed, by error.",
            "hosts": "How many went where, by `host:port`.",
            "bytesOut": "Bytes of their bodies.",
            "bytesIn": "Bytes of the answers' bodies.",
        },
    ),
    MCP_STDERR: Kind(
        "Output of a local MCP server on stderr, or on stdout where it is no message.",
        {"server": "The server's name.", **_STDERR},
    ),
    MCP_EXIT: Kind(
        "A local MCP server ended by itself, or could not be started (`reason` is `start`).",
        {"server": "The server's name.", **_ENDED},
    ),
}
"""Method -> what it says."""

_OF_SESSION: Final = ("subscriptionId", "vm", "sessionId")

NOTIFICATIONS: Final = {
    SESSION_EVENT: Notification(
        (*_OF_SESSION, "seq", "createdAt", "event"), "one event of a transcript, committed before"
    ),
    PERMISSION_REQUEST: Notification(
        (*_OF_SESSION, "request: {permissionId, toolCall, options, description?, _meta?}"),
        "an agent asks for permission, and the session's policy leaves it open",
    ),
    ELICITATION_REQUEST: Notification(
        (
            *_OF_SESSION,
            "request: {questionId, mode, message, requestedSchema?, url?, elicitationId?, toolCallId?, _meta?}",
        ),
        "an agent asks a person to fill in a form, or to visit a page",
    ),
    FILE_REQUEST: Notification(
        (*_OF_SESSION, "request: {requestId, kind, path, line?, limit?, content?}"),
        "to who serves files: the agent wants to `read` the file, or lines of it, or to `write` it",
    ),
    FILE_REQUEST_ENDED: Notification(
        (*_OF_SESSION, "requestId"), "nobody waits for the answer to a `fileRequest` any more"
    ),
    VM_STATE: Notification(("subscriptionId", "vm", "state", "reason"), "the VM woke or fell asleep"),
    VM_WARNING: Notification(
        ("subscriptionId", "vm", "limit", "used", "allowed", "sessionId?"),
        "four fifths of a limit of the VM are used, or of the context of a session's model (`context`, in tokens): looked at "
        "when a turn or a command has ended, and told once; `vm.stats` tells it as `near`",
    ),
    AGENT_EXITED: Notification((*_OF_SESSION, "exitCode", "reason", "restart"), "an agent's process ended"),
    PROCESS_OUTPUT: Notification(
        ("subscriptionId", "vm", "pid", "stream", "offset", "data"),
        "output of a command that a client has started; `data` is a string, or {base64} where it is not valid UTF-8, and "
        "`offset` its place in the stream, in bytes",
    ),
    PROCESS_EXIT: Notification(
        ("subscriptionId", "vm", "pid", "exitCode", "reason", "detail?"), "such a command has ended"
    ),
    SHELL_DATA: Notification(
        ("subscriptionId", "vm", "shell", "offset", "data"),
        "what a shell's terminal shows; `data` is a string, or {base64} where it is not valid UTF-8, and `offset` its place in "
        "all that was shown, in bytes",
    ),
    COMPILING: Notification(
        ("subscriptionId", "vm", "program", "bytes"),
        "a program of the VM is compiled before it starts, which happens once and may take half a minute; `program` is the "
        "agent's file, or the command",
    ),
    PROGRESS: Notification(
        ("token", "done", "total"), "bytes that are done of those that there are, for a call with that `progressToken`"
    ),
    SUBSCRIPTION_LAGGED: Notification(
        ("subscriptionId", "lastSeq"), "the peer did not keep up; subscribe again from lastSeq"
    ),
}
"""Method of a notification -> what it says. JSON-RPC's own members are left out."""
