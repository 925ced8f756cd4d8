"""The packages of agents without a build: pip or npm installs them into the folder, in a VM that is there for that alone."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from runtime.cli import output
from runtime.client.sync import RpcError
from runtime.vms.agent_programs import INSTALLED, ScriptRef, dependencies_text
from runtime.vms.catalogue import MANIFEST, ManifestError, read_manifest
from runtime.vms.component_files import publish

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.client.sync import Client

HOSTS: Final = {"pip": ("pypi.org", "files.pythonhosted.org"), "npm": ("registry.npmjs.org",)}
"""What the VM reaches where no other index is named, by what installs them."""

LOCK: Final = "package-lock.json"
"""Where npm keeps which versions it has chosen: of the manifest's list, unless the agent has a package.json."""

PLACE: Final = "/packages"
"""The folder in the VM."""


class InstallError(OSError):
    """They were not installed; the message says why."""


def install(client: Client, folder: Path, index: str | None) -> None:
    """Have the agent's dependencies in its folder, as its manifest lists them now. Raises InstallError, RpcError, OSError.

    What is wrong with the manifest is for the daemon to say.
    """
    try:
        program = read_manifest(folder / MANIFEST, "user").program
    except ManifestError:
        return
    if not isinstance(program, ScriptRef) or not program.dependencies or program.has_dependencies:
        return
    output.say(f"installing {', '.join(program.dependencies)}")
    by = program.interpreter
    new, whole = (folder / f".{by.packages}-new").resolve(), folder / by.packages
    shutil.rmtree(new, ignore_errors=True)  # of a command that was killed
    (new / by.packages).mkdir(parents=True)
    try:
        words = _pip(program) if by.installer == "pip" else _npm(program, new)
        _run_installer(client, new, by.installer, words, index)
        # What lies there was left by the VM, and may be a link to any file of this machine.
        if (new / by.packages).is_symlink():
            raise InstallError(f"{by.installer} left a link in the place of {by.packages}")
        publish(new / by.packages / INSTALLED, dependencies_text(program.dependencies).encode())
        # Before the packages: once these are there, nothing is installed that would make the file again.
        if by.installer == "npm" and _keeps_lock(folder) and _is_plain(new / LOCK):
            (new / LOCK).rename(folder / LOCK)
        if whole.exists():
            shutil.rmtree(whole)
        (new / by.packages).rename(whole)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _pip(program: ScriptRef) -> list[str]:
    target = f"{PLACE}/{program.interpreter.packages}"
    return ["pip", "install", "--quiet", "--target", target, *program.dependencies]


def _npm(program: ScriptRef, new: Path) -> list[str]:
    """The versions are those of the agent's lock file, as far as its list has them."""
    if _keeps_lock(program.folder) and _is_plain(program.folder / LOCK):
        shutil.copyfile(program.folder / LOCK, new / LOCK)
    wanted = {}
    for each in program.dependencies:
        rest, _, version = each[1:].partition("@")  # of "@scope/name@1", too
        wanted[each[0] + rest] = version or "*"
    (new / "package.json").write_text(json.dumps({"private": True, "dependencies": wanted}), "utf-8")
    return ["npm", "install", "--prefix", PLACE, "--no-bin-links", "--loglevel", "error"]


def _keeps_lock(folder: Path) -> bool:
    return not (folder / "package.json").exists()


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _run_installer(client: Client, target: Path, installer: str, words: list[str], index: str | None) -> None:
    vm = f"packages-{hashlib.sha256(bytes(target)).hexdigest()[:16]}"
    hosts = [*HOSTS[installer]] if index is None else [urlsplit(index).netloc.rpartition("@")[2]]
    if index is not None:
        words = [*words, {"pip": "--index-url", "npm": "--registry"}[installer], index]
    options = {"mounts": [{"path": PLACE, "host": str(target)}], "network": {"allow": hosts}}
    _destroy(client, vm)  # of a command that was killed
    client.call("vm.getOrCreate", vm=vm, options=options)
    try:
        done = client.call("exec", vm=vm, argv=words)
    finally:
        _destroy(client, vm)
    if done["exitCode"] != 0:
        raise InstallError(f"{installer} did not install them: {done['stderr'].strip()}")


def _destroy(client: Client, vm: str) -> None:
    try:
        client.call("vm.destroy", vm=vm)
    except RpcError as error:
        if error.name != "vm_not_found":
            raise
