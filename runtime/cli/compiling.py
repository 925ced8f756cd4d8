"""`torpor compile`: agents are compiled before anybody waits for it."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from runtime.api.errors import ApiError
from runtime.cli import exits, output
from runtime.engine import CacheDirectoryError, ComponentError, open_cache
from runtime.vms.catalogue import Catalogue, built_in_directory, user_directories
from runtime.wasi.host import make_engine

if TYPE_CHECKING:
    import argparse

    from runtime.engine import Engine


def run(args: argparse.Namespace) -> int:
    """Compile what is not compiled yet; return the exit code, which is that of a failure if one fails."""
    try:
        components = _components(args.agents)
        engine = make_engine(open_cache())
    except (ApiError, CacheDirectoryError) as error:
        output.say(str(error))
        return exits.FAILED
    return trio.run(partial(_compile_all, engine, components, as_json=args.json))


def _components(named: list[str]) -> dict[str, Path]:
    """The files by what they are called; those of all agents that have been built unless some are named. Raises ApiError."""
    catalogue = Catalogue(built_in_directory(), user_directories())
    if not named:
        return {agent.id: agent.component.path for agent in catalogue.list() if agent.installed}
    return {name: Path(name) if "/" in name else catalogue.get(name).component.path for name in named}


async def _compile_all(engine: Engine, components: dict[str, Path], *, as_json: bool) -> int:
    code = exits.OK
    for name, path in components.items():
        try:
            await _compile(engine, name, path, as_json=as_json)
        except (ComponentError, OSError) as error:
            output.say(f"{name}: {error.strerror if isinstance(error, OSError) else error}")
            code = exits.FAILED
    return code


async def _compile(engine: Engine, name: str, path: Path, *, as_json: bool) -> None:
    content = path.read_bytes()  # noqa: ASYNC240 - nothing else is going on
    made = engine.is_cached(content)
    if not (made or as_json):
        sys.stdout.write(output.printable(f"{name}: compiling {len(content) / 1e6:.1f} MB\n"))
        sys.stdout.flush()
    started = time.monotonic()
    await engine.load_content(content)  # unlike load_bytes it can be interrupted
    seconds = time.monotonic() - started
    if as_json:
        output.write_json({"agent": name, "bytes": len(content), "compiled": not made, "seconds": round(seconds, 3)})
    else:
        said = "is compiled already" if made else f"compiled in {seconds:.1f} s"
        sys.stdout.write(output.printable(f"{name}: {said}\n"))
        sys.stdout.flush()
