"""
Compiles Torpor's own packages for the Python of VMs, by that Python, so that no session that imports one compiles it. What has
changed since then is found by its content, and compiled when it is imported.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import trio
from data_files import write_data
from freshness import fingerprint
from toolchain import AGENTS, BuildError

from runtime.engine import open_cache
from runtime.posix.host import make_engine
from runtime.store.durability import Durability
from runtime.store.store import open_store
from runtime.vms.base.packages import LIBRARY
from runtime.vms.catalogue import Catalogue
from runtime.vms.host import open_host

SOURCES = AGENTS / "sdk" / "python"
PROGRAM = """
import base64, glob, importlib.util, json, py_compile
made = {}
for path in glob.glob("/usr/lib/python3.13/site-packages/torpor_agent/*.py"):
    py_compile.compile(path, "/tmp/made", doraise=True, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    made[importlib.util.cache_from_source(path)] = base64.b64encode(open("/tmp/made", "rb").read()).decode()
print(json.dumps(made))
"""
TIMEOUT_MS = 300_000
"""Python is compiled to machine code first, where nobody has run it before."""


def wanted(python: Path) -> str:
    """What tells whether compiled packages are those of today, for this Python."""
    return fingerprint([SOURCES, python, Path(__file__)])


def compile_packages(output: Path) -> None:
    """Writes what is compiled into a new folder, as data files of the base system. Raises BuildError."""
    compiled = trio.run(_compiled)
    if not compiled:
        msg = f"python3 finds no packages in {LIBRARY}/site-packages"
        raise BuildError(msg)
    with TemporaryDirectory() as folder:
        files: dict[str, Path] = {}
        for number, (path, content) in enumerate(sorted(compiled.items())):
            files[path] = Path(folder, str(number))
            files[path].write_bytes(content)
        output.mkdir()
        write_data(files, output)


async def _compiled() -> dict[str, bytes]:
    """What each module is compiled to, by the paths where Python looks for that."""
    with TemporaryDirectory() as folder:
        async with (
            open_store(Path(folder, "state.db"), durability=Durability.NONE) as store,
            open_host(store, make_engine(open_cache()), Catalogue(AGENTS)) as host,
        ):
            await host.get_or_create("build", None)
            vm = await host.vm("build")
            done = await vm.commands.execute(
                ["python3", "-c", PROGRAM], env={}, cwd=None, stdin=None, timeout_ms=TIMEOUT_MS
            )
    if done["exitCode"] != 0:
        msg = f"python3 does not compile its packages: {done['stderr']}"
        raise BuildError(msg)
    return {path: base64.b64decode(content) for path, content in json.loads(done["stdout"]).items()}
