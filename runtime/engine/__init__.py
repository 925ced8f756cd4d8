"""wasmtime under trio: components are compiled once, guests are fibers, host functions are plain Python.

A component becomes a program:

    engine      the face: configuration, components loaded, guests started
    component/  a component's bytes to the plan by which its core modules are instantiated
    linking     the plan to a recipe
    recipe      how guests are made, as plain data that is kept beside the machine code
    program     recipe and machine code: what guests are started from
    artefacts   both, as they are kept in
    cache       the files of compiled components
    compiling   who waits for which component, and whose turn it is
    workshop    the compiler's process, for those who have something compiled
    order       what is said between the two
    workbench   the inside of the compiler's process

A program becomes a guest:

    guest       one running component: a fiber that trio drives
    boundary    what crosses between a guest and the host, and where a call stands
    callbacks   where wasm enters Python: waiting, resources
    crossings   calls between the components of one guest
    current     which guest a thread is running
    lines       queues that are fair between VMs, and who pays for the loop's time
    turns       the loop and workers shared between VMs, and between the guests of each
    limits      memory, tables and fuel of a guest
    image       a guest's memory as another's beginning: what fork needs
    pages       which pages of a memory are its guest's own

Between host functions and wasm:

    interface   how host functions are written
    abi/        WIT values to and from the memory of guests
    glue        small modules of wasm that do what a host function cannot
    native      wasmtime's C API, and the only module that touches it
    features    what of WebAssembly guests may use
    errors      what can be wrong with a component before it runs
"""

from runtime.engine.boundary import Exit
from runtime.engine.cache import ArtefactCache, CacheDirectoryError, default_cache_directory, open_cache
from runtime.engine.engine import COMPONENT_MAGIC, Engine
from runtime.engine.errors import ComponentError, InvalidComponentError, UnsupportedComponentError
from runtime.engine.guest import Guest
from runtime.engine.image import Image
from runtime.engine.interface import Err, GuestExit, GuestTrap, HostInterface, Ok, Resource, Wait, WitError
from runtime.engine.limits import Limits
from runtime.engine.program import Program
from runtime.engine.turns import Share

__all__ = [
    "COMPONENT_MAGIC",
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
    "Image",
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
