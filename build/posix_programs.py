"""
Builds C programs that are POSIX processes: components that import `torpor:posix/sys`, and for HTTP what `agents/wit/worlds.wit`
says, and nothing else (docs/programs.md).

    python build/posix_programs.py [--fork none|exec|full] OUTPUT SOURCE...

The library is agents/sdk/c, over the wasi-libc that zig carries: its objects come first, so that libc's own calls of preview 1
are never linked. `fork` says how a program forks:

    none   not at all: fork fails with ENOSYS. posix_spawn, popen and system work.
    exec   for children that become another program or end: a child goes on in its parent's place, and the parent stands still
           until then. It may do anything before, but not return from the function that has called fork.
    full   as POSIX says, by Asyncify: the functions that can reach fork become larger and slower. vfork is as with exec.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from components import WASM_TOOLS, installed_node
from freshness import build_if_stale, fingerprint
from sources import cache_folder
from toolchain import AGENTS, NODE_MODULES, WIT, BuildError, python_tool, run

if TYPE_CHECKING:
    from collections.abc import Sequence

Fork = Literal["none", "exec", "full"]

ZIGLANG = "ziglang==0.17.1"
WORLD = "posix"
SDK = AGENTS / "sdk" / "c"
LIBRARIES = SDK / "dist"
LIBC = ("libc.a", "libzigc.a", "libcompiler_rt.a")
LIBC_TIMEOUT_S = 1800  # 50 s on two cores that do nothing else
SCRIPTS = Path(__file__).resolve().parent
# As much stack as a program on Linux touches in practice; fork copies only what of it is in use.
STACK_BYTES = 1024 * 1024
CLANG_TARGET = "wasm32-wasip1"
# libc's headers refuse to be included without these; what they stand for is in the library here.
EMULATED = ("SIGNAL", "MMAN", "PROCESS_CLOCKS", "GETPID")
FEATURES = ("-mbulk-memory", "-msign-ext", "-mnontrapping-fptoint", "-mmutable-globals")
DEFINES: dict[Fork, tuple[str, ...]] = {
    "none": (),
    "exec": ("-DPOSIX_FORK_IN_PLACE", "-DPOSIX_FORK_EXEC"),
    "full": ("-DPOSIX_FORK_IN_PLACE", "-DPOSIX_FORK_FULL"),
}
# Files of libc's that are compiled anew, because the library's headers have other sizes and numbers: the buffers of streams and
# the types of directories' entries.
LIBC_SOURCES = ("stdio/stdin.c", "stdio/stdout.c", "stdio/__fdopen.c", "regex/glob.c")
# Files of musl's that wasi-libc leaves out.
MUSL_SOURCES = ("misc/mntent.c",)
# What libc's own sources are given besides.
LIBC_FLAGS = (
    "-D_XOPEN_SOURCE=700",
    "-D_BSD_SOURCE",
    "-w",
    "-Dhidden=",
    "-Dweak_alias(old,new)=extern __typeof(old) new __attribute__((__weak__, __alias__(#old)))",
)
# Cannot be replaced by a definition that comes first: zig's libc has it in one object with strlen.
WRAPPED = ("uname",)
# Objects of the library that are linked before all others, and what they are compiled with besides: where a program starts, and
# what must not become a call of itself.
FIRST: dict[str, tuple[str, ...]] = {"start": (), "strings": ("-O2", "-fno-builtin")}
# What runs while nothing of the program is on the stack, and what calls signal handlers: all that makes a host call reaches the
# latter, and would have to be instrumented (fork in a handler fails instead).
NOT_UNWOUND = ("posix_run", "posix_child", "posix_deliver", "posix_fork_parent", "posix_fork_child")
BINARYEN_FEATURES = (
    "--enable-exception-handling",
    "--enable-simd",
    "--enable-reference-types",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-sign-ext",
    "--enable-nontrapping-float-to-int",
    "--enable-mutable-globals",
    "--enable-multivalue",
    "--enable-extended-const",
)


def compile_c(
    sources: Sequence[Path],
    output: Path,
    *,
    fork: Fork = "none",
    flags: Sequence[str] = (),
    through_pointers: Sequence[str] | None = None,
) -> None:
    """
    Compiles C sources into a component at `output`. `flags` are the compiler's, after the ones that are always given.
    `through_pointers`: see `link`. Raises BuildError.
    """
    with tempfile.TemporaryDirectory(prefix="torpor-posix-") as folder:
        objects = [Path(folder) / f"{number}-{source.stem}.o" for number, source in enumerate(sources)]
        for source, compiled in zip(sources, objects, strict=True):
            compile_object(source, compiled, fork=fork, flags=flags)
        link(objects, output, fork=fork, through_pointers=through_pointers)


def compile_object(source: Path, output: Path, *, fork: Fork = "none", flags: Sequence[str] = ()) -> None:
    """Compiles one source into an object. Raises BuildError."""
    run([*compiler(fork), "-std=gnu17", "-Os", *flags, "-c", source, "-o", output])


def compiler(fork: Fork = "none") -> list[str | Path]:
    """The compiler's command with what every object of such a program is compiled with; without a standard and optimization."""
    lib = zig().parent / "lib"
    headers = [
        SDK / "include",
        lib / "include",
        *(lib / "libc" / "include" / kind for kind in ("wasm-wasi-musl", "generic-musl")),
    ]
    # Asyncify knows only the old exceptions, which wasm-opt then translates; the engine takes only the new ones.
    legacy = "true" if fork == "full" else "false"
    return [
        zig(),
        "clang",
        f"--target={CLANG_TARGET}",
        "-nostdlibinc",
        *(word for header in headers for word in ("-isystem", str(header))),
        *(f"-D_WASI_EMULATED_{what}" for what in EMULATED),
        *DEFINES[fork],
        *FEATURES,
        "-mexception-handling",
        *("-mllvm", "-wasm-enable-sjlj", "-mllvm", f"-wasm-use-legacy-eh={legacy}"),
    ]


