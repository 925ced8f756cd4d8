"""
Holds all pins, Python's and npm's, transitive ones too, against the known advisories.

    python build/advisories.py            # exit with 1 when something is found that build/advisories.toml does not accept

pip-audit and `npm audit` ask their services. Whether these answer or not, the pins are also held against the dated list in
build/advisories.toml: the services know what is published for PyPI and npm, and not the Rust in wasmtime's wheel. A service
that is not reached fails nothing; it is said, and the list is then all there is.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final

import attrs
from lock import LOCK, pins
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version
from toolchain import ROOT, BuildError, find_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

LIST: Final = ROOT / "build" / "advisories.toml"
NPM_LOCKS: Final = ("agents", "clients/inspect", "clients/typescript", "tests/cli/acpx")

TIMEOUT_S: Final = 50
"""Both tools take some seconds where the services answer. CI waits for all of this, once, so it is bounded as a whole."""


@attrs.frozen
class Package:
    """A pinned package."""

    registry: str
    """`pypi` or `npm`."""
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.registry})"


@attrs.frozen
class Finding:
    """An advisory that a pinned package falls under."""

    package: Package
    ids: tuple[str, ...]
    """All names of the advisory, the first one the best known."""
    title: str


@attrs.frozen
class Answer:
    """What a service said."""

    findings: tuple[Finding, ...] = ()
    unreached: str = ""
    """Why nothing, or not everything, was asked; empty when it was."""


@attrs.frozen
class Advisory:
    """An entry of the dated list."""

    ids: tuple[str, ...]
    registry: str
    package: str
    affected: tuple[SpecifierSet, ...]
    """Ranges; a version in any of them is affected."""
    title: str

    def covers(self, package: Package) -> bool:
        """Whether it is about this package; a version that cannot be compared is taken for affected."""
        if (package.registry, package.name) != (self.registry, self.package):
            return False
        try:
            version = Version(package.version)
        except InvalidVersion:
            return True
        return any(each.contains(version, prereleases=True) for each in self.affected)


@attrs.frozen
class Acceptance:
    """A finding that is known, and why it may stay."""

    id: str
    package: str
    reason: str
    until: dt.date
    """The last day on which it counts."""


@attrs.frozen
class DatedList:
    """build/advisories.toml."""

    date: dt.date
    """When somebody last looked for what is new."""
    advisories: tuple[Advisory, ...]
    accepted: tuple[Acceptance, ...]

    def findings(self, packages: Iterable[Package]) -> tuple[Finding, ...]:
        """What of the list these packages fall under."""
        return tuple(
            Finding(package, advisory.ids, advisory.title)
            for package in packages
            for advisory in self.advisories
            if advisory.covers(package)
        )

    def acceptance(self, finding: Finding, today: dt.date) -> Acceptance | None:
        """What lets this finding stay today."""
        for each in self.accepted:
            if each.id in finding.ids and each.package == finding.package.name and today <= each.until:
                return each
        return None


def read_list(text: str) -> DatedList:
    """The list in a file's text. Raises BuildError for one that is not what its head says."""
    try:
        table = tomllib.loads(text)
        advisories = tuple(
            Advisory(
                ids=(each["id"], *each.get("aliases", [])),
                registry=each["registry"],
                package=each["package"],
                affected=tuple(map(SpecifierSet, each["affected"])),
                title=each["title"],
            )
            for each in table["advisory"]
        )
        accepted = tuple(Acceptance(**each) for each in table.get("accepted", []))
        return DatedList(table["date"], advisories, accepted)
    except (KeyError, TypeError, ValueError) as error:
        msg = f"build/advisories.toml: {error!r}"
        raise BuildError(msg) from error


def locked_in_python(lock: str) -> tuple[Package, ...]:
    """The packages of requirements.lock. Raises BuildError."""
    return tuple(Package("pypi", pin.name, pin.version) for pin in pins(lock))


def locked_in_npm(lock: str) -> dict[str, Package]:
    """The packages of a package-lock.json (lockfileVersion 2 or 3), by the folders that they are installed in."""
    return {
        path: Package("npm", entry.get("name") or path.rpartition("node_modules/")[2], entry["version"])
        for path, entry in json.loads(lock)["packages"].items()
        if "node_modules/" in path and "version" in entry
    }


def read_pip_audit(output: str) -> Answer:
    """What `pip-audit --format json` printed. It takes a package that the service does not tell of for harmless: we do not."""
    try:
        dependencies = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Answer(unreached=_gist(output))
    findings = tuple(
        Finding(
            Package("pypi", each["name"], each["version"]),
            (vulnerability["id"], *vulnerability.get("aliases", [])),
            _gist(vulnerability.get("description", "")),
        )
        for each in dependencies
        for vulnerability in each.get("vulns", [])
    )
    skipped = [each for each in dependencies if "skip_reason" in each]
    if not skipped and dependencies:
        return Answer(findings)
    return Answer(findings, f"no answer for {len(skipped)} of {len(dependencies)} packages")


