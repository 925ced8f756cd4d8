from __future__ import annotations

from typing import Any

import pytest
import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.sessions.services import terminals
from runtime.sessions.services.output import Output
from runtime.sessions.services.terminals import MAX_TERMINALS, command_line
from tests.sessions.fakes import Exit, FakeAgent, FakeProcess, FakeVm, new


async def during(vm: FakeVm, script: Any) -> list[str]:
    """Run `script(agent)` as a turn; the transcript's types."""

    async def prompt(agent: FakeAgent, params: dict[str, Any]) -> Any:
        await script(agent)
        return {"stopReason": "end_turn"}

    vm.behaviour["session/prompt"] = prompt
    id_ = await new(vm)
    await vm.sessions.prompt(id_, "x")
    return await vm.log(id_)


async def test_files(vm: FakeVm) -> None:
    async def script(agent: FakeAgent) -> None:
        write = await agent.request("fs/write_text_file", path="/home/user/a", content="one\ntwo\nthrée\n")
        assert write["result"] == {}
        read = await agent.request("fs/read_text_file", path="/home/user/a")
        assert read["result"] == {"content": "one\ntwo\nthrée\n"}
        read = await agent.request("fs/read_text_file", path="/home/user/a", line=2, limit=1)
        assert read["result"] == {"content": "two\n"}
        missing = await agent.request("fs/read_text_file", path="/nothing")
        assert missing["error"]["code"] == -32002
        read_only = await agent.request("fs/write_text_file", path="/etc/x", content="")
        assert read_only["error"]["data"]["code"] == "read_only"
        for params in ({"path": "relative"}, {}, {"path": 5}, {"path": "/x", "sessionId": 1}):
            assert (await agent.request("fs/read_text_file", **params))["error"]["code"] == -32602
        foreign = await agent.request("fs/read_text_file", path="/home/user/a", sessionId="other")
        assert foreign["error"]["code"] == -32002

    vm.files.files["/binary"] = b"\xff\xfe"
    await during(vm, script)
    assert vm.files.files["/home/user/a"].decode() == "one\ntwo\nthrée\n"


