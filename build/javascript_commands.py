"""
How commands of VMs are built that are JavaScript: their programs' targets are modules of their `src`, each with a bundle.json
beside it, as agents have it (agents/sdk/build.mjs). Their data files that are modules become scripts with all that they import,
which make a variable of the name SCRIPT_NAME.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from components import JAVASCRIPT_INPUTS, installed_node, javascript_component
from data_files import write_data
from freshness import fingerprint
from toolchain import AGENTS, WIT

if TYPE_CHECKING:
    from command import Command

SCRIPTS: Final = Path(__file__).resolve().parent
BUNDLE: Final = AGENTS / "sdk" / "bundle.mjs"
WORLD: Final = "node"
SCRIPT_NAME: Final = "torporLibrary"
MODULE: Final = ".mjs"


def is_javascript(command: Command) -> bool:
    """Whether its programs are modules."""
    return all(program.target.endswith(MODULE) for program in command.programs)


def fingerprint_of(command: Command) -> str:
    """Of all that such a command is made of."""
    scripts = ("javascript_commands", "components", "data_files", "image", "rejections", "scrub")
    programs = [(program.name, program.target) for program in command.programs]
    return fingerprint(
        [
            *(command.own_source, *JAVASCRIPT_INPUTS, BUNDLE, WIT),
            *(AGENTS / "sdk" / name for name in ("javascript", "node", "web")),
            *(SCRIPTS / f"{name}.py" for name in scripts),
        ],
        repr((programs, command.files, command.licence_files)),
    )


def build(command: Command, output: Path) -> None:
    """Builds the command's components into the folder `output`, which is made. Raises BuildError."""
    source = command.own_source
    with tempfile.TemporaryDirectory(prefix=f"torpor-{command.name}-") as temporary:
        files = {}
        for path, name in command.files:
            files[path] = source / name
            if name.endswith(MODULE):
                files[path] = Path(temporary) / name
                installed_node().run([BUNDLE, source / name, SCRIPT_NAME, files[path]])
        output.mkdir()
        write_data(files, output)
    for program in command.programs:
        component = output / f"{program.name}.wasm"
        javascript_component(source / program.target, WORLD, component)
    (output / "LICENCE").write_text("\n".join((source / name).read_text() for name in command.licence_files))
