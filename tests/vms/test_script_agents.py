"""Agents without a build: a folder of the host that the VM sees, and an interpreter of the VM, which is echo here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.api.errors import ApiError, ErrorCode
from runtime.vms.agent_programs import SHOWN
from runtime.vms.catalogue import Catalogue, ManifestError, read_manifest
from tests.vms.test_added_agents import ECHO, folder_of, host_on, refused
from wasi_fs import FsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from runtime.vms.host import Host
    from runtime.vms.vm import Vm

SHOWN_HERE = f"{SHOWN}/mine"


@pytest.fixture
async def host(tmp_path: Path, component_cache: Path) -> AsyncIterator[Host]:
    async with host_on(tmp_path, component_cache) as host:
        await host.add_command(str(ECHO), "python3")
        yield host


def script_in(folder: Path, **members: str) -> Path:
    """An agent's folder, with an entry."""
    about = {"id": '"mine"', "title": '"Mine"', "version": '"1"', "kind": '"python"', "entry": '"agent.py"', **members}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "agent.toml").write_text("".join(f"{name} = {value}\n" for name, value in about.items()))
    (folder / "agent.py").write_text("one\n")
    return folder


async def awake(host: Host) -> Vm:
    await host.get_or_create("vm", None)
    return await host.vm("vm")


async def test_its_folder_is_seen_and_only_read(host: Host, tmp_path: Path) -> None:
    given = script_in(tmp_path / "given", args='["-x"]', env='{A = "b"}')
    added = await host.add_agent(str(given), None)
    about = {"title": "Mine", "version": "1", "kind": "python", "source": "user", "installed": True}
    assert added == {"id": "mine", **about, "sha256": None, "problem": None}
    vm = await awake(host)
    await vm.sessions.create("mine")
    process = vm.processes.live()[0]
    assert process.argv == ["/usr/bin/python3", "-B", f"{SHOWN_HERE}/agent.py", "-x"]
    assert process.kind == "agent"
    assert await vm.files.read_file(f"{SHOWN_HERE}/agent.py") == b"one\n"
    (given / "agent.py").write_text("two\n")
    assert await vm.files.read_file(f"{SHOWN_HERE}/agent.py") == b"two\n"
    with pytest.raises(ApiError, match=r"read-only|READ_ONLY|host"):
        await vm.files.write_file(f"{SHOWN_HERE}/agent.py", b"three\n")


async def test_nothing_else_comes_in_its_place(host: Host, tmp_path: Path) -> None:
    await host.add_agent(str(script_in(tmp_path / "given")), None)
    vm = await awake(host)
    await vm.sessions.create("mine")
    tree = vm.volume.filesystem
    for path in (SHOWN_HERE, SHOWN, "/root/.torpor", "/root"):
        with pytest.raises(FsError):
            tree.rename(path, "/elsewhere")


async def test_it_is_seen_as_long_as_the_vm_is_awake_and_again_when_it_is_resumed(host: Host, tmp_path: Path) -> None:
    await host.add_agent(str(script_in(tmp_path / "given")), None)
    vm = await awake(host)
    session = (await vm.sessions.create("mine"))["sessionId"]
    await host.sleep("vm", force=False, grace_ms=None)
    assert not await vm.files.exists(f"{SHOWN_HERE}/agent.py")
    again = await awake(host)
    await again.sessions.prompt(session, "say Hello")
    assert await again.files.exists(f"{SHOWN_HERE}/agent.py")


async def test_a_vm_without_the_interpreter_says_so(host: Host, tmp_path: Path) -> None:
    await host.add_agent(str(script_in(tmp_path / "given")), None)
    await host.get_or_create("vm", {"base": "none"})
    vm = await host.vm("vm")
    with pytest.raises(ApiError, match="mine is run by /usr/bin/python3, which this VM does not have") as caught:
        await vm.sessions.create("mine")
    assert caught.value.code is ErrorCode.AGENT_FAILED


async def test_a_place_that_is_taken_is_told(host: Host, tmp_path: Path) -> None:
    await host.add_agent(str(script_in(tmp_path / "given")), None)
    vm = await awake(host)
    await vm.files.write_file(SHOWN_HERE, b"a file")
    with pytest.raises(ApiError, match="its folder has no place in the VM"):
        await vm.sessions.create("mine")


async def test_what_is_the_daemons_own_is_not_shown(host: Host, tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "mine").symlink_to(script_in(tmp_path))
    vm = await awake(host)
    with pytest.raises(ApiError, match="holds what is the daemon's own"):
        await vm.sessions.create("mine")


async def test_what_is_added_is_the_folder_itself(host: Host, tmp_path: Path) -> None:
    given, link = script_in(tmp_path / "given"), tmp_path / "agents" / "mine"
    await host.add_agent(str(given), None)
    assert link.readlink() == given
    script_in(given, title='"Another"')
    assert [each["title"] for each in await host.queries.list_agents(None)] == ["Another"]
    await host.add_agent(str(script_in(tmp_path / "other")), "mine")
    assert link.readlink() == tmp_path / "other"
    await host.added_agents.remove("mine")
    assert not link.is_symlink()
    assert (tmp_path / "other" / "agent.py").exists()


@pytest.mark.parametrize("left", [[], [f"{'0' * 64}.wasm", ".torpor-new-0"]])
async def test_what_a_daemon_that_was_killed_has_left_is_in_nobodys_way(
    host: Host, tmp_path: Path, left: list[str]
) -> None:
    link = tmp_path / "agents" / "mine"
    link.mkdir(parents=True)
    for name in left:
        (link / name).touch()
    given = script_in(tmp_path / "given")
    await host.add_agent(str(given), None)
    assert link.readlink() == given


