"""The packages that an agent without a build needs: pip installs them into its folder, in a VM that is there for that alone."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from runtime.cli import output
from runtime.client.sync import RpcError
from runtime.vms.agent_programs import INSTALLED, PACKAGES, ScriptRef, dependencies_text
from runtime.vms.catalogue import MANIFEST, ManifestError, read_manifest
from runtime.vms.component_files import publish

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.client.sync import Client

HOSTS: Final = ("pypi.org", "files.pythonhosted.org")
"""What the VM reaches where no other index is named."""

PLACE: Final = "/packages"
"""The folder in the VM."""


class InstallError(OSError):
    """pip did not install them; the message says why."""


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
    new, whole = (folder / f".{PACKAGES}-new").resolve(), folder / PACKAGES
    shutil.rmtree(new, ignore_errors=True)  # of a command that was killed
    new.mkdir()
    try:
        _install(client, new, program, index)
        # What lies there by this name is a package's, and may be a link to any file of this machine.
        publish(new / INSTALLED, dependencies_text(program.dependencies).encode())
        if whole.exists():
            shutil.rmtree(whole)
        new.rename(whole)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _install(client: Client, target: Path, program: ScriptRef, index: str | None) -> None:
    vm = f"packages-{hashlib.sha256(bytes(target)).hexdigest()[:16]}"
    words = ["pip", "install", "--quiet", "--target", PLACE]
    hosts = [*HOSTS] if index is None else [urlsplit(index).netloc.rpartition("@")[2]]
    if index is not None:
        words += ["--index-url", index]
    options = {"mounts": [{"path": PLACE, "host": str(target)}], "network": {"allow": hosts}}
    _destroy(client, vm)  # of a command that was killed
    client.call("vm.getOrCreate", vm=vm, options=options)
    try:
        done = client.call("exec", vm=vm, argv=[*words, *program.dependencies])
    finally:
        _destroy(client, vm)
    if done["exitCode"] != 0:
        raise InstallError(f"pip did not install them: {done['stderr'].strip()}")


def _destroy(client: Client, vm: str) -> None:
    try:
        client.call("vm.destroy", vm=vm)
    except RpcError as error:
        if error.name != "vm_not_found":
            raise
