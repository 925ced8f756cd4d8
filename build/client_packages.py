"""
Builds the packages of the clients alone: torpor_client-VERSION-py3-none-any.whl, which needs no engine, and
torpor-client-VERSION.tgz for npm.

    python build/client_packages.py [DIR]

DIR is where they go, `dist/clients` if none is given: there `torpor sdk client` finds them in a checkout.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

import typescript
from toolchain import ROOT, BuildError, find_node, run, say

from runtime.version import VERSION

MODULES: Final = ("runtime/__init__.py", "runtime/jsonrpc.py", "runtime/version.py", "torpor/__init__.py")
PACKAGES: Final = ("runtime/api", "runtime/client")
"""What the client is made of: it imports these, the standard library and the packages below, and nothing else."""

NEEDS: Final = ("anyio", "msgspec", "websockets")

PROJECT: Final = """\
[build-system]
requires = ["setuptools>=80"]
build-backend = "setuptools.build_meta"

[project]
name = "torpor-client"
version = "{version}"
description = "Client of Torpor, a runtime for AI agents in durable, hibernating VMs"
readme = "README.md"
license = "Apache-2.0"
license-files = ["LICENSE"]
requires-python = ">=3.11"
dependencies = {dependencies}

[tool.setuptools.packages.find]
include = ["runtime*", "torpor*"]

[tool.setuptools.package-data]
runtime = ["py.typed"]
torpor = ["py.typed"]
"""
README: Final = """\
# torpor-client

The Python client of Torpor, a runtime for AI agents. The package `torpor` has it, too: install one of the two.

```python
import torpor

with torpor.vm("demo") as vm:
    print(vm.run("echo", "Hello").text)
```
"""
TIMEOUT_S: Final = 300
"""setuptools and npm take seconds; beyond this they hang."""


def python_wheel(output: Path) -> None:
    """Build the wheel into the folder `output`. Raises BuildError."""
    with tempfile.TemporaryDirectory(prefix="torpor-client-") as directory:
        sources = Path(directory)
        for name in (*MODULES, "runtime/py.typed", "torpor/py.typed", "LICENSE"):
            (sources / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(ROOT / name, sources / name)
        for name in PACKAGES:
            shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
        (sources / "README.md").write_text(README, "utf-8")
        (sources / "pyproject.toml").write_text(PROJECT.format(version=VERSION, dependencies=dependencies()), "utf-8")
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        run([*pip, "--wheel-dir", output, sources], timeout=TIMEOUT_S)


def dependencies() -> list[str]:
    """What the client needs, at least in the versions that it is tested with."""
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    return [pin.replace("==", ">=") for pin in pins if re.split(r"[\[=]", pin)[0] in NEEDS]


def npm_package(output: Path) -> None:
    """Build npm's package into the folder `output`. Raises BuildError."""
    if typescript.main([]) != 0:
        raise BuildError("the TypeScript client cannot be built")
    node = find_node()
    pack: list[str | Path] = [*node.npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", output.resolve()]
    run(pack, cwd=typescript.CLIENT, environment=typescript.environment(node), timeout=TIMEOUT_S)


def build(output: Path) -> None:
    """Build both into the folder `output`, in place of what is there. Raises BuildError."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    python_wheel(output)
    npm_package(output)


def main(arguments: list[str]) -> int:
    """Run the command line; the exit code."""
    parser = argparse.ArgumentParser(description="Builds the packages of the clients.")
    parser.add_argument("output", nargs="?", metavar="DIR", type=Path, default=ROOT / "dist" / "clients")
    options = parser.parse_args(arguments)
    try:
        build(options.output)
    except BuildError as error:
        print(f"build/client_packages.py: {error}", file=sys.stderr)
        return 1
    for path in sorted(options.output.iterdir()):
        say(f"{path}: {path.stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
