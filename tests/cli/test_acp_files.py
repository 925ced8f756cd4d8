"""`torpor acp --workspace` with an editor that opens the workspace's files itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from runtime.cli.acp import flows
from tests.cli.acp_editor import Editor
from tests.cli.acp_stage import MADE, ROW, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runtime.client.sync import Pending
    from tests.system.daemon import Api, Daemon

BOTH = {"readTextFile": True, "writeTextFile": True}
MOUNTED = {"vm": "v", "options": {"mounts": [{"path": "/w", "host": os.path.realpath("/w")}]}}


def begun(fs: Any, *, workspace: bool = True) -> Stage:
    """With a session that is made: what comes after `createSession` is the test's."""
    stage = Stage(workspace=workspace)
    stage.editor("initialize", id_=0, protocolVersion=1, clientCapabilities={"fs": fs})
    stage.expect("vm.getOrCreate", {})
    stage.expect("createSession", {**MADE, "capabilities": {}, "agentInfo": None, "authMethods": []})
    stage.expect("vm.destroy", {})
    stage.editor("session/new", id_=1, cwd="/w", mcpServers=[])
    stage.expect("vm.get", MOUNTED)
    stage.told()
    stage.expect("createSession", MADE)
    return stage


@pytest.fixture
def serving() -> Stage:
    """With the session s open, whose files the editor serves."""
    stage = begun(BOTH)
    stage.expect("vm.get", MOUNTED)
    assert stage.told() == []  # the editor hears of the session when its files are served
    stage.expect("serveFiles", {"subscriptionId": "files"}, vm="v", sessionId="s", paths=["/w"], read=True, write=True)
    stage.expect("subscribe", {"subscriptionId": "sub"})
    stage.expect("getSession", ROW)
    assert stage.kinds() == [1]
    return stage


def asked(stage: Stage, **request: Any) -> None:
    stage.daemon("fileRequest", subscriptionId="files", request={"requestId": "r", "path": "/w/a", **request})


def test_reads_and_writes_are_the_editors(serving: Stage) -> None:
    asked(serving, kind="read", line=2, limit=3)
    (request,) = serving.told()
    assert request["method"] == "fs/read_text_file"
    assert request["params"] == {"sessionId": "s", "path": "/w/a", "line": 2, "limit": 3}
    serving.answer_daemon({"content": "unsaved"})
    answer = serving.expect("respondFile", {})
    assert answer["params"] == {"subscriptionId": "files", "requestId": "r", "content": "unsaved"}
    asked(serving, kind="write", content="new")
    (request,) = serving.told()
    assert request["method"] == "fs/write_text_file"
    assert request["params"] == {"sessionId": "s", "path": "/w/a", "content": "new"}
    serving.answer_daemon(None)
    assert serving.expect("respondFile", {})["params"] == {"subscriptionId": "files", "requestId": "r"}
    assert serving.silent()


@pytest.mark.parametrize("answer", [None, {}, {"content": 5}])
def test_what_is_no_answer(serving: Stage, answer: Any) -> None:
    asked(serving, kind="read")
    serving.told()
    serving.answer_daemon(answer)
    serving.expect("respondFile", {}, error="the editor sent no content")


