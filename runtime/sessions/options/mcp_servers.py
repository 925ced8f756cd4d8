"""`mcpServers`: the API's short forms and ACP's own, brought to ACP's shape, and what of it an agent is sent.

Source of the shape: ACP schema v1, `McpServer`: stdio servers without a `type` and with `args` and `env` present, http and
sse servers with `type` and `headers`; `env` and `headers` are lists of name and value. The short forms are
`{type: "local", command, args?, env?, name?}` and `{type: "remote", url, headers?, name?}` with objects for env and headers.
A server without a name gets `mcp-1`, `mcp-2`, ... by its position.

Agents here are guests and cannot start a stdio server, though ACP asks every agent to take one. Those that take http are
sent a URL at which the runtime serves it (`runtime.sessions.mcp.http`); any other is sent it as it is, and it is not run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from runtime.api.errors import ApiError, ErrorCode
from runtime.api.names import VARIABLE, VARIABLE_VALUE

if TYPE_CHECKING:
    from runtime.acp.messages import Capabilities

MAX_SERVERS: Final = 64
"""MCP servers of one session; each is a process or a connection of the agent."""

MAX_NAME: Final = 128
"""Characters of a server's name: it goes into the names of tools, of which models take about half as many."""

HOST: Final = "mcp.torpor.internal"
"""The name of the local servers' host, for the agent alone."""

POINTER: Final = "/options/mcpServers"

_LOCAL: Final = frozenset({"type", "name", "command", "args", "env", "_meta"})
_REMOTE: Final = frozenset({"type", "name", "url", "headers", "_meta"})

_FIELD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110, 5.6.2: a token."""

_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""RFC 9110, 5.5."""

_VARIABLE = re.compile(VARIABLE)
_VALUE = re.compile(VARIABLE_VALUE)

Pairs = list[dict[str, str]]


def normalise(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Bring `mcpServers` to ACP's shape.

    Raises `ApiError` INVALID_ARGUMENT; `data.errors` has the JSON pointer, from the params, and a message for each fault.
    """
    faults: list[tuple[str, str]] = []
    servers: list[dict[str, Any]] = []
    if len(given) > MAX_SERVERS:
        faults.append((POINTER, f"a list of at most {MAX_SERVERS} servers"))
    else:
        servers = [_Reader(server, index, faults).server() for index, server in enumerate(given)]
        names = [server.get("name") for server in servers]
        faults += [
            (f"{POINTER}/{index}/name", f"there is another server {name!r}")
            for index, name in enumerate(names)
            if name is not None and name in names[:index]
        ]
    if faults:
        raise ApiError(
            ErrorCode.INVALID_ARGUMENT,
            "; ".join(f"{pointer}: {message}" for pointer, message in faults),
            errors=[{"pointer": pointer, "message": message} for pointer, message in faults],
        )
    return servers


def check_supported(servers: list[dict[str, Any]], capabilities: Capabilities) -> None:
    """Raise `ApiError` UNSUPPORTED_BY_AGENT for a server that the agent did not say it can reach."""
    for server in servers:
        transport = server.get("type")
        if transport in ("http", "sse") and not capabilities.mcp(transport):
            message = f"the agent cannot reach MCP servers over {transport} ({server['name']})"
            raise ApiError(ErrorCode.UNSUPPORTED_BY_AGENT, message, capability=f"mcpCapabilities.{transport}")


def are_served(capabilities: Capabilities) -> bool:
    """Whether the runtime runs the agent's local servers."""
    return capabilities.mcp("http")


def as_sent(servers: list[dict[str, Any]], capabilities: Capabilities) -> list[dict[str, Any]]:
    """The servers as the agent gets them."""
    if not are_served(capabilities):
        return servers
    return [_bridged(server) if "command" in server else server for server in servers]


def _bridged(server: dict[str, Any]) -> dict[str, Any]:
    meta = {"_meta": server["_meta"]} if "_meta" in server else {}
    return {"type": "http", "name": server["name"], "url": url_of(server["name"]), "headers": [], **meta}


class _Reader:
    """Reads one server, and notes all that is wrong with it."""

    def __init__(self, value: dict[str, Any], index: int, faults: list[tuple[str, str]]) -> None:
        self._value = value
        self._index = index
        self._faults = faults

    def server(self) -> dict[str, Any]:
        """The server in ACP's shape, as far as it could be read."""
        kind = self._value.get("type") or ("remote" if "url" in self._value else "local")
        meta = {"_meta": self._value["_meta"]} if "_meta" in self._value else {}
        if kind in ("local", "stdio"):
            self._check_members(_LOCAL)
            return {
                "name": self._name(),
                "command": self._string("command"),
                "args": self._strings("args"),
                "env": self._pairs("env", _VARIABLE, _VALUE),
                **meta,
            }
        if kind in ("remote", "http", "sse"):
            self._check_members(_REMOTE)
            return {
                "type": "sse" if kind == "sse" else "http",
                "name": self._name(),
                "url": self._url(),
                "headers": self._pairs("headers", _FIELD, _FIELD_VALUE),
                **meta,
            }
        self._fault("/type", "local, remote, stdio, http or sse")
        return {}

    def _fault(self, member: str, message: str) -> None:
        self._faults.append((f"{POINTER}/{self._index}{member}", message))

    def _check_members(self, known: frozenset[str]) -> None:
        for member in self._value.keys() - known:
            escaped = member.replace("~", "~0").replace("/", "~1")  # RFC 6901
            self._fault(f"/{escaped}", "unknown member")

    def _name(self) -> str:
        name = self._value.get("name", f"mcp-{self._index + 1}")
        if isinstance(name, str) and 0 < len(name) <= MAX_NAME:
            return name
        self._fault("/name", f"a string of 1 to {MAX_NAME} characters")
        return f"mcp-{self._index + 1}"

    def _string(self, member: str) -> str:
        value = self._value.get(member)
        if isinstance(value, str) and value and "\0" not in value:
            return value
        self._fault(f"/{member}", "missing" if value is None else "a string that is not empty")
        return ""

    def _url(self) -> str:
        url = self._string("url")
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            usable = False
        if url and not usable:
            self._fault("/url", "an http or https URL")
        return url

    def _strings(self, member: str) -> list[str]:
        value = self._value.get(member) or []
        if isinstance(value, list) and all(isinstance(item, str) and "\0" not in item for item in value):
            return value
        self._fault(f"/{member}", "a list of strings")
        return []

    def _pairs(self, member: str, name: re.Pattern[str], content: re.Pattern[str]) -> Pairs:
        value = self._value.get(member) or {}
        if isinstance(value, dict):
            value = [{"name": key, "value": item} for key, item in value.items()]
        if not isinstance(value, list):
            self._fault(f"/{member}", "an object of strings, or a list of name and value")
            return []
        for item in value:
            given = item if isinstance(item, dict) else {}
            key, text = given.get("name"), given.get("value")
            if not isinstance(key, str) or not isinstance(text, str):
                self._fault(f"/{member}", "an object of strings, or a list of name and value")
            elif not name.fullmatch(key) or not content.fullmatch(text):
                self._fault(f"/{member}", f"{key!r}: the name or the value has characters that are not allowed")
        return value


def url_of(name: str) -> str:
    """Where the agent finds the local server of this name."""
    return f"http://{HOST}/{quote(name, safe='')}"
