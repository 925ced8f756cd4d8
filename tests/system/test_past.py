"""Snapshots with names, differences between states, and the way back; all of it with the VM asleep."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

from tests.system.daemon import Vm, fresh_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.daemon import Daemon


def changes(vm: Vm, before: object, after: object = None, **params: object) -> dict[str, str]:
    """The changes between two points, by path, without those of the runtime's own files."""
    found = vm.call("diff", **{"from": before, "to": after}, **params)["changes"]
    assert [each["path"] for each in found] == sorted(each["path"] for each in found)
    for each in found:
        assert ("before" in each, "after" in each) == (each["change"] != "added", each["change"] != "removed")
    return {each["path"]: each["change"] for each in found if not each["path"].startswith(("/root", "/etc"))}


def everything(vm: Vm) -> list[dict[str, Any]]:
    """All files with their attributes, but for the times of reading."""
    entries = vm.call("readdirRecursive", path="/")
    for entry in entries:
        del entry["atimeMs"]
        if entry["type"] == "file":
            entry["content"] = vm.read(entry["path"])
        elif entry["type"] == "symlink":
            entry["target"] = vm.call("readlink", path=entry["path"])
    return entries


def test_a_diff_tells_what_is_different_and_nothing_else(vm: Vm) -> None:
    for name in ("same", "touched", "rewritten", "grown", "mode", "gone", "moved", "type", "padded"):
        vm.write(f"/d/{name}", name)
    vm.write("/tree/a/b", "b")
    vm.write("/renamed/a/b", "b")
    vm.call("symlink", target="x", path="/d/link")
    assert vm.call("snapshot", name="before")["name"] == "before"
    assert changes(vm, "before") == {}
    vm.write("/d/touched", "touched")
    vm.write("/d/rewritten", "REWRITTEN")
    vm.write("/d/grown", "grown up")
    vm.call("chmod", path="/d/mode", mode=0o600)
    vm.call("deleteFile", path="/d/gone")
    vm.call("move", **{"from": "/d/moved", "to": "/d/new"})
    vm.call("deleteFile", path="/d/type")
    vm.write("/d/type/below", "x")
    vm.call("deleteFile", path="/d/link")
    vm.call("symlink", target="y", path="/d/link")
    vm.call("truncate", path="/d/padded", size=0)
    vm.call("truncate", path="/d/padded", size=6)
    vm.write("/d/padded", "padded")
    vm.call("deleteFile", path="/tree", recursive=True)
    vm.call("move", **{"from": "/renamed", "to": "/d/renamed"})
    vm.write("/d/renamed/a/c", "c")
    vm.sleep()
    wanted = {
        "/d/rewritten": "modified",
        "/d/grown": "modified",
        "/d/mode": "modified",
        "/d/gone": "removed",
        "/d/moved": "removed",
        "/d/new": "added",
        "/d/type": "modified",
        "/d/type/below": "added",
        "/d/link": "modified",
        "/tree": "removed",
        "/tree/a": "removed",
        "/tree/a/b": "removed",
        "/renamed": "removed",
        "/renamed/a": "removed",
        "/renamed/a/b": "removed",
        "/d/renamed": "added",
        "/d/renamed/a": "added",
        "/d/renamed/a/b": "added",
        "/d/renamed/a/c": "added",
    }
    assert changes(vm, "before") == wanted
    vm.call("snapshot", name="after")
    assert changes(vm, "before", "after") == wanted
    back = {"added": "removed", "removed": "added", "modified": "modified"}
    assert changes(vm, "after", "before") == {path: back[change] for path, change in wanted.items()}
    assert changes(vm, "after") == {}
    below = {path: change for path, change in wanted.items() if path.startswith("/d/renamed")}
    assert changes(vm, "before", path="/d/renamed") == below
    assert changes(vm, "before", path="/d/same") == changes(vm, "before", path="/no/such") == {}
    assert vm.state() == "asleep"
    found = vm.call("diff", **{"from": "before", "path": "/d/grown"})
    assert (found["from"]["name"], found["to"]) == ("before", None)
    (change,) = found["changes"]
    assert (change["before"]["size"], change["after"]["size"]) == (5, 8)
    assert (change["before"]["type"], change["after"]["mode"]) == ("file", 0o644)


