"""The filesystem's methods: the same files for clients and agents, byte for byte, and errors with stable codes."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.system.daemon import Vm

BYTES = bytes(range(256))


def test_text_and_bytes_travel_as_what_they_are(vm: Vm) -> None:
    vm.write("/a/b/text.txt", "sn\N{SNOWMAN}w\n")
    assert vm.read("/a/b/text.txt") == "sn\N{SNOWMAN}w\n"
    encoded = {"base64": base64.b64encode(BYTES).decode()}
    vm.call("writeFile", path="/a/b/bytes", content=encoded)
    assert vm.read("/a/b/bytes") == encoded
    assert vm.call("readFile", path="/a/b/text.txt", encoding="base64")["content"] == {
        "base64": base64.b64encode("sn\N{SNOWMAN}w\n".encode()).decode()
    }
    assert vm.call("readdir", path="/a/b") == ["bytes", "text.txt"]
    vm.sleep()
    assert vm.read("/a/b/bytes") == encoded


def test_a_large_file_is_the_same_after_sleep(vm: Vm) -> None:
    data = hashlib.shake_256(b"seed").digest(9 * 1024 * 1024 + 17)
    vm.call("writeFile", path="/big", content={"base64": base64.b64encode(data).decode()})
    session = vm.session()
    session.prompt("fsread /no")
    vm.sleep()
    assert vm.call("stat", path="/big")["size"] == len(data)
    assert base64.b64decode(vm.read("/big")["base64"]) == data
    vm.write("/big", "small")
    assert vm.read("/big") == "small"


def test_agents_and_clients_see_the_same(vm: Vm) -> None:
    session = vm.session()
    session.prompt("fswrite sub/../one.txt guest; write two.txt host")
    assert vm.read("/home/user/two.txt") == "host"
    assert "one.txt" in session.say("ls")
    status = vm.call("stat", path="/home/user/two.txt")
    assert (status["type"], status["size"], status["nlink"]) == ("file", 4, 1)
    assert status["mode"] == 0o100644
    vm.call("deleteFile", path="/home/user/two.txt")
    assert session.say("fsread two.txt").startswith("fsread failed: no-entry")


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("readFile", {"path": "/no"}, "not_found"),
        ("readFile", {"path": "/dir"}, "is_a_directory"),
        ("readFile", {"path": "/file/below"}, "not_a_directory"),
        ("readFile", {"path": "relative"}, "invalid_argument"),
        ("writeFile", {"path": "/dir", "content": ""}, "is_a_directory"),
        ("writeFile", {"path": "/no/no", "content": "", "createParents": False}, "not_found"),
        ("writeFile", {"path": "/file/below", "content": ""}, "not_a_directory"),
        ("readdir", {"path": "/file"}, "not_a_directory"),
        ("readdir", {"path": "/no"}, "not_found"),
        ("stat", {"path": "/no"}, "not_found"),
        ("mkdir", {"path": "/dir"}, "exists"),
        ("mkdir", {"path": "/no/no"}, "not_found"),
        ("deleteFile", {"path": "/no"}, "not_found"),
        ("deleteFile", {"path": "/dir"}, "is_a_directory"),
    ],
)
def test_errors_have_stable_codes(vm: Vm, method: str, params: dict[str, object], code: str) -> None:
    vm.write("/file", "x")
    vm.write("/dir/file", "x")
    assert vm.error(method, **params).name == code
    assert vm.read("/dir/file") == "x"


def test_errors_say_in_words_what_is_wrong_with_which_path(vm: Vm) -> None:
    vm.write("/file", "x")
    assert vm.error("readFile", path="/no").message == "/no: no such file or directory"
    assert vm.error("readFile", path="/file/below").message == "/file/below: not a directory"
    assert vm.error("mkdir", path="/no/no").message == "/no/no: no such file or directory (/no)"
    assert vm.error("mkdir", path="/file").message == "/file: exists already"
    assert vm.error("deleteFile", path="/etc/torpor/instructions.md").message.startswith(
        "/etc/torpor/instructions.md: read-only"
    )


def test_directories_are_made_and_removed(vm: Vm) -> None:
    vm.call("mkdir", path="/x/y/z", recursive=True)
    vm.call("mkdir", path="/x/y/z", recursive=True)
    vm.write("/x/y/z/file", "x")
    vm.call("deleteFile", path="/x", recursive=True)
    assert vm.call("exists", path="/x") is False


def test_a_file_larger_than_an_answer_is_read_in_pieces(vm: Vm) -> None:
    piece = 2**23
    content = bytes(range(256)) * (5 * piece // 512)
    vm.call("writeFile", path="/large", content={"base64": base64.b64encode(content).decode()})
    error = vm.error("readFile", path="/large")
    assert (error.name, error.data["size"]) == ("too_large", len(content))
    assert "offset and length" in error.message
    pieces = [
        vm.call("readFile", path="/large", encoding="base64", offset=offset, length=piece)["content"]["base64"]
        for offset in range(0, len(content), piece)
    ]
    assert b"".join(map(base64.b64decode, pieces)) == content
    tail = vm.call("readFile", path="/large", encoding="base64", offset=len(content) - 2)["content"]["base64"]
    assert base64.b64decode(tail) == b"\xfe\xff"
    assert vm.call("readFile", path="/large", offset=len(content) + 1) == {"content": ""}
    assert vm.call("readFile", path="/large", offset=65, length=3) == {"content": "ABC"}
    assert vm.error("readFile", path="/large", offset=-1).rpc_code == -32602


def test_a_file_larger_than_a_message_is_written_in_pieces(vm: Vm) -> None:
    piece = 2**23
    content = bytes(range(256)) * (5 * piece // 256)  # 40 MiB, more than a line of the protocol
    for offset in range(0, len(content), piece):
        encoded = base64.b64encode(content[offset : offset + piece]).decode()
        assert vm.call("writeFile", path="/new/large", content={"base64": encoded}, offset=offset) == {}
    assert vm.call("stat", path="/new/large")["size"] == len(content)
    vm.sleep()
    for offset in range(0, len(content), piece):
        read = vm.call("readFile", path="/new/large", encoding="base64", offset=offset, length=piece)["content"]
        assert base64.b64decode(read["base64"]) == content[offset : offset + piece]


def test_a_piece_replaces_what_is_in_its_place_only(vm: Vm) -> None:
    vm.write("/f", "0123456789")
    vm.call("writeFile", path="/f", content="abc", offset=4)
    assert vm.read("/f") == "0123abc789"
    vm.call("writeFile", path="/f", content="!", offset=12)
    assert vm.read("/f") == "0123abc789\0\0!"
    vm.call("writeFile", path="/f", content="all of it")
    assert vm.read("/f") == "all of it"
    assert vm.error("writeFile", path="/f", content="x", offset=2**50).name == "too_large"
    assert vm.error("writeFile", path="/f", content="x", offset=-1).rpc_code == -32602
    assert vm.error("writeFile", path="/no/no", content="x", offset=0, createParents=False).name == "not_found"
    assert vm.read("/f") == "all of it"
    vm.call("vm.configure", options={"limits": {"fileBytes": 20}})
    error = vm.error("writeFile", path="/g", content="x" * 12, offset=0)
    assert (error.name, vm.call("exists", path="/g")) == ("quota_exceeded", False)
