"""What hostile guests, agents and clients do, one round of each: `ATTACKS` names them all.

A round gets a place of its own and cleans up behind itself. A typed refusal is how most of them are meant to end.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wasmtime import wat2wasm

from runtime.client.sync import ConnectError, RpcError, connect
from tests.patience import WAIT

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from runtime.client.sync import Client

MIB: Final = 1024 * 1024
PROGRAMS: Final = Path(__file__).parents[1] / "guests" / "dist"

LIMITS: Final = {"memoryBytes": 32 * MIB, "fileBytes": 16 * MIB, "files": 2000, "processes": 20}


class Place(NamedTuple):
    """Where a round takes place."""

    socket: str
    vm: str
    """The name of a VM that nobody else has, and that need not be there yet."""
    folder: Path
    """For files of the host that the daemon writes."""
    random: random.Random

    @contextlib.contextmanager
    def client(self, **limits: int) -> Iterator[Client]:
        """A client with the VM, which is gone afterwards."""
        with connect(self.socket) as client:
            client.call("vm.getOrCreate", vm=self.vm, options={"limits": {**LIMITS, **limits}})
            try:
                yield client
            finally:
                client.call("vm.destroy", vm=self.vm)

    def connection(self) -> socket.socket:
        """A bare connection."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(WAIT)
        connection.connect(self.socket)
        return connection

    def install(self, client: Client, content: bytes, path: str = "/bin/x") -> None:
        client.call("writeFile", vm=self.vm, path=path, content={"base64": base64.b64encode(content).decode()})

    def run(self, client: Client, program: str, *arguments: str, seconds: float = 2) -> None:
        """A program of the tests, for so long at most."""
        self.install(client, (PROGRAMS / f"{program}.wasm").read_bytes())
        with contextlib.suppress(RpcError):  # its time is over, or a limit is reached
            client.call("exec", vm=self.vm, argv=["x", *arguments], timeoutMs=int(seconds * 1000))


# Guests


def spin(place: Place) -> None:
    """As many guests as the VM may have, which compute for ever."""
    with place.client() as client:
        place.install(client, (PROGRAMS / "spin.wasm").read_bytes())
        for _ in range(LIMITS["processes"] - 1):
            client.call("spawn", vm=place.vm, argv=["x"])
        with contextlib.suppress(RpcError):
            client.call("exec", vm=place.vm, argv=["x"], timeoutMs=2000)


def take_memory(place: Place) -> None:
    """A guest that takes all the memory that it gets, again and again."""
    with place.client() as client:
        for _ in range(3):
            place.run(client, "hog")


def fill_files(place: Place) -> None:
    """A guest that writes until nothing fits any more, then one that opens all it can."""
    with place.client(fileBytes=4 * MIB, files=200) as client:
        place.run(client, "fill", "/home/user", "64", "1000")
        place.run(client, "open_many", "/home/user")


def recurse(place: Place) -> None:
    """A guest whose stack has no end."""
    with place.client() as client:
        place.run(client, "recurse")
        place.run(client, "trap")


def long_lists(place: Place) -> None:
    """The largest arguments that a guest can pass, and larger ones."""
    with place.client() as client:
        for name, count in (("fields", 200_000), ("poll", 4090), ("string", 2 * MIB)):
            place.run(client, "bench_hold", name, str(count))


def compile_bomb(place: Place) -> None:
    """A component that takes long to compile, and that nobody has seen before."""
    number = place.random.randrange(1 << 30)
    body = "(i32.add (local.get 0) (i32.const 1)) (local.set 0)" * 200
    functions = "".join(f"(func (param i32) (result i32) {body} (i32.const {number + n}))" for n in range(200))
    content = wat2wasm(f"""
        (component
          (core module $m {functions} (func (export "run") (result i32) (i32.const 0)))
          (core instance $i (instantiate $m))
          (func $run (result (result)) (canon lift (core func $i "run")))
          (instance $r (export "run" (func $run)))
          (export "wasi:cli/run@0.2.0" (instance $r)))""")
    with place.client() as client, contextlib.suppress(RpcError):
        place.install(client, bytes(content))
        client.call("exec", vm=place.vm, argv=["x"], timeoutMs=500)


def malformed_component(place: Place) -> None:
    """Components that are cut short, or have other bytes in them."""
    content = bytearray((PROGRAMS / "copy_stdin.wasm").read_bytes())
    with place.client() as client:
        for _ in range(5):
            for _ in range(5):
                content[place.random.randrange(len(content))] = place.random.randrange(256)
            place.install(client, bytes(content[: place.random.randrange(8, len(content))]))
            with contextlib.suppress(RpcError):
                client.call("exec", vm=place.vm, argv=["x"], timeoutMs=500, stdin="")


# Agents


def _agent(place: Place, *prompts: str) -> None:
    with place.client() as client:
        session = client.call("createSession", vm=place.vm, agentType="echo")["sessionId"]
        for prompt in prompts:
            with contextlib.suppress(RpcError):
                client.call("sendPrompt", vm=place.vm, sessionId=session, prompt=prompt)


def chatter(place: Place) -> None:
    """An agent that talks without end."""
    _agent(place, "flood 20000")


def nonsense_of_agents(place: Place) -> None:
    """An agent that does not speak the protocol, whose lines do not end, that ends itself."""
    _agent(place, "garbage", "longline 8", "stderr x; crash", "exit 3", "hog")


# Files


