"""`torpor fs` with files that no single answer holds."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.cli import exits, pieces
from runtime.cli.pieces import MAX_LINKS, PART_PREFIX, PIECE_BYTES
from runtime.client.sync import RpcError
from tests.patience import WAIT
from tests.system.daemon import SERVE, Vm, fresh_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.daemon import Daemon


def content_of(count: int) -> bytes:
    """So many pieces and a little more, which says where it comes from."""
    return b"".join(bytes([number]) * PIECE_BYTES for number in range(count)) + b"end"


@pytest.fixture
def vm(daemon: Daemon) -> Iterator[Vm]:
    with daemon.connect() as api:
        made = Vm(api, fresh_name("large"))
        yield made
        made.call("vm.destroy")


@pytest.fixture
def fs(daemon: Daemon, vm: Vm) -> Any:
    """Run `torpor fs` for this VM; its exit code and stderr."""

    def run(*words: str, stdin: bytes = b"") -> tuple[int, str]:
        done = subprocess.run(
            [*SERVE[:-1], "fs", *words, "--vm", vm.name],
            input=stdin,
            capture_output=True,
            env={**os.environ, "TORPOR_SOCKET": str(daemon.socket)},
            timeout=WAIT,
            check=False,
        )
        return done.returncode, done.stderr.decode()

    return run


def read(vm: Vm, path: str) -> bytes:
    """A file of the VM, whatever its size."""
    size = vm.call("stat", path=path)["size"]
    found = [
        vm.call("readFile", path=path, encoding="base64", offset=offset, length=PIECE_BYTES)["content"]["base64"]
        for offset in range(0, size, PIECE_BYTES)
    ]
    return b"".join(map(base64.b64decode, found))


def test_cat_writes_a_file_of_any_size_byte_for_byte(daemon: Daemon) -> None:
    def cat(*arguments: str) -> bytes:
        command = [*SERVE[:-1], "fs", "cat", *arguments, "--vm", "large"]
        environment = {**os.environ, "TORPOR_SOCKET": str(daemon.socket)}
        return subprocess.run(command, capture_output=True, env=environment, timeout=WAIT, check=True).stdout

    content = bytes(range(256)) * (PIECE_BYTES // 256) * 2 + b"end"
    with daemon.connect() as api:
        vm = Vm(api, "large")
        vm.call("writeFile", path="/exact", content={"base64": base64.b64encode(content[:PIECE_BYTES]).decode()})
        vm.call("writeFile", path="/large", content={"base64": base64.b64encode(content).decode()})
        vm.call("writeFile", path="/empty", content="")
    assert cat("/large") == content
    assert cat("/exact") == content[:PIECE_BYTES]
    assert cat("/empty") == b""
    assert base64.b64decode(json.loads(cat("/large", "--json"))["content"]["base64"]) == content


def test_put_takes_a_file_of_any_size(fs: Any, vm: Vm, tmp_path: Path) -> None:
    content = content_of(5)
    (tmp_path / "local").write_bytes(content)
    assert fs("put", str(tmp_path / "local"), "/new/dir/")[0] == 0
    assert read(vm, "/new/dir/local") == content
    assert fs("put", "-", "/piped", stdin=content[1:])[0] == 0
    assert read(vm, "/piped") == content[1:]
    for size in (0, 1, PIECE_BYTES, PIECE_BYTES + 1):
        assert fs("put", "-", "/piped", stdin=content[:size])[0] == 0
        assert read(vm, "/piped") == content[:size]
    assert vm.call("readdir", path="/new/dir") == ["local"]


def test_put_takes_the_place_of_the_file_that_a_link_leads_to(fs: Any, vm: Vm) -> None:
    content = content_of(2)
    vm.write("/bin/tool", "old")
    vm.call("chmod", path="/bin/tool", mode=0o755)
    vm.call("symlink", target="../bin/tool", path="/home/link")
    vm.call("symlink", target="link", path="/home/loop")
    vm.call("symlink", target="/around", path="/around")
    assert fs("put", "-", "/home/loop", stdin=content)[0] == 0
    assert read(vm, "/bin/tool") == content
    assert vm.call("stat", path="/bin/tool")["mode"] == 0o100755
    assert vm.call("readlink", path="/home/loop") == "link"
    assert fs("put", "-", "/home", stdin=content) == (exits.FAILED, "torpor: /home: Is a directory\n")
    assert "symbolic links" in fs("put", "-", "/around", stdin=content)[1]
    assert fs("put", "-", "relative", stdin=content)[0] == exits.FAILED


def test_a_put_that_breaks_off_leaves_the_old_file_and_nothing_else(fs: Any, vm: Vm) -> None:
    vm.write("/dir/file", "old")
    vm.call("vm.configure", options={"limits": {"fileBytes": 3 * PIECE_BYTES}})
    code, stderr = fs("put", "-", "/dir/file", stdin=content_of(4))
    assert (code, "quota_exceeded" in stderr) == (exits.FAILED, True)
    assert vm.call("readdir", path="/dir") == ["file"]
    assert vm.read("/dir/file") == "old"
    assert fs("put", "-", "/etc/torpor/file", stdin=content_of(2))[0] == exits.FAILED


def test_a_put_that_is_interrupted_leaves_the_old_file_and_nothing_else(daemon: Daemon, vm: Vm) -> None:
    vm.write("/dir/file", "old")
    command = [*SERVE[:-1], "fs", "put", "-", "/dir/file", "--vm", vm.name]
    environment = {**os.environ, "TORPOR_SOCKET": str(daemon.socket)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as put:
        assert put.stdin is not None
        put.stdin.write(content_of(3))  # it takes two pieces in and writes them before it wants the fourth
        put.stdin.flush()
        while len(names := vm.call("readdir", path="/dir")) < 2:
            assert put.poll() is None
        assert names[0].startswith(".torpor-")
        put.send_signal(signal.SIGINT)
        assert put.wait(WAIT) == exits.INTERRUPTED
    assert vm.call("readdir", path="/dir") == ["file"]
    assert vm.read("/dir/file") == "old"


def test_cp_takes_files_of_any_size_both_ways(fs: Any, vm: Vm, tmp_path: Path) -> None:
    content = content_of(3)
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "large").write_bytes(content)
    (source / "sub" / "large").chmod(0o755)
    (source / "small").write_text("small")
    assert fs("cp", "-r", str(source), ":/copy")[0] == 0
    assert read(vm, "/copy/sub/large") == content
    assert vm.call("stat", path="/copy/sub/large")["mode"] == 0o100755
    assert fs("cp", "-r", ":/copy", ":/again")[0] == 0
    assert fs("cp", "-r", ":/again", str(tmp_path / "back"))[0] == 0
    back = tmp_path / "back" / "sub" / "large"
    assert (back.read_bytes(), back.stat().st_mode & 0o777) == (content, 0o755)
    assert sorted(path.name for path in (tmp_path / "back").rglob("*")) == ["large", "small", "sub"]
    (tmp_path / "link").symlink_to(back)
    vm.call("truncate", path="/again/sub/large", size=PIECE_BYTES + 1)
    assert fs("cp", ":/again/sub/large", str(tmp_path / "link"))[0] == 0
    assert (tmp_path / "link").is_symlink()
    assert back.read_bytes() == content[: PIECE_BYTES + 1]
    assert fs("cp", ":/again/sub/large", os.devnull)[0] == 0
    assert not Path(os.devnull).is_file()


def test_what_a_killed_transfer_has_left_goes_with_a_later_one(vm: Vm, monkeypatch: pytest.MonkeyPatch) -> None:
    left = f"/home/user/{PART_PREFIX}left"
    vm.write(left, "half")
    vm.write("/home/user/.torpor-else", "kept")
    pieces.write(vm.call, "/home/user/big", [b"a", b"b"])
    assert vm.read(left) == "half"  # somebody may be at it
    monkeypatch.setattr(pieces, "PART_SECONDS", -60)  # a day later
    pieces.write(vm.call, "/home/user/big", [b"a", b"b"])
    assert sorted(vm.call("readdir", path="/home/user")) == [".torpor-else", "big"]


@pytest.mark.parametrize(("links", "right"), [(MAX_LINKS, True), (MAX_LINKS + 1, False)])
def test_a_file_is_put_behind_as_many_links_as_a_vm_follows(vm: Vm, links: int, right: bool) -> None:
    vm.write("/home/user/0", "old")
    for number in range(links):
        vm.call("symlink", path=f"/home/user/{number + 1}", target=str(number))
    path = f"/home/user/{links}"
    if right:
        assert vm.read(path) == "old"
        pieces.write(vm.call, path, [b"n", b"ew"])
        assert vm.read("/home/user/0") == "new"
        return
    with pytest.raises(RpcError, match=r"(?i)symbolic links"):
        vm.read(path)
    with pytest.raises(OSError, match="symbolic links"):
        pieces.write(vm.call, path, [b"n", b"ew"])
