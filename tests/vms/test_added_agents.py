"""Agents that are added: tried first, then in a folder as a person would make it."""

from __future__ import annotations

import hashlib
import tomllib
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from runtime.api.errors import ApiError, ErrorCode
from runtime.engine import ArtefactCache
from runtime.posix.host import make_engine
from runtime.store import open_store
from runtime.vms import added_agents
from runtime.vms.added_agents import manifest
from runtime.vms.agent_programs import ComponentRef
from runtime.vms.catalogue import AgentSpec, Catalogue, built_in_directory, read_manifest
from runtime.vms.host import Host, open_host
from runtime.vms.trial import MAX_SHOWN, PREFIX, About, about

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GUESTS = Path(__file__).parents[1] / "guests" / "dist"
ECHO = built_in_directory() / "dist" / "echo.wasm"


@pytest.fixture
async def host(tmp_path: Path, component_cache: Path) -> AsyncIterator[Host]:
    async with host_on(tmp_path, component_cache) as host:
        yield host


@asynccontextmanager
async def host_on(directory: Path, cache: Path) -> AsyncIterator[Host]:
    catalogue = Catalogue(directory / "built-in", [directory / "agents", directory / "others"])
    engine = make_engine(ArtefactCache(cache))
    async with open_store(directory / "state.db") as store, open_host(store, engine, catalogue) as host:
        yield host


async def refused(host: Host, path: Path, name: str | None = None) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await host.add_agent(str(path), name)
    return caught.value


def folder_of(path: Path, **members: str) -> Path:
    """An agent as a person makes it: echo."""
    path.mkdir(parents=True)
    (path / "own.wasm").write_bytes(ECHO.read_bytes())
    about = {"id": '"own"', "title": '"An own one"', "version": '"2"', "component": '"own.wasm"', **members}
    (path / "agent.toml").write_text("".join(f"{name} = {value}\n" for name, value in about.items()))
    return path


async def test_a_component_becomes_an_agent(host: Host, tmp_path: Path) -> None:
    added = await host.add_agent(str(ECHO), "mine")
    digest = hashlib.sha256(ECHO.read_bytes()).hexdigest()
    about = {
        "title": "Echo",
        "version": added["version"],
        "kind": "component",
        "source": "user",
        "installed": True,
        "sha256": digest,
        "problem": None,
    }
    assert added == {"id": "mine", **about}
    assert await host.queries.list_agents(None) == [added]
    folder = tmp_path / "agents" / "mine"
    assert {each.name for each in folder.iterdir()} == {f"{digest}.wasm", "agent.toml"}
    assert await host.queries.list() == [], "it was tried where nobody sees it"
    await host.get_or_create("vm", None)
    vm = await host.vm("vm")
    assert (await vm.sessions.create("mine"))["agentType"] == "mine"
    await host.added_agents.remove("mine")
    assert not folder.exists()
    with pytest.raises(ApiError) as caught:
        await host.added_agents.remove("mine")
    assert caught.value.code is ErrorCode.NOT_FOUND


async def test_a_folder_is_copied_as_its_manifest_says(host: Host, tmp_path: Path) -> None:
    given = folder_of(tmp_path / "given", network='["api.example.com"]', args='["-x"]', env='{A = "b"}')
    added = await host.add_agent(str(given), None)
    assert (added["id"], added["title"], added["version"]) == ("own", "An own one", "2")
    (given / "agent.toml").write_text((given / "agent.toml").read_text().replace('"2"', '"3"'))
    assert (await host.add_agent(str(given), None))["version"] == "3", "it takes the place of what was added"
    spec = read_manifest(tmp_path / "agents" / "own" / "agent.toml", "user")
    assert (spec.program.network, spec.args, spec.env) == (("api.example.com",), ("-x",), {"A": "b"})
    assert spec.program.path.read_bytes() == ECHO.read_bytes()
    assert (await host.add_agent(str(given), "again"))["id"] == "again"


async def test_an_agent_that_wants_more_than_it_gets_is_one(host: Host, tmp_path: Path) -> None:
    given = folder_of(tmp_path / "given", env='{ECHO_FAIL = "new"}')
    assert (await host.add_agent(str(given), None))["title"] == "An own one"
    await host.get_or_create("vm", None)
    with pytest.raises(ApiError, match="refused session/new"):
        await (await host.vm("vm")).sessions.create("own")


async def test_what_is_no_agent_is_told_so(host: Host, tmp_path: Path) -> None:
    (tmp_path / "text.wasm").write_text("no component")
    broken = folder_of(tmp_path / "broken", component='"none.wasm"')
    later = folder_of(tmp_path / "later", env='{ECHO_PROTOCOL = "2"}')
    (tmp_path / "empty").mkdir()
    invalid, missing = ErrorCode.INVALID_ARGUMENT, ErrorCode.NOT_FOUND
    for path, name, code, why in (
        (GUESTS / "copy_stdin.wasm", "cat", invalid, "is no agent: the agent refused initialize"),
        (GUESTS / "exit_code.wasm", None, invalid, "ended before it answered initialize: exit code"),
        (tmp_path / "text.wasm", None, invalid, "cannot be run: this is not a WebAssembly component"),
        (tmp_path / "none.wasm", None, missing, "none.wasm: No such file"),
        (later, None, invalid, "speaks version 2 of ACP"),
        (broken, None, missing, "none.wasm: No such file"),
        (tmp_path / "empty", None, invalid, "agent.toml"),
        (tmp_path / ("n" * 300), "long", ErrorCode.IO_ERROR, "File name too long"),
        (ECHO, "a/b", invalid, "no name for an agent"),
        (ECHO, "..", invalid, "no name for an agent"),
        (ECHO, "x" * 65, invalid, "no name for an agent"),
    ):
        error = await refused(host, path, name)
        assert error.code is code, (path, error)
        assert why in error.message
    assert not (tmp_path / "agents").exists()