def read_npm_audit(output: str, packages: Mapping[str, Package]) -> Answer:
    """What `npm audit --json` printed on a lock file with these packages (`locked_in_npm`)."""
    try:
        table = json.loads(output)
        found = table["vulnerabilities"]
    except (ValueError, KeyError, TypeError):
        return Answer(unreached=_npm_error(output))
    findings = {
        # The address of an advisory ends with its name.
        Finding(packages[place], (advisory["url"].rpartition("/")[2],), _gist(advisory["title"])): None
        for entry in found.values()
        # A word instead of a table names another package, which has an entry of its own.
        for advisory in entry["via"]
        if isinstance(advisory, dict)
        for place in entry["nodes"]
    }
    return Answer(tuple(findings))


def _npm_error(output: str) -> str:
    try:
        return _gist(str(json.loads(output)["message"]).partition(" - ")[0])
    except (ValueError, KeyError, TypeError):
        return _gist(output)


def _gist(text: str) -> str:
    """The first line, or the last one of what looks like a traceback, cut to a readable length."""
    lines = text.strip().splitlines() or ["it said nothing"]
    line = lines[-1] if lines[0].startswith("Traceback") else lines[0]
    return line.strip()[:160]


def report(
    answers: Mapping[str, Answer], dated: DatedList, packages: Iterable[Package], today: dt.date
) -> tuple[list[str], bool]:
    """What to print, and whether nothing was found but what is accepted. `answers` are by what was asked about."""
    lines = []
    for subject, answer in answers.items():
        if answer.unreached:
            lines.append(f"{subject}: NOT REACHED ({answer.unreached}); only the list of {dated.date} stands for it")
        if answer.findings or not answer.unreached:
            known = f"{len(answer.findings)} found" if answer.findings else "nothing known"
            lines.append(f"{subject}: reached, {known}")
    own = dated.findings(packages)
    lines.append(
        f"list of {dated.date}: {len(dated.advisories)} advisories, {len(own) or 'none'} of them on what is pinned"
    )
    ids: set[tuple[Package, str]] = set()
    good = True
    for finding in chain(own, *(answer.findings for answer in answers.values())):
        if any((finding.package, each) in ids for each in finding.ids):
            continue  # the list and a service know the same one
        ids.update((finding.package, each) for each in finding.ids)
        accepted = dated.acceptance(finding, today)
        good = good and accepted is not None
        verdict = f"accepted until {accepted.until}: {accepted.reason}" if accepted else "NOT ACCEPTED"
        lines.append(f"  {finding.package}: {', '.join(finding.ids)}: {finding.title}\n    {verdict}")
    return lines, good


def ask_pip_audit() -> Answer:
    """Asks PyPI's service about requirements.lock."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--no-deps",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    return _ask([*command, "--requirement", LOCK], ROOT, read_pip_audit)


def ask_npm_audit(folder: Path, packages: Mapping[str, Package]) -> Answer:
    """Asks npm's service about the lock file in `folder`."""
    try:
        npm = find_node().npm
    except BuildError as error:
        return Answer(unreached=_gist(str(error)))
    return _ask([*npm, "audit", "--package-lock-only", "--json"], folder, partial(read_npm_audit, packages=packages))


def _ask(command: list[str | Path], folder: Path, read: Callable[[str], Answer]) -> Answer:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(unreached=f"no answer within {TIMEOUT_S} s")
    except OSError as error:
        return Answer(unreached=str(error))
    return read(done.stdout or done.stderr)


def main(arguments: list[str]) -> int:
    """Runs the command line; the exit code."""
    if arguments:
        print(__doc__)
        return 2
    try:
        dated = read_list(LIST.read_text("utf-8"))
        python = locked_in_python(LOCK.read_text("utf-8"))
        npm = {name: locked_in_npm((ROOT / name / "package-lock.json").read_text("utf-8")) for name in NPM_LOCKS}
    except (BuildError, OSError) as error:
        print(f"build/advisories.py: {error}", file=sys.stderr)
        return 1
    with ThreadPoolExecutor() as pool:
        asked = {f"requirements.lock, {len(python)} packages": pool.submit(ask_pip_audit)}
        for name, packages in npm.items():
            subject = f"{name}/package-lock.json, {len(packages)} packages"
            asked[subject] = pool.submit(ask_npm_audit, ROOT / name, packages)
        answers = {subject: each.result() for subject, each in asked.items()}
    today = dt.datetime.now(dt.UTC).date()
    everything = dict.fromkeys(chain(python, *(packages.values() for packages in npm.values())))
    lines, good = report(answers, dated, everything, today)
    print("\n".join(lines))
    if not good:
        print(
            "Not all of it is accepted: move the pin, or say in build/advisories.toml why it may stay.", file=sys.stderr
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
