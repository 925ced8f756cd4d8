"""wasi:filesystem, as the engine calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runtime.engine import WitError
from runtime.wasi.filesystem import preopens, types
from tests.walking import insist
from tests.wasi.filesystem.guest import FOLLOW, FUNCTIONS, NONE, READ, WRITE
from wasi_fs import FsCode, FsError
from wasi_fs.handles import PAGE_ENTRIES

if TYPE_CHECKING:
    from tests.wasi.filesystem.guest import Guest


def test_every_function_of_the_wit_is_there() -> None:
    expected = {f"[method]descriptor.{name}" for name in FUNCTIONS.split()}
    expected |= {"filesystem-error-code", "[method]directory-entry-stream.read-directory-entry"}
    assert set(types.types.functions) == expected
    assert set(preopens.preopens.functions) == {"get-directories"}


def test_files(guest: Guest) -> None:
    file = guest.open("f", "create", "exclusive", flags=READ | WRITE)
    guest.refused("exist", "open-at", guest.root, FOLLOW, "f", frozenset({"create", "exclusive"}), READ)
    assert guest.call("write", file, b"hello", 2) == 5
    assert guest.call("read", file, 100, 0) == (b"\0\0hello", True)
    assert guest.call("read", file, 3, 0) == (b"\0\0h", False)
    assert guest.call("read", file, 3, 7) == (b"", True)
    guest.call("set-size", file, 3)
    assert guest.call("read", file, 100, 0) == (b"\0\0h", True)
    assert guest.call("get-type", file) == "regular-file"
    assert set(guest.call("get-flags", file)) == {"read", "write"}
    assert guest.call("advise", file, 0, 0, "sequential") is None
    file.drop()
    again = guest.open("f", "truncate", flags=WRITE)
    assert guest.call("stat", again).size == 0
    again.drop()


def test_what_a_descriptor_is_open_for_is_enforced(guest: Guest) -> None:
    guest.filesystem.write_file("/f", b"x")
    reader, writer, root = guest.open("f"), guest.open("f", flags=WRITE), guest.root
    assert set(guest.call("get-flags", reader)) == {"read"}
    assert set(guest.call("get-flags", writer)) == {"write"}
    assert set(guest.call("get-flags", root)) == {"read", "mutate-directory"}
    guest.refused("bad-descriptor", "write", reader, b"x", 0)
    guest.refused("bad-descriptor", "write-via-stream", reader, 0)
    guest.refused("bad-descriptor", "append-via-stream", reader)
    guest.refused("invalid", "set-size", reader, 0)
    guest.refused("bad-descriptor", "read", writer, 1, 0)
    guest.refused("bad-descriptor", "read-via-stream", writer, 0)
    for name, *arguments in (("read", 1, 0), ("write", b"", 0), ("set-size", 0), ("read-via-stream", 0)):
        guest.refused("is-directory", name, root, *arguments)
    guest.refused("not-directory", "stat-at", reader, FOLLOW, "x")
    guest.refused("not-directory", "read-directory", reader)
    guest.refused("is-directory", "open-at", root, FOLLOW, ".", NONE, WRITE)
    assert guest.call("get-flags", guest.open("f", flags=NONE)) == ("read",)


def test_stat_and_times(guest: Guest) -> None:
    fs = guest.filesystem
    fs.write_file("/f", b"12345")
    fs.symlink("f", "/s")
    kind, links, size, _, modified, changed = guest.call("stat-at", guest.root, FOLLOW, "s")
    assert (kind, links, size) == ("regular-file", 1, 5)
    assert modified == changed == divmod(fs.stat("/f").mtime, 10**9)
    assert guest.call("stat-at", guest.root, NONE, "s").type == "symbolic-link"
    guest.call("set-times-at", guest.root, FOLLOW, "s", ("timestamp", (5, 7)), ("no-change", None))
    assert guest.call("stat-at", guest.root, NONE, "f").accessed == (5, 7)
    file = guest.open("f")
    guest.call("set-times", file, ("now", None), ("timestamp", (0, 1)))
    assert guest.call("stat", file).modified == (0, 1)
    assert guest.call("stat", file).accessed[0] >= 1_700_000_000
    guest.refused("invalid", "set-times", file, ("timestamp", (0, 10**9)), ("now", None))
    guest.refused("invalid", "set-times", file, ("timestamp", (1 << 63, 0)), ("now", None))
    fs.utimes("/f", -1, -1)
    assert guest.call("stat", file).modified == (0, 0)
    hashed = guest.call("metadata-hash", file)
    assert hashed == guest.call("metadata-hash-at", guest.root, FOLLOW, "s")
    assert hashed != guest.call("metadata-hash-at", guest.root, NONE, "s")
    assert guest.call("is-same-object", file, guest.open("s"))
    assert not guest.call("is-same-object", file, guest.root)


def test_directories_and_links(guest: Guest) -> None:
    root = guest.root
    guest.call("create-directory-at", root, "d")
    directory = guest.open("d", "directory")
    guest.call("symlink-at", directory, "../f", "s")
    guest.call("open-at", directory, FOLLOW, "s", frozenset({"create"}), WRITE).drop()
    guest.call("link-at", root, NONE, "f", directory, "hard")
    assert guest.call("readlink-at", directory, "s") == "../f"
    assert list_directory(guest, directory) == [("regular-file", "hard"), ("symbolic-link", "s")]
    guest.call("rename-at", directory, "hard", root, "moved")
    guest.call("unlink-file-at", directory, "s")
    guest.call("remove-directory-at", root, "d")
    assert list_directory(guest, root) == [("regular-file", "f"), ("regular-file", "moved")]
    assert list_directory(guest, directory) == []
    guest.refused("no-entry", "create-directory-at", directory, "x")
    guest.refused("no-entry", "unlink-file-at", root, "none")
    guest.refused("loop", "open-at", root, NONE, add_symlink(guest, "loop", "loop"), NONE, READ)


def add_symlink(guest: Guest, target: str, path: str) -> str:
    guest.call("symlink-at", guest.root, target, path)
    return path


def list_directory(guest: Guest, descriptor: Any) -> list[tuple[str, str]]:
    stream = guest.call("read-directory", descriptor)
    found = []
    while (entry := guest.call("[method]directory-entry-stream.read-directory-entry", stream)) is not None:
        found.append(entry)
    return found


@pytest.mark.parametrize("known", [True, False], ids=["in memory", "stored"])
def test_a_large_directory_is_looked_through_page_by_page(guest: Guest, known: bool) -> None:
    world, names = guest.world, [f"{number:05}" for number in range(2 * PAGE_ENTRIES + 10)]
    for name in names:
        world.fs.write_file(f"/d/{name}", b"", parents=True)
    world.save()
    if not known:
        world.reload()
    queries = world.backend.queries
    directory = guest.open("d", "directory")
    queries.clear()
    stream = guest.call("read-directory", directory)
    directory.drop()
    assert (queries["page"], queries["entries"]) == (1, 0)

    def read(count: int) -> list[str]:
        entries = [guest.call("[method]directory-entry-stream.read-directory-entry", stream) for _ in range(count)]
        return [entry[1] for entry in entries if entry is not None]

    assert read(10) == names[:10]
    assert (queries["page"], queries["entries"]) == (1, 0)
    for name in names[5:15] + names[-5:]:  # rm -r removes what it has read while it reads on
        world.fs.unlink(f"/d/{name}")
    world.fs.write_file("/d/99999", b"")
    world.save()
    assert read(PAGE_ENTRIES - 10) == names[10:PAGE_ENTRIES]
    assert read(2 * PAGE_ENTRIES) == [*names[PAGE_ENTRIES:-5], "99999"]
    assert read(1) == []
    assert (queries["page"], queries["entries"]) == (3, 0)
    stream.drop()
    insist(lambda: world.fs.remove_tree("/d"))
    world.save()
    world.backend.check()


def test_a_page_that_cannot_be_read_is_an_error_of_the_guest(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(PAGE_ENTRIES + 1):
        guest.filesystem.write_file(f"/{number}", b"")
    guest.world.save()
    stream = guest.call("read-directory", guest.root)

    def broken(*_: object) -> None:
        raise FsError(FsCode.IO, "broken")

    monkeypatch.setattr(guest.world.backend, "entries_after", broken)
    for _ in range(PAGE_ENTRIES):
        assert guest.call("[method]directory-entry-stream.read-directory-entry", stream) is not None
    guest.refused("io", "[method]directory-entry-stream.read-directory-entry", stream)


def test_dropping_a_descriptor_lets_go_of_an_unlinked_file(guest: Guest) -> None:
    file = guest.open("f", "create", flags=WRITE)
    guest.call("write", file, b"x" * 1000, 0)
    stream = guest.call("append-via-stream", file)
    guest.call("unlink-file-at", guest.root, "f")
    file.drop()
    assert guest.filesystem.usage.bytes == 1000
    stream.drop()
    assert guest.filesystem.usage.bytes == 0


def test_a_guest_has_so_many_files_open_and_no_more(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(types, "MAX_OPEN_FILES", 3)
    held = [guest.open(f"/file{number}", "create", flags=WRITE) for number in range(3)]
    guest.refused("insufficient-memory", "open-at", guest.root, FOLLOW, "/one-more", frozenset({"create"}), WRITE)
    guest.refused("no-entry", "stat-at", guest.root, FOLLOW, "/one-more")
    held.pop().drop()
    with pytest.raises(WitError):
        guest.open("/no-such-file")  # what fails is not counted
    guest.open("/one-more", "create", flags=WRITE)
    guest.refused("insufficient-memory", "open-at", guest.root, FOLLOW, "/file0", NONE, READ)
