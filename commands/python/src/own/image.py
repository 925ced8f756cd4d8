"""
What is in the image that python3 starts from: what programs import, and how a start makes it its own (Programs/python.c).

What is imported here is there when a program imports it; what belongs to one process is made anew.
"""

import builtins
import gc
import importlib
import importlib.machinery
import logging
import os
import random
import re
import site
import sys
import time
import types
from pathlib import Path
from posix import environ

MODULES = """
argparse ast asyncio base64 bisect bz2 collections concurrent.futures.thread configparser contextlib copy csv
dataclasses datetime decimal difflib email.message email.parser encodings.idna encodings.latin_1 enum fnmatch fractions
functools getpass glob gzip hashlib heapq html http.client importlib.metadata importlib.resources importlib.util inspect
io itertools json logging.handlers math mimetypes operator os pathlib pickle platform pprint queue random runpy select
shlex shutil signal socket sqlite3 statistics string struct subprocess sysconfig tarfile tempfile textwrap threading
timeit tokenize tomllib traceback typing unicodedata unittest.mock urllib.parse urllib.request uuid warnings
xml.etree.ElementTree zipfile zlib
"""

KEPT = ("pytest", "_pytest", "pluggy", "iniconfig", "packaging")
"""Packages that are in the image and not imported: a program finds them as it finds any, perhaps in its own folder or another
version, and gets what is in the image if it is that which was found."""
kept: dict[str, types.ModuleType] = {}


class KeptLoader:
    """Gives what is in the image, whose code has run."""

    @staticmethod
    def create_module(spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """See importlib.abc.Loader."""
        return kept[spec.name]

    @staticmethod
    def exec_module(module: types.ModuleType) -> None:
        """See importlib.abc.Loader."""


class KeptFinder:
    """Finds what is in the image where it was imported from."""

    @staticmethod
    def find_spec(
        name: str, path: list[str] | None, _target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """See importlib.abc.MetaPathFinder."""
        if name not in kept:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        if found is None or found.origin != kept[name].__file__:
            return found
        spec = importlib.machinery.ModuleSpec(
            name, KeptLoader, origin=found.origin, is_package=found.submodule_search_locations is not None
        )
        spec.has_location = True
        spec.cached = found.cached
        if found.submodule_search_locations is not None:
            spec.submodule_search_locations[:] = found.submodule_search_locations
        return spec


def keep() -> None:
    """Imports these packages, and forgets them again."""
    importlib.import_module("pytest")
    for name in [*sys.modules]:
        if name.partition(".")[0] in KEPT:
            kept[name] = sys.modules.pop(name)
    sys.meta_path.insert(sys.meta_path.index(importlib.machinery.PathFinder), KeptFinder)


def resume(environment: dict[bytes, bytes], search: str | None) -> None:
    """Begins a process: with its variables, and the folders of PYTHONPATH before all others."""
    environ.clear()
    environ.update(environment)
    if search:
        sys.path[:0] = [str(Path(folder).absolute()) for folder in search.split(":")]
    # The garbage collector leaves alone what is in the image, and so would what is defined in the module.
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__builtins__ = builtins
    main.__loader__ = importlib.machinery.BuiltinImporter
    random.seed(int.from_bytes(os.urandom(32)))
    logging._startTime = time.time_ns()  # noqa: SLF001 - when records count from
    site.USER_BASE = site.USER_SITE = None
    site.ENABLE_USER_SITE = site.check_enableusersite()
    before = len(sys.path)
    site.addsitepackages(site.addusersitepackages(site.removeduppaths()))
    # Nowhere else is one that is not in the image.
    places = [*(search or "").split(":"), *site.getsitepackages()[:1], *sys.path[before:]]
    for name, run in (("sitecustomize", site.execsitecustomize), ("usercustomize", site.execusercustomize)):
        if any(Path(folder, f"{name}.py").exists() for folder in places if folder):
            run()


for module in MODULES.split():
    importlib.import_module(module)
keep()
re.purge()
environ.clear()
del sys.argv[:]
sys.path_importer_cache.clear()
gc.collect()
gc.freeze()