def test_a_refusal_is_told_in_the_editors_words(serving: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    asked(serving, kind="write", content="new")
    serving.told()
    serving.answer_daemon(None, code=-32603, message="a conflict")
    serving.expect("respondFile", error={"code": -32000, "message": "", "data": {"code": "not_found"}})
    assert capsys.readouterr().err == ""


def test_a_file_that_fits_into_no_line(serving: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "MAX_LINE", 200)
    asked(serving, kind="read")
    serving.told()
    serving.answer_daemon({"content": "x" * 200})
    assert "more than 200 bytes" in serving.expect("respondFile", {})["params"]["error"]


def test_what_is_no_longer_wanted_is_withdrawn(serving: Stage) -> None:
    asked(serving, kind="read")
    (request,) = serving.told()
    serving.daemon("fileRequestEnded", subscriptionId="files", requestId="r")
    (withdrawn,) = serving.told()
    assert (withdrawn["method"], withdrawn["params"]) == ("$/cancel_request", {"requestId": request["id"]})


def test_a_session_that_is_closed_is_served_no_more(serving: Stage) -> None:
    serving.editor("session/close", id_=2, sessionId="s")
    serving.expect("closeSession", {})
    serving.expect("unsubscribe", {}, subscriptionId="sub")
    serving.expect("unsubscribe", {}, subscriptionId="files")
    assert serving.kinds() == [2]
    asked(serving, kind="read")
    assert serving.silent()


@pytest.mark.parametrize(("fs", "workspace"), [(BOTH, False), ({}, True), ({"readTextFile": "yes"}, True), (5, True)])
def test_an_editor_that_serves_none(fs: Any, workspace: bool) -> None:
    begun(fs, workspace=workspace).expect("subscribe", {"subscriptionId": "sub"})


@pytest.mark.parametrize(
    "mounts", [[], [{"path": "/w", "host": "/elsewhere"}], [{"path": "/w", "host": "/w", "readOnly": True}]]
)
def test_files_that_are_not_the_same_are_not_served(mounts: list[Any]) -> None:
    stage = begun({"readTextFile": True})
    stage.expect("vm.get", {"vm": "v", "options": {"mounts": mounts}})
    stage.expect("subscribe", {"subscriptionId": "sub"})


def test_only_what_the_editor_can_do_is_offered(capsys: pytest.CaptureFixture[str]) -> None:
    stage = begun({"readTextFile": True})
    stage.expect("vm.get", MOUNTED)
    stage.expect("serveFiles", error={"code": -32601, "message": "no such method"}, read=True, write=False)
    stage.expect("subscribe", {"subscriptionId": "sub"})
    assert "as they are saved: no such method" in capsys.readouterr().err


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    directory = tmp_path.resolve() / "workspace"
    directory.mkdir()
    (directory / "open").write_text("saved")
    (directory / "other").write_text("on the disk")
    (directory / "link").symlink_to("open")
    return directory


@pytest.fixture
def editor(daemon: Daemon, workspace: Path) -> Iterator[Editor]:
    """Has the file `open` in a buffer, which is not saved; it opens no other."""
    buffers = {str(workspace / "open"): "unsaved"}

    def files(method: str, params: dict[str, Any]) -> dict[str, Any]:
        if params["path"] not in buffers:
            return {"error": {"code": -32603, "message": "not in the project"}}
        if method == "fs/read_text_file":
            return {"result": {"content": buffers[params["path"]]}}
        buffers[params["path"]] = params["content"]
        return {"result": {}}

    with Editor(("--workspace", "echo"), {**os.environ, "TORPOR_SOCKET": str(daemon.socket)}) as editor:
        editor.files = files
        editor.initialize(fs=BOTH)
        yield editor


def test_the_agent_works_on_the_editors_buffers(editor: Editor, workspace: Path) -> None:
    session = editor.new(str(workspace))
    for command, said in (
        ("read open", "read: unsaved"),
        ("write open changed", f"write: {workspace}/open"),
        ("read link", "read: changed"),
        ("fsread open", "fsread: saved"),  # a program in the VM has the disk
        ("read other", "read: on the disk"),
        ("read none", "read failed: "),
        ("write other x", "write failed: the editor did not write"),
    ):
        assert editor.prompt(session, command) == "end_turn"
        assert editor.said.startswith(said), command
    assert (workspace / "other").read_text() == "on the disk"
    opened = {frame["params"]["path"] for frame in editor.frames if str(frame.get("method")).startswith("fs/")}
    assert opened == {f"{workspace}/{name}" for name in ("open", "other", "none")}  # and never a link
    assert editor.call("session/load", sessionId=session, cwd=str(workspace), mcpServers=[]) is not None
    assert editor.prompt(session, "read open") == "end_turn"
    assert editor.said == "read: changed"
    assert editor.close() == 0


def vm_of(api: Api, session: str) -> str:
    vms = [row["vm"] for row in api.call("vm.list")]
    return next(vm for vm in vms if session in str(api.call("listPersistedSessions", vm=vm)))


def test_no_link_is_made_while_the_editor_opens_a_file(editor: Editor, daemon: Daemon, workspace: Path) -> None:
    session = editor.new(str(workspace))
    with daemon.connect() as api:
        vm = vm_of(api, session)
        made: list[Pending] = []

        def while_opening(_method: str, _params: dict[str, Any]) -> dict[str, Any]:
            made.append(api.start("symlink", vm=vm, target="other", path=f"{workspace}/trap"))
            assert api.call("readdir", vm=vm, path=str(workspace)) == ["link", "open", "other"]
            return {"result": {"content": "in time"}}

        editor.files = while_opening
        assert editor.prompt(session, "read open") == "end_turn"
        assert editor.said == "read: in time"
        assert api.result(made[0]) == {}
    assert (workspace / "trap").is_symlink()


def test_an_editor_that_goes_leaves_the_disk(editor: Editor, daemon: Daemon, workspace: Path) -> None:
    session = editor.new(str(workspace))
    assert editor.close() == 0
    with daemon.connect() as api:
        vm = vm_of(api, session)
        assert api.call("sendPrompt", vm=vm, sessionId=session, prompt="read open")["text"] == "read: saved"
