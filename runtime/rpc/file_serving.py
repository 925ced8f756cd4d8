"""A connection whose client opens files of a session's mounts itself: each request is a notification, which it answers.

Nothing is recorded, as nothing is of the files that the VM serves.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.api.events import FILE_REQUEST, FILE_REQUEST_ENDED
from runtime.file_servers import FileRefusedError, FileServerGoneError
from runtime.rpc.messages import notification_line
from runtime.rpc.outbox import Flow
from runtime.vms.files import MAX_READ_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.api.file_serving import ServeFiles
    from runtime.file_servers import FileServers
    from runtime.rpc.outbox import Outbox

ANSWER_SECONDS: Final = 10.0
"""How long a client may take to open one file: an editor takes milliseconds, and what would rename something in that
directory waits as long."""


class _Question:
    def __init__(self) -> None:
        self.answered = trio.Event()
        self.content: str | None = None
        self.error: Exception | None = None


class FileServing:
    """One session's files, served by one connection; implements `runtime.file_servers.FileServer`."""

    def __init__(self, id_: str, what: ServeFiles, outbox: Outbox) -> None:
        self.id = id_
        self._what = what
        self._roots = tuple(posixpath.join(path, "") for path in what.paths)
        self._outbox = outbox
        self._flow = Flow()
        self._questions: dict[str, _Question] = {}
        self._count = 0
        self._leave: Callable[[], None] | None = None

    def begin(self, servers: FileServers) -> None:
        """Be asked from now on."""
        self._leave = servers.enter(self._what.vm_name, self._what.session_id, self)

    def end(self) -> None:
        """Be asked no more. Idempotent."""
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()
        for question in list(self._questions.values()):
            question.error = FileServerGoneError("the client that serves this file has gone")
            question.answered.set()

    def answer(self, request_id: str, content: str | None, error: str | None) -> None:
        """Take the client's answer. Raises `ApiError` NOT_FOUND, TOO_LARGE; after the latter the agent has it, too."""
        question = self._questions.get(request_id)
        if question is None or question.answered.is_set():
            raise ApiError(ErrorCode.NOT_FOUND, f"file request {request_id} waits for no answer")
        question.content = content
        refusal = None
        if error is not None:
            question.error = FileRefusedError(error)
        elif content is not None and len(content) > MAX_READ_BYTES // 4 and len(content.encode()) > MAX_READ_BYTES:
            refusal = ApiError(
                ErrorCode.TOO_LARGE, f"a file has at most {MAX_READ_BYTES} bytes here", limit=MAX_READ_BYTES
            )
            question.error = FileRefusedError(refusal.message)
        question.answered.set()
        if refusal is not None:
            raise refusal

    def serves(self, path: str, *, changing: bool) -> bool:
        """Whether the file is the client's to open."""
        return (self._what.write if changing else self._what.read) and path.startswith(self._roots)

    async def read(self, path: str, line: int | None, limit: int | None) -> str:
        """See `FileServer`."""
        lines = {name: value for name, value in (("line", line), ("limit", limit)) if value is not None}
        content = await self._ask({"kind": "read", "path": path, **lines})
        if content is None:
            raise FileRefusedError(f"the client has sent no content of {path}")
        return content

    async def write(self, path: str, content: str) -> None:
        """See `FileServer`."""
        await self._ask({"kind": "write", "path": path, "content": content})

    async def _ask(self, what: dict[str, Any]) -> str | None:
        if self._leave is None:
            raise FileServerGoneError("the client that serves this file has gone")
        self._count += 1
        request_id = f"{self.id}.{self._count}"
        session = {"vm": self._what.vm, "sessionId": self._what.session_id}
        request = {"requestId": request_id, **what}
        if not self._tell(FILE_REQUEST, {**session, "request": request}):
            raise FileRefusedError("the client that serves this file does not read what it is sent")
        question = self._questions[request_id] = _Question()
        try:
            with trio.fail_after(ANSWER_SECONDS):
                await question.answered.wait()
        finally:
            del self._questions[request_id]
            if not question.answered.is_set():
                self._tell(FILE_REQUEST_ENDED, {**session, "requestId": request_id})
        if question.error is not None:
            raise question.error
        return question.content

    def _tell(self, method: str, params: dict[str, Any]) -> bool:
        return self._outbox.offer(notification_line(method, {"subscriptionId": self.id, **params}), self._flow)
