"""Host directories in VMs: what guests and clients see of them, and what they never reach."""

from __future__ import annotations

import base64
import os
import re
import shutil
import sqlite3
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.daemon import Daemon, Vm, fresh_name

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS = Path(__file__).resolve().parents[1] / "guests" / "dist"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    directory = tmp_path.resolve() / "project"
    (directory / "src").mkdir(parents=True)
    (directory / "src/main").write_text("of the host")
    (tmp_path / "secret").write_text("of the user")
    return directory


@pytest.fixture
def mounted(make_vm: Callable[..., Vm], host: Path) -> Vm:
    """A VM with the directory at /work, and once more, read-only, at /ro."""
    return make_vm(mounts=[mount("/work", host), mount("/ro", host, readOnly=True)])


def mount(path: str, host: Path, **options: bool) -> dict[str, Any]:
    return {"path": path, "host": str(host), **options}


def install(vm: Vm, *names: str) -> None:
    for name in names:
        content = base64.b64encode((PROGRAMS / f"{name}.wasm").read_bytes()).decode()
        vm.call("writeFile", path=f"/bin/{name}", content={"base64": content})


def files_of(directory: Path) -> dict[str, str | None]:
    return {
        str(path.relative_to(directory)): path.read_text() if path.is_file() else None for path in directory.rglob("*")
    }


def test_clients_and_guests_see_the_same_files(mounted: Vm, host: Path) -> None:
    session = mounted.session(cwd="/work")
    assert mounted.read("/work/src/main") == session.say("fsread /work/src/main")[8:] == "of the host"
    assert session.say("fswrite /work/made by a guest") == "fswrite: 10 bytes"
    assert session.say("write /work/asked by ACP").startswith("write: ")
    mounted.write("/work/deep/er", "by a client")
    (host / "later").write_text("by the user")
    expected = {"src": None, "src/main": "of the host", "made": "by a guest", "asked": "by ACP", "deep": None}
    assert files_of(host) == expected | {"deep/er": "by a client", "later": "by the user"}
    assert mounted.call("readdir", path="/work") == ["asked", "deep", "later", "made", "src"]
    assert session.say("ls /work") == "ls: asked deep/ later made src/"
    for path in ("/work/later", "/ro/later"):
        seen, real = mounted.call("stat", path=path), (host / "later").stat()
        assert (seen["type"], seen["size"], seen["nlink"]) == ("file", 11, 1)
        assert seen["mode"] == real.st_mode
        assert seen["mtimeMs"] == real.st_mtime_ns / 1e6
    entries = mounted.call("readdirEntries", path="/work", after="asked", limit=2)
    assert [(entry["name"], entry["type"]) for entry in entries] == [("deep", "directory"), ("later", "file")]
    below = {entry["path"] for entry in mounted.call("readdirRecursive", path="/work")}
    assert below == {f"/work/{path}" for path in files_of(host)}
    assert "/work/src/main" in {entry["path"] for entry in mounted.call("readdirRecursive", path="/")}
    mounted.call("move", **{"from": "/work/later", "to": "/work/src/later"})
    mounted.call("chmod", path="/work/made", mode=0o600)
    mounted.call("truncate", path="/work/made", size=2)
    mounted.call("symlink", target="src/later", path="/work/link")
    mounted.call("deleteFile", path="/work/deep", recursive=True)
    assert files_of(host) == {
        "src": None, "src/main": "of the host", "src/later": "by the user", "made": "by", "asked": "by ACP",
        "link": "by the user",
    }  # fmt: skip
    assert stat.S_IMODE((host / "made").stat().st_mode) == 0o600
    assert mounted.read("/work/link") == session.say("fsread /work/link")[8:] == "by the user"


@pytest.mark.parametrize(
    "program",
    ["directories", "exclusive", "file_rw", "file_stat", "file_times", "readdir", "rename", "symlink_loop", "links"],
)
def test_posix_programs_find_on_a_mount_what_they_find_in_the_vm(mounted: Vm, host: Path, program: str) -> None:
    install(mounted, program)
    session = mounted.session()
    there = session.say(f"terminal {program} /work/place")
    here = session.say(f"terminal {program} /tmp/place")
    assert here.startswith("terminal: exit=0"), here
    if program == "links":  # it follows a link that leads to the root: from a mount that is refused
        here = re.sub(r"(?m)^(above the root is the root).*$", r"\1: EPERM", here)
    assert there == here
    assert (host / "place").is_dir()


