"""The ACP v1 messages that the client looks into, as typed records, and nothing more of them than it needs.

Source: the protocol's JSON schema, version 1. Records are tolerant as the protocol asks: unknown members are ignored,
unknown values of enumerations are plain strings, and what is only passed on (tool calls, modes, config options, content,
`_meta`) stays the JSON value that the agent sent. `_meta` is never merged into anything.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

PROTOCOL_VERSION: Final = 1

INITIALIZE: Final = "initialize"
AUTHENTICATE: Final = "authenticate"
SESSION_NEW: Final = "session/new"
SESSION_LOAD: Final = "session/load"
SESSION_RESUME: Final = "session/resume"
SESSION_CLOSE: Final = "session/close"
SESSION_DELETE: Final = "session/delete"
SESSION_FORK: Final = "session/fork"
SESSION_PROMPT: Final = "session/prompt"
SESSION_CANCEL: Final = "session/cancel"
SESSION_UPDATE: Final = "session/update"
SESSION_SET_MODE: Final = "session/set_mode"
SESSION_SET_CONFIG_OPTION: Final = "session/set_config_option"
REQUEST_PERMISSION: Final = "session/request_permission"
ELICITATION_CREATE: Final = "elicitation/create"
ELICITATION_COMPLETE: Final = "elicitation/complete"
READ_TEXT_FILE: Final = "fs/read_text_file"
WRITE_TEXT_FILE: Final = "fs/write_text_file"
TERMINAL_CREATE: Final = "terminal/create"
TERMINAL_OUTPUT: Final = "terminal/output"
TERMINAL_WAIT: Final = "terminal/wait_for_exit"
TERMINAL_KILL: Final = "terminal/kill"
TERMINAL_RELEASE: Final = "terminal/release"

CHUNKS: Final = frozenset({"agent_message_chunk", "agent_thought_chunk", "user_message_chunk"})
"""The updates that are pieces of a message: their texts belong together."""

CLIENT_CAPABILITIES: Final[dict[str, Any]] = {
    "fs": {"readTextFile": True, "writeTextFile": True},
    "terminal": True,
    "session": {"configOptions": {"boolean": {}}, "notices": {}, "compaction": {}},
}


def client_capabilities(elicitation: Iterable[str]) -> dict[str, Any]:
    """`clientCapabilities`, with these modes of elicitation."""
    modes: dict[str, Any] = {mode: {} for mode in elicitation}
    return {**CLIENT_CAPABILITIES, "elicitation": modes} if modes else CLIENT_CAPABILITIES


MAX_RECORD_BYTES: Final = 256 * 1024
"""What an agent says of itself (capabilities, info, modes, config options), each as JSON: it is kept with the session and told
in lists, and a list of a thousand models has half of that."""


class MessageError(Exception):
    """Params or a result of the agent are not what ACP says; the message names the member."""


class _Record(msgspec.Struct, rename="camel", frozen=True):
    """Members are camelCase on the wire; unknown ones are ignored."""


class InitializeResult(_Record, frozen=True):
    """The agent's answer to `initialize`."""

    protocol_version: int
    agent_capabilities: Any = None
    agent_info: Any = None
    auth_methods: Any = None


class Authenticated(_Record, frozen=True):
    """The answer to `authenticate`, which says nothing but that it has gone well."""


class SessionSetup(_Record, frozen=True):
    """The answer to `session/new`, `session/load` and `session/resume`; only the first carries `sessionId`."""

    session_id: str | None = None
    modes: Any = None
    config_options: Any = None


class PromptResult(_Record, frozen=True):
    """The answer to `session/prompt`. Stop reasons that we do not know are passed on."""

    stop_reason: str


class Update(_Record, frozen=True):
    """Params of `session/update`."""

    session_id: str
    update: dict[str, Any]


class PermissionOption(_Record, frozen=True):
    """One choice of a permission request; `kind` is allow_once, allow_always, reject_once, reject_always or unknown."""

    option_id: str
    kind: str = ""
    name: str = ""


class PermissionRequest(_Record, frozen=True):
    """Params of `session/request_permission`."""

    session_id: str
    tool_call: dict[str, Any]
    options: list[PermissionOption]


class Elicitation(_Record, frozen=True):
    """Params of `elicitation/create`: a form to fill in, or a page to visit, for a session or during one of our requests."""

    mode: str
    message: str
    session_id: str | None = None
    requested_schema: dict[str, Any] | None = None
    url: str | None = None


class ReadTextFile(_Record, frozen=True):
    """Params of `fs/read_text_file`: `line` counts from 1, `limit` is a number of lines."""

    session_id: str
    path: str
    line: int | None = None
    limit: int | None = None


class WriteTextFile(_Record, frozen=True):
    """Params of `fs/write_text_file`."""

    session_id: str
    path: str
    content: str


class EnvVariable(_Record, frozen=True):
    """One variable of a terminal's environment."""

    name: str
    value: str


class CreateTerminal(_Record, frozen=True):
    """Params of `terminal/create`."""

    session_id: str
    command: str
    args: list[str] | None = None
    env: list[EnvVariable] | None = None
    cwd: str | None = None
    output_byte_limit: int | None = None