def test_a_diff_reaches_over_merged_layers(vm: Vm) -> None:
    for number in range(80):
        vm.write(f"/d/{number:02d}/file", "x")
        vm.write("/d/every", str(number))
        vm.call("snapshot", name=str(number))
    wanted = {"/d/every": "modified"}
    for number in range(11, 71):
        wanted |= {f"/d/{number}": "added", f"/d/{number}/file": "added"}
    assert changes(vm, "10", "70") == wanted
    assert changes(vm, "79") == {}


def test_turns_leave_points_to_compare(vm: Vm) -> None:
    session = vm.session()
    first = session.prompt("fswrite a.txt one")["seq"]
    second = session.prompt("fswrite a.txt two; fswrite b.txt two")["seq"]
    third = session.prompt("say nothing")["seq"]
    points = [{"sessionId": session.id, "seq": seq} for seq in (first, second, third)]
    wanted = {"/home/user/a.txt": "modified", "/home/user/b.txt": "added"}
    assert changes(vm, points[0], points[1]) == wanted
    assert changes(vm, points[0]) == wanted
    assert changes(vm, points[1], points[2]) == {}
    found = vm.call("diff", **{"from": points[0], "to": points[2]})
    assert (found["from"]["sessionId"], found["from"]["seq"]) == (session.id, first)
    listed = vm.call("listSnapshots", sessionId=session.id)
    started = [each["seq"] for each in session.events() if each["event"]["method"] == "_torpor/turn_started"]
    assert [each["seq"] for each in listed] == [started[0], first, second, third]
    assert vm.call("listSnapshots") == []
    vm.call("restore", to=points[0])
    assert vm.read("/home/user/a.txt") == "one"


def test_what_a_turn_has_changed_is_not_what_was_changed_before_it(vm: Vm) -> None:
    vm.write("/home/user/given.txt", "x")
    session = vm.session()
    vm.write("/home/user/more.txt", "x")
    first = session.prompt("fswrite a.txt one")["seq"]
    vm.write("/home/user/between.txt", "x")
    second = session.prompt("fswrite b.txt two")["seq"]
    begun = [each["seq"] for each in session.events() if each["event"]["method"] == "_torpor/turn_started"]
    points = [{"sessionId": session.id, "seq": seq} for seq in (begun[0], first, begun[1], second)]
    assert changes(vm, points[0], points[1]) == {"/home/user/a.txt": "added"}
    assert changes(vm, points[1], points[2]) == {"/home/user/between.txt": "added"}
    assert changes(vm, points[2], points[3]) == {"/home/user/b.txt": "added"}
    assert [each["seq"] for each in vm.call("listSnapshots", sessionId=session.id)] == [each["seq"] for each in points]
    error = vm.error("diff", **{"from": {"sessionId": session.id, "seq": begun[0] - 1}})
    assert (error.name, error.data["firstSeq"]) == ("invalid_argument", begun[0])


def test_snapshots_are_listed_and_deleted(vm: Vm) -> None:
    vm.write("/f", "x")
    made = [vm.call("snapshot", name="one"), vm.call("snapshot"), vm.call("snapshot", name="t\N{SNOWMAN}o")]
    assert vm.call("listSnapshots") == made
    assert [set(each) for each in made] == [{"name", "createdAt"}] * 3
    assert vm.error("snapshot", name="one").name == "exists"
    vm.call("deleteSnapshot", name="one")
    assert vm.error("deleteSnapshot", name="one").name == "not_found"
    assert vm.error("restore", to="one").name == "not_found"
    assert vm.error("diff", **{"from": "one"}).name == "not_found"
    assert vm.call("snapshot", name="one")["name"] == "one"
    assert vm.error("diff", **{"from": {"sessionId": "none", "seq": 0}}).name == "session_not_found"
    assert vm.error("diff", **{"from": "one", "path": "relative"}).name == "invalid_argument"
    assert vm.error("restore", to={"sessionId": "x"}).rpc_code == -32602