def test_nobody_gets_out(mounted: Vm, host: Path) -> None:
    """By links of the host, by links of a guest's own, and by dots; the user's file lies just beside the directory."""
    (host / "absolute").symlink_to(host.parent / "secret")
    (host / "relative").symlink_to("../secret")
    (host / "up").symlink_to("..")
    (host / "proc").symlink_to("/proc/self")
    session = mounted.session()
    for path in ("absolute", "relative", "up/secret", "up/project/../secret", "proc/environ", "src/../up/secret"):
        for top in ("/work", "/ro"):
            assert session.say(f"fsread {top}/{path}").startswith("fsread failed: not-permitted")
            assert mounted.error("readFile", path=f"{top}/{path}").name == "invalid_argument"
        assert session.say(f"fswrite /work/{path} stolen").startswith("fswrite failed: not-permitted")
        assert mounted.error("writeFile", path=f"/work/{path}", content="stolen").name == "invalid_argument"
    mounted.call("symlink", target="/work/absolute", path="/home/user/link")
    assert session.say("fsread /home/user/link").startswith("fsread failed: not-permitted")
    for path in ("/work/../secret", "/work/src/../../secret", "/work/../../../../../../../../etc/shadow"):
        assert session.say(f"fsread {path}").startswith("fsread failed: no-entry")
        assert mounted.error("readFile", path=path).name == "not_found"
    assert mounted.error("symlink", target=str(host.parent / "secret"), path="/work/mine").name == "invalid_argument"
    assert (host.parent / "secret").read_text() == "of the user"
    assert sorted(path.name for path in host.parent.iterdir()) == ["project", "secret"]


def test_nothing_waits_for_a_fifo(mounted: Vm, host: Path) -> None:
    os.mkfifo(host / "fifo")
    session = mounted.session()
    assert session.say("fsread /work/fifo").startswith("fsread failed: unsupported")
    assert session.say("fswrite /work/fifo x").startswith("fswrite failed: unsupported")
    assert mounted.error("readFile", path="/work/fifo").name == "invalid_argument"
    assert mounted.call("stat", path="/work/fifo")["type"] == "other"


def test_read_only(mounted: Vm, host: Path) -> None:
    session = mounted.session()
    before = files_of(host)
    assert session.say("fswrite /ro/new x").startswith("fswrite failed: read-only")
    assert session.say("fswrite /ro/src/main x").startswith("fswrite failed: read-only")
    for method, params in {
        "writeFile": {"path": "/ro/src/main", "content": "x"},
        "mkdir": {"path": "/ro/new"},
        "move": {"from": "/ro/src", "to": "/ro/new"},
        "deleteFile": {"path": "/ro/src", "recursive": True},
        "symlink": {"target": "x", "path": "/ro/new"},
        "chmod": {"path": "/ro/src/main", "mode": 0},
        "truncate": {"path": "/ro/src/main", "size": 0},
    }.items():
        assert mounted.error(method, **params).name == "read_only", method
    assert files_of(host) == before


def test_a_mount_lasts_and_can_be_changed(make_vm: Callable[..., Vm], host: Path) -> None:
    vm = make_vm()
    session = vm.session()
    vm.write("/work/mine", "of the VM")
    made = vm.call("vm.configure", options={"mounts": [mount("/work", host)]})
    assert made["options"] == {"mounts": [mount("/work", host)]} == vm.call("vm.get")["options"]
    assert session.say("ls /work") == "ls: src/"
    vm.sleep()
    assert vm.read("/work/src/main") == "of the host"
    assert vm.state() == "asleep"
    assert session.say("fsread /work/src/main").endswith("fsread: of the host")
    assert vm.call("vm.getOrCreate", options={"mounts": [mount("/work", host)]})["created"] is False
    assert vm.error("vm.getOrCreate", options={"mounts": [mount("/work", host, readOnly=True)]}).name == "vm_conflict"
    vm.call("vm.configure", options={"mounts": [mount("/work", host, readOnly=True)]})
    assert session.say("fswrite /work/new x").startswith("fswrite failed: read-only")
    vm.call("vm.configure", options={"mounts": None})
    assert session.say("ls /work") == "ls: mine"
    assert "mounts" not in vm.call("vm.get")["options"]


def test_a_restart_of_the_daemon(own_daemon: Daemon, host: Path) -> None:
    with own_daemon.connect() as api:
        Vm(api, "vm", mounts=[mount("/work", host)]).session().say("fswrite /work/new x")
    own_daemon.restart()
    with own_daemon.connect() as api:
        assert Vm(api, "vm").read("/work/new") == "x"


