"""What an exported VM needs of its daemon, and what another one has not."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.vms.catalogue import built_in_directory
from tests.vms.test_added_agents import folder_of, host_on

if TYPE_CHECKING:
    from runtime.vms.host import Host

GUESTS = Path(__file__).parents[1] / "guests" / "dist"
ECHO = built_in_directory() / "dist" / "echo.wasm"
CODE, SPIN = GUESTS / "exit_code.wasm", GUESTS / "spin.wasm"


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def exported(host: Host, path: Path, **options: Any) -> Any:
    """What `vm.export` tells of a VM with sessions of three agents."""
    name = path.name
    await host.get_or_create(name, options)
    for agent in ("mine", "own", "gone"):
        await (await host.vm(name)).sessions.create(agent)
    await host.added_agents.remove("gone")
    return await host.export(name, str(path))


async def lacks(host: Host, path: Path) -> list[dict[str, Any]]:
    imported = await host.import_(str(path), None, trust=False)
    await host.destroy(path.name)
    found: list[dict[str, Any]] = imported.get("lacks", [])
    return found


async def test_what_is_missing_or_another_one_is_told(tmp_path: Path, component_cache: Path) -> None:
    path = tmp_path / "vm"
    command = {"kind": "command", "name": "code", "sha256": hash_of(CODE)}
    mine = {"kind": "agent", "name": "mine", "sha256": hash_of(ECHO)}
    own = {**mine, "name": "own"}
    async with host_on(tmp_path / "there", component_cache) as host:
        await host.add_command(str(CODE), "code")
        folder_of(tmp_path / "there" / "agents" / "own")  # put there by hand
        for name in ("mine", "gone", "unused"):
            await host.add_agent(str(ECHO), name)
        assert (await exported(host, path))["needs"] == [command, mine, own]
        await host.add_agent(str(ECHO), "gone")
        assert (await exported(host, tmp_path / "bare", base="none"))["needs"] == [mine, own]
        await host.destroy("vm")
        gone = {"kind": "agent", "name": "gone", "sha256": None, "here": None}
        assert await lacks(host, path) == [gone]
    async with host_on(tmp_path / "here", component_cache) as host:
        missing = [gone, {**mine, "here": None}, {**own, "here": None}]
        assert await lacks(host, path) == [{**command, "here": None}, *missing]
        assert await lacks(host, tmp_path / "bare") == missing
        await host.add_command(str(SPIN), "code")
        for name in ("mine", "gone"):
            await host.add_agent(str(ECHO), name)
        folder_of(tmp_path / "here" / "agents" / "own")
        assert await lacks(host, path) == [{**command, "here": hash_of(SPIN)}]
        other = tmp_path / "here" / "agents" / "own" / "own.wasm"
        other.write_bytes(other.read_bytes() + b"\0\1\0")  # a custom section more
        await host.add_command(str(CODE), "code")
        assert await lacks(host, path) == [{**own, "here": hash_of(other)}]
