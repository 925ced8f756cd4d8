"""What an agent writes is shown as text, in each field that it can write: no markup, no link to code, and in its order."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.inspector.test_page import place

EVIL = '<img src=x onerror="window.ran=1"><script>window.ran=1</script>[go](javascript:window.ran=1)\u202eend'
SHOWN = EVIL.replace("\u202e", "U+202E")


def update(kind: str, **members: Any) -> dict[str, Any]:
    return {"method": "session/update", "params": {"update": {"sessionUpdate": kind, **members}}}


def chunk(kind: str) -> dict[str, Any]:
    return update(kind, content={"type": "text", "text": EVIL})


def tool(**members: Any) -> dict[str, Any]:
    return update("tool_call", **{"toolCallId": "t", "title": "a tool", "status": "failed", **members})


def asked(**members: Any) -> dict[str, Any]:
    params = {"permissionId": "p", "toolCall": {"title": "a tool"}, "options": [], **members}
    return {"method": "session/request_permission", "params": params}


def ours(kind: str, **params: Any) -> dict[str, Any]:
    return {"method": f"_torpor/{kind}", "params": params}


HTTP = {"method": "GET", "scheme": "https", "host": "h", "port": 443, "path": "/", "status": 200}

FIELDS = {
    "prompt": chunk("user_message_chunk"),
    "answer": chunk("agent_message_chunk"),
    "thought": chunk("agent_thought_chunk"),
    "resource": update("agent_message_chunk", content={"type": "resource_link", "name": EVIL, "uri": "x"}),
    "resource text": update(
        "agent_message_chunk", content={"type": "resource", "resource": {"uri": "x", "text": EVIL}}
    ),
    "resource address": update(
        "agent_message_chunk", content={"type": "resource", "resource": {"uri": EVIL, "text": ""}}
    ),
    "image": update(
        "agent_message_chunk", content={"type": "image", "mimeType": "image/svg+xml", "uri": EVIL, "data": ""}
    ),
    "tool title": tool(title=EVIL),
    "tool id": tool(title=None, toolCallId=EVIL),
    "tool status": tool(status=EVIL),
    "tool argument": tool(rawInput={"path": EVIL}),
    "tool argument name": tool(rawInput={EVIL: "x"}),
    "tool output": tool(content=[{"type": "content", "content": {"type": "text", "text": EVIL}}]),
    "tool raw output": tool(rawOutput=EVIL),
    "diff path": tool(content=[{"type": "diff", "path": EVIL, "newText": "x"}]),
    "diff before": tool(content=[{"type": "diff", "path": "x", "oldText": EVIL, "newText": ""}]),
    "diff after": tool(content=[{"type": "diff", "path": "x", "newText": EVIL}]),
    "location": tool(locations=[{"path": EVIL}]),
    "plan": update("plan", entries=[{"content": EVIL, "status": "pending"}]),
    "permission": asked(toolCall={"title": EVIL}),
    "stderr": ours("stderr", text=EVIL),
    "stop reason": ours("turn_ended", stopReason=EVIL),
    "error": ours("turn_ended", error={"message": EVIL}),
    "host": ours("http_request", **{**HTTP, "host": EVIL}),
    "request": ours("http_request", **{**HTTP, "path": EVIL, "method": "GET"}),
    "request's error": ours("http_request", **{**HTTP, "status": None, "error": EVIL}),
    "exit": ours("agent_exit", message=EVIL),
    "malformed": ours("malformed", reason=EVIL),
    "other update": update("other", member=EVIL),
    "other type": update(EVIL),
    "type that every object has": update("constructor", member=EVIL),
}
"""By what the agent writes: an event as it would stand in the transcript."""


def check(page, where) -> None:
    found = where.get_by_text(SHOWN).or_(where.get_by_text(SHOWN.replace('"', '\\"')))
    expect(found.first).to_be_attached()
    expect(found.locator("visible=true").first).to_be_visible()
    assert page.locator("main").locator("script, img, iframe, a[href^=javascript]").count() == 0
    assert page.evaluate("window.ran") is None


def open_with(visit, session, rewrite):
    """Open the session with what the daemon sends rewritten on its way."""

    def route(socket) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda text: socket.send(json.dumps(rewrite(json.loads(text)))))

    page = visit()
    page.route_web_socket(re.compile("/rpc$"), route)
    page.reload()
    page.goto(page.url.split("#")[0] + place(session))
    return page


@pytest.mark.parametrize("field", FIELDS)
def test_of_a_transcript(visit, vm, field):
    session = vm.session()
    session.prompt("say HERE")

    def rewrite(message):
        if message.get("method") == "sessionEvent" and "HERE" in json.dumps(message):
            message["params"]["event"] = json.loads(json.dumps(FIELDS[field]))
        return message

    page = open_with(visit, session, rewrite)
    shown = page.get_by_role("log")
    expect(shown.locator(".item.note")).not_to_have_count(0)  # from here on all of it is there
    closed = shown.locator("details:not([open]) > summary")
    while closed.count():
        closed.first.click()
    check(page, shown)


PENDING = {
    "title": {"toolCall": {"title": EVIL}},
    "description": {"description": EVIL},
    "option": {"options": [{"optionId": "o", "name": EVIL, "kind": "allow_once"}]},
    "argument": {"toolCall": {"title": "x", "rawInput": {"command": EVIL}}},
}


@pytest.mark.parametrize("field", PENDING)
def test_of_a_permission_that_waits(visit, vm, field):
    session = vm.session()
    turn = session.start("sendPrompt", prompt="permission HERE")

    def rewrite(message):
        event = message.get("params", {}).get("event", {})
        if event.get("method") == "session/request_permission":
            event["params"].update(PENDING[field])
        return message

    page = open_with(visit, session, rewrite)
    check(page, page.get_by_role("region", name="Permission"))
    session.call("cancelPrompt")
    session.vm.api.result(turn)


def test_of_a_session_and_its_agent(visit, vm):
    session = vm.session()

    def rewrite(message):
        result = message.get("result")
        if isinstance(result, dict) and "pendingPermissions" in result:
            result["title"], result["agentInfo"] = EVIL, {"title": EVIL}
            result["modes"] = {"currentModeId": "m", "availableModes": [{"id": "m", "name": EVIL}]}
            result["configOptions"] = [
                {
                    "id": "o",
                    "type": "select",
                    "name": EVIL,
                    "currentValue": "v",
                    "options": [{"value": "v", "name": EVIL}, {"value": "w", "name": "w"}],
                }
            ]
        return message

    page = open_with(visit, session, rewrite)
    check(page, page.get_by_role("heading", level=1))
    check(page, page.locator(".status"))
    check(page, page.locator(".settings label > span").first)
    expect(page.locator("option").first).to_have_text(EVIL.replace("\u202e", "[U+202E]"))
    expect(page).to_have_title(re.compile(re.escape(EVIL.replace("\u202e", "[U+202E]"))))


def test_of_files(visit, vm):
    name = EVIL.replace("/", "∕")
    vm.write(f"/home/user/{name}", EVIL)
    page = visit(f"#/vm/{vm.name}/files")
    line = page.get_by_role("treeitem", name="onerror")
    expect(line).to_contain_text(name.replace("\u202e", "U+202E"))
    line.get_by_role("button").click()
    check(page, page.locator(".numbered"))
    expect(page.locator(".content h2")).to_contain_text(name.replace("\u202e", "U+202E"))
