"""
How one command of VMs is built from its project's sources, as its commands/NAME/command.toml says.

Nothing is configured: commands/NAME/facts.json holds what configure found (build/facts.py), and make does the rest with zig's
clang. A command.toml says:

    summary, version, licence       the licence as SPDX has it
    licence_file                    its text, in the source; or a list of them, where it carries parts of others
    [source]  package, archive, sha256       see build/sources.py; what is in commands/NAME/src is added to it, or all there is;
                                             its Makefile.in are made to makefiles as the source's are
    [[parts]]                       sources of others that are built into it, such as a library: each with a version, licence,
                                    licence_file, package, archive and sha256 as above, and
      folder                        where in the source it is unpacked
    [build]
      fork              as build/posix_programs.py has it: none, exec, full
      casts             functions are called through pointers of other types
      through_pointers  with fork = "full": see build/posix_programs.py
      stack_mib         as much stack, for programs that call themselves often; the default is STACK_BYTES there
      configure         further options of configure, for build/facts.py
      flags             further options of the compiler
      first             what make makes before all else, one after another: "folder: targets", or "folder: BUILT_SOURCES"
      variables         of make
      patches           edits: [file, old text, new text], each with its reason in a comment
    [programs.NAME]     target: what make makes; names: under which it is found in /usr/bin
    [files]             data files of the base system: their path in VMs = what make makes, or the source has: a file, or a
                        folder with all that is in it; who can execute one can execute it there
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import tomllib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import posix_programs as posix
from components import WASM_TOOLS
from data_files import write_data
from facts import Facts, Tools, apply
from freshness import fingerprint
from sources import Archive, extract
from toolchain import AGENTS, ROOT, WIT, BuildError, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FOLDER = ROOT / "commands"
SCRIPTS = Path(__file__).resolve().parent
BUILT = "built.mk"
MIB = 1024 * 1024
LIBTOOL = """\
mode= output= next=
for word; do
    shift
    case $next in
        nothing) next=; continue;;
        output) output=$word next=;;
    esac
    case $word in
        --mode=*) mode=${{word#*=}}; continue;;
        --tag=*|--silent|-no-undefined|-static) continue;;
        -rpath|-version-info) next=nothing; continue;;
        -o) next=output;;
    esac
    set -- "$@" "$word"
done
case $mode:$output in
    link:*.la) ;;
    *) exec "$@";;
esac
for word; do
    shift
    case $word in "$output") ;; *.o|*.lo) set -- "$@" "$word";; esac
done
rm -f "$output"
exec {archiver} rcs "$output" "$@\""""
"""What makefiles call as libtool: its objects are objects, and its libraries archives, by the names that it has for them."""
MAKE_TIMEOUT_S = 3600
"""Seconds: the largest takes 45 s of CPU."""


@attrs.frozen
class Program:
    """One component."""

    name: str
    target: str
    """What make makes: a path in the build's folder."""
    names: tuple[str, ...]
    """Its names in /usr/bin."""


@attrs.frozen
class Part:
    """What a command is built with that another project has released."""

    folder: str
    """Where it is in the command's source."""
    version: str
    licence: str
    licence_file: str
    """Its text, in the part's source."""
    archive: Archive

    @property
    def name(self) -> str:
        """As its package is called."""
        return self.archive.package


@attrs.frozen
class Command:
    """What a command.toml says."""

    folder: Path
    summary: str
    version: str
    licence: str
    licence_files: tuple[str, ...]
    archive: Archive | None
    """None: the source is in its folder."""
    parts: tuple[Part, ...]
    fork: posix.Fork
    casts: bool
    through_pointers: tuple[str, ...] | None
    stack: int
    """Bytes."""
    configure: tuple[str, ...]
    flags: tuple[str, ...]
    first: tuple[str, ...]
    variables: tuple[str, ...]
    patches: tuple[tuple[str, str, str], ...]
    programs: tuple[Program, ...]
    files: tuple[tuple[str, str], ...]
    """Of data: a path in VMs, and one in the build's folder or the source's."""

    @property
    def name(self) -> str:
        """Of its folder."""
        return self.folder.name

    @property
    def own_source(self) -> Path:
        """Where the source is of one without an archive, and what is added to that of others."""
        return self.folder / "src"

    @property
    def own_makefiles(self) -> tuple[str, ...]:
        """Those that are added to another's source."""
        found = sorted(self.own_source.rglob("Makefile.in")) if self.archive else []
        return tuple(str(path.relative_to(self.own_source).with_suffix("")) for path in found)

    @property
    def fingerprint(self) -> str:
        """Of all that its components are made of."""
        scripts = [SCRIPTS / name for name in ("command.py", "facts.py", "posix_programs.py")]
        if self.own_makefiles:
            scripts += [SCRIPTS / name for name in ("image.py", "run_here.py")]
        if self.files:
            scripts.append(SCRIPTS / "data_files.py")
        binaryen = AGENTS / "package-lock.json"
        facts = self.folder / "facts.json"
        targets = [(program.name, program.target) for program in self.programs]
        how = (
            self.archive.sha256 if self.archive else None,
            self.parts,
            self.licence_files,
            self.fork,
            self.casts,
            self.through_pointers,
            self.stack,
            self.flags,
            self.first,
            self.variables,
            self.patches,
            self.files,
        )
        return fingerprint(
            [*(path for path in (facts, self.own_source) if path.exists()), *scripts, posix.SDK, WIT, binaryen],
            repr(how),
            repr(targets),
            posix.ZIGLANG,
            WASM_TOOLS,
        )


