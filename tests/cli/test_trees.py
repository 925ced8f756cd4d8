"""`torpor fs` beyond single files: copies in and out, trees, and the past, against a daemon with VMs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from runtime.cli import exits
from tests.patience import WAIT
from tests.system.daemon import Vm, fresh_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.system.daemon import Daemon

COMMAND = [sys.executable, "-P", "-m", "runtime.cli"]


@pytest.fixture
def vm(daemon: Daemon) -> Iterator[Vm]:
    with daemon.connect() as api:
        made = Vm(api, fresh_name("trees"))
        yield made
        assert made.state() == "asleep"
        made.call("vm.destroy")


@pytest.fixture
def fs(daemon: Daemon, vm: Vm) -> Any:
    """Run `torpor fs COMMAND` for this VM; its exit code, stdout and stderr."""

    def run(command: str, *words: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [*COMMAND, "fs", command, "--vm", vm.name, *words],
            capture_output=True,
            text=True,
            timeout=WAIT,
            env={**os.environ, "TORPOR_SOCKET": str(daemon.socket)},
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


def test_trees_are_copied_in_and_out(fs: Any, vm: Vm, tmp_path: Path) -> None:
    here = tmp_path / "src"
    (here / "sub" / "empty").mkdir(parents=True)
    (here / "raw").write_bytes(bytes(range(256)))
    (here / "sub" / "run").write_text("x")
    (here / "sub" / "run").chmod(0o755)
    (here / "link").symlink_to("sub/run")
    os.mkfifo(here / "pipe")
    assert fs("cp", str(here), ":/home/user/")[0] == exits.FAILED
    code, _, stderr = fs("cp", "-r", str(here), ":/home/user/")
    assert (code, "pipe is left out" in stderr) == (0, True)
    tree = fs("tree", "/home/user")[1].splitlines()
    top = "/home/user/src"
    assert tree == [
        *(f"{top}/", f"{top}/link", f"{top}/raw", f"{top}/sub/", f"{top}/sub/empty/", f"{top}/sub/run"),
    ]
    assert vm.call("stat", path=f"{top}/sub/run")["mode"] == 0o100755
    assert vm.call("readlink", path=f"{top}/link") == "sub/run"
    assert fs("tree", "/home/user", "--depth", "1")[1] == f"{top}/\n"
    assert fs("tree", top, "--exclude", "sub", "--exclude", "l*")[1] == f"{top}/raw\n"
    out = tmp_path / "out"
    assert fs("cp", "-r", f":{top}", str(out)) == (0, "", "")
    assert (out / "raw").read_bytes() == bytes(range(256))
    assert (out / "sub" / "run").stat().st_mode & 0o777 == 0o755
    assert (out / "sub" / "empty").is_dir()
    assert str((out / "link").readlink()) == "sub/run"
    assert json.loads(fs("cp", "--json", f":{top}/raw", f":{top}/copy")[1]) == {"files": 1}
    assert fs("mv", f"{top}/copy", f"{top}/sub")[0] == 0
    assert vm.call("stat", path=f"{top}/sub/copy")["size"] == 256
    assert fs("cp", str(here / "raw"), str(out))[0] == exits.USAGE
    assert fs("cp", ":/none", str(out))[0] == exits.FAILED
    assert "No such file" in fs("cp", str(tmp_path / "none"), ":/x")[2]


def test_devices_are_seen_and_left_out(fs: Any, vm: Vm, tmp_path: Path) -> None:
    assert [line.split()[0] for line in fs("ls", "-l", "/dev")[1].splitlines()].count("crw-rw-rw-") == 9
    code, _, said = fs("cp", "-r", ":/dev", str(tmp_path / "dev"))
    assert (code, said.count("is left out")) == (exits.OK, 12)
    assert sorted(path.name for path in (tmp_path / "dev").iterdir()) == ["fd"]
    vm.write("/home/user/file", "x")
    assert fs("cp", "-r", ":/", str(tmp_path / "whole"))[0] == exits.OK
    assert (tmp_path / "whole" / "home" / "user" / "file").read_text() == "x"
    assert not (tmp_path / "whole" / "dev").exists()


def test_names_that_are_no_text_are_left_out_and_told(fs: Any, vm: Vm, tmp_path: Path) -> None:
    source = tmp_path / "src"
    for name in ("bad\udcff", "dir\udcff/inner", "good \U0001f600"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text("x")
    (source / "link").symlink_to("to\udcff")
    code, _, told = fs("cp", "-r", str(source), ":/copy")
    assert code == exits.OK
    assert told.count("is not UTF-8") == 3
    assert "src/bad\ufffd is left out" in told
    assert vm.call("readdir", path="/copy") == ["good \U0001f600"]


def test_nothing_is_written_through_a_link_that_came_out_of_a_vm(fs: Any, vm: Vm, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("precious")
    vm.call("symlink", target=str(precious / "file"), path="/home/user/a")
    vm.call("symlink", target=str(precious), path="/home/user/d")
    out = tmp_path / "out"
    out.mkdir()
    assert fs("cp", "-r", ":/home/user", str(out))[0] == 0
    assert (out / "user" / "a").is_symlink()
    vm.call("deleteFile", path="/home/user/a")
    vm.call("deleteFile", path="/home/user/d")
    vm.write("/home/user/a", "evil")
    vm.write("/home/user/d/file", "evil")
    assert fs("cp", "-r", ":/home/user", str(out))[0] == 0
    assert (out / "user" / "d" / "file").read_text() == "evil"
    assert (precious / "file").read_text() == "precious"


def test_many_files_go_in_batches(fs: Any, vm: Vm, tmp_path: Path) -> None:
    here = tmp_path / "many"
    here.mkdir()
    for number in range(2100):
        (here / str(number)).write_text(str(number))
    (here / "large").write_bytes(b"x" * 9_000_000)
    assert fs("cp", "-r", str(here), ":/many")[0] == 0
    assert len(vm.call("readdir", path="/many")) == 2101
    assert fs("cp", "-r", ":/many", str(tmp_path / "back"))[0] == 0
    assert (tmp_path / "back" / "2099").read_text() == "2099"
    assert (tmp_path / "back" / "large").stat().st_size == 9_000_000


def test_the_past_is_listed_compared_and_restored(fs: Any, vm: Vm) -> None:
    vm.write("/home/user/a", "1")
    assert fs("snapshot", "s") == (0, "s\n", "")
    made = fs("snapshot")[1].strip()
    assert [line.split()[-1] for line in fs("snapshots")[1].splitlines()] == ["NAME", "s", made]
    vm.write("/home/user/a", "2")
    vm.write("/home/user/b", "2")
    vm.write("/other", "x")
    assert fs("diff", "s")[1] == "M /home/user/a\nA /home/user/b\nA /other\n"
    assert fs("diff", "s", "--path", "/other")[1] == "A /other\n"
    assert fs("diff", "s", made)[1] == ""
    assert json.loads(fs("diff", "s", "--json")[1])["from"]["name"] == "s"
    code, _, stderr = fs("restore", "s")
    assert (code, "the files are those of s" in stderr) == (0, True)
    assert vm.read("/home/user/a") == "1"
    assert fs("drop", "s")[0] == 0
    assert fs("restore", "s")[0] == exits.FAILED


def test_points_of_sessions(fs: Any, vm: Vm) -> None:
    session = vm.session()
    first = session.prompt("fswrite a.txt one")["seq"]
    session.prompt("fswrite a.txt two")
    assert fs("diff", f"{session.id}@{first}", "--path", "/home")[1] == "M /home/user/a.txt\n"
    assert f"{session.id}@{first}" in fs("snapshots", "--session", session.id)[1]
    assert fs("restore", f"{session.id}@{first}", "--force")[0] == 0
    assert vm.read("/home/user/a.txt") == "one"
