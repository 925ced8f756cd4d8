"""What the calls of `runtime.client.vm` return. Members that a newer daemon adds are left out, not an error."""

from __future__ import annotations

from typing import Any

import msgspec


class _Result(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base: attributes in snake_case, in camelCase on the wire."""


class SessionInfo(_Result, frozen=True):
    """A session with its agent, as after `create_session`. `created_at` is in milliseconds since the epoch."""

    session_id: str
    agent_type: str
    cwd: str
    created_at: int
    capabilities: dict[str, Any] | None = None
    agent_info: dict[str, Any] | None = None
    modes: dict[str, Any] | None = None
    config_options: list[dict[str, Any]] = []


class SessionRow(_Result, frozen=True):
    """A session as it is stored; `status` is `running`, `idle`, `suspended` or `closed`."""

    session_id: str
    agent_type: str
    status: str
    cwd: str
    last_seq: int
    created_at: int
    updated_at: int
    title: str | None = None
    capabilities: dict[str, Any] | None = None
    agent_info: dict[str, Any] | None = None
    usage: dict[str, Any] = {}
    """What the agent has told: `tokens`, `cost` by currency, and `context`; each None where it has not."""


class SessionEvent(_Result, frozen=True):
    """One event of a transcript: `event` is `{jsonrpc, method, params}`."""

    session_id: str
    seq: int
    created_at: int
    event: dict[str, Any]


class PromptResult(_Result, frozen=True):
    """How a turn ended: the agent's text, why it stopped, ACP's whole response, and the last event's `seq`."""

    text: str
    stop_reason: str
    seq: int
    response: dict[str, Any]


class Settings(_Result, frozen=True):
    """A session's options after a change."""

    config_options: list[dict[str, Any]] = []
    modes: dict[str, Any] | None = None


class FileStat(_Result, frozen=True):
    """What `stat` tells; times in milliseconds since the epoch."""

    type: str
    size: int
    mode: int
    mtime_ms: float
    ctime_ms: float
    atime_ms: float
    nlink: int
    ino: int
