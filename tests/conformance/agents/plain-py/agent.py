"""An agent without any library that does what a prompt says, one command a line: see ../README.md."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from wit_world import exports

Json = dict[str, Any]
MODES = [{"id": name, "name": name} for name in ("ask", "code")]
AUTH = [{"id": "login", "name": "Log in"}]
OPTIONS = [{"optionId": kind, "name": kind, "kind": kind} for kind in ("allow_once", "allow_always", "reject_once")]


class FailedError(Exception):
    """A request is answered with this error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message} | ({} if data is None else {"data": data})


class Agent:
    """Reads one message at a time; while a turn waits for something, it serves what else comes."""

    def __init__(self) -> None:
        self.sessions: dict[str, Json] = {}
        self.last_id = 0
        self.answers: dict[int, Json] = {}
        self.cancelled = False
        self.logged_in = False

    def serve(self) -> None:
        """Serve until stdin ends."""
        while self.serve_one():
            pass

    def serve_one(self) -> bool:
        """Take one message in; false at the end of stdin."""
        line = sys.stdin.readline()
        if not line:
            return False
        message = json.loads(line)
        if "method" not in message:
            self.answers[message["id"]] = message
        elif "id" not in message:
            self.cancelled = self.cancelled or message["method"] == "session/cancel"
        else:
            try:
                send(id=message["id"], result=self.answer(message["method"], message["params"]))
            except FailedError as failure:
                send(id=message["id"], error=failure.error)
        return True

    def answer(self, method: str, params: Json) -> Json:
        """The result of a request."""
        if method == "initialize":
            capabilities = {
                "promptCapabilities": {"image": True, "embeddedContext": True},
                "mcpCapabilities": {"http": True},
            }
            info = {"name": "plain-py", "version": "0.1.0"}
            return {"protocolVersion": 1, "agentCapabilities": capabilities, "agentInfo": info, "authMethods": AUTH}
        if method == "authenticate":
            if params["methodId"] != "login":
                raise FailedError(-32602, "Invalid params")
            self.logged_in = True
            return {}
        if method == "session/new":
            session = {**params, "id": f"s-{len(self.sessions)}", "mode": "ask", "model": "small"}
            self.sessions[session["id"]] = session
            modes = {"currentModeId": "ask", "availableModes": MODES}
            return {"sessionId": session["id"], "modes": modes, "configOptions": options(session)}
        if method not in ("session/set_mode", "session/set_config_option", "session/prompt"):
            raise FailedError(-32601, "Method not found")
        session = self.sessions[params["sessionId"]]
        if method == "session/set_mode":
            if params["modeId"] not in ("ask", "code"):
                raise FailedError(-32602, "Invalid params")
            session["mode"] = params["modeId"]
            return {}
        if method == "session/set_config_option":
            session["model"] = params["value"]
            return {"configOptions": options(session)}
        return Turn(self, session, params["prompt"]).run()