async def test_a_file_that_is_too_large_is_refused_with_what_helps(vm: FakeVm, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(path: str) -> bytes:
        await trio.lowlevel.checkpoint()
        raise ApiError(ErrorCode.TOO_LARGE, "too large", path=path)

    async def script(agent: FakeAgent) -> None:
        error = (await agent.request("fs/read_text_file", path="/log"))["error"]
        assert "use line and limit" in error["message"]
        assert error["data"]["code"] == "too_large"

    monkeypatch.setattr(vm.files, "read_file", refuse)
    await during(vm, script)


async def test_requests_are_served_in_order(vm: FakeVm) -> None:
    async def script(agent: FakeAgent) -> None:
        for number in range(20):
            await agent.write(
                {
                    "id": f"w{number}",
                    "method": "fs/write_text_file",
                    "params": {"sessionId": agent.session_id, "path": "/a", "content": str(number)},
                }
            )
        read = await agent.request("fs/read_text_file", path="/a")
        assert read["result"] == {"content": "19"}

    await during(vm, script)


async def test_unknown_requests_and_notifications(vm: FakeVm) -> None:
    async def script(agent: FakeAgent) -> None:
        assert (await agent.request("session/of_next_year"))["error"]["code"] == -32601
        assert (await agent.request("_vendor/thing"))["error"]["code"] == -32601
        await agent.write({"method": "_vendor/note", "params": {"x": 1}})
        await agent.update("a_kind_of_next_year", x=1)

    log = await during(vm, script)
    assert log[3:-1] == ["_torpor/notification", "a_kind_of_next_year"]


async def test_a_terminal_from_create_to_release(vm: FakeVm) -> None:
    go = trio.Event()

    async def command(process: FakeProcess) -> None:
        assert process.argv == ["ls", "-l"]
        assert process.env == {"A": "1"}
        assert process.cwd == "/home/user"
        await process.stdout.send("füüfüü!".encode())
        await go.wait()
        process.finish(Exit(3))
        await trio.sleep_forever()

    async def script(agent: FakeAgent) -> None:
        create = {"command": "ls", "args": ["-l"], "env": [{"name": "A", "value": "1"}], "outputByteLimit": 8}
        created = await agent.request("terminal/create", **create)
        terminal = {"terminalId": created["result"]["terminalId"]}
        output: dict[str, Any] = {}
        while not output.get("output", "").endswith("!"):
            output = (await agent.request("terminal/output", **terminal))["result"]
        assert output == {"output": "üfüü!"[-5:], "truncated": True}
        go.set()
        waited = await agent.request("terminal/wait_for_exit", **terminal)
        assert waited["result"] == {"exitCode": 3, "signal": None}
        output = (await agent.request("terminal/output", **terminal))["result"]
        assert output["exitStatus"] == {"exitCode": 3, "signal": None}
        assert (await agent.request("terminal/release", **terminal))["result"] == {}
        for method in ("output", "wait_for_exit", "kill", "release"):
            assert (await agent.request(f"terminal/{method}", **terminal))["error"]["code"] == -32002

    vm.commands["ls"] = command
    log = await during(vm, script)
    assert log[3:-1] == ["_torpor/terminal_ended"]


async def test_what_people_are_shown_of_terminals(vm: FakeVm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminals, "MAX_SHOWN", 6)

    async def command(process: FakeProcess) -> None:
        await process.stdout.send("0123456789ü".encode())
        if process.argv[0] == "sleep":
            await trio.sleep_forever()

    ids = []

    async def script(agent: FakeAgent) -> None:
        for name, ends in (("ls", True), ("sleep", False)):
            made = await agent.request("terminal/create", command=name)
            terminal = {"terminalId": made["result"]["terminalId"]}
            ids.append(terminal["terminalId"])
            if ends:
                await agent.request("terminal/wait_for_exit", **terminal)
            else:
                while not (await agent.request("terminal/output", **terminal))["result"]["output"]:
                    pass
            await agent.update("tool_call_update")
            await agent.request("terminal/release", **terminal)

    vm.commands |= {"ls": command, "sleep": command}
    await during(vm, script)
    ((_, id_),) = {(notice.vm, notice.session_id) for notice in vm.notices if notice.session_id}
    told = [event for event in await vm.events(id_) if event["method"] == "_torpor/terminal_ended"]
    shown = {"sessionId": id_, "output": "6789ü", "truncated": True}
    assert [event["params"] for event in told] == [
        {"terminalId": ids[0], **shown, "exitCode": 0, "signal": None},
        {"terminalId": ids[1], **shown, "exitCode": None, "signal": None},
    ]
    assert ids[0] != ids[1]
    log = await vm.log(id_)
    assert log[3:7] == ["_torpor/terminal_ended", "tool_call_update", "tool_call_update", "_torpor/terminal_ended"]


async def test_a_killed_terminal_stays_valid(vm: FakeVm) -> None:
    async def command(process: FakeProcess) -> None:
        await process.stderr.send(b"so far")  # a terminal has one output
        await trio.sleep_forever()

    async def script(agent: FakeAgent) -> None:
        created = await agent.request("terminal/create", command="sleep")
        terminal = {"terminalId": created["result"]["terminalId"]}
        while (await agent.request("terminal/output", **terminal))["result"]["output"] != "so far":
            pass
        assert (await agent.request("terminal/kill", **terminal))["result"] == {}
        waited = await agent.request("terminal/wait_for_exit", **terminal)
        assert waited["result"] == {"exitCode": None, "signal": "SIGKILL"}
        assert (await agent.request("terminal/output", **terminal))["result"]["output"] == "so far"

    vm.commands["sleep"] = command
    await during(vm, script)


async def test_terminals_end_with_their_agent_and_are_counted(vm: FakeVm) -> None:
    running: list[FakeProcess] = []

    async def command(process: FakeProcess) -> None:
        running.append(process)
        await trio.sleep_forever()

    async def script(agent: FakeAgent) -> None:
        for _ in range(MAX_TERMINALS):
            assert "result" in await agent.request("terminal/create", command="sleep")
        assert "error" in await agent.request("terminal/create", command="sleep")
        missing = await agent.request("terminal/create", command="nothing")
        assert "error" in missing

    vm.commands["sleep"] = command
    await during(vm, script)
    assert len(running) == MAX_TERMINALS
    await vm.sessions.suspend_all()
    assert all(process.status == Exit(None, "killed", "killed") for process in running)


async def test_no_such_command(vm: FakeVm) -> None:
    async def script(agent: FakeAgent) -> None:
        answer = await agent.request("terminal/create", command="nothing")
        assert answer["error"]["code"] == -32002

    await during(vm, script)


async def test_a_wait_that_the_agent_takes_back(vm: FakeVm) -> None:
    async def command(process: FakeProcess) -> None:
        await trio.sleep_forever()

    async def script(agent: FakeAgent) -> None:
        created = await agent.request("terminal/create", command="sleep")
        done = agent.answers["w"] = trio.Event()
        params = {"sessionId": agent.session_id, "terminalId": created["result"]["terminalId"]}
        await agent.write({"id": "w", "method": "terminal/wait_for_exit", "params": params})
        await agent.write({"method": "$/cancel_request", "params": {"requestId": "w"}})
        await done.wait()
        assert agent.results["w"]["error"]["code"] == -32800

    vm.commands["sleep"] = command
    await during(vm, script)


@pytest.mark.parametrize("limit", range(12))
@pytest.mark.parametrize("piece", [1, 3, 100])
def test_output_is_cut_at_the_front_between_characters(limit: int, piece: int) -> None:
    text = "aé€😀"
    data = text.encode()
    output = Output(limit)
    for start in range(0, len(data), piece):
        output.write(data[start : start + piece])
    kept = output.text()
    assert text.endswith(kept)
    assert len(kept.encode()) <= limit
    assert len(kept.encode()) > limit - 4 or kept == text
    assert output.truncated == (kept != text)


def test_output_keeps_bounded_memory() -> None:
    output = Output(1000)
    for _ in range(1000):
        output.write(b"x" * 100)
    assert output._size < 1200


def test_lines_of_shell_go_to_the_shell() -> None:
    assert command_line("ls", []) == ["ls"]
    assert command_line("ls", ["a b"]) == ["ls", "a b"]
    assert command_line("/bin/ls -l | wc", []) == ["/bin/sh", "-c", "/bin/ls -l | wc"]
