"""A face of `torpor acp` between an editor and a daemon that a test plays."""

from __future__ import annotations

import json
from typing import Any

from runtime.cli.acp.face import Face

Message = dict[str, Any]
ROW = {"agentType": "echo", "lastSeq": 4, "cwd": "/w", "pendingPermissions": []}
MADE = {"sessionId": "s", "modes": None, "configOptions": []}
REQUEST = {"permissionId": "p", "toolCall": {"toolCallId": "c"}, "options": [{"optionId": "yes", "kind": "allow_once"}]}


class Stage:
    """A face between an editor and a daemon that say what the test wants."""

    def __init__(
        self,
        vm: str | None = "v",
        allow: tuple[str, ...] = (),
        *,
        on_terminal: bool = False,
        workspace: bool = False,
        **env: str,
    ) -> None:
        self.face = Face("echo", vm=vm, allow=list(allow), env=env, on_terminal=on_terminal, workspace=workspace)
        self._id = 100

    def editor(self, method: str, *, id_: int | str | None = None, **params: Any) -> None:
        message = {"method": method, "params": params} | ({} if id_ is None else {"id": id_})
        self.face.hear_editor(json.dumps(message).encode())

    def answer_daemon(self, result: Any, **error: Any) -> None:
        """The editor's answer to the last request that it was sent."""
        outcome = {"error": error} if error else {"result": result}
        self.face.hear_editor(json.dumps({"id": self._asked["id"], **outcome}).encode())

    def daemon(self, method: str, **params: Any) -> None:
        self.face.hear_daemon(json.dumps({"method": method, "params": {"subscriptionId": "sub", **params}}).encode())

    def event(self, seq: int, method: str, **params: Any) -> None:
        self.daemon("sessionEvent", seq=seq, event={"method": method, "params": {"sessionId": "s", **params}})

    def update(self, seq: int, kind: str = "agent_message_chunk") -> None:
        self.event(seq, "session/update", update={"sessionUpdate": kind})

    def expect(self, method: str, result: Any = None, error: Any = None, **members: Any) -> Message:
        """The next request to the daemon; it is answered unless that is left for later."""
        line = json.loads(self.face.flows.to_daemon.popleft())
        assert line["method"] == method
        assert members.items() <= line["params"].items()
        if result is not None or error is not None:
            answer = {"id": line["id"], "error": error} if error else {"id": line["id"], "result": result}
            self.face.hear_daemon(json.dumps(answer).encode())
        return dict(line)

    def reply(self, request: Message, **outcome: Any) -> None:
        self.face.hear_daemon(json.dumps({"id": request["id"], **outcome}).encode())

    def told(self) -> list[Message]:
        """What the editor has been sent since the last look."""
        lines = [json.loads(line) for line in self.face.flows.to_editor]
        self.face.flows.to_editor.clear()
        self._asked = next((line for line in lines if "method" in line and "id" in line), {})
        return lines

    def kinds(self) -> list[Any]:
        return [line.get("method") or line["id"] for line in self.told()]

    def silent(self) -> bool:
        return not self.face.flows.to_daemon and not self.face.flows.to_editor


def opened() -> Stage:
    """With the session s open."""
    stage = Stage()
    stage.editor("session/new", id_=1, cwd="/w", mcpServers=[])
    stage.expect("vm.get", {"vm": "v"})
    stage.expect("createSession", MADE, vm="v", agentType="echo", options={"cwd": "/w"})
    assert stage.kinds() == [1]
    stage.expect("subscribe", {"subscriptionId": "sub"}, after=-1)
    stage.expect("getSession", ROW)
    assert stage.silent()
    return stage