class Turn:
    """One prompt."""

    def __init__(self, agent: Agent, session: Json, blocks: list[Json]) -> None:
        self.agent, self.session, self.blocks = agent, session, blocks
        agent.cancelled = False

    def run(self) -> Json:
        """Obey the commands."""
        stop_reason = "end_turn"
        texts = [block["text"] for block in self.blocks if block["type"] == "text"]
        for line in texts[-1].split("\n"):
            name, *words = line.split(" ")
            if name == "stop":
                stop_reason = words[0]
                continue
            try:
                self.obey(name, words)
            except FailedError as failure:
                if name in {"fail", "locked"}:
                    raise
                self.say(f"error {failure.error['code']}")
        return {"stopReason": "cancelled" if self.agent.cancelled else stop_reason}

    def obey(self, name: str, words: list[str]) -> None:  # noqa: C901, PLR0912 - a table, case by case
        """Obey one command."""
        match name:
            case "locked":
                if not self.agent.logged_in:
                    raise FailedError(-32000, "Authentication required")
            case "say":
                self.say(words[0])
            case "think":
                self.update("agent_thought_chunk", content={"type": "text", "text": words[0]})
            case "plan":
                self.update("plan", entries=[{"content": "Look", "priority": "high", "status": "pending"}])
            case "title":
                self.update("session_info_update", title=words[0])
            case "tool":
                diff = {"type": "diff", "path": words[0], "oldText": None, "newText": "new\n"}
                title = f"Edit {words[0]}"
                self.update("tool_call", toolCallId="call-1", title=title, kind="edit", status="pending")
                self.update("tool_call_update", toolCallId="call-1", status="completed", content=[diff])
            case "permission":
                call = {"toolCallId": "call-2", "title": words[0], "kind": "execute", "status": "pending"}
                outcome = self.request("session/request_permission", toolCall=call, options=OPTIONS)["outcome"]
                self.say(outcome.get("optionId", outcome["outcome"]))
            case "read":
                self.say(self.request("fs/read_text_file", path=words[0])["content"])
            case "write":
                self.request("fs/write_text_file", path=words[0], content=words[1])
                self.say("written")
            case "terminal":
                self.terminal(words)
            case "request":
                self.request(words[0])
            case "wait":
                while not self.agent.cancelled and self.agent.serve_one():
                    pass
            case "mcp":
                self.say(json.dumps(self.session["mcpServers"], separators=(",", ":")))
            case "open":
                self.say(opened(*words) + "\n")
            case "blocks":
                self.say(" ".join(block["type"] for block in self.blocks))
            case "fail":
                raise FailedError(-32603, "told to fail", {"reason": "told"})
            case _:
                self.say(self.session[name])  # mode, model, cwd

    def terminal(self, words: list[str]) -> None:
        """A command from its start to its release."""
        terminal = self.request("terminal/create", command=words[0], args=words[1:])
        code = self.request("terminal/wait_for_exit", **terminal)["exitCode"]
        output = self.request("terminal/output", **terminal)["output"]
        self.request("terminal/release", **terminal)
        self.say(f"{code}: {output}")

    def say(self, text: str) -> None:
        """A chunk of the answer."""
        self.update("agent_message_chunk", content={"type": "text", "text": text})

    def update(self, kind: str, /, **members: Any) -> None:
        """A session/update."""
        params = {"sessionId": self.session["id"], "update": {"sessionUpdate": kind, **members}}
        send(method="session/update", params=params)

    def request(self, method: str, **params: Any) -> Json:
        """A request to the client; what comes before its answer is served meanwhile."""
        agent = self.agent
        agent.last_id += 1
        id_ = agent.last_id
        send(id=id_, method=method, params={"sessionId": self.session["id"], **params})
        while id_ not in agent.answers:
            if not agent.serve_one():
                raise SystemExit
        answer = agent.answers.pop(id_)
        if "error" in answer:
            raise FailedError(answer["error"]["code"], answer["error"]["message"])
        return answer["result"] or {}


def opened(mode: str, path: str) -> str:
    """What becomes of a file that is opened, written to or read, and closed."""
    try:
        with open(path, mode) as file:  # noqa: PTH123 - it is `open` that is tried
            done = file.read(5) if "r" in mode else file.write("text")
    except OSError as error:
        return f"{path}: {error.strerror}"
    return f"{path}: {done!r}"


def options(session: Json) -> list[Json]:
    """The config options as they are."""
    values = [{"value": value, "name": value} for value in ("small", "large")]
    model = {"id": "model", "name": "Model", "category": "model", "type": "select", "options": values}
    return [{**model, "currentValue": session["model"]}]


def send(**message: Any) -> None:
    """One message, one line."""
    rest = memoryview(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    while rest:  # sys.stdout has no buffer here: of a long text it would drop what the pipe has no room for
        rest = rest[os.write(1, rest) :]


class Run(exports.Run):
    """The component's `wasi:cli/run`."""

    def run(self) -> None:
        """Serve until stdin ends."""
        Agent().serve()
