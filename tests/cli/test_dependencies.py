"""What a VM leaves in the folder of an agent's dependencies is not trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from runtime.cli.dependencies import LOCK, InstallError, install
from runtime.vms.agent_programs import INSTALLED, INTERPRETERS
from runtime.vms.catalogue import read_manifest

if TYPE_CHECKING:
    from runtime.client.sync import Client


class Installer:
    """A daemon in whose VM what is installed makes a link."""

    def __init__(self, target: Path, place: str) -> None:
        self._target = target
        self._place = place
        self._folder = Path()
        self.vms: list[tuple[str, str]] = []
        """What was done with which VM."""
        self.found: set[str] = set()
        """What was there to begin with."""

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.vms.append((method, params["vm"]))
        if method == "vm.getOrCreate":
            self._folder = Path(params["options"]["mounts"][0]["host"])
        elif method == "exec":
            self.found = {each.name for each in self._folder.iterdir()}
            link = self._folder / self._place
            if link.is_dir():
                link.rmdir()
            link.symlink_to(self._target)
        return {"exitCode": 0, "stderr": ""}


def agent_in(folder: Path, kind: str) -> Path:
    """The folder that the dependencies of this agent are in, when they are."""
    folder.mkdir()
    about = {"id": "a", "title": "A", "version": "1", "kind": kind, "entry": "agent"}
    lines = [f'{name} = "{value}"\n' for name, value in about.items()]
    (folder / "agent.toml").write_text("".join(lines) + 'dependencies = ["evil"]\n')
    (folder / "agent").touch()
    return folder / INTERPRETERS[kind].packages


@pytest.mark.parametrize("kind", INTERPRETERS)
def test_a_link_that_a_package_has_made_is_not_written_through(tmp_path: Path, kind: str) -> None:
    own = tmp_path / "profile"
    own.write_text("mine")
    folder = tmp_path / "agent"
    packages = agent_in(folder, kind)
    daemon = Installer(own, f"{packages.name}/{INSTALLED}")
    install(cast("Client", daemon), folder, None)
    assert own.read_text() == "mine"
    assert (packages / INSTALLED).read_text() == "evil\n"
    assert read_manifest(folder / "agent.toml", "user").problem is None
    (name,) = {vm for _, vm in daemon.vms}  # the same each time: one that was left by a kill goes first
    assert [method for method, _ in daemon.vms] == ["vm.destroy", "vm.getOrCreate", "exec", "vm.destroy"]
    (packages / INSTALLED).unlink()
    install(cast("Client", daemon), folder, None)
    assert {vm for _, vm in daemon.vms} == {name}


@pytest.mark.parametrize("kind", INTERPRETERS)
def test_neither_is_one_in_the_place_of_all_packages(tmp_path: Path, kind: str) -> None:
    (tmp_path / "own").mkdir()
    packages = agent_in(tmp_path / "agent", kind)
    with pytest.raises(InstallError, match="left a link in the place of"):
        install(cast("Client", Installer(tmp_path / "own", packages.name)), tmp_path / "agent", None)
    assert not list((tmp_path / "own").iterdir())
    assert not packages.exists()


def test_a_lock_file_that_is_a_link_is_neither_kept_nor_followed(tmp_path: Path) -> None:
    own = tmp_path / "key"
    own.write_text("secret")
    folder = tmp_path / "agent"
    agent_in(folder, "node")
    install(cast("Client", Installer(own, LOCK)), folder, None)
    assert not (folder / LOCK).is_symlink()
    (folder / LOCK).symlink_to(own)
    (folder / "agent.toml").write_text((folder / "agent.toml").read_text().replace("evil", "other"))
    daemon = Installer(own, LOCK)
    install(cast("Client", daemon), folder, None)
    assert daemon.found == {"node_modules", "package.json"}


class Locking(Installer):
    """One whose installer has chosen versions."""

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        if method == "exec":
            (self._folder / LOCK).write_text("chosen")
            return {"exitCode": 0, "stderr": ""}
        return super().call(method, **params)


def test_an_install_that_ends_before_the_packages_are_there_has_kept_which_were_chosen(tmp_path: Path) -> None:
    folder = tmp_path / "agent"
    packages = agent_in(folder, "node")
    (tmp_path / "elsewhere").mkdir()
    packages.symlink_to(tmp_path / "elsewhere")  # which is not removed
    with pytest.raises(OSError, match="symbolic link"):
        install(cast("Client", Locking(tmp_path, "")), folder, None)
    assert (folder / LOCK).read_text() == "chosen"
