"""/dev for clients: to be seen, and read and written where that means something."""

from __future__ import annotations

import sqlite3
import stat
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.daemon import Vm

NAMES = ["fd", "full", "null", "random", "stderr", "stdin", "stdout", "tty", "urandom", "zero"]


def test_they_are_seen_and_take_no_room(vm: Vm, tmp_path: Path) -> None:
    vm.call("snapshot", name="before")
    before = vm.call("vm.stats")["files"]
    assert vm.call("readdir", path="/dev") == NAMES
    assert "dev" not in vm.call("readdir", path="/")
    status = vm.call("stat", path="/dev/null")
    assert (status["type"], status["size"], status["mode"]) == ("other", 0, stat.S_IFCHR | 0o666)
    entries = {entry["name"]: entry["type"] for entry in vm.call("readdirEntries", path="/dev")}
    assert entries == {name: "directory" if name == "fd" else "other" for name in NAMES}
    assert {entry["path"] for entry in vm.call("readdirRecursive", path="/dev")} >= {"/dev/null", "/dev/fd/0"}
    assert not any(entry["path"].startswith("/dev") for entry in vm.call("readdirRecursive", path="/"))
    vm.write("/dev/null", "gone")
    said = vm.session().say("fswrite /dev/null x; fsread /dev/null")
    assert said == "fswrite: 1 bytesfsread failed: a device, not a file: /dev/null"
    vm.sleep()
    assert vm.call("vm.stats")["files"] == before
    assert vm.call("diff", **{"from": "before"})["changes"] == []
    path = tmp_path / "vm.torpor"
    vm.call("vm.export", path=str(path))
    with sqlite3.connect(path) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM dentry")}
        types = {type_ for (type_,) in connection.execute("SELECT type FROM inode")}
    connection.close()
    assert not names & {"dev", *NAMES}
    assert types <= {0, 4, 8, 10}


@pytest.mark.parametrize(
    ("method", "params", "outcome"),
    [
        ("readFile", {"path": "/dev/null"}, {"content": ""}),
        ("readFile", {"path": "/dev/null", "offset": 5}, {"content": ""}),
        ("readFile", {"path": "/dev/zero", "length": 3}, {"content": "\0\0\0"}),
        ("readFile", {"path": "/dev/zero"}, "invalid_argument"),
        ("readFile", {"path": "/dev/urandom"}, "invalid_argument"),
        ("readFile", {"path": "/dev/stdin", "length": 1}, "invalid_argument"),
        ("readFile", {"path": "/dev/tty", "length": 1}, "invalid_argument"),
        ("readFiles", {"paths": ["/dev/null"]}, [{"path": "/dev/null", "content": ""}]),
        ("writeFile", {"path": "/dev/full", "content": "x"}, "quota_exceeded"),
        ("writeFile", {"path": "/dev/stdout", "content": "x"}, "invalid_argument"),
        ("writeFile", {"path": "/dev/null/x", "content": "x"}, "not_a_directory"),
        ("truncate", {"path": "/dev/null", "size": 0}, "invalid_argument"),
        ("chmod", {"path": "/dev/null", "mode": 0o600}, "read_only"),
        ("deleteFile", {"path": "/dev/null"}, "invalid_argument"),
        ("deleteFile", {"path": "/dev", "recursive": True}, "invalid_argument"),
        ("move", {"from": "/dev", "to": "/x"}, "invalid_argument"),
        ("mkdir", {"path": "/dev"}, "exists"),
        ("exists", {"path": "/dev/fd/2"}, True),
        ("exists", {"path": "/dev/fd/3"}, False),
        ("exec", {"argv": ["/dev/null"]}, "invalid_argument"),
        ("exec", {"argv": ["/dev/zero"]}, "invalid_argument"),
    ],
)
def test_what_clients_may_do(vm: Vm, method: str, params: dict[str, Any], outcome: object) -> None:
    if isinstance(outcome, str):
        assert vm.error(method, **params).name == outcome
    else:
        assert vm.call(method, **params) == outcome


def test_reads_are_bounded(vm: Vm) -> None:
    assert len(vm.call("readFile", path="/dev/zero", length=1 << 50)["content"]) == 1024 * 1024
    first, second = (vm.call("readFile", path="/dev/urandom", length=32, encoding="base64") for _ in range(2))
    assert first != second


def test_a_directory_of_the_vms_own(vm: Vm) -> None:
    vm.call("writeFiles", files=[{"path": f"/dev/many/{number}", "content": ""} for number in range(2100)])
    vm.write("/dev/mine", "x")
    assert vm.call("readdir", path="/dev") == sorted([*NAMES, "many", "mine"])
    below = {entry["path"] for entry in vm.call("readdirRecursive", path="/", exclude=["many"])}
    assert {path for path in below if path.startswith("/dev")} == {"/dev", "/dev/mine"}
    vm.call("snapshot", name="with")
    vm.call("deleteFile", path="/dev", recursive=True)
    assert vm.call("readdir", path="/dev") == NAMES
    vm.call("restore", to="with")
    assert vm.read("/dev/mine") == "x"
    assert vm.read("/dev/null") == ""
