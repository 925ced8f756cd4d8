"""A host without VMs: keeps sessions, events and files in memory, and acts on the words of a prompt.

Serves the tests of `runtime.rpc` in their own process, and those of the command in a process of its own, where
`python fake_host.py SOCKET [TOKEN]` is the daemon.
"""

from __future__ import annotations

import itertools
import logging
import signal
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from runtime.api import sessions as api
from runtime.api.errors import ApiError, ErrorCode
from runtime.hub import Hub, Notice
from runtime.rpc.gate import Gate
from runtime.rpc.http_listener import HttpOptions
from runtime.rpc.server import serve
from runtime.sessions.manager import Sessions
from runtime.vms.files import VmFiles
from runtime.vms.host import Host
from runtime.vms.queries import HostQueries
from runtime.vms.vm import Vm

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from runtime.sessions.asking.permissions import Reply


class FakeSessions(Sessions):
    """The sessions of one VM. A prompt's first word says what the agent does with it."""

    def __init__(self, host: FakeHost, vm: str) -> None:
        self.host = host
        self.vm = vm
        self.rows: dict[str, dict[str, Any]] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.turn_over: dict[str, trio.Event] = {}
        self.cancelled: set[str] = set()
        self.replies: dict[str, str | None] = {}
        self.replied: dict[str, trio.Event] = {}
        self.created: list[tuple[str, dict[str, Any]]] = []

    def row(self, session_id: str) -> dict[str, Any]:
        if session_id not in self.rows:
            raise ApiError(ErrorCode.SESSION_NOT_FOUND, f"no session {session_id}")
        return self.rows[session_id]

    def emit(self, session_id: str, event: dict[str, Any], kind: str) -> None:
        """Commit an event and publish it."""
        events = self.events[session_id]
        seq = len(events)
        entry = {"sessionId": session_id, "seq": seq, "createdAt": 1_000 + seq, "event": event}
        events.append({**entry, "type": kind})
        self.rows[session_id]["lastSeq"] = entry["seq"]
        self.host.hub.publish(Notice("sessionEvent", self.vm, session_id, seq, kind, {"vm": self.vm, **entry}))

    def update(self, session_id: str, kind: str, /, **members: Any) -> None:
        params = {"sessionId": session_id, "update": {"sessionUpdate": kind, **members}}
        self.emit(session_id, {"jsonrpc": "2.0", "method": "session/update", "params": params}, kind)

    def say(self, session_id: str, text: str, kind: str = "agent_message_chunk") -> None:
        self.update(session_id, kind, content={"type": "text", "text": text})

    async def create(self, agent_type: str, options: api.SessionOptions | None = None) -> dict[str, Any]:
        given = msgspec.to_builtins(options or api.SessionOptions())
        if agent_type not in ("echo", "pi"):
            raise ApiError(ErrorCode.AGENT_NOT_FOUND, f"no agent {agent_type}")
        self.created.append((agent_type, given))
        session_id = given.get("sessionId") or f"session-{next(self.host.numbers)}"
        self.rows[session_id] = {
            "sessionId": session_id,
            "agentType": agent_type,
            "status": "idle",
            "capabilities": {},
            "agentInfo": {"name": agent_type},
            "cwd": given.get("cwd", "/home/user"),
            "title": None,
            "usage": {"tokens": None, "cost": None, "context": None},
            "lastSeq": -1,
            "createdAt": 1,
            "updatedAt": 2,
        }
        self.events[session_id] = []
        return {**self.rows[session_id], "modes": None, "configOptions": [], "authMethods": []}

    async def prompt(
        self,
        session_id: str,
        prompt: Any,
        idempotency_key: str | None = None,
        timeout_ms: int | None = None,
        trace: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        row = self.row(session_id)
        if row["status"] == "closed":
            raise ApiError(ErrorCode.SESSION_CLOSED, "the session is closed")
        if session_id in self.turn_over:
            raise ApiError(ErrorCode.PROMPT_IN_PROGRESS, "a turn is in progress")
        text = prompt if isinstance(prompt, str) else prompt[0]["text"]
        self.turn_over[session_id] = trio.Event()
        row["status"] = "running"
        result: dict[str, Any] = {}
        done = trio.Event()
        self.host.nursery.start_soon(self._act, session_id, text, result, done)
        await done.wait()
        if "error" in result:
            raise result["error"]
        return result

    async def _act(self, session_id: str, text: str, result: dict[str, Any], done: trio.Event) -> None:
        word, _, rest = text.partition(" ")
        reason = "end_turn"
        first = len(self.events[session_id])
        self.say(session_id, text, "user_message_chunk")
        if word == "say":
            for part in rest.split():
                self.say(session_id, part)
        elif word == "burst":
            for index in range(int(rest)):
                self.say(session_id, f"{index} ")
        elif word == "tool":
            self.update(session_id, "tool_call", toolCallId="t1", title=rest, kind="execute", status="pending")
            self.update(session_id, "tool_call_update", toolCallId="t1", status="failed")
        elif word == "hang":
            await self.turn_over[session_id].wait()
            reason = "cancelled"
        elif word == "ask":
            reason = await self._ask(session_id)
        elif word == "refuse":
            reason = "refusal"
        elif word == "fail":
            result["error"] = ApiError(
                ErrorCode.AGENT_FAILED, "the agent crashed", phase="prompt", exitCode=3, stderr="boom\n"
            )
        chunks = [
            event["event"]["params"]["update"]["content"]["text"]
            for event in self.events[session_id][first:]
            if event["type"] == "agent_message_chunk"
        ]
        self.rows[session_id]["status"] = "idle"
        self.turn_over.pop(session_id).set()
        result.update(text="".join(chunks), stopReason=reason, response={"stopReason": reason}, seq=0)
        result["seq"] = self.rows[session_id]["lastSeq"]
        done.set()

    async def _ask(self, session_id: str) -> str:
        request = {
            "permissionId": "p1",
            "toolCall": {"toolCallId": "t1", "title": "rm -rf /"},
            "options": [
                {"optionId": "yes", "name": "Allow", "kind": "allow_once"},
                {"optionId": "no", "name": "Reject", "kind": "reject_once"},
            ],
        }
        self.replied[session_id] = trio.Event()
        params = {"vm": self.vm, "sessionId": session_id, "request": request}
        self.host.hub.publish(Notice("permissionRequest", self.vm, session_id, None, None, params))
        await self.replied[session_id].wait()
        reply = self.replies.get(session_id)
        if reply is None:
            return "cancelled"
        self.say(session_id, f"reply: {reply}")
        return "end_turn"

    async def cancel(self, session_id: str, grace_ms: int | None = None) -> dict[str, Any]:
        self.row(session_id)
        over = self.turn_over.get(session_id)
        if over is None:
            return {"outcome": "no_active_prompt"}
        over.set()
        if session_id in self.replied:
            self.replied[session_id].set()
        return {"outcome": "cancelled"}

    async def close(self, session_id: str) -> None:
        self.row(session_id)["status"] = "closed"

    async def destroy(self, session_id: str) -> None:
        self.row(session_id)
        del self.rows[session_id]
        del self.events[session_id]

    async def resume(self, session_id: str, options: api.ResumeOptions | None = None) -> dict[str, Any]:
        self.row(session_id)["status"] = "idle"
        return {**self.rows[session_id], "modes": None, "configOptions": [], "authMethods": []}

    async def respond_permission(
        self, session_id: str, permission_id: str, reply: Reply | None = None, option_id: str | None = None
    ) -> None:
        self.row(session_id)
        if permission_id != "p1" or self.replied[session_id].is_set():
            raise ApiError(ErrorCode.PERMISSION_NOT_PENDING, "not pending", reason="resolved")
        self.replies[session_id] = reply or option_id
        self.replied[session_id].set()

    async def set_model(self, session_id: str, value: str) -> dict[str, Any]:
        return {"configOptions": [{"id": "model", "value": value}], "modes": None}

    async def set_thought_level(self, session_id: str, value: str) -> dict[str, Any]:
        return {"configOptions": [{"id": "thought_level", "value": value}], "modes": None}

    async def set_mode(self, session_id: str, mode_id: str) -> dict[str, Any]:
        return {"configOptions": [], "modes": {"currentModeId": mode_id, "availableModes": []}}

    async def set_config_option(self, session_id: str, config_id: str, value: Any) -> dict[str, Any]:
        return {"configOptions": [{"id": config_id, "value": value}], "modes": None}

    async def raw_send(self, session_id: str, method: str, params: Mapping[str, Any] | None = None) -> Any:
        if method == "explode":
            raise RuntimeError("the secret of the handler")
        if method == "test/options":
            return {"options": next(options for _, options in self.created if options.get("sessionId") == session_id)}
        return {"method": method, "params": params}


class FakeFiles(VmFiles):
    """Files of one VM: paths to bytes."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    async def read_file(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        if path not in self.data:
            raise ApiError(ErrorCode.NOT_FOUND, f"{path}: no such file", path=path)
        return self.data[path][offset : None if length is None else offset + length]

    async def write_file(self, path: str, data: bytes, create_parents: bool = True, offset: int | None = None) -> None:
        self.data[path] = data

    async def readdir(self, path: str) -> list[str]:
        prefix = path.rstrip("/") + "/"
        return sorted({name.removeprefix(prefix).split("/")[0] for name in self.data if name.startswith(prefix)})

    async def stat(self, path: str, follow_links: bool = True) -> dict[str, Any]:
        kind = "file" if path in self.data else "directory"
        size = len(self.data.get(path, b""))
        times = {"mtimeMs": 0, "ctimeMs": 0, "atimeMs": 0}
        mode = 0o644 | (stat.S_IFDIR if kind == "directory" else stat.S_IFREG)
        return {"type": kind, "size": size, "mode": mode, "nlink": 1, "ino": 1, **times}

    async def exists(self, path: str) -> bool:
        return path in self.data

    async def delete_file(self, path: str, recursive: bool = False) -> None:
        await self.read_file(path)
        del self.data[path]

    async def mkdir(self, path: str, recursive: bool = False) -> None:
        pass


class FakeVm(Vm):
    sessions: FakeSessions
    files: FakeFiles

    def __init__(self, host: FakeHost, name: str, options: dict[str, Any] | None) -> None:
        self.info: dict[str, Any] = {"vm": name, "state": "awake", "createdAt": 0, "updatedAt": 0}
        self.given = options
        self.sessions = FakeSessions(host, name)
        self.files = FakeFiles()


class FakeQueries(HostQueries):
    def __init__(self, host: FakeHost) -> None:
        self._host = host

    async def get(self, name: str) -> dict[str, Any]:
        return self._host.find(name).info

    async def usage(self) -> dict[str, dict[str, float]]:
        return {"sessions": {"idle": 2}, "tokens": {"inputTokens": 5}, "cost": {"USD": 0.25}}

    async def list(self) -> Sequence[dict[str, Any]]:
        return [vm.info for vm in self._host.vms.values()]

    async def earlier_answer(self, name: str, session_id: str, prompt: Any, key: str) -> None:
        self._host.find(name)

    async def session(self, name: str, session_id: str) -> dict[str, Any]:
        return {
            **self._host.find(name).sessions.row(session_id),
            "modes": None,
            "configOptions": [],
            "pendingPermissions": [],
            "pendingElicitations": [],
        }

    async def stats(self, name: str) -> dict[str, Any]:
        return {"vm": name, "state": self._host.find(name).info["state"]}

    async def files(self, name: str) -> FakeFiles:
        return self._host.find(name).files

    async def session_events(
        self,
        name: str,
        session_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        types: Any = None,
    ) -> Sequence[dict[str, Any]]:
        sessions = self._host.find(name).sessions
        sessions.row(session_id)
        found = [
            {key: value for key, value in event.items() if key != "type"}
            for event in sessions.events[session_id]
            if (after is None or event["seq"] > after)
            and (before is None or event["seq"] < before)
            and (types is None or event["type"] in types)
        ]
        await trio.lowlevel.checkpoint()
        return found[:limit]

    async def session_events_json(self, name: str, session_id: str, **bounds: Any) -> Sequence[msgspec.Raw]:
        found = await self.session_events(name, session_id, **bounds)
        return [msgspec.Raw(msgspec.json.encode(event)) for event in found]

    async def persisted_sessions(self, name: str) -> Sequence[dict[str, Any]]:
        return list(self._host.find(name).sessions.rows.values())

    async def list_agents(self, name: str | None) -> Sequence[dict[str, Any]]:
        return [
            {
                "id": "echo",
                "title": "Echo",
                "version": "1",
                "kind": "component",
                "source": "built-in",
                "installed": True,
                "sha256": None,
                "problem": None,
            }
        ]


class FakeHost(Host):
    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self.hub = Hub()
        self.vms: dict[str, FakeVm] = {}
        self.numbers = itertools.count(1)
        self.queries = FakeQueries(self)

    def find(self, name: str) -> FakeVm:
        if name not in self.vms:
            raise ApiError(ErrorCode.VM_NOT_FOUND, f"no VM {name}")
        return self.vms[name]

    async def get_or_create(self, name: str, options: dict[str, Any] | None) -> dict[str, Any]:
        created = name not in self.vms
        if created:
            self.vms[name] = FakeVm(self, name, options)
        elif options is not None and options != self.vms[name].given:
            raise ApiError(ErrorCode.VM_CONFLICT, f"VM {name} has other options")
        return {**self.vms[name].info, "created": created}

    def warn(self, name: str, session_id: str) -> None:
        pass

    async def sleep(self, name: str, grace_ms: int | None, force: bool) -> dict[str, Any]:
        self.find(name).info["state"] = "asleep"
        self.hub.publish(Notice("vmState", name, None, None, None, {"vm": name, "state": "asleep", "reason": "asked"}))
        return await self.queries.get(name)

    async def destroy(self, name: str) -> None:
        self.find(name)
        del self.vms[name]

    async def vm(self, name: str) -> FakeVm:
        vm = self.find(name)
        vm.info["state"] = "awake"
        return vm

    async def cancel(self, name: str, session_id: str, grace_ms: int) -> dict[str, Any]:
        return await self.find(name).sessions.cancel(session_id, grace_ms)

    async def rotate_key(self) -> dict[str, Any]:
        return {"resealed": 0, "unreadable": 0}

    def status(self) -> dict[str, Any]:
        return {"vms": len(self.vms)}


async def _daemon(socket: Path, token: str | None, ready: str) -> None:
    http = None if token is None else HttpOptions("127.0.0.1", 0, Gate(token))
    async with trio.open_nursery() as nursery:
        with trio.open_signal_receiver(signal.SIGTERM) as signals:
            server = await nursery.start(serve, FakeHost(nursery), socket, http)
            url = server.service.http
            sys.stderr.write(f"{ready} {url}\n" if url else f"{ready}\n")
            sys.stderr.flush()
            async for _ in signals:
                nursery.cancel_scope.cancel()
                break


def main(socket: str | os.PathLike[str], token: str | None = None, ready: str = "ready") -> int:
    """Serve until SIGTERM, with a token over HTTP, too."""
    logging.basicConfig()
    trio.run(_daemon, Path(socket), token, ready)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