def test_a_restore_brings_everything_back(vm: Vm) -> None:
    vm.write("/d/a", "first")
    vm.write("/d/sub/b", "b")
    vm.call("symlink", target="a", path="/d/link")
    vm.call("chmod", path="/d/a", mode=0o640)
    before = everything(vm)
    vm.call("snapshot", name="s")
    vm.write("/d/a", "second")
    vm.call("deleteFile", path="/d/sub", recursive=True)
    vm.write("/new", "new")
    new = vm.call("stat", path="/new")["ino"]
    vm.call("snapshot", name="later")
    later = everything(vm)
    assert vm.call("restore", to="s")["name"] == "s"
    assert everything(vm) == before
    assert vm.state() == "asleep"
    vm.write("/newer", "x")
    assert vm.call("stat", path="/newer")["ino"] > new
    vm.call("restore", to="later")
    assert everything(vm) == later
    assert vm.session().say("say awake") == "awake"
    assert vm.read("/new") == "new"


def test_a_restore_survives_a_kill_and_costs_nothing(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        vm = Vm(api, "vm")
        vm.write("/big", "".join(f"{number:08d}" for number in range(500_000)))
        vm.write("/small", "before")
        vm.call("snapshot", name="s")
        vm.write("/small", "after")
        vm.call("deleteFile", path="/big")
        vm.call("restore", to="s")
    own_daemon.restart()
    with own_daemon.connect() as api:
        vm = Vm(api, "vm")
        assert vm.read("/small") == "before"
        assert len(vm.read("/big")) == 4_000_000
        vm.call("deleteSnapshot", name="s")
        vm.call("deleteFile", path="/big")
        vm.call("snapshot", name="without")
        assert vm.read("/small") == "before"
    own_daemon.stop()
    with contextlib.closing(sqlite3.connect(own_daemon.state)) as state:
        assert state.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    own_daemon.start()


def test_a_restore_waits_for_turns_and_their_agents_read_what_was_said(vm: Vm) -> None:
    session = vm.session(env={"ECHO_LOAD": "1"})
    session.say("say first")
    vm.call("snapshot", name="s")
    session.say("say second")
    session.subscribe()
    turn = session.begin("say begun; sleep 300; fswrite late.txt x")
    vm.call("restore", to="s")
    assert vm.api.result(turn)["stopReason"] == "end_turn"
    assert vm.call("exists", path="/home/user/late.txt") is False
    assert "second" in "".join(str(event) for event in session.events())
    assert session.say("say third").endswith("third")
    threads = vm.read(f"/root/.torpor/threads/{session.id}.md")
    assert "second" in threads


def test_a_restore_can_cut_turns_short(vm: Vm) -> None:
    session = vm.session()
    vm.call("snapshot", name="s")
    session.subscribe()
    turn = session.begin("say begun; sleep 60000")
    vm.call("restore", to="s", force=True)
    assert vm.api.result(turn)["stopReason"] == "cancelled"


def test_forks_and_snapshots_do_not_hurt_one_another(make_vm: Callable[..., Vm]) -> None:
    vm = make_vm()
    vm.write("/f", "1")
    vm.call("snapshot", name="s")
    vm.write("/f", "2")
    fork = Vm(vm.api, vm.call("vm.fork", to=fresh_name("fork"))["vm"])
    try:
        assert fork.call("listSnapshots") == []
        vm.call("restore", to="s")
        assert (vm.read("/f"), fork.read("/f")) == ("1", "2")
        fork.write("/f", "3")
        vm.write("/f", "4")
        fork.call("snapshot", name="s")
        assert (vm.read("/f"), fork.read("/f")) == ("4", "3")
    finally:
        fork.call("vm.destroy")
    assert changes(vm, "s") == {"/f": "modified"}
