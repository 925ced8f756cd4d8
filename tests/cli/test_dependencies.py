"""What a VM leaves in the folder of an agent's dependencies is not trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from runtime.cli.dependencies import install
from runtime.vms.agent_programs import INSTALLED, PACKAGES
from runtime.vms.catalogue import read_manifest

if TYPE_CHECKING:
    from runtime.client.sync import Client


class Pip:
    """A daemon in whose VM a package of pip's makes a link."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._folder = Path()
        self.vms: list[tuple[str, str]] = []
        """What was done with which VM."""

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.vms.append((method, params["vm"]))
        if method == "vm.getOrCreate":
            self._folder = Path(params["options"]["mounts"][0]["host"])
        elif method == "exec":
            (self._folder / INSTALLED).symlink_to(self._target)
        return {"exitCode": 0, "stderr": ""}


def test_a_link_that_a_package_has_made_is_not_written_through(tmp_path: Path) -> None:
    own = tmp_path / "profile"
    own.write_text("mine")
    folder = tmp_path / "agent"
    folder.mkdir()
    manifest = folder / "agent.toml"
    about = {"id": "a", "title": "A", "version": "1", "kind": "python", "entry": "agent.py"}
    lines = [f'{name} = "{value}"\n' for name, value in about.items()]
    manifest.write_text("".join(lines) + 'dependencies = ["evil"]\n')
    (folder / "agent.py").touch()
    pip = Pip(own)
    install(cast("Client", pip), folder, None)
    assert own.read_text() == "mine"
    assert (folder / PACKAGES / INSTALLED).read_text() == "evil\n"
    assert read_manifest(manifest, "user").problem is None
    (name,) = {vm for _, vm in pip.vms}  # the same each time: one that was left by a kill goes first
    assert [method for method, _ in pip.vms] == ["vm.destroy", "vm.getOrCreate", "exec", "vm.destroy"]
    (folder / PACKAGES / INSTALLED).unlink()
    install(cast("Client", pip), folder, None)
    assert {vm for _, vm in pip.vms} == {name}
