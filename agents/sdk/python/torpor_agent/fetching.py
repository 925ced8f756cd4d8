"""The program of `torpor_agent.http`: one request, which it waits for so that its parent does not have to.

On its input are a line of JSON, `{"method", "url", "headers", "body"}` with the body's size or null, and the body. On its
output are a line of JSON, `{"status", "headers"}` or `{"error": [number, text]}`, and the answer's body as it comes. It exits
with 1 where that broke off.
"""

from __future__ import annotations

import json
import os
import sys
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

if TYPE_CHECKING:
    from http.client import HTTPResponse

PIECE = 64 * 1024
"""Bytes at a time: as many as a pipe holds."""


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _answer(asked: dict[str, Any]) -> HTTPResponse | HTTPError:
    size = asked["body"]
    body = None if size is None else sys.stdin.buffer.read(size)
    request = Request(asked["url"], body, asked["headers"], method=asked["method"])  # noqa: S310 - of the agent itself
    try:
        return build_opener(_Stay).open(request)  # type: ignore[no-any-return]
    except HTTPError as error:  # a status that is no success
        return error


def _say(**members: object) -> None:
    sys.stdout.buffer.write(json.dumps(members).encode() + b"\n")
    sys.stdout.buffer.flush()


def main() -> int:
    """Make the request; the exit code."""
    try:
        answer = _answer(json.loads(sys.stdin.buffer.readline()))
    except (OSError, HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        number = reason.errno if isinstance(reason, OSError) else None
        text = os.strerror(number) if number and number > 0 and not str(reason) else str(reason)
        _say(error=[number, text])
        return 0
    _say(status=answer.status, headers=dict(answer.headers.items()))
    try:
        while piece := answer.read1(PIECE):
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(1, rest) :]
    except (OSError, HTTPException):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
