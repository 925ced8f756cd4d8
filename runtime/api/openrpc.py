"""The OpenRPC document of `rpc.discover`, generated from the method table (https://spec.open-rpc.org, 1.3.2)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from runtime.api.errors import APPLICATION_ERROR, ErrorCode
from runtime.api.events import EVENTS, NOTIFICATIONS, Kind, Notification
from runtime.api.methods import METHODS

if TYPE_CHECKING:
    from runtime.api.method import Method

SPECIFICATION: Final = "1.3.2"
COMPONENT: Final = "#/components/schemas/{name}"

NOTHING: Final = "An empty object."
"""The description of a result that is a plain object and of which nothing is said: there is nothing in it."""


@cache
def openrpc_document(version: str) -> dict[str, Any]:
    """Return the document of `METHODS`; not to be changed."""
    methods = METHODS.values()
    kinds = [kind for method in methods for kind in (method.params, method.result)]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=COMPONENT)
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
        # OpenRPC has no word for what a server sends unasked; `x-` members are its way of extension.
        "x-notifications": [_notification(name, each) for name, each in NOTIFICATIONS.items()],
        "x-events": [_event(name, kind) for name, kind in EVENTS.items()],
    }


def _method(method: Method[Any], params: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
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
        "result": _result(method, result),
        "errors": [_error(code) for code in method.errors],
    }


def _result(method: Method[Any], schema: dict[str, Any]) -> dict[str, Any]:
    described = method.returns or (NOTHING if schema.get("type") == "object" else "")
    return {"name": "result", "schema": schema} | ({"description": described} if described else {})


def _error(code: ErrorCode) -> dict[str, Any]:
    return {"code": APPLICATION_ERROR, "message": code.meaning, "data": {"code": code.value}}


def _notification(name: str, notification: Notification) -> dict[str, Any]:
    return {"name": name, "summary": f"{{{', '.join(notification.members)}}}: {notification.meaning}"}


def _event(name: str, kind: Kind) -> dict[str, Any]:
    members = [
        {"name": member.removesuffix("?"), "required": not member.endswith("?"), "description": text}
        for member, text in kind.members.items()
    ]
    return {"name": name, "summary": kind.meaning, "members": members}
