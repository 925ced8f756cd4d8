"""
The lock file, requirements.lock: every Python package that is installed here, transitive ones too, each with its hashes.

    python build/lock.py                      # write it; what is pinned and still fits stays
    python build/lock.py --upgrade            # write it with the newest of everything that pyproject.toml leaves open
    python build/lock.py --upgrade-package P  # the same for the package P alone
    python build/lock.py --check              # exit with 1 when it and pyproject.toml disagree; reads these two files only

It holds for every Python that Torpor runs on, and names no registry: pip takes packages from where it is told to, and the
hashes say whether they are the right ones.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from typing import TYPE_CHECKING, Any, Final

import attrs
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from toolchain import ROOT, BuildError, run

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT: Final = ROOT / "pyproject.toml"
LOCK: Final = ROOT / "requirements.lock"
OLDEST_PYTHON: Final = "3.11"

TIMEOUT_S: Final = 600
"""Seconds where the registry's answers are at hand; beyond this it hangs."""

_OURS: Final = "torpor (pyproject.toml)"
"""uv's remark on a pin that the project itself asks for."""

_HASH: Final = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


@attrs.frozen
class Pin:
    """One entry of the lock file. A name has several where Pythons need different versions; their markers tell them apart."""

    name: str
    """As in `canonicalize_name`."""
    version: str
    marker: str
    """Where it is installed, as in PEP 508; empty for everywhere."""
    hashes: tuple[str, ...]
    """`sha256:HEX` of each file of that version."""
    direct: bool
    """Whether pyproject.toml asks for it, not only another package."""
    text: str
    """The entry as pip reads it, with a newline."""


def pins(lock: str) -> tuple[Pin, ...]:
    """The entries of a lock file. Raises BuildError for anything that is not NAME==VERSION with hashes."""
    return tuple(_pin(lines) for lines in _entries(lock))


def _entries(lock: str) -> Iterator[list[str]]:
    lines: list[str] = []
    for line in lock.splitlines():
        if line[:1] not in (" ", "#", "") and lines:
            yield lines
            lines = []
        if line.strip() and (lines or not line.startswith("#")):
            lines.append(line)
    if lines:
        yield lines


def _pin(lines: list[str]) -> Pin:
    said = [line.strip() for line in lines]
    words = [line.removesuffix("\\").strip() for line in said if not line.startswith("#")]
    hashes = tuple(match[1] for word in words[1:] if (match := _HASH.fullmatch(word)))
    try:
        requirement = Requirement(words[0])
    except InvalidRequirement as error:
        msg = f"requirements.lock: no pin: {words[0]}"
        raise BuildError(msg) from error
    specifiers = list(requirement.specifier)
    if requirement.url or len(specifiers) != 1 or specifiers[0].operator != "==":
        msg = f"requirements.lock: not exactly one version: {words[0]}"
        raise BuildError(msg)
    if not hashes or len(hashes) != len(words) - 1:
        msg = f"requirements.lock: {words[0]}: something other than hashes, or none"
        raise BuildError(msg)
    return Pin(
        name=canonicalize_name(requirement.name),
        version=specifiers[0].version,
        marker=str(requirement.marker or ""),
        hashes=hashes,
        direct=any(line.removeprefix("#").removeprefix(" via").strip() == _OURS for line in said[1:]),
        text="".join(f"{line}\n" for line in lines),
    )


def entries_of(name: str) -> str:
    """What the lock file has on this package, as a requirements file of its own. Raises BuildError if it has nothing."""
    found = "".join(pin.text for pin in pins(LOCK.read_text("utf-8")) if pin.name == canonicalize_name(name))
    if not found:
        msg = f"requirements.lock has no {name}: make lock"
        raise BuildError(msg)
    return found


def requirements(project: dict[str, Any]) -> tuple[Requirement, ...]:
    """All that a pyproject.toml asks for: to run, in every extra, and to build itself."""
    table = project["project"]
    texts = [*table["dependencies"], *project["build-system"]["requires"]]
    for extra in table.get("optional-dependencies", {}).values():
        texts += extra
    return tuple(Requirement(text) for text in texts)


def disagreements(project: dict[str, Any], lock: str) -> list[str]:
    """What pyproject.toml asks for and the lock does not have, and the reverse; a line each. Raises BuildError."""
    pinned = pins(lock)
    wanted = {canonicalize_name(each.name) for each in requirements(project)}
    said = []
    for each in requirements(project):
        found = [pin for pin in pinned if pin.name == canonicalize_name(each.name)]
        if not found:
            said.append(f"{each} is not locked")
        said += [f"{each} is asked for, {pin.version} is locked" for pin in found if pin.version not in each.specifier]
    said += [
        f"{pin.name} is locked, and nothing asks for it" for pin in pinned if pin.direct and pin.name not in wanted
    ]
    return list(dict.fromkeys(said))


def write(*upgrades: str) -> None:
    """Makes the lock file anew. Raises BuildError."""
    command = [sys.executable, "-m", "uv", "--quiet", "pip", "compile", "--no-config", "--no-emit-index-url"]
    options = ["--universal", "--python-version", OLDEST_PYTHON, "--all-extras", "--generate-hashes"]
    output = ["--custom-compile-command", "make lock", "--output-file", LOCK.name]
    run([*command, *options, *upgrades, *output, PROJECT.name], timeout=TIMEOUT_S)


def main(arguments: list[str]) -> int:
    """Runs the command line; the exit code."""
    parser = argparse.ArgumentParser(description="Writes requirements.lock.")
    parser.add_argument("--check", action="store_true", help="only say whether it agrees with pyproject.toml")
    parser.add_argument("--upgrade", action="store_true", help="take the newest of everything")
    parser.add_argument("--upgrade-package", metavar="NAME", action="append", default=[], help="take the newest NAME")
    options = parser.parse_args(arguments)
    try:
        if not options.check:
            named = [word for name in options.upgrade_package for word in ("--upgrade-package", name)]
            write(*(["--upgrade"] if options.upgrade else []), *named)
        said = disagreements(tomllib.loads(PROJECT.read_text("utf-8")), LOCK.read_text("utf-8"))
    except (BuildError, OSError) as error:
        said = [str(error)]
    for line in said:
        print(f"build/lock.py: {line}", file=sys.stderr)
    if said and options.check:
        print("requirements.lock and pyproject.toml disagree: make lock", file=sys.stderr)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
