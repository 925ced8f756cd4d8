"""Compile the built agents into the component cache, so that no session's start ever waits for the compiler."""

from __future__ import annotations

import sys
import time

from runtime.engine import ArtefactCache, default_cache_directory
from runtime.vms.catalogue import Catalogue, built_in_directory
from runtime.wasi.host import make_engine


def main() -> int:
    """Compile what is not compiled yet, one line each."""
    engine = make_engine(ArtefactCache(default_cache_directory()))
    for agent in Catalogue(built_in_directory()).list():
        if not agent.installed:
            print(f"{agent.id}: not built, skipped", file=sys.stderr)
            continue
        content = agent.component.path.read_bytes()
        if engine.is_cached(content):
            continue
        print(f"{agent.id}: compiling {len(content) / 1e6:.1f} MB to machine code ...", flush=True)
        started = time.monotonic()
        engine.load_bytes(content)
        print(f"{agent.id}: compiled in {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
