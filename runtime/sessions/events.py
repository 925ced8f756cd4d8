"""The events of ours: every `_torpor/...` method that may stand in a transcript, with its params beside `sessionId`.

The document of `rpc.discover` and the documentation are made from this table. What ACP has a name for stands in the transcript
under that name: `session/update`, and `session/request_permission` with a `permissionId`.
"""

from __future__ import annotations

from typing import Final

import attrs

from runtime.acp import session_state as state
from runtime.sessions.mcp import local as mcp_local
from runtime.sessions.transcript import growth, network_log, transcript


@attrs.frozen
class Kind:
    """One kind of event."""

    meaning: str
    members: dict[str, str] = attrs.field(factory=dict)
    """Member -> what it says; `?` ends the name of one that may be missing."""


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
    state.STARTED: Kind(
        "The session was created. Only stderr, and updates that the agent sent before its answer, may stand before it.",
        {
            "agentType": "The agent's id.",
            "cwd": "The working directory.",
            "agentInfo": "What the agent said of itself, or null.",
            "capabilities": "ACP's `agentCapabilities`.",
            **_SETUP,
        },
    ),
    state.RESUMED: Kind(
        "A new process of the agent goes on with the session.",
        {
            "tier": "How it got to know the conversation: `resume`, `load` or `continuation`.",
            **_SETUP,
            "path?": "With `continuation`: the file in the VM that holds the transcript.",
        },
    ),
    state.SUSPENDED: Kind("The agent was stopped with its VM.", {"reason": "Always `sleep`."}),
    state.CLOSED: Kind("closeSession was called."),
    state.TURN_STARTED: Kind(
        "A prompt was accepted. Its content follows as `user_message_chunk`s.",
        {**_TURN, "idempotencyKey?": "The key that the client gave."},
    ),
    state.TURN_ENDED: Kind(
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
    state.TURN_INTERRUPTED: Kind(
        "The daemon ended in the middle of this turn. Found when the session was next used.", _TURN
    ),
    growth.LIMIT_REACHED: Kind(
        "The transcript, or what is held for the agent, has reached a limit. The turn is cancelled; an agent that goes on is "
        "killed, as is one outside a turn.",
        {
            "limit": "`turnBytes`, `sessionBytes` or `transcriptBytes`, as in the VM's `limits`, or `agentBytes`.",
            "used": "Bytes so far, of events or of what is held for the agent.",
            "allowed": "The limit.",
            "help": "What can be done, for people.",
        },
    ),
    state.AGENT_EXIT: Kind(
        "The agent ended by itself, or was killed in a cancel.",
        {**_ENDED, "restart": "Whether the next prompt starts it again."},
    ),
    state.PERMISSION_REPLY: Kind(
        "A permission request was answered.",
        {
            "permissionId": "The request.",
            "outcome": "`selected` or `cancelled`.",
            "by": "`client`, `policy`, `remembered`, or what made it pointless: `cancelled`, `closed`, `agent_exit`, ...",
            "optionId?": "The option that was chosen.",
            "remember?": "The kind and the tool that this answer is remembered for.",
        },
    ),
    transcript.STDERR: Kind("Output of the agent on stderr.", _STDERR),
    transcript.MALFORMED: Kind(
        "A line of the agent that has no place in the protocol. The session goes on.",
        {
            "kind": "What is wrong with it.",
            "reason": "The same for people.",
            "size": "The line's length in bytes.",
            "head": "How it begins.",
        },
    ),
    transcript.LOST: Kind("Stands for an event that a damaged state file has lost (`torpor salvage`)."),
    transcript.NOTIFICATION: Kind(
        "A notification of the agent that ACP version 1 does not have.",
        {"method": "Its method.", "params": "Its params."},
    ),
    network_log.REQUEST: Kind(
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
    network_log.REQUESTS: Kind(
        "HTTP requests that came too fast to be recorded one by one.",
        {
            "count": "How many.",
            "errors": "How many failed, by error.",
            "hosts": "How many went where, by `host:port`.",
            "bytesOut": "Bytes of their bodies.",
            "bytesIn": "Bytes of the answers' bodies.",
        },
    ),
    mcp_local.STDERR: Kind(
        "Output of a local MCP server on stderr, or on stdout where it is no message.",
        {"server": "The server's name.", **_STDERR},
    ),
    mcp_local.EXIT: Kind(
        "A local MCP server ended by itself, or could not be started (`reason` is `start`).",
        {"server": "The server's name.", **_ENDED},
    ),
}
"""Method -> what it says."""