def test_a_directory_that_is_gone_is_missed_only_where_it_was(mounted: Vm, host: Path) -> None:
    session = mounted.session()
    mounted.sleep()
    aside = host.rename(host.with_name("aside"))
    assert session.say("say awake") == "awake"
    assert session.say("fsread /work/src/main").startswith("fsread failed: no-device")
    refusal = mounted.error("readFile", path="/work/src/main")
    assert refusal.name == "io_error"
    assert "host directory of this mount cannot be used" in refusal.message
    assert str(host) not in refusal.message
    assert "work" in mounted.call("readdir", path="/")
    assert mounted.call("vm.getOrCreate", options=mounted.call("vm.get")["options"])["created"] is False
    mounted.call("vm.configure", options={"labels": {"a": "b"}})
    host.symlink_to(aside)
    assert session.say("fsread /work/src/main").startswith("fsread failed: no-device")
    host.unlink()
    aside.rename(host)
    assert session.say("fsread /work/src/main") == "fsread: of the host"


def test_a_guest_cannot_send_another_mount_elsewhere(make_vm: Callable[..., Vm], host: Path) -> None:
    """It may replace the directory that another mount names; that one is not found through a link."""
    vm = make_vm(mounts=[mount("/all", host), mount("/src", host / "src")])
    shutil.copytree(host / "src", host.parent / "private")
    vm.call("move", **{"from": "/all/src", "to": "/all/old"})
    vm.call("symlink", target="../private", path="/all/src")
    for _ in range(2):
        assert vm.error("readFile", path="/src/main").name == "io_error"
        vm.sleep()


def test_what_cannot_be_mounted(
    api: Any, daemon: Daemon, make_vm: Callable[..., Vm], host: Path, component_cache: Path
) -> None:
    vm = make_vm()
    vm.write("/file", "")
    (host / "link").symlink_to("src")
    (host / "file").write_text("")
    member = "options.mounts[0]"
    refusals: list[tuple[list[dict[str, Any]], str]] = [
        ([mount("/", host)], f"{member}.path"),
        ([mount("work", host)], f"{member}.path"),
        ([mount("/a/../b", host)], f"{member}.path"),
        ([mount("/a//b", host)], f"{member}.path"),
        ([mount("/a/", host)], f"{member}.path"),
        ([mount("/etc", host)], f"{member}.path"),
        ([mount("/etc/torpor/x", host)], f"{member}.path"),
        ([mount("/root", host)], f"{member}.path"),
        ([mount("/" + "n" * 256, host)], f"{member}.path"),
        ([mount("/n" * 33, host)], f"{member}.path"),
        ([mount("/a", host), mount("/a", host / "src")], "options.mounts[1].path"),
        ([mount("/a/b", host), mount("/a", host / "src")], "options.mounts[1].path"),
        ([mount("/a", Path("relative"))], f"{member}.host"),
        ([mount("/a", host / "none")], f"{member}.host"),
        ([mount("/a", host / "file")], f"{member}.host"),
        ([mount("/a", host / "link")], f"{member}.host"),
        ([mount("/a", host), mount("/b", host / "none")], "options.mounts[1].host"),
        ([{"path": "/a", "host": f"{host}/src/.."}], f"{member}.host"),
        ([mount("/a", daemon.state.parent)], f"{member}.host"),
        ([mount("/a", Path("/"))], f"{member}.host"),
        ([mount("/a", component_cache)], f"{member}.host"),
        ([mount("/a", component_cache.parent)], f"{member}.host"),
        ([mount("/a", Path("/proc"))], f"{member}.host"),
        ([mount("/a", Path("/sys/kernel"))], f"{member}.host"),
    ]
    for mounts, where in refusals:
        for method in ("vm.getOrCreate", "vm.configure"):
            name = vm.name if method == "vm.configure" else fresh_name("never")
            refusal = api.error(method, vm=name, options={"mounts": mounts})
            assert refusal.name == "invalid_argument", mounts
            assert refusal.message.startswith(f"{where}: "), refusal.message
            assert refusal.data["pointer"] == "/" + where.replace("[", "/").replace("].", "/").replace(".", "/")
    assert (
        str(host / "src")
        in api.error("vm.configure", vm=vm.name, options={"mounts": [mount("/a", host / "link")]}).message
    )
    for path in ("/file", "/file/below"):
        refusal = vm.error("vm.configure", options={"mounts": [mount("/ok", host), mount(path, host)]})
        assert (refusal.name, path in refusal.message) == ("invalid_argument", True)
    assert vm.call("vm.get")["options"] == {}
    assert vm.error("readFile", path="/ok/src/main").name == "not_found"
    for shape in (
        [{"path": "/a"}],
        [{"path": "/a", "host": str(host), "colour": "red"}],
        [mount("/a", host)] * 17,
        "x",
    ):
        assert vm.error("vm.configure", options={"mounts": shape}).rpc_code == -32602
    assert vm.error("vm.configure", options={"mounts": [{"path": "/a"}]}).data["errors"][0]["pointer"] == (
        "/options/mounts/0/host"
    )


