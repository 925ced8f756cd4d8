"""`mcpServers`: the API's short forms and ACP's own, brought to ACP's shape.

Source of the shape: ACP schema v1, `McpServer`: stdio servers without a `type` and with `args` and `env` present, http and
sse servers with `type` and `headers`; `env` and `headers` are lists of name and value. The short forms are
`{type: "local", command, args?, env?, name?}` and `{type: "remote", url, headers?, name?}` with objects for env and headers;
a whole object `{name: server}` is taken as well. A server without a name gets `mcp-1`, `mcp-2`, ... by its position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.errors import ApiError, ErrorCode

if TYPE_CHECKING:
    from runtime.acp.messages import Capabilities

MAX_SERVERS: Final = 64
"""MCP servers of one session; each is a process or a connection of the agent."""


def normalise(value: Any) -> list[dict[str, Any]]:
    """Bring `mcpServers` to ACP's shape. Raises `ApiError` INVALID_ARGUMENT."""
    if value is None:
        return []
    if isinstance(value, dict):
        value = [{"name": name, **server} if isinstance(server, dict) else server for name, server in value.items()]
    if not isinstance(value, list) or len(value) > MAX_SERVERS:
        raise _invalid(f"mcpServers is a list of at most {MAX_SERVERS} servers")
    return [_server(server, index) for index, server in enumerate(value, 1)]


def check_supported(servers: list[dict[str, Any]], capabilities: Capabilities) -> None:
    """Raise `ApiError` UNSUPPORTED_BY_AGENT for a server that the agent did not say it can reach."""
    for server in servers:
        transport = server.get("type")
        if transport in ("http", "sse") and not capabilities.mcp(transport):
            message = f"the agent cannot reach MCP servers over {transport} ({server['name']})"
            raise ApiError(ErrorCode.UNSUPPORTED_BY_AGENT, message, capability=f"mcpCapabilities.{transport}")


def _server(value: Any, index: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _invalid("an MCP server is an object")
    kind = value.get("type") or ("remote" if "url" in value else "local")
    name = value.get("name", f"mcp-{index}")
    rest = {key: item for key, item in value.items() if key == "_meta"}
    if not isinstance(name, str) or not name:
        raise _invalid("the name of an MCP server is a string")
    if kind in ("local", "stdio"):
        return {
            "name": name,
            "command": _string(value, "command"),
            "args": _strings(value.get("args") or []),
            "env": _pairs(value.get("env") or {}, "env"),
            **rest,
        }
    if kind in ("remote", "http", "sse"):
        return {
            "type": "sse" if kind == "sse" else "http",
            "name": name,
            "url": _string(value, "url"),
            "headers": _pairs(value.get("headers") or {}, "headers"),
            **rest,
        }
    raise _invalid(f"the type of an MCP server is local, remote, stdio, http or sse, not {kind!r}")


def _string(server: dict[str, Any], member: str) -> str:
    value = server.get(member)
    if not isinstance(value, str) or not value:
        raise _invalid(f"an MCP server of this type needs the string {member}")
    return value


def _strings(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _invalid("args of an MCP server is a list of strings")
    return value


def _pairs(value: Any, member: str) -> list[dict[str, str]]:
    if isinstance(value, dict):
        value = [{"name": name, "value": item} for name, item in value.items()]
    if not isinstance(value, list):
        raise _invalid(f"{member} of an MCP server is an object of strings")
    for item in value:
        if not isinstance(item, dict) or not all(isinstance(item.get(key), str) for key in ("name", "value")):
            raise _invalid(f"{member} of an MCP server is an object of strings, or a list of name and value")
    return value


def _invalid(message: str) -> ApiError:
    return ApiError(ErrorCode.INVALID_ARGUMENT, message)
