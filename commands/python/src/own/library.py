"""
Makes the library as it is in the base system of VMs, of CPython's sources and with its modules compiled: whoever imports one
neither compiles it nor looks whether it has changed. The program that is being built runs this, in the folder of the build.

    python library.py LIBRARY TARGET PACKAGE ...     # wheels, or folders with what is in one
"""

from __future__ import annotations

import importlib.util
import py_compile
import shutil
import sys
import sysconfig
import zipfile
from pathlib import Path
from sysconfig.__main__ import _parse_makefile

WHERE = "/usr/lib/python3.13"
LEFT_OUT = {"__pycache__", "test", "tests", "idlelib", "tkinter", "turtledemo", "turtle.py"}
"""Tests, and what needs windows."""


def copy(source: Path, target: Path) -> None:
    """The library, and the folders that Python looks for."""
    shutil.copytree(source, target, ignore=lambda _folder, names: LEFT_OUT.intersection(names))
    (target / "lib-dynload").mkdir()
    (target / "lib-dynload" / "README").write_text("All modules that are written in C are built in.\n")
    (target / "site-packages").mkdir(exist_ok=True)


def write_configuration(target: Path) -> None:
    """What `sysconfig` tells: what this was built with, but for places of the machine that built it."""
    found: dict[str, object] = {}
    _parse_makefile("Makefile", found)
    with Path("pyconfig.h").open() as file:
        sysconfig.parse_config_h(file, found)
    here = str(Path.cwd().parent)
    kept = {name: value for name, value in sorted(found.items()) if here not in str(value)}
    kept |= {"CC": "cc", "AR": "ar", "LDSHARED": "cc -shared", "CXX": "c++"}
    name = sysconfig._get_sysconfigdata_name()  # noqa: SLF001 - what writes it in CPython's own builds calls it, too
    (target / f"{name}.py").write_text(f"build_time_vars = {kept!r}\n")


def compile_all(target: Path) -> None:
    """All modules, so that nobody asks whether they have changed."""
    for path in sorted(target.rglob("*.py")):
        py_compile.compile(
            str(path),
            importlib.util.cache_from_source(str(path)),
            f"{WHERE}/{path.relative_to(target)}",
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


def unpress(wheels: Path) -> None:
    """Have these wheels hold their files as they are: beside what is unpacked of them, that takes no room in an archive."""
    for path in wheels.glob("*.whl"):
        with zipfile.ZipFile(path) as archive:
            files = {info: archive.read(info) for info in archive.infolist()}
        with zipfile.ZipFile(path, "w") as archive:
            for info, content in files.items():
                archive.writestr(info, content, zipfile.ZIP_STORED)


library, output, *packages = map(Path, sys.argv[1:])
copy(library, output)
write_configuration(output)
unpress(output / "ensurepip" / "_bundled")
for package in packages:
    if package.is_dir():
        shutil.copytree(package, output / "site-packages", dirs_exist_ok=True)
    else:
        with zipfile.ZipFile(package) as archive:
            archive.extractall(output / "site-packages")
compile_all(output)
