"""The table: params and their faults, the document, and each method's way to the host."""

from __future__ import annotations

import base64
import subprocess
import sys

import jsonschema
import pytest

from runtime.api.errors import ErrorCode
from runtime.api.limits import MAX_EXCLUDE_GLOB, MAX_EXCLUDES, MAX_FILES
from runtime.api.methods import DISCOVER, METHODS
from runtime.api.names import as_given, joined
from runtime.api.openrpc import openrpc_document
from runtime.rpc.methods import handles
from runtime.rpc.validation import MAX_FAULTS
from tests.patience import WAIT


@pytest.mark.parametrize(
    ("method", "params", "pointers"),
    [
        ("vm.get", {}, ["/vm"]),
        ("vm.get", {"vm": 5}, ["/vm"]),
        ("vm.get", {"vm": "v", "extra": 1, "a/b~c": 2}, ["/extra", "/a~1b~0c"]),
        ("vm.get", {"vm": ["a", 1, "b", {}]}, ["/vm/1", "/vm/3"]),
        ("vm.get", {"vm": ["a", "..", "b/c", "d\n"]}, ["/vm/2", "/vm/3"]),
        ("vm.get", {"vm": []}, ["/vm"]),
        ("vm.get", {"vm": ["a"] * 9}, ["/vm"]),
        (
            "vm.getOrCreate",
            {"vm": "v", "options": {"network": {"alow": []}, "x": 1}},
            [
                "/options/network/alow",
                "/options/x",
            ],
        ),
        ("vm.getOrCreate", {"vm": "v", "options": {"limits": {"memoryBytes": -1}}}, ["/options/limits/memoryBytes"]),
        (
            "vm.getOrCreate",
            {"vm": "v", "options": {"limits": {"memoryBytes": 2**20 - 1}}},
            ["/options/limits/memoryBytes"],
        ),
        ("vm.configure", {"vm": "v", "options": {"limits": {"memoryBytes": 1}}}, ["/options/limits/memoryBytes"]),
        ("vm.getOrCreate", {"vm": "v", "options": {"network": {"allow": ["ok", 7]}}}, ["/options/network/allow/1"]),
        (
            "createSession",
            {"vm": "v", "agentType": "pi", "options": {"env": {"A": 1, "B": "x", "C": None}}},
            [
                "/options/env/A",
                "/options/env/C",
            ],
        ),
        ("createSession", {"vm": "v", "agentType": "pi", "options": {"env": {"A=B": "x"}}}, ["/options/env/A=B"]),
        (
            "createSession",
            {"vm": "v", "agentType": "pi", "options": {"secrets": {"A": {"fromEnv": "B"}}}},
            [
                "/options/secrets/A/fromEnv",
            ],
        ),
        ("createSession", {"vm": "v", "agentType": "pi", "options": {"sessionId": "../x"}}, ["/options/sessionId"]),
        (
            "createSession",
            {
                "vm": "v",
                "agentType": "pi",
                "options": {"env": {"A": "1", "B/C": "2"}, "secrets": {"B/C": "3", "D": "4"}},
            },
            ["/options/env/B~1C"],
        ),
        (
            "resumeSession",
            {"vm": "v", "sessionId": "s", "options": {"env": {"A": "1"}, "secrets": {"A": {"fromHostEnv": "B"}}}},
            ["/options/env/A"],
        ),
        ("sendPrompt", {"vm": "v", "sessionId": "s", "prompt": 5}, ["/prompt"]),
        (
            "sendPrompt",
            {"vm": "v", "sessionId": "s", "prompt": "x", "traceContext": {"traceparent": "00-1-2-3", "x": ""}},
            ["/traceContext/traceparent", "/traceContext/x"],
        ),
        ("sendPrompt", {"vm": "v", "sessionId": "s", "prompt": ["x"]}, ["/prompt/0"]),
        ("respondPermission", {"vm": "v", "sessionId": "s", "permissionId": "p", "reply": "maybe"}, ["/reply"]),
        ("respondPermission", {"vm": "v", "sessionId": "s", "permissionId": "p"}, ["/reply"]),
        ("writeFile", {"vm": "v", "path": "/f", "content": {"base64": "%%%"}}, ["/content/base64"]),
        ("getSessionEvents", {"vm": "v", "sessionId": "s", "after": 2**63, "before": 2**63}, ["/after", "/before"]),
        ("subscribe", {"vm": "v", "sessionId": "s", "after": 2**63}, ["/after"]),
        ("vm.fork", {"vm": "v", "to": "w", "at": {"sessionId": "s", "seq": 2**63}}, ["/at/seq"]),
        ("vm.getOrCreate", {"vm": "v", "options": {"limits": {"fuel": 10**30}}}, ["/options/limits/fuel"]),
        (
            "vm.configure",
            {"vm": "v", "options": {"limits": {"turnBytes": 2**36 + 1, "transcriptBytes": 2**36 + 1}}},
            ["/options/limits/turnBytes", "/options/limits/transcriptBytes"],
        ),
        (
            "vm.configure",
            {"vm": "v", "options": {"labels": dict.fromkeys(map(str, range(101)), "")}},
            ["/options/labels"],
        ),
        ("vm.configure", {"vm": "v", "options": {"labels": {"x": "y" * 1025}}}, ["/options/labels/x"]),
        (
            "vm.configure",
            {"vm": "v", "options": {"mounts": [{"path": "/a", "host": "/b"}] * 17}},
            ["/options/mounts"],
        ),
        ("vm.configure", {"vm": "v", "options": {"limits": {"sessions": 100_001}}}, ["/options/limits/sessions"]),
        ("vm.get", {"vm": ["v", "a b", "w", "ä"]}, ["/vm/1", "/vm/3"]),
        ("vm.fork", {"vm": "v/", "to": "w/"}, ["/vm", "/to"]),
        ("forkSession", {"vm": "v", "sessionId": "s", "to": ["w", "/"]}, ["/to/1"]),
        ("vm.import", {"path": "/file", "vm": "w/"}, ["/vm"]),
        ("listAgents", {"vm": "w/"}, ["/vm"]),
        ("readFiles", {"vm": "v", "paths": ["/"] * (MAX_FILES + 1)}, ["/paths"]),
        ("writeFiles", {"vm": "v", "files": [{"path": "/", "content": ""}] * (MAX_FILES + 1)}, ["/files"]),
        ("readdirRecursive", {"vm": "v", "path": "/", "exclude": ["x"] * (MAX_EXCLUDES + 1)}, ["/exclude"]),
        ("readdirRecursive", {"vm": "v", "path": "/", "exclude": ["x", "x" * (MAX_EXCLUDE_GLOB + 1)]}, ["/exclude/1"]),
        ("vm.get", {"vm": "v"} | {f"x{n}": n for n in range(MAX_FAULTS + 1)}, [f"/x{n}" for n in range(MAX_FAULTS)]),
    ],
)
async def test_faults_of_params_are_named_by_pointer(peer, method, params, pointers):
    error = await peer.error(method, **params)
    assert error["code"] == -32602
    assert error["data"]["code"] == "invalid_params"
    assert [fault["pointer"] for fault in error["data"]["errors"]] == pointers
    assert all(fault["message"] for fault in error["data"]["errors"])


