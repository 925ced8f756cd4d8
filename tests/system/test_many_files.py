"""Many files at once, listings with attributes, and what else a shell does with names: the same from API and guest."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.daemon import Api, Vm

BYTES = bytes(range(256))
ENCODED = {"base64": base64.b64encode(BYTES).decode()}


def paths(entries: list[dict[str, Any]]) -> list[str]:
    """The paths of a listing."""
    return [entry["path"] for entry in entries]


def test_many_files_are_written_and_read_each_with_an_outcome(vm: Vm) -> None:
    vm.write("/file", "x")
    files = {"/a/b/text": "sn\N{SNOWMAN}w", "/a/bytes": ENCODED, "/file/below": "no", "/a": "no", "relative": "no"}
    done = vm.call("writeFiles", files=[{"path": path, "content": content} for path, content in files.items()])
    assert [(each["path"], each.get("error", {}).get("code")) for each in done] == [
        ("/a/b/text", None),
        ("/a/bytes", None),
        ("/file/below", "not_a_directory"),
        ("/a", "is_a_directory"),
        ("relative", "invalid_argument"),
    ]
    vm.sleep()
    found = vm.call("readFiles", paths=["/a/b/text", "/no", "/a/bytes", "/a"])
    assert [set(each) for each in found] == [{"path", "content"}, {"path", "error"}] * 2
    assert [each["path"] for each in found] == ["/a/b/text", "/no", "/a/bytes", "/a"]
    assert (found[0]["content"], found[2]["content"]) == ("sn\N{SNOWMAN}w", ENCODED)
    assert (found[1]["error"]["code"], found[3]["error"]["code"]) == ("not_found", "is_a_directory")
    assert found[1]["error"]["message"]
    assert vm.call("readFiles", paths=["/file"], encoding="base64")[0]["content"] == {"base64": "eA=="}
    assert vm.state() == "asleep"


def test_an_answer_holds_16_mib_of_files(vm: Vm) -> None:
    seven = "7" * (7 * 1024 * 1024)
    files = [{"path": f"/{name}", "content": seven} for name in "abc"]
    assert all(
        "error" not in each for each in vm.call("writeFiles", files=[*files[:2], {"path": "/d", "content": "d"}])
    )
    assert "error" not in vm.call("writeFiles", files=files[2:])[0]
    found = vm.call("readFiles", paths=["/a", "/b", "/c", "/d"])
    assert [each.get("error", {}).get("code") for each in found] == [None, None, "too_large", None]


def test_a_full_filesystem_stops_the_files_that_do_not_fit(make_vm: Callable[..., Vm]) -> None:
    vm = make_vm(limits={"fileBytes": 1000})
    files = [{"path": "/small", "content": "x" * 100}, {"path": "/big", "content": "x" * 2000}]
    files.append({"path": "/also-small", "content": "x" * 100})
    done = vm.call("writeFiles", files=files)
    assert [each.get("error", {}).get("code") for each in done] == [None, "quota_exceeded", None]


def test_entries_have_attributes_and_come_in_pages(vm: Vm) -> None:
    vm.call("mkdir", path="/d")
    assert vm.call("readdirEntries", path="/d") == []
    vm.call("writeFiles", files=[{"path": f"/d/{number:03d}", "content": "x" * number} for number in range(300)])
    vm.call("symlink", target="/d/001", path="/d/link")
    vm.call("mkdir", path="/d/sub")
    entries = vm.call("readdirEntries", path="/d")
    assert [entry["name"] for entry in entries] == vm.call("readdir", path="/d")
    assert [entry["size"] for entry in entries[:300]] == list(range(300))
    assert [entry["type"] for entry in entries[299:]] == ["file", "symlink", "directory"]
    for entry in entries[:3] + entries[-2:]:
        name = entry.pop("name")
        assert entry == vm.call("stat", path=f"/d/{name}", followLinks=False)
    pages: list[str] = []
    while page := vm.call("readdirEntries", path="/d", limit=101, after=pages[-1] if pages else ""):
        assert len(page) <= 101
        pages += [entry["name"] for entry in page]
    assert pages == vm.call("readdir", path="/d")
    assert vm.error("readdirEntries", path="/d", limit=0).rpc_code == -32602


def test_a_tree_is_listed_as_deep_as_is_wanted_without_what_is_not(vm: Vm) -> None:
    files = ["/t/a/b/c/file", "/t/a/file", "/t/node_modules/x/y", "/t/z.log", "/t/a/b/z.log"]
    vm.call("writeFiles", files=[{"path": path, "content": path} for path in files])
    vm.call("symlink", target="/t", path="/t/a/up")
    everything = vm.call("readdirRecursive", path="/t")
    assert paths(everything) == [
        *("/t/a", "/t/a/b", "/t/a/b/c", "/t/a/b/c/file", "/t/a/b/z.log", "/t/a/file", "/t/a/up"),
        *("/t/node_modules", "/t/node_modules/x", "/t/node_modules/x/y", "/t/z.log"),
    ]
    assert [entry["type"] for entry in everything if entry["path"] == "/t/a/up"] == ["symlink"]
    assert paths(vm.call("readdirRecursive", path="/t/", maxDepth=1)) == ["/t/a", "/t/node_modules", "/t/z.log"]
    assert "/t/a/b" in paths(vm.call("readdirRecursive", path="/t", maxDepth=2))
    assert "/t/a/b/c" not in paths(vm.call("readdirRecursive", path="/t", maxDepth=2))
    left = paths(vm.call("readdirRecursive", path="/t", exclude=["node_modules", "*.log", "a/b"]))
    assert left == ["/t/a", "/t/a/file", "/t/a/up"]
    assert paths(vm.call("readdirRecursive", path="/t", exclude=["**/c", "n*"]))[2:4] == ["/t/a/b/z.log", "/t/a/file"]
    top = paths(vm.call("readdirRecursive", path="/", maxDepth=1))
    of_base = {"/bin", "/usr", "/var"}  # shown by readdir, but not the VM's own
    assert top == [path for name in vm.call("readdir", path="/") if (path := f"/{name}") not in of_base]
    assert vm.state() == "asleep"


def test_names_are_moved_linked_and_changed(vm: Vm) -> None:
    vm.write("/d/a", "first")
    vm.write("/d/b", "second")
    ino = vm.call("stat", path="/d/a")["ino"]
    assert vm.call("move", **{"from": "/d/a", "to": "/d/b"}) == {}
    assert vm.read("/d/b") == "first"
    assert vm.call("stat", path="/d/b")["ino"] == ino
    vm.call("symlink", target="b", path="/d/link")
    assert vm.call("readlink", path="/d/link") == "b"
    assert vm.read("/d/link") == "first"
    vm.call("chmod", path="/d/link", mode=0o751)
    assert vm.call("stat", path="/d/b")["mode"] == 0o100751
    assert vm.call("stat", path="/d/link", followLinks=False)["mode"] == 0o120777
    vm.call("truncate", path="/d/b", size=2)
    vm.call("truncate", path="/d/b", size=4)
    vm.sleep()
    assert vm.read("/d/b") == "fi\0\0"
    vm.call("mkdir", path="/empty")
    vm.call("move", **{"from": "/d", "to": "/empty"})
    assert vm.call("readdir", path="/empty") == ["b", "link"]
    assert vm.call("exists", path="/d") is False


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("move", {"from": "/no", "to": "/x"}, "not_found"),
        ("move", {"from": "/file", "to": "/dir"}, "is_a_directory"),
        ("move", {"from": "/dir", "to": "/file"}, "not_a_directory"),
        ("move", {"from": "/other", "to": "/dir"}, "directory_not_empty"),
        ("move", {"from": "/dir", "to": "/dir/below"}, "invalid_argument"),
        ("move", {"from": "/file", "to": "relative"}, "invalid_argument"),
        ("move", {"from": "relative", "to": "/x"}, "invalid_argument"),
        ("move", {"from": "/file", "to": "/etc/torpor/x"}, "invalid_argument"),
        ("symlink", {"target": "x", "path": "/file"}, "exists"),
        ("symlink", {"target": "x", "path": "/no/no"}, "not_found"),
        ("symlink", {"target": "x", "path": "/etc/torpor/x"}, "read_only"),
        ("readlink", {"path": "/file"}, "invalid_argument"),
        ("readlink", {"path": "/no"}, "not_found"),
        ("chmod", {"path": "/no", "mode": 0o644}, "not_found"),
        ("chmod", {"path": "/etc/torpor/instructions.md", "mode": 0o644}, "read_only"),
        ("truncate", {"path": "/dir", "size": 0}, "is_a_directory"),
        ("truncate", {"path": "/file", "size": 2**45}, "too_large"),
        ("readdirEntries", {"path": "/file"}, "not_a_directory"),
        ("readdirEntries", {"path": "/no"}, "not_found"),
        ("readdirRecursive", {"path": "/file"}, "not_a_directory"),
        ("readdirRecursive", {"path": "relative"}, "invalid_argument"),
    ],
)
def test_errors_have_stable_codes(vm: Vm, method: str, params: dict[str, object], code: str) -> None:
    vm.write("/file", "x")
    vm.write("/dir/file", "x")
    vm.call("mkdir", path="/other")
    assert vm.error(method, **params).name == code
    assert vm.read("/dir/file") == "x"
    assert vm.read("/file") == "x"


@pytest.mark.parametrize(
    ("method", "params"), [("chmod", {"mode": 0o10000}), ("chmod", {"mode": -1}), ("truncate", {"size": -1})]
)
def test_numbers_out_of_range_are_invalid_params(vm: Vm, method: str, params: dict[str, object]) -> None:
    assert vm.error(method, path="/x", **params).rpc_code == -32602


def test_vast_directories_are_listed_while_others_are_served(vm: Vm, api: Api) -> None:
    vm.write("/vast/first", "")
    many = 101_000
    for start in range(0, many, 10_000):
        numbers = range(start, min(start + 10_000, many))
        vm.call("writeFiles", files=[{"path": f"/vast/{number:06d}", "content": ""} for number in numbers])
    listing = vm.start("readdir", path="/vast")
    answers = 0
    while not listing.done:
        api.call("hello", client="test")
        answers += 1
    assert len(listing.result()) == many + 1
    assert answers > 3
    error = vm.error("readdirEntries", path="/vast")
    assert (error.name, error.data["limit"], error.data["max"]) == ("limit_exceeded", "entries", 100_000)
    assert error.data["path"] == "/vast"
    error = vm.error("readdirRecursive", path="/")
    assert (error.name, error.data["path"]) == ("limit_exceeded", "/")
    page = vm.call("readdirEntries", path="/vast", after="100990", limit=100)
    assert [entry["name"] for entry in page] == [f"{number:06d}" for number in range(100_991, many)] + ["first"]


def test_vast_trees_are_removed_while_others_are_served(vm: Vm, api: Api) -> None:
    for start in range(0, 24_000, 8_000):
        files = [{"path": f"/vast/{number % 700}/{number}", "content": "x"} for number in range(start, start + 8_000)]
        vm.call("writeFiles", files=files)
    before = vm.call("vm.stats")["files"]
    removing = vm.start("deleteFile", path="/vast", recursive=True)
    answers = 0
    while not removing.done:
        api.call("hello", client="test")
        answers += 1
    assert removing.result() == {}
    assert answers > 3
    after = vm.call("vm.stats")["files"]
    assert (before["count"] - after["count"], before["bytes"] - after["bytes"]) == (24_701, 24_000)
    assert vm.call("exists", path="/vast") is False
    assert vm.error("deleteFile", path="/", recursive=True).name == "invalid_argument"
    assert vm.error("deleteFile", path="/etc", recursive=True).name == "read_only"
