"""The base system of the VMs of one daemon: commands and a few texts beneath each VM's own files.

texts     directories, links and short files that programs look for
packages  modules of Python that come with Torpor itself
commands  a folder of components with its manifest: which commands they are
system    all of it as one `wasi_fs.Base`, and the commands that people add
"""

from __future__ import annotations

from runtime.vms.base.commands import built_in_commands, built_in_components, built_in_data
from runtime.vms.base.system import BaseSystem, added_directory

__all__ = ["BaseSystem", "added_directory", "built_in_commands", "built_in_components", "built_in_data"]