class TerminalRef(_Record, frozen=True):
    """Params of the other `terminal/*` requests."""

    session_id: str
    terminal_id: str


T = TypeVar("T")


def parse(value: Any, record: type[T]) -> T:
    """Read `value` (decoded JSON) as a record. Raises `MessageError` naming the member at fault."""
    try:
        return msgspec.convert({} if value is None else value, record)
    except msgspec.ValidationError as error:
        raise MessageError(str(error)) from error


def update_kind(params: Any) -> str | None:
    """The `sessionUpdate` of a `session/update`'s params, or None where there is none."""
    update = params.get("update") if isinstance(params, dict) else None
    kind = update.get("sessionUpdate") if isinstance(update, dict) else None
    return kind if isinstance(kind, str) else None


def text_of(update: dict[str, Any]) -> str:
    """The text of a content chunk, "" for other content."""
    content = update.get("content")
    text = content.get("text") if isinstance(content, dict) and content.get("type") == "text" else None
    return text if isinstance(text, str) else ""


def is_small(value: Any) -> bool:
    """Whether what an agent says of itself is of a size that may be kept with its session."""
    return len(msgspec.json.encode(value)) <= MAX_RECORD_BYTES


def modes_of(value: Any) -> dict[str, Any] | None:
    """A `SessionModeState`, or None: an agent without modes, or one whose modes are not of that shape."""
    if not isinstance(value, dict) or not isinstance(value.get("currentModeId"), str):
        return None
    return value if isinstance(value.get("availableModes"), list) and is_small(value) else None


def config_options_of(value: Any) -> list[dict[str, Any]]:
    """A list of `SessionConfigOption`, without the items that have no string `id`."""
    if not isinstance(value, list) or not is_small(value):
        return []
    return [item for item in value if isinstance(item, dict) and isinstance(item.get("id"), str)]


def auth_methods_of(value: Any) -> list[dict[str, Any]]:
    """A list of `AuthMethod`, without the items that have no string `id`."""
    return config_options_of(value)


@attrs.frozen
class Capabilities:
    """What an agent advertised; whatever is absent, null or of another type is not supported."""

    raw: dict[str, Any]

    @classmethod
    def of(cls, value: Any) -> Capabilities:
        """Read `agentCapabilities`."""
        return cls(value if isinstance(value, dict) else {})

    @property
    def load(self) -> bool:
        """`session/load` may be called."""
        return self.raw.get("loadSession") is True

    def session(self, name: str) -> bool:
        """Whether `sessionCapabilities` has `name` (resume, close, additionalDirectories, ...)."""
        return isinstance(self._object("sessionCapabilities").get(name), dict)

    def prompt(self, name: str) -> bool:
        """Whether prompts may have `name`: image, audio or embeddedContext."""
        return self._object("promptCapabilities").get(name) is True

    def mcp(self, name: str) -> bool:
        """Whether MCP servers may be reached by `name`: http or sse."""
        return self._object("mcpCapabilities").get(name) is True

    def _object(self, name: str) -> dict[str, Any]:
        value = self.raw.get(name)
        return value if isinstance(value, dict) else {}


CONTENT_CAPABILITY: Final = {
    "text": None,
    "resource_link": None,
    "image": "image",
    "audio": "audio",
    "resource": "embeddedContext",
}
"""Content block type -> the prompt capability that it needs; the first two every agent must take."""

_CONTENT_MEMBERS: Final = {
    "text": ("text",),
    "resource_link": ("name", "uri"),
    "image": ("data", "mimeType"),
    "audio": ("data", "mimeType"),
}


def check_content(block: Any) -> str:
    """Return a content block's type.

    Raises `MessageError` if it is none of the five, lacks a required member, or has bytes that are not base64.
    """
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(kind, str) or kind not in CONTENT_CAPABILITY:
        raise MessageError(f"a content block's type is one of {', '.join(CONTENT_CAPABILITY)}, not {kind!r}")
    for member in _CONTENT_MEMBERS.get(kind, ()):
        if not isinstance(block.get(member), str):
            raise MessageError(f"a content block of type {kind} needs the string {member}")
    if kind in ("image", "audio"):
        _check_base64(block["data"], f"the data of a content block of type {kind}")
    if kind == "resource":
        resource = block.get("resource")
        body = isinstance(resource, dict) and isinstance(resource.get("uri"), str)
        if not body or not any(isinstance(resource.get(name), str) for name in ("text", "blob")):
            raise MessageError("a content block of type resource needs a resource with uri and text or blob")
        if isinstance(resource.get("blob"), str):
            _check_base64(resource["blob"], "the blob of a resource")
    return str(kind)


def _check_base64(text: str, what: str) -> None:
    # RFC 4648, 4: the standard alphabet, padded, without line ends.
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise MessageError(f"{what} is not base64: {error}") from None
    if len(text) % 4:
        raise MessageError(f"{what} is not base64: its length is no multiple of 4")