async def test_what_people_have_put_there_stays(host: Host, tmp_path: Path) -> None:
    folder_of(tmp_path / "others" / "theirs", id='"theirs"')
    (tmp_path / "agents" / "busy").mkdir(parents=True)
    (tmp_path / "agents" / "busy" / "kept.wasm").touch()
    for name, where in (("theirs", "others/theirs"), ("busy", "agents/busy")):
        error = await refused(host, ECHO, name)
        assert (error.code, error.data["path"]) == (ErrorCode.EXISTS, str(tmp_path / where))
    with pytest.raises(ApiError, match="by hand"):
        await host.added_agents.remove("theirs")
    assert (tmp_path / "others" / "theirs" / "own.wasm").exists()
    folder_of(
        tmp_path / "agents" / "told", id='"told"', component='"../../others/theirs/own.wasm"', sha256=f'"{"0" * 64}"'
    )
    with pytest.raises(ApiError, match="by hand"):
        await host.added_agents.remove("told")
    assert (tmp_path / "others" / "theirs" / "agent.toml").exists()
    await host.add_agent(str(ECHO), "mine")
    (tmp_path / "agents" / "mine" / "kept.wasm").touch()
    await host.added_agents.remove("mine")
    assert [each.name for each in (tmp_path / "agents" / "mine").iterdir()] == ["kept.wasm"]


@pytest.mark.parametrize("left", [[], [f"{'0' * 64}.wasm"], [".torpor-new-0"]])
async def test_what_a_daemon_that_was_killed_has_left_is_in_nobodys_way(
    host: Host, tmp_path: Path, left: list[str]
) -> None:
    folder = tmp_path / "agents" / "mine"
    folder.mkdir(parents=True)
    for name in left:
        (folder / name).touch()
    added = await host.add_agent(str(ECHO), "mine")
    assert {each.name for each in folder.iterdir()} == {f"{added['sha256']}.wasm", "agent.toml"}


async def test_without_a_place_for_them_none_is_added_and_there_is_none_to_remove(
    tmp_path: Path, component_cache: Path
) -> None:
    engine = make_engine(ArtefactCache(component_cache))
    async with (
        open_store(tmp_path / "state.db") as store,
        open_host(store, engine, Catalogue(tmp_path / "built-in")) as host,
    ):
        assert "see TORPOR_AGENTS" in (await refused(host, ECHO, "mine")).message
        with pytest.raises(ApiError, match="no agent 'mine' was added"):
            await host.added_agents.remove("mine")


def trials(folder: Path) -> list[Path]:
    return list(folder.glob(f"{PREFIX}*"))


async def test_what_a_trial_has_left_whose_daemon_was_killed_is_removed_by_the_next(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    for name in (".lock", "agent.wasm", "trial.db"):
        (left / name).touch()
    await host.add_agent(str(ECHO), "mine")
    assert trials(tmp_path) == []


async def test_a_trial_needs_a_place(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    error = await refused(host, ECHO, "mine")
    assert (error.code, "none: No such file" in error.message) == (ErrorCode.IO_ERROR, True)


async def test_so_many_are_added(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(added_agents, "MAX_ADDED", 1)
    await host.add_agent(str(ECHO), "one")
    await host.add_agent(str(ECHO), "one")
    assert (await refused(host, ECHO, "two")).code is ErrorCode.LIMIT_EXCEEDED


def test_what_an_agent_calls_itself_is_a_line() -> None:
    assert about({"name": "n", "version": "1" * 999}) == About("n", "1" * MAX_SHOWN)
    assert about({"name": "n", "title": "t" * 999, "version": 1}) == About("t" * MAX_SHOWN, "")
    assert about(None) == About()


def test_a_manifest_says_what_it_was_made_of(tmp_path: Path) -> None:
    odd = 'a"b\\c\n\t\x00\x7fä\U0001f600'
    component = ComponentRef(tmp_path / "x.wasm", ("*.example.com",))
    spec = AgentSpec("x", odd, "1", "user", component, (odd, ""), {"A": odd, "B": ""}, "0" * 64)
    (tmp_path / "agent.toml").write_text(manifest(spec, component), encoding="utf-8")
    assert read_manifest(tmp_path / "agent.toml", "user") == spec
    bare = ComponentRef(component.path)
    about = attrs.evolve(spec, args=(), env={}, program=bare)
    assert tomllib.loads(manifest(about, bare)).keys() == {"id", "title", "version", "component", "sha256"}
