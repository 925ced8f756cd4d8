"""`fs/*` of an agent where a client opens the files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from runtime.file_servers import FileRefusedError, FileServerGoneError
from tests.sessions.fakes import FakeAgent, FakeVm, new
from tests.settled import settled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@attrs.define
class Editor:
    """Has unsaved files; `fault` is raised instead of an answer, and `held` waited for before it."""

    buffers: dict[str, str]
    fault: Exception | None = None
    held: trio.Event | None = None
    asked: list[tuple[str, ...]] = attrs.field(factory=list)

    def serves(self, path: str, *, changing: bool) -> bool:
        return path.startswith("/work/") and not (changing and path.endswith("lock"))

    async def read(self, path: str, line: int | None, limit: int | None) -> str:
        await self._ask("read", path)
        return f"{self.buffers[path]} {line} {limit}"

    async def write(self, path: str, content: str) -> None:
        await self._ask("write", path)
        self.buffers[path] = content

    async def _ask(self, *what: str) -> None:
        self.asked.append(what)
        if self.held is not None:
            await self.held.wait()
        if self.fault is not None:
            raise self.fault


async def during(vm: FakeVm, editor: Editor, script: Callable[[FakeAgent], Awaitable[None]]) -> None:
    async def prompt(agent: FakeAgent, _: Any) -> Any:
        await script(agent)
        return {"stopReason": "end_turn"}

    vm.behaviour["session/prompt"] = prompt
    vm.files.files = dict.fromkeys(("/work/a", "/work/link", "/home/b", "/work/lock"), b"saved")
    id_ = await new(vm)
    leave = vm.hub.file_servers.enter(vm.name, id_, editor)
    await vm.sessions.prompt(id_, "x")
    leave()
    assert vm.hub.file_servers.find(vm.name, id_) is None


async def test_what_is_in_the_editor_is_what_the_agent_reads(vm: FakeVm) -> None:
    editor = Editor({"/work/a": "unsaved"})

    async def script(agent: FakeAgent) -> None:
        read = await agent.request("fs/read_text_file", path="/work/a", line=2)
        assert read["result"] == {"content": "unsaved 2 None"}
        assert (await agent.request("fs/write_text_file", path="/work/a", content="new"))["result"] == {}
        for path in (
            "/work/link",
            "/home/b",
        ):  # one by which the editor might come to something else, and one of the VM
            assert (await agent.request("fs/read_text_file", path=path))["result"] == {"content": "saved"}
        assert (await agent.request("fs/write_text_file", path="/work/lock", content="own"))["result"] == {}

    await during(vm, editor, script)
    assert editor.buffers["/work/a"] == "new"
    assert (vm.files.files["/work/a"], vm.files.files["/work/lock"]) == (b"saved", b"own")
    assert editor.asked == [("read", "/work/a"), ("write", "/work/a")]


@pytest.mark.parametrize(
    ("fault", "read", "write"),
    [
        (FileRefusedError("not a text"), "saved", "did not write /work/a: not a text"),
        (FileServerGoneError(), "saved", "may have written it"),
        (trio.TooSlowError(), "did not answer in time for /work/a", "may have written it"),
    ],
)
async def test_what_the_editor_does_not_do(vm: FakeVm, fault: Exception, read: str, write: str) -> None:
    async def script(agent: FakeAgent) -> None:
        answer = await agent.request("fs/read_text_file", path="/work/a")
        assert read in str(answer.get("result") or answer["error"]["message"])
        answer = await agent.request("fs/write_text_file", path="/work/a", content="new")
        assert write in answer["error"]["message"]

    await during(vm, Editor({}, fault), script)
    assert vm.files.files["/work/a"] == b"saved"


async def test_requests_wait_for_each_other_and_not_for_the_rest(vm: FakeVm) -> None:
    editor = Editor({"/work/a": "unsaved"}, held=trio.Event())

    async def script(agent: FakeAgent) -> None:
        for number in range(20):
            params = {"sessionId": agent.session_id, "path": "/work/a", "content": str(number)}
            await agent.write({"id": f"w{number}", "method": "fs/write_text_file", "params": params})
        assert (await agent.request("fs/read_text_file", path="/home/b"))["result"] == {"content": "saved"}
        assert len(editor.asked) <= 1
        assert editor.held is not None
        editor.held.set()
        read = await agent.request("fs/read_text_file", path="/work/a")
        assert read["result"]["content"].startswith("19 ")

    await during(vm, editor, script)


async def test_a_cancelled_turn_waits_for_no_editor(vm: FakeVm, nursery: trio.Nursery) -> None:
    editor = Editor({"/work/a": "unsaved"}, held=trio.Event())
    codes = []

    async def script(agent: FakeAgent) -> None:
        async def ask() -> None:
            answer = await agent.request("fs/read_text_file", path="/work/a")
            codes.append(answer["error"]["code"])

        async with trio.open_nursery() as asking:
            for _ in range(2):
                asking.start_soon(ask)
            await settled()
            ((_, id_),) = vm.hub.file_servers._servers
            nursery.start_soon(vm.sessions.cancel, id_)

    await during(vm, editor, script)
    assert codes == [-32800, -32800]
    assert len(editor.asked) == 1
