"""The single executable that `make dist` built, and a root with nothing but a C library to run it in.

The build takes a minute, half of it for compilers, so that it is no fixture: `make test-dist` builds and sets TORPOR_DIST=1;
without that these tests are skipped, since an executable that lies about may be of another day.
"""

from __future__ import annotations

from tests.patience import WAIT

import os
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import attrs
import pytest

DIST = Path(__file__).resolve().parents[2] / "dist"
LIBC = ("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1", "libresolv.so.2")
LIBC_PLACE = Path("lib/x86_64-linux-gnu")
LINKER = Path("lib64/ld-linux-x86-64.so.2")
# The host's shell makes the mounts, and the root's first process is ours: when the script ends, the kernel ends the rest.
SCRIPT = """
set -e
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
"""
NAMESPACES = ["unshare", "--map-root-user", "--net", "--mount", "--pid", "--fork"]


@attrs.frozen
class CleanRoot:
    """A directory as the root of a system without Python, Node.js, shell and network."""

    path: Path

    def run(
        self, *commands: str, mount: str = "", at: str = "/cache", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run `torpor COMMAND` for each, until one fails; `mount` is the options of a tmpfs on `at`."""
        script = SCRIPT
        if mount:
            script += f'mount -t tmpfs -o {mount} tmpfs "$1{at}"\n'
        script += "".join(f'chroot "$1" /torpor {command}\n' for command in commands)
        done = subprocess.run(
            [*NAMESPACES, "sh", "-c", script, "sh", self.path],
            env={"PATH": os.environ["PATH"], "HOME": "/home/user", "XDG_CACHE_HOME": "/cache"},
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )
        assert not check or done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        return done

    @property
    def unpacked(self) -> Path:
        """The one folder that was unpacked."""
        (folder,) = (self.path / "cache" / "torpor" / "runtime").glob("[!.]*")
        return folder


@pytest.fixture(scope="session")
def executable() -> Path:
    if not os.environ.get("TORPOR_DIST"):
        pytest.skip("the single executable is tested by `make test-dist`")
    path = DIST / f"torpor-{version('torpor')}-linux-x86_64"
    assert path.is_file(), f"{path} has not been built"
    return path


@pytest.fixture
def clean_root(executable: Path, tmp_path: Path) -> CleanRoot:
    if subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody make namespaces of their own")
    root = tmp_path / "root"
    for name in ("cache", "dev", "home/user", "proc", "tmp", LIBC_PLACE, LINKER.parent):
        (root / name).mkdir(parents=True)
    shutil.copy(Path("/") / LINKER, root / LINKER)
    for name in LIBC:
        shutil.copy(Path("/") / LIBC_PLACE / name, root / LIBC_PLACE / name)
    shutil.copy(executable, root / "torpor")
    return CleanRoot(root)
