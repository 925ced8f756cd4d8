"""The stub of the single executable, compiled, and the program packed behind it; the layout is told in build/stub/stub.c."""

from __future__ import annotations

import hashlib
import re
import struct
import sys
import tarfile
from functools import partial
from typing import TYPE_CHECKING

import zstandard
from freshness import build_if_stale, fingerprint
from lock import entries_of
from toolchain import ROOT, BuildError, run, say

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = ROOT / "build" / "stub"

ZSTANDARD = f"zstandard=={zstandard.__version__}"
"""Its source package has the whole of zstd in one file: the decoder of the stub is that of the package that packs."""

COMPILE_TIMEOUT_S = 600

WINDOW_LOG = 27
"""128 MiB, also in stub.c: a component and the machine code of another one share little, but far apart."""

CFLAGS = ("-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-ffunction-sections", "-fdata-sections")
FOOTER = struct.Struct("<4QII24s64s8s")
MAGIC = b"TORPOR\1\0"
EXECUTABLE, DATA = 0o500, 0o400
_GLIBC_VERSION = re.compile(rb"\0GLIBC_2\.(\d+)(?=[\0.])")


def build_stub(folder: Path) -> Path:
    """The stub's program, built only when its sources have changed. Raises BuildError."""
    stub = folder / "stub"
    build_if_stale(stub, fingerprint([SOURCES, ROOT / "build" / "dist_stub.py"], ZSTANDARD), partial(_compile, folder))
    return stub


def _compile(folder: Path, output: Path) -> None:
    zstd = zstd_source(folder)
    say("compiling the stub (once; a minute)")
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-linux-musl", "-static", "-s", *CFLAGS]
    sources = [SOURCES / "stub.c", zstd / "zstd.c"]
    options = ["-DZSTD_DISABLE_ASM=1", f"-I{zstd}", "-Wl,--gc-sections"]
    run([*compiler, *options, "-o", output, *sources], timeout=COMPILE_TIMEOUT_S)


def zstd_source(folder: Path) -> Path:
    """The folder of zstd's source, fetched if need be. Raises BuildError."""
    source = folder / ZSTANDARD.replace("==", "-") / "zstd"
    if source.is_dir():
        return source
    wanted = folder / "zstandard.lock"
    wanted.parent.mkdir(parents=True, exist_ok=True)
    wanted.write_text(entries_of("zstandard"), "utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--require-hashes"]
    options = ["--no-deps", "--no-build-isolation", "--no-binary", "zstandard"]
    run([*pip, *options, "--dest", folder, "--requirement", wanted])
    with tarfile.open(next(folder.glob("zstandard-*.tar.gz"))) as archive:
        archive.extractall(folder)  # noqa: S202 - of a file that has the lock's hash; Python 3.11.0 has no filters
    return source


def pack(stub: Path, folder: Path, output: Path, version: str, level: int, first: list[Path]) -> None:
    """
    Writes the stub with all files of `folder` behind it, those that are to be `first` before the others. Raises BuildError for
    what cannot be unpacked again.
    """
    files = list(dict.fromkeys([*first, *sorted(path for path in folder.rglob("*") if not path.is_dir())]))
    if links := [str(path) for path in files if path.is_symlink()]:
        msg = f"the stub unpacks no links: {', '.join(links)}"
        raise BuildError(msg)
    manifest = b""
    for path in files:
        status = path.stat()
        mode = EXECUTABLE if status.st_mode & 0o100 else DATA
        manifest += f"{status.st_size} {mode:o} {path.relative_to(folder).as_posix()}\n".encode()
    size = sum(path.stat().st_size for path in files)
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level, window_log=WINDOW_LOG, enable_ldm=True, threads=-1, write_checksum=True
    )
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj(size)
    digest = hashlib.sha256(manifest)
    frame = bytearray()
    for path in files:
        content = path.read_bytes()
        digest.update(content)
        frame += compressor.compress(content)
    frame += compressor.flush()
    code = stub.read_bytes()
    name = f"{version}-{digest.hexdigest()[:16]}"
    footer = FOOTER.pack(
        *(len(code), len(manifest), len(frame), size, glibc_minor(files), 0), version.encode(), name.encode(), MAGIC
    )
    unfinished = output.with_name(f".{output.name}.unfinished")
    unfinished.write_bytes(b"".join((code, manifest, frame, footer)))
    unfinished.chmod(0o755)
    unfinished.replace(output)


def glibc_minor(files: list[Path]) -> int:
    """The N of the oldest glibc 2.N that has all that these programs and libraries import."""
    found = {
        int(number)
        for path in files
        if path.name == "torpor" or ".so" in path.name
        for number in _GLIBC_VERSION.findall(path.read_bytes())
    }
    return max(found, default=0)
