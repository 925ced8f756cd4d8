"""A real MCP server, made with the official SDK: streamable HTTP on a loopback port, which it prints.

    MCP_KEY="Bearer ..." MCP_DOT=BASE64 python remote_server.py PORT

Port 0 is any that is free. It answers only those who send the key as their Authorization header; the dot is a PNG.
"""

from __future__ import annotations

import base64
import os
import socket
import sys
from typing import Annotated, Any

import anyio
import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context, Image
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field

KEY = os.environ["MCP_KEY"].encode()
DOT = base64.b64decode(os.environ["MCP_DOT"])

server = MCPServer("remote", instructions="Numbers are in furlongs.", log_level="WARNING")


class Point(BaseModel):
    x: int
    y: int


@server.tool()
def distance(a: Point, b: Annotated[Point, Field(description="the other end")]) -> int:
    """The Manhattan distance of two points."""
    return abs(a.x - b.x) + abs(a.y - b.y)


@server.tool()
def picture() -> Image:
    """A picture of one dot."""
    return Image(data=DOT, format="png")


@server.tool()
def refuse(why: str) -> str:
    """Fails."""
    raise ToolError(f"refused: {why}")


@server.tool()
async def count(to: int, ctx: Context[Any, Any], pause: float = 0) -> str:
    """Counts, with a pause of so many seconds after each number, and tells how far it is."""
    for number in range(1, to + 1):
        await ctx.report_progress(number, to, f"at {number}")
        await anyio.sleep(pause)
    return f"counted to {to}"


class Guard:
    """Lets through who has the key."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and dict(scope["headers"]).get(b"authorization") != KEY:
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b"who are you?"})
            return
        await self._app(scope, receive, send)


def main() -> None:
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(Guard(server.streamable_http_app()), log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
