"""What is given to the tree is looked at before it gets there, whoever has been to do so before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from wasi_fs import FsCode, FsError, Mount, OpenDirectory, OpenFile
from wasi_fs.values import MAX_TIME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NO_PATHS: list[Any] = [None, 5, 5.5, b"/f", ["/f"], "", "/a\0b", "/\ud800", "/f" + "/" * 4096, "/" + "é" * 128]
NO_TARGETS: list[Any] = [None, 5, b"x", "", "\0", "\udfff", "x" * 4096, "é" * 2048]
NO_NUMBERS: list[Any] = [None, 5.5, 5.0, True, "5", -1, float("nan"), float("inf"), 1j, [5]]
NO_MODES: list[Any] = [None, 5.5, True, "rw", -1, 0o10000, 1 << 64]
NO_TIMES: list[Any] = [5.5, True, "now", MAX_TIME + 1, -MAX_TIME - 1, 1 << 80, float("nan")]
NO_CONTENT: list[Any] = [None, "text", 5, [1, 2], memoryview(b"12345678").cast("I"), memoryview(b"12345678")[::2]]


def with_path(name: str, *more: Any, **options: Any) -> Callable[[Any, Any], Any]:
    return lambda fs, path: getattr(fs, name)(path, *more, **options)


CALLS: dict[str, tuple[list[Any], Callable[[Any, Any], Any]]] = {
    **{
        name: (NO_PATHS, with_path(name))
        for name in (
            "stat",
            "open",
            "read_file",
            "identity",
            "readlink",
            "readdir",
            "entries",
            "unlink",
            "rmdir",
            "remove_tree",
        )
    },
    "chmod": (NO_PATHS, with_path("chmod", 0o600)),
    "utimes": (NO_PATHS, with_path("utimes", 1, 1)),
    "truncate": (NO_PATHS, with_path("truncate", 1)),
    "seal": (NO_PATHS, with_path("seal")),
    "protect": (NO_PATHS[:8], with_path("protect")),
    "install": (NO_PATHS, with_path("install", b"x")),
    "create": (NO_PATHS, with_path("open", create=True, write=True)),
    "write_file": (NO_PATHS, with_path("write_file", b"x")),
    "write_file, parents": (NO_PATHS, with_path("write_file", b"x", parents=True)),
    "mkdir": (NO_PATHS, with_path("mkdir")),
    "mkdir, parents": (NO_PATHS, with_path("mkdir", parents=True)),
    "rename from": (NO_PATHS, with_path("rename", "/new")),
    "rename to": (NO_PATHS, lambda fs, path: fs.rename("/f", path)),
    "link from": (NO_PATHS, with_path("link", "/new")),
    "link to": (NO_PATHS, lambda fs, path: fs.link("/f", path)),
    "symlink at": (NO_PATHS, lambda fs, path: fs.symlink("f", path)),
    "symlink to": (NO_TARGETS, lambda fs, target: fs.symlink(target, "/new")),
    "chmod's mode": (NO_MODES, lambda fs, mode: fs.chmod("/f", mode)),
    "mkdir's mode": (NO_MODES, lambda fs, mode: fs.mkdir("/new", mode)),
    "mkdir's mode, parents": (NO_MODES, lambda fs, mode: fs.mkdir("/new/er", mode, parents=True)),
    "open's mode": (NO_MODES, lambda fs, mode: fs.open("/new", create=True, mode=mode)),
    "write_file's mode": (NO_MODES, lambda fs, mode: fs.write_file("/new", b"", mode=mode)),
    "atime": (NO_TIMES, lambda fs, time: fs.utimes("/f", time, None)),
    "mtime": (NO_TIMES, lambda fs, time: fs.utimes("/f", None, time)),
    "truncate's size": (NO_NUMBERS, lambda fs, size: fs.truncate("/f", size)),
    "write_file's offset": (NO_NUMBERS[1:], lambda fs, offset: fs.write_file("/f", b"x", offset=offset)),
    "read_file's offset": (NO_NUMBERS, lambda fs, offset: fs.read_file("/f", offset=offset)),
    "read_file's length": (NO_NUMBERS[1:], lambda fs, length: fs.read_file("/f", length=length)),
    "write_file's content": (NO_CONTENT, lambda fs, content: fs.write_file("/new", content)),
    "read's offset": (NO_NUMBERS, lambda fs, offset: opened(fs).read(offset, 1)),
    "read's count": (NO_NUMBERS, lambda fs, count: opened(fs).read(0, count)),
    "write's offset": (NO_NUMBERS, lambda fs, offset: opened(fs).write(offset, b"x")),
    "write's content": (NO_CONTENT, lambda fs, content: opened(fs).write(0, content)),
    "append's content": (NO_CONTENT, lambda fs, content: opened(fs).append(content)),
    "a handle's size": (NO_NUMBERS, lambda fs, size: opened(fs).truncate(size)),
    "where a page begins": ([None, 5, b"x", "\ud800"], lambda fs, after: directory(fs).page(after, 1)),
    "how long a page is": (NO_NUMBERS, lambda fs, count: directory(fs).page("", count)),
}


def shown(bad: Any) -> str:
    """The value in a test's name, which is the same in every run."""
    return f"memoryview of {bad.format}" if isinstance(bad, memoryview) else f"{bad!r:.20}"


CASES = [pytest.param(bad, call, id=f"{name} {shown(bad)}") for name, (values, call) in CALLS.items() for bad in values]


def opened(fs: Any) -> OpenFile:
    file = fs.open("/f", write=True)
    assert isinstance(file, OpenFile)
    return file


def directory(fs: Any) -> OpenDirectory:
    directory = fs.open("/", directory=True)
    assert isinstance(directory, OpenDirectory)
    return directory


@pytest.mark.parametrize(("bad", "call"), CASES)
def test_what_no_tree_can_have_is_refused(world: Any, see: Any, bad: Any, call: Callable[[Any, Any], Any]) -> None:
    fs = world.fs
    fs.write_file("/f", b"content")
    see(fs)
    world.save()
    before = see(fs)
    with pytest.raises(FsError):
        call(fs, bad)
    assert see(fs) == before
    assert fs.clean
    fs.write_file("/next", b"next")
    assert world.save() is not None


@pytest.mark.parametrize("bad", [None, 5, "mnt\0", "/\ud800", "/" + "x" * 4096])
def test_no_mount_is_put_where_no_path_leads(world: Any, tmp_path: Path, bad: Any) -> None:
    ((_, error),) = world.fs.set_mounts([Mount(bad, str(tmp_path))])
    assert isinstance(error, FsError)
    assert world.fs.readdir("/") == []


def test_numbers_beyond_what_the_kernel_has(world: Any, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"content")
    fs = world.fs
    assert fs.set_mounts([Mount("/mnt", str(tmp_path.resolve()))]) == []
    with fs.open("/mnt/f", write=True) as file:
        for offset in (1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
            assert file.read(offset, 1) == b""
            for change in (lambda offset=offset: file.write(offset, b"x"), lambda offset=offset: file.truncate(offset)):
                with pytest.raises(FsError) as caught:
                    change()
                assert caught.value.code is FsCode.FILE_TOO_LARGE
    fs.utimes("/mnt/f", MAX_TIME, -MAX_TIME)
    assert (tmp_path / "f").read_bytes() == b"content"
