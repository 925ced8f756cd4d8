"""
What `configure` finds out about the machine that commands/ are built for, kept as a file, so that nobody has to run it again.

    python build/facts.py NAME     # runs the configure script of commands/NAME, some ten seconds, and writes its facts.json

The facts are of one machine for all: wasm32 with the library of agents/sdk/c. `apply` makes of them what configure would
have made of the source's templates: config.h and the makefiles.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
from toolchain import BuildError, run, say

if TYPE_CHECKING:
    from collections.abc import Mapping

# Of these makefiles' variables each build has its own.
_HERE: Final = re.compile(
    r"(ac_ct_)?(CC|AR|RANLIB|CPP|CXX|STRIP)|(abs_)?(top_)?(srcdir|builddir)|top_build_prefix|install_sh|MKDIR_P|SHELL|"
    r"(CC|CPP|LD)FLAGS_FOR_BUILD|CC_FOR_BUILD|BUILD_CC|.*_HOST"
)
_SUBSTITUTION: Final = re.compile(r'^S\["(\w+)"\]="((?:[^"\\]|\\.)*)"', re.MULTILINE | re.DOTALL)
_DEFINITION: Final = re.compile(r'^D\["(\w+)"\]="((?:[^"\\]|\\.)*)"', re.MULTILINE | re.DOTALL)
_UNDEF: Final = re.compile(r"^#([ \t]*)undef[ \t]+(\w+)(\([^)\n]*\))?.*$", re.MULTILINE)
_VARIABLE: Final = re.compile(r"@(\w+)@")
# Tools that would write the makefiles themselves anew, which the facts stand for.
_REGENERATING: Final = re.compile(
    r"^(AUTOCONF|AUTOMAKE|ACLOCAL|AUTOHEADER|MAKEINFO|HELP2MAN|PERL)( *)=.*$", re.MULTILINE
)


@attrs.frozen
class Facts:
    """What configure has found."""

    headers: tuple[str, ...]
    """Headers to be made, as `output:template`."""
    makefiles: tuple[str, ...]
    defines: Mapping[str, str]
    """Of the headers: name to value."""
    variables: Mapping[str, str]
    """Of the makefiles: name to value; those that are empty are not kept, see `empty`."""
    empty: tuple[str, ...]

    @staticmethod
    def read(path: Path) -> Facts:
        """From a file."""
        content = json.loads(path.read_text())
        return Facts(
            tuple(content["headers"]),
            tuple(content["makefiles"]),
            content["defines"],
            content["variables"],
            tuple(content["empty"].split()),
        )

    def write(self, path: Path) -> None:
        """To a file, a line each, so that a change shows."""
        content = {**attrs.asdict(self), "empty": " ".join(self.empty)}
        path.write_text(json.dumps(content, indent=0, sort_keys=True) + "\n")


@attrs.frozen
class Tools:
    """The programs that a makefile calls."""

    compiler: str
    archiver: str
    libtool: str


def apply(facts: Facts, source: Path, build: Path, tools: Tools) -> None:
    """Write config.h and the makefiles into `build`, from the templates in `source`."""
    for header in facts.headers:
        output, template = _parts(header, source)
        text = _UNDEF.sub(lambda match: _defined(match, facts.defines), template.read_text(errors="surrogateescape"))
        _write(build / output, text)
        _write((build / output).parent / "stamp-h1", "")
    for name in facts.makefiles:
        output, template = _parts(name, source)
        if not template.exists():
            continue
        values = {**dict.fromkeys(facts.empty, ""), **facts.variables, **_places(source, build, Path(output), tools)}
        text = template.read_text(errors="surrogateescape")
        text = _VARIABLE.sub(lambda match, values=values: values.get(match[1], match[0]), text)  # type: ignore[misc]
        _write(build / output, _REGENERATING.sub(r"\1\2= :", text))
    # Makefiles would have the makefiles made anew by it.
    status = build / "config.status"
    _write(status, "#!/bin/sh\nexit 0\n")
    status.chmod(0o755)


def _parts(name: str, source: Path) -> tuple[str, Path]:
    output, _, template = name.partition(":")
    return output, source / (template.partition(":")[0] or f"{output}.in")


def _defined(match: re.Match[str], defines: Mapping[str, str]) -> str:
    indent, name, parameters = match[1], match[2], match[3] or ""
    return f"#{indent}define {name}{parameters} {defines[name]}".rstrip() if name in defines else f"/* not {name} */"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, errors="surrogateescape")


def _places(source: Path, build: Path, output: Path, tools: Tools) -> dict[str, str]:
    folder = output.parent
    up = os.path.relpath(".", folder)
    return {
        "CC": tools.compiler,
        "CPP": f"{tools.compiler} -E",
        "AR": tools.archiver,
        "RANLIB": ":",
        "STRIP": ":",
        "CC_FOR_BUILD": "cc",
        "CCFLAGS_FOR_BUILD": "",
        "LDFLAGS_FOR_BUILD": "",
        "BUILD_DIR": str(build),  # bash's own name for it
        "PURIFY": "",
        "INSTALL": "install -c",
        "srcdir": str(source / folder),
        "abs_srcdir": str(source / folder),
        "top_srcdir": str(source),
        "abs_top_srcdir": str(source),
        "builddir": ".",
        "abs_builddir": str(build / folder),
        "top_builddir": up,
        "abs_top_builddir": str(build),
        "top_build_prefix": "" if up == "." else f"{up}/",
        "install_sh": str(source / "build-aux" / "install-sh"),
        "MKDIR_P": "mkdir -p",
        "SHELL": "/bin/sh",
    }


def found_by(status: Path, folder: Path) -> Facts:
    """What the `config.status` of a configured tree holds, but for paths in `folder`. Raises BuildError."""
    text = status.read_text(errors="surrogateescape")
    variables = {name: _plain(value) for name, value in _SUBSTITUTION.findall(text.replace('"\\\n"', ""))}
    defines = {name: _plain(value).strip() for name, value in _DEFINITION.findall(text.replace("\\\n", ""))}
    kept = {
        name: value
        for name, value in variables.items()
        if value and not _HERE.fullmatch(name) and str(folder) not in value
    }
    empty = sorted(name for name, value in variables.items() if not value)
    makefiles = [
        name for name in _list(text, "config_files") if Path(name.partition(":")[0]).name.startswith("Makefile")
    ]
    return Facts(tuple(_list(text, "config_headers")), tuple(makefiles), defines, kept, tuple(empty))


def _list(text: str, name: str) -> list[str]:
    match = re.search(rf'^{name}="([^"]*)"', text, re.MULTILINE)
    return match[1].split() if match else []


def _plain(value: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], value, flags=re.DOTALL)


def main(arguments: list[str]) -> int:
    """Runs the command line; the exit code."""
    from command import FOLDER, read_command, unpack, write_tools  # noqa: PLC0415 - which imports this module

    try:
        for name in arguments:
            command = read_command(FOLDER / name / "command.toml")
            with tempfile.TemporaryDirectory(prefix="torpor-facts-") as folder:
                source = unpack(command, Path(folder))
                tools = write_tools(command, Path(folder) / "tools")
                build = Path(folder) / "build"
                build.mkdir()
                environment = {
                    **os.environ,
                    "CC": tools.compiler,
                    "AR": tools.archiver,
                    "RANLIB": ":",
                    "CC_FOR_BUILD": "cc",
                    "FORCE_UNSAFE_CONFIGURE": "1",
                    "CONFIG_SITE": str(FOLDER / "config.site"),
                }
                # A 32-bit Linux with musl: what configure guesses for it, since it cannot run programs, is right here, too.
                run(
                    [
                        source / "configure",
                        "--host=i686-pc-linux-musl",
                        "--build=x86_64-pc-linux-gnu",
                        "--no-create",  # but for what it found
                        "--prefix=/usr",
                        "--disable-nls",
                        "--disable-dependency-tracking",
                        *command.configure,
                    ],
                    cwd=build,
                    environment=environment,
                    timeout=1800,
                )
                found_by(build / "config.status", Path(folder)).write(FOLDER / name / "facts.json")
                say(f"{name}: {FOLDER / name / 'facts.json'}")
    except BuildError as error:
        print(f"build/facts.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