@pytest.mark.parametrize("name", ["", "a/b", "a b", "é", "a\n", "x" * 129])
async def test_names_that_no_vm_can_have(peer, name):
    error = await peer.error("vm.getOrCreate", vm=name)
    assert error["data"]["errors"][0]["pointer"] == "/vm"


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "x" * 128, ["a"], ["tenant", "user"]])
async def test_names_of_vms_come_back_as_they_were_given(world, peer, name):
    made = await peer.call("vm.getOrCreate", vm=name)
    given = name[0] if len(name) == 1 and isinstance(name, list) else name
    assert (made["vm"], made["created"]) == (given, True)
    assert (await peer.call("vm.get", vm=given))["vm"] == given
    assert [vm["vm"] for vm in await peer.call("vm.list")] == [given]
    assert as_given(joined(name)) == given


def test_lists_of_different_names_are_different_vms():
    assert len({joined(name) for name in ("ab", ["a", "b"], ["a.b"], ["a", "b", "c"])}) == 4


async def test_vms(world, peer):
    options = {
        "network": {"allow": ["*.example.com"]},
        "limits": {"files": 10},
        "idleTimeoutMs": 5,
        "labels": {"a": "b"},
    }
    await peer.call("vm.getOrCreate", vm="v", options=options)
    assert world.host.vms["v"].given == options
    assert (await peer.call("vm.getOrCreate", vm="v"))["created"] is False
    assert (await peer.error("vm.getOrCreate", vm="v", options={}))["data"]["code"] == "vm_conflict"
    assert (await peer.call("vm.sleep", vm="v", force=True))["state"] == "asleep"
    assert (await peer.call("vm.get", vm="v"))["state"] == "asleep"
    assert (await peer.call("vm.wake", vm="v"))["state"] == "awake"
    assert await peer.call("vm.destroy", vm="v") == {}
    assert await peer.call("vm.list") == []


