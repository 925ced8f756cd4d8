"""The Python client alone: a wheel that needs no engine, installed where nothing else is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.version import VERSION
from tests.build.conftest import module
from tests.patience import WAIT

if TYPE_CHECKING:
    from tests.system.daemon import Daemon, Vm

FOREIGN = ("wasmtime", "trio", "apsw", "attrs", "cryptography", "runtime.store", "runtime.engine", "runtime.rpc")
PROGRAM = f"""
import sys, torpor
with torpor.vm(sys.argv[3], place=sys.argv[1]) as vm:
    print(vm.run("echo", "say hello").text)
import asyncio
async def main():
    async with torpor.connect(sys.argv[1]) as client:
        print((await client.status())["version"] == sys.argv[2])
asyncio.run(main())
assert all(hasattr(torpor, name) for name in torpor.__all__)
foreign = set({FOREIGN!r}) & set(sys.modules)
assert not foreign, foreign
"""


def test_the_wheel_works_without_the_engine(tmp_path: Path, daemon: Daemon, vm: Vm) -> None:
    clients = module("client_packages")
    clients.python_wheel(tmp_path)
    (wheel,) = tmp_path.glob("torpor_client-*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        packed.extractall(site)
    assert {"torpor/py.typed", "runtime/py.typed"} <= set(names)
    assert {name.split("/")[1] for name in names if name.startswith("runtime/")} == {
        *("__init__.py", "api", "client", "jsonrpc.py", "py.typed", "version.py"),
    }
    needed = {each.split(">=")[0] for each in clients.dependencies()}
    assert needed == {"anyio", "msgspec", "websockets"}
    # What the wheel asks for, and nothing else that is installed here: as in an empty environment, without a network.
    installed = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    for name in (*sorted(needed), "idna", "sniffio", "typing_extensions.py"):
        source = installed / name
        if source.is_dir():
            shutil.copytree(source, site / name)
        elif source.exists():
            shutil.copyfile(source, site / name)
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(site)!r})" + PROGRAM,
            daemon.socket,
            VERSION,
            vm.name,
        ],
        env={"PATH": os.environ["PATH"]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "hello\nTrue\n"
