"""The OpenRPC document of `rpc.discover`, generated from the method table (https://spec.open-rpc.org, 1.3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from runtime.api.errors import APPLICATION_ERROR, ErrorCode
from runtime.rpc.descriptions import ERRORS, RESULTS, of_member
from runtime.sessions.events import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.rpc.methods import Method
    from runtime.sessions.events import Kind

SPECIFICATION: Final = "1.3.2"
COMPONENT: Final = "#/components/schemas/{name}"

# OpenRPC has no word for what a server sends unasked; `x-` members are its way of extension.
NOTIFICATIONS: Final = {
    "sessionEvent": "{subscriptionId, vm, sessionId, seq, createdAt, event}: one event of a transcript, committed before",
    "permissionRequest": "{subscriptionId, vm, sessionId, request: {permissionId, toolCall, options, description?}}: an agent "
    "asks for permission, and the session's policy leaves it open",
    "vmState": "{subscriptionId, vm, state, reason}: the VM woke or fell asleep",
    "agentExit": "{subscriptionId, vm, sessionId, exitCode, reason, restart}: an agent's process ended",
    "processOutput": "{subscriptionId, vm, pid, stream, offset, data}: output of a command that a client has started; `data` "
    "is a string, or {base64} where it is not valid UTF-8, and `offset` its place in the stream, in bytes",
    "processExit": "{subscriptionId, vm, pid, exitCode, reason, detail?}: such a command has ended",
    "compiling": "{subscriptionId, vm, program, bytes}: a program of the VM is compiled before it starts, which happens once "
    "and may take half a minute; `program` is the agent's file, or the command",
    "progress": "{token, done, total}: bytes that are done of those that there are, for a call with that `progressToken`",
    "subscriptionLagged": "{subscriptionId, lastSeq}: the peer did not keep up; subscribe again from lastSeq",
}


# The description of a result that is a plain object and of which nothing is said: there is nothing in it.
NOTHING: Final = "An empty object."


def document(methods: Iterable[Method], version: str) -> dict[str, Any]:
    """Return the document for `methods`."""
    methods = list(methods)
    kinds = [kind for method in methods for kind in (method.params, method.result)]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=COMPONENT)
    for record, schema in components.items():
        for name, member in schema.get("properties", {}).items():
            if described := of_member(record, name):
                member["description"] = described
    results = schemas[1::2]
    return {
        "openrpc": SPECIFICATION,
        "info": {
            "title": "Torpor session API",
            "version": version,
            "description": "JSON-RPC 2.0 over a Unix socket, one JSON object a line, or over WebSocket, one message a text "
            "frame. Params go by name.",
        },
        "methods": [
            _method(method, components[method.params.__name__], result)
            for method, result in zip(methods, results, strict=True)
        ],
        "components": {"schemas": components},
        "x-notifications": [{"name": name, "summary": text} for name, text in NOTIFICATIONS.items()],
        "x-events": [_event(name, kind) for name, kind in EVENTS.items()],
    }


def _method(method: Method, params: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    required = set(params.get("required", ()))
    return {
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "by-name",
        "params": [
            {
                "name": name,
                "description": schema.get("description", ""),
                "required": name in required,
                "schema": schema,
            }
            for name, schema in params.get("properties", {}).items()
        ],
        "result": _result(method.name, result),
        "errors": [_error(code) for code in method.errors],
    }


def _result(method: str, schema: dict[str, Any]) -> dict[str, Any]:
    described = RESULTS.get(method, NOTHING if schema.get("type") == "object" else None)
    return {"name": "result", "schema": schema} | ({"description": described} if described else {})


def _error(code: ErrorCode) -> dict[str, Any]:
    return {"code": APPLICATION_ERROR, "message": ERRORS[code], "data": {"code": code.value}}


def _event(name: str, kind: Kind) -> dict[str, Any]:
    members = [
        {"name": member.removesuffix("?"), "required": not member.endswith("?"), "description": text}
        for member, text in kind.members.items()
    ]
    return {"name": name, "summary": kind.meaning, "members": members}