async def test_what_people_have_put_there_stays(host: Host, tmp_path: Path) -> None:
    theirs = script_in(tmp_path / "agents" / "mine", entry='"src/agent.py"')
    error = await refused(host, script_in(tmp_path / "given"))
    assert (error.code, error.data["path"]) == (ErrorCode.EXISTS, str(theirs))
    with pytest.raises(ApiError, match=f"what {theirs} has was put there by hand"):
        await host.added_agents.remove("mine")


async def test_it_and_one_with_a_component_take_each_others_place(host: Host, tmp_path: Path) -> None:
    given = script_in(tmp_path / "given")
    for path, kind in ((given, "python"), (ECHO, "component"), (given, "python")):
        assert (await host.add_agent(str(path), "mine"))["kind"] == kind
    assert sorted(each.name for each in given.iterdir()) == ["agent.py", "agent.toml"]


async def test_an_agent_whose_folder_is_gone_or_broken_is_shown_and_can_be_removed(host: Host, tmp_path: Path) -> None:
    given = script_in(tmp_path / "given")
    for break_it, why in (
        ((given / "agent.py").unlink, "its entry agent.py is not there"),
        (lambda: (given / "agent.toml").write_text("id = 1"), "`id` must be a string"),
        (lambda: given.rename(tmp_path / "away"), "No such file"),
    ):
        await host.add_agent(str(script_in(given)), None)
        break_it()
        (shown,) = await host.queries.list_agents(None)
        assert (shown["id"], why in shown["problem"]) == ("mine", True), shown
        with pytest.raises(ApiError, match=why):
            await (await awake(host)).sessions.create("mine")
        await host.added_agents.remove("mine")
        assert await host.queries.list_agents(None) == []


async def test_it_is_tried_without_being_added(host: Host, tmp_path: Path) -> None:
    given = script_in(tmp_path / "given", network='["api.example.com"]')
    found = await host.check_agent(str(given))
    assert (found["kind"], found["sha256"], found["bytes"], found["imports"]) == ("python", None, None, [])
    assert (found["network"], found["agentInfo"]["name"]) == (["api.example.com"], "echo")
    assert not (tmp_path / "agents").exists()
    (given / "agent.py").unlink()
    assert (await refused(host, given)).message.endswith("its entry agent.py is not there")
    assert (await refused(host, script_in(given), "other")).data["pointer"] == "/name"
    failing = script_in(given, env='{ECHO_PROTOCOL = "2"}')
    assert f"{given}/agent.py is no agent: the agent speaks version 2" in (await refused(host, failing)).message


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"kind": '"perl"'}, "there is no kind `perl`: python"),
        ({"kind": '""'}, "`kind` must be a string"),
        ({"entry": '"../agent.py"'}, "`entry` must be the path of a file in the agent's folder"),
        ({"entry": '"/agent.py"'}, "`entry` must be the path"),
        ({"entry": '"."'}, "`entry` must be the path"),
        ({"entry": '"a\\u0000b"'}, "`entry` must be the path"),
        ({"id": '"a/b"'}, "`id` 'a/b' has more than letters"),
        ({"component": '"x.wasm"'}, "`component` is for agents with a component"),
        ({"entri": '"agent.py"'}, "there is no member `entri`; is it `entry`?"),
        ({"dependencies": '"requests"'}, "`dependencies` must be a list of packages"),
        ({"dependencies": '["--pre"]'}, "`dependencies` must be a list of packages"),
        ({"dependencies": '["./here"]'}, "`dependencies` must be a list of packages"),
        ({"network": '["127.0.0.1"]'}, "127.0.0.1"),
    ],
)
def test_a_manifest_that_cannot_be_used_says_why(tmp_path: Path, members: dict[str, str], why: str) -> None:
    folder = script_in(tmp_path / "agents" / "x", **members)
    with pytest.raises(ManifestError, match=why):
        read_manifest(folder / "agent.toml", "user")
    (shown,) = Catalogue(tmp_path / "none", [tmp_path / "agents"]).unusable()
    assert (shown.to_json()["kind"], shown.to_json()["id"]) == (None, "x")


def test_a_component_has_neither_kind_nor_entry(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "x", entry='"agent.py"')
    with pytest.raises(ManifestError, match="`component` is for agents with a component"):
        read_manifest(folder / "agent.toml", "user")


async def test_dependencies_are_those_that_the_manifest_lists(host: Host, tmp_path: Path) -> None:
    given = script_in(tmp_path / "given", dependencies='["one", "two >= 2"]', env='{PYTHONPATH = "/own"}')
    assert "its dependencies are not installed: `torpor agent add" in (await refused(host, given)).message
    (given / "packages").mkdir()
    (given / "packages" / ".torpor-dependencies").write_text("one\ntwo >= 2\n")
    await host.add_agent(str(given), None)
    vm = await awake(host)
    await vm.sessions.create("mine")
    variables = dict(vm.processes.live()[0].record.arguments.variables())
    assert variables["PYTHONPATH"] == f"{SHOWN_HERE}/packages:/own"
    script_in(given, dependencies='["one"]')
    with pytest.raises(ApiError, match="its dependencies are not installed"):
        await vm.sessions.create("mine")