def link(
    objects: Sequence[Path],
    output: Path,
    *,
    fork: Fork = "none",
    casts: bool = False,
    through_pointers: Sequence[str] | None = None,
) -> None:
    """
    Links objects and the library into a component.

    `casts`: the program calls functions through pointers of other types, which wasm does not allow. `through_pointers`: with
    "full", the functions that can reach fork by calling through a pointer; None: any may, and all that call so grow.
    Raises BuildError.
    """
    with tempfile.TemporaryDirectory(prefix="torpor-posix-") as folder:
        core = Path(folder) / "linked.wasm"
        before, after = linker(fork)
        run([*before, *objects, *after, "-o", core])
        make_component(core, output, fork=fork, casts=casts, through_pointers=through_pointers)


def linker(fork: Fork, stack: int = STACK_BYTES) -> tuple[list[str | Path], list[str | Path]]:
    """The linker's command for a core module with names, before and after the program's objects. Raises BuildError."""
    first, library = build_library(fork)
    options = ["--no-entry", "--export-memory", "-z", f"stack-size={stack}", "--stack-first", "--gc-sections"]
    wraps = [f"--wrap={name}" for name in WRAPPED]
    return [zig(), "wasm-ld", *options, *wraps, *first], [library, *libc()]


def make_component(
    core: Path,
    output: Path,
    *,
    fork: Fork = "none",
    casts: bool = False,
    through_pointers: Sequence[str] | None = None,
) -> None:
    """Makes a component of a core module with names, as `link` says. Raises BuildError."""
    wasm_tools = python_tool("wasm-tools", WASM_TOOLS)
    with tempfile.TemporaryDirectory(prefix="torpor-posix-") as folder:
        for number, passes in enumerate(transformations(fork, casts=casts, through_pointers=through_pointers)):
            changed = Path(folder) / f"{number}.wasm"
            installed_node().run(
                [NODE_MODULES / "binaryen" / "bin" / "wasm-opt", *BINARYEN_FEATURES, core, *passes, "-o", changed]
            )
            core = changed
        stripped = Path(folder) / "stripped.wasm"
        run([wasm_tools, "strip", core, "-o", stripped])
        run([wasm_tools, "component", "embed", WIT, "--world", WORLD, stripped, "-o", stripped])
        run([wasm_tools, "component", "new", stripped, "-o", output])


def transformations(fork: Fork, *, casts: bool, through_pointers: Sequence[str] | None) -> list[list[str]]:
    """What wasm-opt is to do, one list for each run."""
    runs = [["--fpcast-emu", "-g"]] if casts else []
    if fork == "full":
        unwinding = [
            f"asyncify-removelist@{','.join(NOT_UNWOUND)}",
            "asyncify-ignore-imports",
            "asyncify-ignore-unwind-from-catch",
        ]
        if through_pointers is not None:
            unwinding.append("asyncify-ignore-indirect")
        if through_pointers:
            unwinding += [f"asyncify-addlist@{','.join(through_pointers)}", "asyncify-propagate-addlist"]
        runs += [["--asyncify", *(f"--pass-arg={argument}" for argument in unwinding), "-O1", "-g"], ["--emit-exnref"]]
    return runs


