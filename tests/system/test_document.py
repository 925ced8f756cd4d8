"""Answers of a real daemon are what the document of `rpc.discover` says: no member more, none less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.daemon import Api, Vm

PREPARED = {
    "hello": {},
    "daemon.status": {},
    "vm.getOrCreate": {"vm": ...},
    "vm.get": {"vm": ...},
    "vm.list": {},
    "vm.stats": {"vm": ...},
    "vm.configure": {"vm": ..., "options": {"labels": {"a": "b"}}},
    "createSession": {"vm": ..., "agentType": "echo"},
    "sendPrompt": {"vm": ..., "sessionId": "s1", "prompt": "say Hello"},
    "getSession": {"vm": ..., "sessionId": "s1"},
    "listPersistedSessions": {"vm": ...},
    "listSessions": {"vm": ...},
    "getSessionEvents": {"vm": ..., "sessionId": "s1"},
    "listAgents": {},
    "setMode": {"vm": ..., "sessionId": "s1", "modeId": "code"},
    "getModes": {"vm": ..., "sessionId": "s1"},
    "getConfigOptions": {"vm": ..., "sessionId": "s1"},
    "forkSession": {"vm": ..., "sessionId": "s1"},
    "resumeSession": {"vm": ..., "sessionId": "s1"},
    "cancelPrompt": {"vm": ..., "sessionId": "s1"},
    "subscribe": {"vm": ...},
    "readFile": {"vm": ..., "path": "/home/user/a"},
    "readFiles": {"vm": ..., "paths": ["/home/user/a", "/none"]},
    "writeFile": {"vm": ..., "path": "/home/user/b", "content": "b"},
    "writeFiles": {"vm": ..., "files": [{"path": "/home/user/c", "content": "c"}]},
    "stat": {"vm": ..., "path": "/home/user/a"},
    "readdir": {"vm": ..., "path": "/home/user"},
    "readdirEntries": {"vm": ..., "path": "/home/user"},
    "readdirRecursive": {"vm": ..., "path": "/home"},
    "exists": {"vm": ..., "path": "/none"},
    "snapshot": {"vm": ..., "name": "now"},
    "listSnapshots": {"vm": ...},
    "diff": {"vm": ..., "from": "now"},
    "listProcesses": {"vm": ...},
}
"""Method -> params; `...` is a VM with a session `s1` that has had a turn, and a file /home/user/a."""


@pytest.fixture(scope="module")
def document(daemon: Any) -> dict[str, Any]:
    with daemon.connect() as api:
        found: dict[str, Any] = api.call("rpc.discover")
    for schema in found["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return found


@pytest.mark.parametrize(("method", "params"), PREPARED.items())
def test_an_answer(
    api: Api, make_vm: Callable[[], Vm], document: dict[str, Any], method: str, params: dict[str, Any]
) -> None:
    vm = make_vm()
    vm.session(sessionId="s1").say("say Hello")
    vm.write("/home/user/a", "a")
    if method == "diff":
        vm.call("snapshot", name="now")
        vm.write("/home/user/a", "b")
    answer = api.call(method, **{key: vm.name if value is ... else value for key, value in params.items()})
    (schema,) = (each["result"]["schema"] for each in document["methods"] if each["name"] == method)
    jsonschema.validate(answer, {**schema, "components": document["components"]})
