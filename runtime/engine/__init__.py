"""wasmtime under trio: components are compiled once, guests are fibers, host functions are plain Python."""

from runtime.engine.boundary import Exit
from runtime.engine.cache import ArtefactCache, CacheDirectoryError, default_cache_directory, open_cache
from runtime.engine.engine import Engine
from runtime.engine.errors import ComponentError, InvalidComponentError, UnsupportedComponentError
from runtime.engine.guest import Guest
from runtime.engine.interface import Err, GuestExit, GuestTrap, HostInterface, Ok, Resource, Wait, WitError
from runtime.engine.limits import Limits
from runtime.engine.program import Program
from runtime.engine.turns import Share

__all__ = [
    "ArtefactCache",
    "CacheDirectoryError",
    "ComponentError",
    "Engine",
    "Err",
    "Exit",
    "Guest",
    "GuestExit",
    "GuestTrap",
    "HostInterface",
    "InvalidComponentError",
    "Limits",
    "Ok",
    "Program",
    "Resource",
    "Share",
    "UnsupportedComponentError",
    "Wait",
    "WitError",
    "default_cache_directory",
    "open_cache",
]