def links(place: Place) -> None:
    """Symbolic links, each with as long a target as there can be, each to the next."""
    with place.client() as client:
        filler = "./" * 2000
        client.call("mkdir", vm=place.vm, path="/home/user/d")
        place.install(client, b"x", "/home/user/d/l39")
        for number in range(39):
            with contextlib.suppress(RpcError):
                target = f"{filler}l{number + 1}"
                client.call("symlink", vm=place.vm, path=f"/home/user/d/l{number}", target=target)
        for _ in range(50):
            with contextlib.suppress(RpcError):
                client.call("stat", vm=place.vm, path="/home/user/d/l0")


def deep_tree(place: Place) -> None:
    """Directories in directories, which are compared, listed, exported, imported and removed."""
    with place.client() as client:
        client.call("snapshot", vm=place.vm, name="before")
        path = "/home/user" + "/d" * 1000
        for _ in range(3):
            with contextlib.suppress(RpcError):
                client.call("mkdir", vm=place.vm, path=path, recursive=True)
                client.call("move", vm=place.vm, **{"from": "/home/user/d", "to": "/home/user/e"})
                client.call("mkdir", vm=place.vm, path=path, recursive=True)
                client.call("move", vm=place.vm, **{"from": "/home/user/e", "to": path + "/d"})
        for method, params in (
            ("diff", {"from": "before"}),
            ("readdirRecursive", {"path": "/home/user"}),
            ("deleteFile", {"path": "/home/user/d", "recursive": True}),
        ):
            with contextlib.suppress(RpcError):
                client.call(method, vm=place.vm, **params)


def export_and_leave(place: Place) -> None:
    """Exports and imports whose client is gone before they are there."""
    with place.client() as client:
        place.install(client, place.random.randbytes(4 * MIB), "/home/user/big")
        target = place.folder / f"{place.vm}.db"
        line = _request("vm.export", vm=place.vm, path=str(target))
        with place.connection() as connection:
            connection.sendall(line)
        with contextlib.suppress(RpcError):
            client.call("vm.export", vm=place.vm, path=str(target))
        with contextlib.suppress(RpcError):
            client.call("vm.import", vm=place.vm, path=str(target))
        target.unlink(missing_ok=True)


# Clients


def _request(method: str, number: int = 1, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"


def half_lines(place: Place) -> None:
    """Requests without an end, on many connections."""
    with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
        for _ in range(16):
            connection = stack.enter_context(place.connection())
            connection.sendall(b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * MIB)


def unread_answers(place: Place) -> None:
    """Large answers that nobody reads."""
    with place.client() as client:
        place.install(client, place.random.randbytes(MIB), "/home/user/big")
        with place.connection() as connection, contextlib.suppress(OSError):
            connection.settimeout(1)
            for number in range(100):
                connection.sendall(_request("readFile", number, vm=place.vm, path="/home/user/big", encoding="base64"))


def many_requests(place: Place) -> None:
    """Thousands of requests at once."""
    with place.connection() as connection, contextlib.suppress(OSError):
        connection.settimeout(5)
        count = 2000
        sending = b"".join(_request("vm.list", number) for number in range(count))
        connection.sendall(sending)
        seen = 0
        while seen < count and (data := connection.recv(1 << 16)):
            seen += data.count(b"\n")


LINES: Final = (
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"jsonrpc":"2.0","id":1,"method":"vm.list","params":{"x":"\\ud83d"}}',
    b'{"jsonrpc":"2.0","id":1e999,"method":"vm.list"}',
    b'{"jsonrpc":"2.0","id":1,"method":' + b"9" * 100_000 + b"}",
    b'{"jsonrpc":"2.0","id":{},"method":[]}',
    b"\xff\xfe\x00",
    b"[" + b"1," * 50_000 + b"1]",
    b'{"jsonrpc":"2.0","id":1,"method":"vm.getOrCreate","params":{"vm":"' + b"v" * 100_000 + b'"}}',
)


def nonsense_of_clients(place: Place) -> None:
    """Lines that are no requests."""
    with place.connection() as connection, contextlib.suppress(OSError):
        connection.settimeout(5)
        for line in LINES:
            connection.sendall(line + b"\n")
            connection.sendall(place.random.randbytes(1000).replace(b"\n", b"") + b"\n")
        connection.recv(1 << 16)


def leave_in_mid_turn(place: Place) -> None:
    """Sessions whose client goes away while the agent works."""
    with place.client() as client:
        session = client.call("createSession", vm=place.vm, agentType="echo")["sessionId"]
        with place.connection() as connection:
            connection.sendall(_request("sendPrompt", vm=place.vm, sessionId=session, prompt="flood 2000; spin"))
        with contextlib.suppress(RpcError):
            client.call("sendPrompt", vm=place.vm, sessionId=session, prompt="x")


ATTACKS: Final[dict[str, Callable[[Place], None]]] = {
    attack.__name__: attack
    for attack in (
        spin,
        take_memory,
        fill_files,
        recurse,
        long_lists,
        compile_bomb,
        malformed_component,
        chatter,
        nonsense_of_agents,
        links,
        deep_tree,
        export_and_leave,
        half_lines,
        unread_answers,
        many_requests,
        nonsense_of_clients,
        leave_in_mid_turn,
    )
}


def attack(name: str, place: Place) -> str | None:
    """One round; why it went wrong, None where it went as such rounds go."""
    try:
        ATTACKS[name](place)
    except (ConnectError, RpcError, OSError) as error:
        return f"{name}: {type(error).__name__}: {error}"
    return None