def read_command(path: Path) -> Command:
    """Reads a command.toml. Raises BuildError."""
    with path.open("rb") as file:
        content: dict[str, Any] = tomllib.load(file)
    build = content.get("build", {})
    try:
        return Command(
            path.parent,
            content["summary"],
            content["version"],
            content["licence"],
            (content["licence_file"],) if isinstance(content["licence_file"], str) else tuple(content["licence_file"]),
            _archive(content["source"]) if "source" in content else None,
            tuple(map(_part, content.get("parts", ()))),
            build.get("fork", "none"),
            build.get("casts", False),
            tuple(build["through_pointers"]) if "through_pointers" in build else None,
            build["stack_mib"] * MIB if "stack_mib" in build else posix.STACK_BYTES,
            tuple(build.get("configure", ())),
            tuple(build.get("flags", ())),
            tuple(build.get("first", ())),
            tuple(build.get("variables", ())),
            tuple((file, old, new) for file, old, new in build.get("patches", ())),
            tuple(
                Program(name, program["target"], tuple(program.get("names", (name,))))
                for name, program in content["programs"].items()
            ),
            tuple(content.get("files", {}).items()),
        )
    except (KeyError, ValueError) as error:
        msg = f"{path}: {error} is missing or wrong"
        raise BuildError(msg) from error


def _archive(source: dict[str, str]) -> Archive:
    return Archive(source["package"], source["archive"], source["sha256"])


def _part(part: dict[str, str]) -> Part:
    return Part(part["folder"], part["version"], part["licence"], part["licence_file"], _archive(part))


def archives_of(commands: Iterable[Command]) -> list[Archive]:
    """What they are made of that is not in this checkout, each once."""
    found = []
    for command in commands:
        found += [command.archive] if command.archive else []
        found += [part.archive for part in command.parts]
    return list(dict.fromkeys(found))


def read_commands(names: Iterable[str] = ()) -> list[Command]:
    """All commands, or those that are named, in the order of their names. Raises BuildError."""
    chosen = set(names)
    found = [read_command(path) for path in sorted(FOLDER.glob("*/command.toml"))]
    if unknown := chosen - {command.name for command in found}:
        msg = f"no such command: {', '.join(sorted(unknown))}"
        raise BuildError(msg)
    return [command for command in found if not chosen or command.name in chosen]


def unpack(command: Command, folder: Path) -> Path:
    """The command's source tree with its parts, patched, in `folder`. Raises BuildError."""
    if command.archive is None:
        source = folder / "source" / command.name
        shutil.copytree(command.own_source, source)
    else:
        source = extract(command.archive, folder / "source")
        if command.own_source.exists():
            shutil.copytree(command.own_source, source, dirs_exist_ok=True)
    for number, part in enumerate(command.parts):
        place = source / part.folder
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():  # such as a submodule's empty folder
            place.rmdir()
        extract(part.archive, folder / f"part-{number}").rename(place)
    for name, old, new in command.patches:
        text = (source / name).read_text(errors="surrogateescape")
        if old not in text:
            msg = f"{command.name}: {name} has not got the text that a patch is to replace: {old}"
            raise BuildError(msg)
        (source / name).write_text(text.replace(old, new), errors="surrogateescape")
    return source


