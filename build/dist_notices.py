"""What the single executable is made of beside our own code: each part with its licence's text, and all as an SBOM."""

from __future__ import annotations

import ast
import hashlib
import json
import sysconfig
from importlib.metadata import Distribution, distribution, packages_distributions, version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any

import attrs
from command import read_commands
from inspector import SOURCE as PAGE
from packaging.requirements import Requirement
from toolchain import AGENTS, BuildError

from commands import licence_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sources import Archive

SYSTEM_LIBRARIES = {
    "libcrypto": ("openssl", "Apache-2.0", "libssl3"),
    "libssl": ("openssl", "Apache-2.0", "libssl3"),
    "libexpat": ("expat", "MIT", "libexpat1"),
    "libffi": ("libffi", "MIT", "libffi8"),
    "libgcc_s": ("libgcc", "GPL-3.0-or-later WITH GCC-exception-3.1", "libgcc-s1"),
    "libz": ("zlib", "Zlib", "zlib1g"),
}
"""Shared libraries of the system that Python brings along: the start of their names, the licence, and where Debian, on
which releases are built, keeps its text."""

GUEST_ENGINES = {
    "@bytecodealliance/componentize-js": (
        ("StarlingMonkey", "Apache-2.0 WITH LLVM-exception"),
        ("SpiderMonkey", "MPL-2.0"),
    ),
    "componentize-qjs": (("QuickJS", "MIT"),),
}
"""Engines that the builders of guests put into components: (builder, what it holds)."""

_NOTICES = ("licen", "copying", "notice", "authors")


@attrs.frozen
class Part:
    """A third party's work that is in the executable."""

    name: str
    version: str
    licence: str
    """As its makers name it: an SPDX expression where they use one."""
    text: str
    purl: str
    """Package URL; empty for what comes from no registry."""


def third_parties(internal: Path, zstd: Path) -> list[Part]:
    """Everything in the folder, in the components in it and in the stub, whose zstd's source is in `zstd`.

    Raises BuildError for a part without a licence.
    """
    parts = [
        Part("CPython", python_version(), "PSF-2.0", _python_licence(), ""),
        *map(_from_distribution, _closure("torpor", set())),
        _from_distribution(distribution("pyinstaller")),  # its start-up code
        *_in_stub(zstd),
        *_from_system(internal),
        *npm_parts(),
        *command_parts(),
    ]
    if unknown := [part.name for part in parts if not part.licence]:
        msg = f"no licence is known of: {', '.join(unknown)}"
        raise BuildError(msg)
    return parts


def check_complete(parts: list[Part], contents: Path) -> None:
    """Raises BuildError for a package in `contents`, PyInstaller's list of modules, that is not among the parts."""
    _, modules = ast.literal_eval(contents.read_text("utf-8"))
    owners = packages_distributions()
    ours = {"torpor", *(part.name for part in parts)}
    strays = set()
    for name, path, _ in modules:
        package = name.partition(".")[0]
        if "site-packages" in Path(path).parts and not ours.intersection(owners.get(package, ())):
            strays.add(package)
    if strays:
        msg = f"these came along, and nothing requires them; exclude them in torpor.spec: {', '.join(sorted(strays))}"
        raise BuildError(msg)


def command_parts() -> Iterator[Part]:
    """The commands of VMs that have been built: programs of their own, of which `make sources` collects the sources."""
    for command in read_commands():
        if licence_text(command).exists():
            yield _from_archive(command.name, command.version, command.licence, command.archive, licence_text(command))
            for part in command.parts:
                name = f"{part.name}, in {command.name}"
                yield _from_archive(name, part.version, part.licence, part.archive, licence_text(command, part))


def _from_archive(name: str, release: str, licence: str, archive: Archive | None, text: Path) -> Part:
    origin = place = ""
    if archive:
        origin = f"The source is {archive.name}, SHA-256 {archive.sha256}.\n\n"
        place = f"pkg:deb/debian/{archive.package}@{release}?arch=source"
        if archive.is_wheel:
            place = f"pkg:pypi/{archive.package}@{release}"
    return Part(name, release, licence, origin + text.read_text("utf-8"), place)


def _in_stub(zstd: Path) -> Iterator[Part]:
    packaged = distribution("zstandard")
    yield Part("zstd", f"of zstandard {packaged.version}", "BSD-3-Clause", _texts(zstd), "")
    zig = distribution("ziglang")
    musl = Path(str(zig.locate_file("ziglang/lib/libc/musl/COPYRIGHT")))
    yield Part("musl", f"of zig {zig.version}", "MIT", musl.read_text("utf-8"), "")


