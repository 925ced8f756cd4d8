"""
Has rich's live displays, its own and those of pip's copy, draw when they are told something, as rich has it for programs that
ask for that (auto_refresh=False), and not in a thread, of which a process has one. site imports this.
"""

import importlib.machinery
import sys

MODULES = ("rich.live", "pip._vendor.rich.live")


class Finder:
    """Finds these modules where they are, and has them loaded by Loader."""

    @staticmethod
    def find_spec(name, path, _target=None):
        """See importlib.abc.MetaPathFinder."""
        spec = importlib.machinery.PathFinder.find_spec(name, path) if name in MODULES else None
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = Loader(name, spec.loader.path)
        return spec


class Loader(importlib.machinery.SourceFileLoader):
    """Loads one, and changes what is meant when nothing is said."""

    def exec_module(self, module):
        """See importlib.abc.Loader."""
        super().exec_module(module)
        begin = module.Live.__init__

        def begin_still(self, *arguments, **options):
            begin(self, *arguments, **options | {"auto_refresh": False})

        module.Live.__init__ = begin_still


sys.meta_path.insert(sys.meta_path.index(importlib.machinery.PathFinder), Finder)