def write_tools(command: Command, folder: Path) -> Tools:
    """Scripts that makefiles and configure call as compiler and archiver; what the compiler links is a core module."""
    folder.mkdir(parents=True, exist_ok=True)
    compiler = [*posix.compiler(command.fork), "-w"]  # their warnings are their projects'
    before, after = posix.linker(command.fork, command.stack)
    script = f"""#!/bin/sh
# Compiles as it is told; links what it is told into a core module.
output=a.out objects= flags= sources= linking=yes
for word; do
    case $word in -c|-E|-S|-M|-MM|-V|-v|-version|--version|-qversion|-print-*|-dump*) linking=;; esac
done
if [ -z "$linking" ]; then exec {_quoted(compiler)} {_quoted(command.flags)} "$@"; fi
temporary=$(mktemp -d) || exit 1
trap 'rm -rf "$temporary"' EXIT
next= number=0
for word; do
    case $next in
        output) output=$word next=; continue;;
        flag) flags="$flags '$word'" next=; continue;;
    esac
    case $word in
        -o) next=output;;
        -I|-D|-U|-include|-isystem|-idirafter|-MF|-MT|-x) flags="$flags $word" next=flag;;
        -lm|-lc|-ldl|-lpthread|-lrt|-lutil|-lcrypt|-ltermcap|-Wl,*|-static|-shared|-rdynamic|-pthread|-s) ;;
        *.c) number=$((number + 1)); sources="$sources '$word'";;
        *.o|*.lo|*.a|*.la|-l*|-L*) objects="$objects '$word'";;
        *) flags="$flags '$word'";;
    esac
done
eval "set -- $sources"
number=0
for source; do
    number=$((number + 1))
    eval "{_quoted(compiler)} {_quoted(command.flags)} $flags -c \\"\\$source\\" -o '$temporary/$number.o'" || exit 1
    objects="$objects '$temporary/$number.o'"
done
eval "{_quoted(before)} $objects {_quoted(after)} -o '$output'"
"""
    tools = Tools(str(folder / "cc"), str(folder / "ar"), str(folder / "libtool"))
    archiver = f'#!/bin/sh\nexec {_quoted([posix.zig(), "ar"])} "$@"\n'
    libtool = f"#!/bin/sh\n{LIBTOOL.format(archiver=tools.archiver)}\n"
    for path, text in ((tools.compiler, script), (tools.archiver, archiver), (tools.libtool, libtool)):
        Path(path).write_text(text)
        Path(path).chmod(0o755)
    return tools


def _quoted(words: Sequence[str | Path]) -> str:
    return " ".join(f"'{word}'" for word in words)


def build(command: Command, output: Path) -> None:
    """Builds the command's components into the folder `output`, which is made. Raises BuildError."""
    with tempfile.TemporaryDirectory(prefix=f"torpor-{command.name}-") as temporary:
        source = unpack(command, Path(temporary))
        tools = write_tools(command, Path(temporary) / "tools")
        place = Path(temporary) / "build"
        place.mkdir()
        facts = command.folder / "facts.json"
        if facts.exists():
            for folder in (path for path in source.rglob("*") if path.is_dir()):
                (place / folder.relative_to(source)).mkdir(parents=True, exist_ok=True)
            found = Facts.read(facts)
            apply(attrs.evolve(found, makefiles=(*found.makefiles, *command.own_makefiles)), source, place, tools)
        else:  # its makefile needs none
            shutil.copytree(source, place, dirs_exist_ok=True)
        make = partial(_make, command, place, tools)
        for line in command.first:
            where, _, targets = line.partition(":")
            make(where.strip(), targets.split())
        for program in command.programs:
            target = Path(program.target)
            inner = target.parent if (place / target.parent / "Makefile").exists() else Path()
            make(str(inner), [str(target.relative_to(inner))])
        made = [(path, name, place / name) for path, name in command.files]
        for _, name, path in made:
            if not path.exists() and not (source / name).exists():
                inner = path.parent if (path.parent / "Makefile").exists() else place
                make(str(inner.relative_to(place)), [str(path.relative_to(inner))])
        output.mkdir()
        write_data({path: there if there.exists() else source / name for path, name, there in made}, output)
        for program in command.programs:
            posix.make_component(
                place / program.target,
                output / f"{program.name}.wasm",
                fork=command.fork,
                casts=command.casts,
                through_pointers=command.through_pointers,
            )
        texts = [(source / name).read_text(errors="surrogateescape") for name in command.licence_files]
        (output / "LICENCE").write_text("\n".join(texts), errors="surrogateescape")
        for part in command.parts:
            shutil.copyfile(source / part.folder / part.licence_file, output / f"LICENCE-{part.name}")


def _make(command: Command, place: Path, tools: Tools, folder: str, targets: Sequence[str]) -> None:
    jobs = os.cpu_count() or 1
    # Automake's list of headers that must be there before anything is compiled: no target names them all.
    (place / folder / BUILT).write_text("include Makefile\nBUILT_SOURCES: $(BUILT_SOURCES)\n")
    variables = [f"CC={tools.compiler}", f"AR={tools.archiver}", "RANLIB=:", "CFLAGS=-O2"]
    variables += [
        f"LIBTOOL={tools.libtool}",
        f"RUN_HERE={sys.executable} {SCRIPTS / 'run_here.py'}",
        *command.variables,
    ]
    run(
        [
            "make",
            "--silent",
            f"--jobs={jobs}",
            f"--directory={place / folder}",
            f"--file={BUILT}",
            *variables,
            *targets,
        ],
        timeout=MAKE_TIMEOUT_S,
    )