async def test_sessions(world, peer):
    sessions = await world.session("v", "old")
    options = {
        "env": {"KEY": "value"},
        "secrets": {"S": {"fromHostEnv": "HOME"}},
        "cwd": "/w",
        "mcpServers": [{"a": 1}],
    }
    made = await peer.call("createSession", vm="v", agentType="pi", options=options)
    assert sessions.created[-1] == ("pi", options)
    number = made["sessionId"]
    ids = {"vm": "v", "sessionId": number}
    assert (await peer.call("sendPrompt", **ids, prompt=[{"type": "text", "text": "say a b"}]))["text"] == "ab"
    events = await peer.call("getSessionEvents", **ids, types=["agent_message_chunk"], after=0, before=2)
    assert [event["seq"] for event in events] == [1]
    assert len(await peer.call("getSessionEvents", **ids, limit=2)) == 2
    assert [row["sessionId"] for row in await peer.call("listPersistedSessions", vm="v")] == ["old", number]
    assert len(await peer.call("listSessions", vm="v")) == 2
    assert (await peer.call("getSession", **ids))["agentType"] == "pi"
    assert await peer.call("closeSession", **ids) == {}
    assert (await peer.error("sendPrompt", **ids, prompt="x"))["data"]["code"] == "session_closed"
    assert (await peer.call("resumeSession", **ids))["sessionId"] == number
    assert (await peer.call("cancelPrompt", **ids, graceMs=1)) == {"outcome": "no_active_prompt"}
    assert (await peer.call("setModel", **ids, value="m"))["configOptions"][0]["value"] == "m"
    assert (await peer.call("setThoughtLevel", **ids, value="high"))["configOptions"][0]["value"] == "high"
    assert (await peer.call("setMode", **ids, modeId="plan"))["modes"]["currentModeId"] == "plan"
    assert (await peer.call("setConfigOption", **ids, configId="c", value=True))["configOptions"][0]["value"] is True
    assert await peer.call("getModes", **ids) is None
    assert await peer.call("getConfigOptions", **ids) == []
    assert await peer.call("destroySession", **ids) == {}
    assert (await peer.error("getSession", **ids))["data"]["code"] == "session_not_found"
    assert [agent["id"] for agent in await peer.call("listAgents")] == ["echo"]


async def test_permissions_are_asked_and_answered(world, peer):
    await world.session()
    ids = {"vm": "v", "sessionId": "s"}
    await peer.call("subscribe", **ids)
    turn = await peer.start("sendPrompt", **ids, prompt="ask")
    while (asked := await peer.notification())["method"] != "permissionRequest":
        pass
    request = asked["params"]["request"]
    await peer.call("respondPermission", **ids, permissionId=request["permissionId"], reply="once")
    again = await peer.error("respondPermission", **ids, permissionId="p1", optionId="yes")
    assert again["data"]["code"] == "permission_not_pending"
    assert (await peer.response(turn))["result"]["text"] == "reply: once"


