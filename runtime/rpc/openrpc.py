"""The OpenRPC document of `rpc.discover`, generated from the method table (https://spec.open-rpc.org, 1.3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from runtime.errors import APPLICATION_ERROR, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.rpc.methods import Method

SPECIFICATION: Final = "1.3.2"
COMPONENT: Final = "#/components/schemas/{name}"

# OpenRPC has no word for what a server sends unasked; `x-` members are its way of extension.
NOTIFICATIONS: Final = {
    "sessionEvent": "{subscriptionId, vm, sessionId, seq, createdAt, event}: one event of a transcript, committed before",
    "permissionRequest": "{subscriptionId, vm, sessionId, request: {permissionId, toolCall, options, description?}}",
    "vmState": "{subscriptionId, vm, state, reason}: the VM woke or fell asleep",
    "agentExit": "{subscriptionId, vm, sessionId, exitCode, restart}: an agent's process ended",
    "subscriptionLagged": "{subscriptionId, lastSeq}: the peer did not keep up; subscribe again from lastSeq",
}


def document(methods: Iterable[Method], version: str) -> dict[str, Any]:
    """Return the document for `methods`."""
    methods = list(methods)
    kinds = [kind for method in methods for kind in (method.params, method.result)]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=COMPONENT)
    results = schemas[1::2]
    return {
        "openrpc": SPECIFICATION,
        "info": {
            "title": "Torpor session API",
            "version": version,
            "description": "JSON-RPC 2.0, one JSON object a line, over a Unix socket. Params go by name.",
        },
        "methods": [
            _method(method, components[method.params.__name__], result)
            for method, result in zip(methods, results, strict=True)
        ],
        "components": {"schemas": components},
        "x-notifications": [{"name": name, "summary": text} for name, text in NOTIFICATIONS.items()],
    }


def _method(method: Method, params: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    required = set(params.get("required", ()))
    return {
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "by-name",
        "params": [
            {"name": name, "required": name in required, "schema": schema}
            for name, schema in params.get("properties", {}).items()
        ],
        "result": {"name": "result", "schema": result},
        "errors": [_error(code) for code in method.errors],
    }


def _error(code: ErrorCode) -> dict[str, Any]:
    return {"code": APPLICATION_ERROR, "message": code.value, "data": {"code": code.value}}