def build_library(fork: Fork) -> tuple[list[Path], Path]:
    """The objects that come first in a program, and the archive of all others; built if need be. Raises BuildError."""
    inputs = [SDK, SCRIPTS / "posix_programs.py"]
    first, archive = {LIBRARIES / f"{fork}-{name}.o": name for name in FIRST}, LIBRARIES / f"{fork}.a"
    wanted = fingerprint(inputs, ZIGLANG)
    # The compiler would make a call of calloc of what calloc is here: malloc and memset.
    strict = ("-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fno-builtin-malloc", "-fno-builtin-calloc")
    for output, name in first.items():
        flags = (*strict, *FIRST[name])
        build_if_stale(output, wanted, partial(compile_object, SDK / f"{name}.c", fork=fork, flags=flags))
    build_if_stale(archive, wanted, partial(build_archive, fork=fork, flags=strict))
    return [*first], archive


def build_archive(output: Path, *, fork: Fork, flags: Sequence[str]) -> None:
    """All of the library but what comes first. Raises BuildError."""
    libc_folder = zig().parent / "lib" / "libc" / "wasi" / "libc-top-half" / "musl" / "src"
    musl = zig().parent / "lib" / "libc" / "musl" / "src"
    of_libc = (*LIBC_FLAGS, f"-I{libc_folder / 'internal'}")
    with tempfile.TemporaryDirectory(prefix="torpor-posix-") as folder:
        objects = []
        own = [source for pattern in ("*.c", "*.s") for source in sorted(SDK.glob(pattern)) if source.stem not in FIRST]
        foreign = [*(libc_folder / one for one in LIBC_SOURCES), *(musl / one for one in MUSL_SOURCES)]
        for source, how in [*((one, flags) for one in own), *((one, of_libc) for one in foreign)]:
            objects.append(Path(folder) / f"{source.stem}.o")
            compile_object(source, objects[-1], fork=fork, flags=how if source.suffix == ".c" else ())
        output.unlink(missing_ok=True)  # ar would add to it
        run([zig(), "ar", "rcs", output, *objects])


@cache
def zig() -> Path:
    """The zig of PyPI's package, which is clang, wasm-ld and ar in one. Raises BuildError."""
    spec = find_spec("ziglang")
    if spec is None or spec.origin is None:
        msg = f"ziglang is missing; install it: {sys.executable} -m pip install {ZIGLANG} (all such tools: '.[guests]')"
        raise BuildError(msg)
    return Path(spec.origin).parent / "zig"


def libc() -> tuple[Path, ...]:
    """The archives of zig's wasi-libc and of its compiler's runtime, in the order that they are linked. Raises BuildError."""
    folder = cache_folder() / ZIGLANG.replace("==", "-") / "wasi-libc"
    build_if_stale(folder, fingerprint([], ZIGLANG), copy_libc)
    return tuple(folder / name for name in LIBC)


def copy_libc(output: Path) -> None:
    """
    Copies the archives into the folder `output`, which is made. zig builds them when it first links a program, and says where
    it keeps them when it links one. It knows them again only by the folder that it is in, and builds them anew, for a minute
    and more, when another copy of it has done so meanwhile. Raises BuildError.
    """
    with tempfile.TemporaryDirectory(prefix="torpor-posix-") as folder:
        source, program = Path(folder) / "empty.c", Path(folder) / "empty.wasm"
        source.write_text("int main(void) { return 0; }\n")
        said = run(
            [zig(), "cc", "--target=wasm32-wasi", "-Os", source, "-o", program],
            environment={**os.environ, "ZIG_VERBOSE_LINK": "1"},
            timeout=LIBC_TIMEOUT_S,
        )
    found = {Path(word).name: Path(word) for word in said.split() if word.endswith(LIBC)}
    if found.keys() != set(LIBC):
        msg = f"zig does not say where its libc is:\n{said}"
        raise BuildError(msg)
    output.mkdir()
    for path in found.values():
        shutil.copyfile(path, output / path.name)


def main(arguments: list[str]) -> int:
    """Runs the command line; the exit code."""
    parser = argparse.ArgumentParser(description="Builds a C program that is a POSIX process.")
    parser.add_argument("output", type=Path, metavar="OUTPUT", help="the component")
    parser.add_argument("sources", type=Path, metavar="SOURCE", nargs="+", help="C files")
    parser.add_argument("--fork", choices=get_args(Fork), default="none", help="how the program forks (default: none)")
    options = parser.parse_args(arguments)
    try:
        compile_c(options.sources, options.output, fork=options.fork)
    except BuildError as error:
        print(f"build/posix_programs.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