async def test_files_travel_as_text_or_base64(peer):
    await peer.call("vm.getOrCreate", vm="v")
    raw = bytes(range(256))
    wrapped = {"base64": base64.b64encode(raw).decode()}
    await peer.call("writeFile", vm="v", path="/d/raw", content=wrapped)
    await peer.call("writeFile", vm="v", path="/d/text", content="naïve")
    assert (await peer.call("readFile", vm="v", path="/d/raw"))["content"] == wrapped
    assert (await peer.call("readFile", vm="v", path="/d/text"))["content"] == "naïve"
    encoded = (await peer.call("readFile", vm="v", path="/d/text", encoding="base64"))["content"]
    assert base64.b64decode(encoded["base64"]).decode() == "naïve"
    assert await peer.call("readdir", vm="v", path="/d") == ["raw", "text"]
    assert (await peer.call("stat", vm="v", path="/d/raw", followLinks=False))["size"] == 256
    assert await peer.call("exists", vm="v", path="/d/raw") is True
    assert await peer.call("deleteFile", vm="v", path="/d/raw") == {}
    assert await peer.call("mkdir", vm="v", path="/e", recursive=True) == {}
    assert (await peer.error("readFile", vm="v", path="/d/raw"))["data"]["code"] == "not_found"


async def test_the_document_lists_every_method_that_is_served(peer):
    found = await peer.call("rpc.discover")
    assert found == openrpc_document(found["info"]["version"])
    assert [method["name"] for method in found["methods"]] == list(METHODS)
    for method in found["methods"]:
        unknown = await peer.error(method["name"], **{"no such member": 1})
        assert unknown["code"] == -32602, method["name"]
        assert method["summary"].endswith(".")


@pytest.mark.slow
def test_the_document_is_sound():
    found = openrpc_document("1")
    schemas = found["components"]["schemas"]
    for method in found["methods"]:
        assert method["paramStructure"] == "by-name"
        for part in [*method["params"], method["result"]]:
            jsonschema.Draft202012Validator.check_schema(part["schema"])
            assert {"name", "schema"} <= set(part)
        for error in method["errors"]:
            assert error["data"]["code"] in set(ErrorCode)
    root = {"$ref": "#/components/schemas/VmGetOrCreate", "components": {"schemas": schemas}}
    validator = jsonschema.Draft202012Validator(root)
    assert validator.is_valid({"vm": ["a"], "options": {"network": {"allow": ["*"]}}})
    assert not validator.is_valid({"vm": "a/b"})
    assert not validator.is_valid({"vm": "a", "optoins": {}})


@pytest.mark.slow
def test_checking_params_again_and_again_frees_no_type_twice():
    """A fault of the JSON library's, of which the whole process dies: see `runtime.api.names`."""
    code = """
import gc, msgspec, typing
from runtime.api.methods import METHODS
values = ["a", 5, 5.5, None, [], ["a"], [5], {}, {"a": "b"}, {"a": 5}, {"a": {"a": "b"}}, [{"a": "b"}]]
def convert(kind, seen):
    for value in values:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError:
            pass
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind not in seen:
            seen.add(kind)
            for field in msgspec.structs.fields(kind):
                convert(field.type, seen)
    elif typing.get_origin(kind) is not typing.Literal:
        for inner in getattr(kind, "__args__", ()):
            convert(inner, seen)
for _ in range(20):
    seen = set()
    for method in METHODS.values():
        convert(method.params, seen)
    gc.collect()
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=WAIT, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_method_has_one_handler():
    async def handler(call, params):
        return None

    with pytest.raises(ValueError, match=r"rpc\.discover"):
        handles(DISCOVER)(handler)