def test_forks_keep_mounts_and_snapshots_have_nothing_of_them(mounted: Vm, host: Path) -> None:
    session = mounted.session()
    session.say("fswrite /work/new one")
    mounted.call("snapshot", name="before")
    session.say("fswrite /work/new two; fswrite /home/user/mine x")
    changed = {each["path"] for each in mounted.call("diff", **{"from": "before", "to": None})["changes"]}
    assert "/home/user/mine" in changed
    assert not any(path.startswith(("/work/", "/ro/")) for path in changed)
    name = fresh_name("fork")
    mounted.call("vm.fork", to=name)
    fork = Vm(mounted.api, name)
    assert fork.call("vm.get")["options"] == mounted.call("vm.get")["options"]
    assert fork.read("/ro/new") == "two"
    fork.call("vm.destroy")
    mounted.call("restore", to="before")
    assert mounted.read("/work/new") == "two"
    assert mounted.error("readFile", path="/home/user/mine").name == "not_found"
    assert session.say("fsread /ro/new").endswith("fsread: two")
    assert (host / "new").read_text() == "two"


@pytest.mark.parametrize("trust", [False, True])
def test_an_export_tells_nothing_of_the_host(mounted: Vm, host: Path, tmp_path: Path, trust: bool) -> None:
    mounted.session().say("fswrite /work/new x")
    mounted.write("/home/user/kept", "kept")
    path = tmp_path / "work.torpor"
    assert mounted.call("vm.export", path=str(path))["mounts"] == ["/work", "/ro"]
    content = path.read_bytes()
    assert str(host).encode() not in content
    assert b"of the host" not in content
    with sqlite3.connect(path) as connection:  # and none is taken over from a file that has some
        stolen = '[{"path": "/a", "host": "/"}]'
        connection.execute("UPDATE vm SET options = json_set(options, '$.mounts', json(?))", (stolen,))
    connection.close()
    name = fresh_name("imported")
    assert "mounts" not in mounted.api.call("vm.import", path=str(path), vm=name, trust=trust)["options"]
    imported = Vm(mounted.api, name)
    assert imported.read("/home/user/kept") == "kept"
    assert imported.call("readdir", path="/work") == []
    imported.call("vm.destroy")


def test_a_disk_of_the_host_has_no_quota(make_vm: Callable[..., Vm], host: Path) -> None:
    vm = make_vm(mounts=[mount("/work", host)], limits={"fileBytes": 100, "files": 10})
    session = vm.session()
    before = vm.call("vm.stats")["files"]
    for number in range(20):
        vm.write(f"/work/{number}", "x" * 100)
    assert vm.call("vm.stats")["files"] == before
    assert session.say("fsread /work/19") == "fsread: " + "x" * 100


@pytest.mark.parametrize("directory", ["/work", "/bin"])
def test_a_command_that_no_memory_would_hold_is_not_read(mounted: Vm, directory: str) -> None:
    mounted.write(f"{directory}/huge", "")
    mounted.call("truncate", path=f"{directory}/huge", size=1 << 39)
    refusal = mounted.error("exec", argv=[f"{directory}/huge"])
    assert refusal.name == "invalid_argument"
    assert "268435456 bytes" in refusal.message


def test_descriptors_of_the_host_are_bounded_and_come_back(
    make_vm: Callable[..., Vm], daemon: Daemon, host: Path
) -> None:
    vm = make_vm(mounts=[mount("/tmp", host)])  # noqa: S108 - the VM's
    install(vm, "open_many")
    session = vm.session()
    for _ in range(2):
        assert "ENOMEM" in session.say("terminal open_many")
        held = [str(path.readlink()) for path in Path(f"/proc/{daemon.pid}/fd").iterdir()]
        assert not [path for path in held if path.startswith(str(host))]
