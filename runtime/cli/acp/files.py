"""The editor's own files: what an agent reads and writes by ACP in the workspace, the editor opens.

So the agent sees what is not saved yet, and the editor what the agent writes. This is for a workspace that is mounted in the VM
at its own path: there the editor and the agent mean the same files. The daemon asks, file by file (`serveFiles`); where the
editor has no answer it takes what is on the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.api.events import FILE_REQUEST, FILE_REQUEST_ENDED
from runtime.cli import output
from runtime.cli.acp.errors import RefusedError
from runtime.cli.acp.flows import Ask, Call, Flow, Flows
from runtime.cli.acp.workspaces import with_mounts
from runtime.cli.mounts import host_mount

if TYPE_CHECKING:
    from runtime.cli.acp.editor import Editor
    from runtime.cli.acp.workspaces import Session

READ: Final = "fs/read_text_file"
WRITE: Final = "fs/write_text_file"


class Files:
    """What the editor serves to the agents of its sessions. `workspace`: their workspaces are mounted."""

    def __init__(self, flows: Flows, editor: Editor, *, workspace: bool) -> None:
        self._flows = flows
        self._editor = editor
        self._workspace = workspace
        self._served: dict[str, Session] = {}

    def serve(self, session: Session) -> Flow:
        """Have the editor asked for the session's files from now on, if it opens files and has the same ones."""
        if not self._workspace or not (self._editor.reads or self._editor.writes):
            return
        try:
            found = yield Call("vm.get", {"vm": session.vm})
            if with_mounts(found, [host_mount(session.cwd, session.cwd)]):
                return
            which = {"paths": [session.cwd], "read": self._editor.reads, "write": self._editor.writes}
            served = yield Call("serveFiles", {**session.ids, **which})
        except RefusedError as refusal:
            output.say(f"the agent sees files as they are saved: {refusal.message}")
            return
        session.serving = served["subscriptionId"]
        self._served[served["subscriptionId"]] = session

    def leave(self, session: Session) -> Flow:
        """Serve no more of them."""
        serving, session.serving = session.serving, None
        if serving is not None:
            del self._served[serving]
            yield Call("unsubscribe", {"subscriptionId": serving})

    def take(self, method: str, params: dict[str, Any]) -> None:
        """Take a notification of the daemon, if it is about a file."""
        session = self._served.get(params.get("subscriptionId", ""))
        if session is None:
            return
        if method == FILE_REQUEST:
            self._flows.start(self._open(session, params["subscriptionId"], params["request"]))
        elif method == FILE_REQUEST_ENDED:
            self._flows.withdraw((session, params["requestId"]))

    def _open(self, session: Session, serving: str, request: dict[str, Any]) -> Flow:
        asked = {
            "sessionId": session.id,
            **{name: request[name] for name in request if name not in ("requestId", "kind")},
        }
        reading = request["kind"] == "read"
        said: dict[str, Any] = {}
        try:
            answer = yield Ask(READ if reading else WRITE, asked, (session, request["requestId"]))
            if reading:
                content = answer.get("content") if isinstance(answer, dict) else None
                said = {"content": content} if isinstance(content, str) else {"error": "the editor sent no content"}
        except RefusedError as refusal:
            said = {"error": refusal.message}
        about = {"subscriptionId": serving, "requestId": request["requestId"]}
        try:
            yield Call("respondFile", {**about, **said})
        except RefusedError as refusal:
            if refusal.name is None:  # the daemon has not seen it: it is too long for a line
                yield Call("respondFile", {**about, "error": refusal.message})
            elif refusal.name != "not_found":  # that nobody waits for any more
                output.say(f"{request['path']} was not taken from the editor: {refusal.message}")
