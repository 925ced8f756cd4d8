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
re.purge()
environ.clear()
del sys.argv[:]
sys.path_importer_cache.clear()
gc.collect()
gc.freeze()