def _closure(name: str, seen: set[str], extras: Iterable[str] = ()) -> Iterator[Distribution]:
    """What a distribution requires, with all that this requires, each once."""
    for line in distribution(name).requires or []:
        needed = Requirement(line)
        wanted = needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras))
        if wanted and needed.name not in seen:
            seen.add(needed.name)
            yield distribution(needed.name)
            yield from _closure(needed.name, seen, needed.extras)


def _from_distribution(found: Distribution) -> Part:
    metadata = found.metadata.json  # a field that is not there is not in it
    classifiers = [line.rpartition(" :: ")[2] for line in metadata.get("classifier", ()) if line.startswith("License")]
    licence = str(metadata.get("license_expression") or metadata.get("license") or "; ".join(classifiers))
    files = [file for file in found.files or [] if ".dist-info" in str(file) and _is_notice(file.name)]
    text = "\n\n".join(Path(str(found.locate_file(file))).read_text("utf-8") for file in sorted(files))
    purl = f"pkg:pypi/{found.name.lower()}@{found.version}"
    return Part(found.name, found.version, licence.partition("\n")[0], text, purl)


def _from_system(internal: Path) -> Iterator[Part]:
    seen = set()
    for path in sorted(internal.glob("*.so*")):
        name = path.name.partition(".")[0]
        if name.startswith(("libpython", "_")):
            continue
        if name not in SYSTEM_LIBRARIES:
            msg = f"{path.name} is in the executable, and dist_notices.py does not know its licence"
            raise BuildError(msg)
        title, licence, package = SYSTEM_LIBRARIES[name]
        if title not in seen:
            seen.add(title)
            notice = Path("/usr/share/doc") / package / "copyright"
            text = notice.read_text("utf-8") if notice.is_file() else ""
            yield Part(title, path.name.partition(".so.")[2] or "unknown", licence, text, "")


def npm_parts() -> Iterator[Part]:
    """What agents and the page can be made of: everything that is not only for development, and the engines that run agents."""
    for folder in (AGENTS, PAGE):
        yield from _npm_parts_of(folder)


def _npm_parts_of(project: Path) -> Iterator[Part]:
    lock: dict[str, Any] = json.loads((project / "package-lock.json").read_text("utf-8"))
    for place, entry in sorted(lock["packages"].items()):
        name = place.rpartition("node_modules/")[2]
        folder = project / place
        if not name or not folder.is_dir():
            continue
        for engine, licence in GUEST_ENGINES.get(name, ()):
            yield Part(f"{engine}, from {name}", entry["version"], licence, _texts(folder), _npm_url(name, entry))
        if not entry.get("dev") and not entry.get("optional"):
            licence = entry.get("license") or _npm_licence(json.loads((folder / "package.json").read_text("utf-8")))
            yield Part(name, entry["version"], licence, _texts(folder), _npm_url(name, entry))


def _npm_licence(package: dict[str, Any]) -> str:
    """What a package says of itself, in a list in the old way, too."""
    return str(package.get("license") or " OR ".join(each["type"] for each in package.get("licenses", ())))


def _npm_url(name: str, entry: dict[str, Any]) -> str:
    return f"pkg:npm/{name.replace('@', '%40')}@{entry['version']}"


def _texts(folder: Path) -> str:
    files = sorted(path for path in folder.iterdir() if path.is_file() and _is_notice(path.name))
    return "\n\n".join(path.read_text("utf-8", errors="replace") for path in files)


def _is_notice(name: str) -> bool:
    return name.lower().startswith(_NOTICES) and not name.endswith((".js", ".py"))


def _python_licence() -> str:
    return (Path(sysconfig.get_path("stdlib")) / "LICENSE.txt").read_text("utf-8")


def licence_texts(parts: list[Part]) -> str:
    """What `torpor licenses` prints. A text that several parts share is there once."""
    by_text: dict[str, list[Part]] = {}
    for part in parts:
        by_text.setdefault(part.text.strip(), []).append(part)
    sections = ["Torpor is licensed under Apache-2.0. It contains the work of others, under these licences:\n"]
    for text, owners in by_text.items():
        heading = "\n".join(f"{part.name} {part.version}: {part.licence}" for part in owners)
        sections.append(f"{'=' * 80}\n{heading}\n{'-' * 80}\n{text or '(it comes without a text of its own)'}\n")
    return "\n".join(sections)


def sbom(parts: list[Part], output: Path) -> dict[str, Any]:
    """CycloneDX 1.6 of the executable `output`."""
    components = []
    for part in parts:
        component: dict[str, Any] = {
            "type": "library",
            "bom-ref": f"{part.name}@{part.version}",
            "name": part.name,
            "version": part.version,
            "licenses": [{"license": {"name": part.licence}}],
        }
        if part.purl:
            component["purl"] = part.purl
        if component not in components:
            components.append(component)
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "torpor",
                "name": "torpor",
                "version": version("torpor"),
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }
        },
        "components": components,
    }
