"""Daemons elsewhere: by ssh, which a program stands in for, over https through a proxy with TLS, and contexts."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import ssl
import subprocess
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trustme

from runtime.api.endpoint import EndpointError, HttpEndpoint, endpoint, socket_path
from runtime.cli import exits
from runtime.cli.elsewhere import SshEndpoint, parse
from tests.patience import WAIT
from tests.system.daemon import Daemon, Vm, fresh_name, running
from tests.system.daemon import environment as of_a_daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMAND = [sys.executable, "-P", "-m", "runtime.cli"]

SSH = """#!/bin/sh
# Stands in for ssh: notes what it was called with, and runs the remote command here, in the other machine's environment.
printf '%s\\n' "$@" >"$NOTES"
for last in "$@"; do :; done
unset TORPOR_HOST
export TORPOR_SOCKET="$THERE" XDG_CONFIG_HOME=/nowhere
exec sh -c "$last"
"""


@pytest.fixture(scope="module")
def far(component_cache: Path) -> Iterator[Daemon]:
    """The daemon of another machine, which serves HTTP as well."""
    with tempfile.TemporaryDirectory(prefix="torpor-") as directory:
        daemon = Daemon(Path(directory, "d"), of_a_daemon(component_cache))
        daemon.arguments = ["--http", "127.0.0.1:0"]
        with running(daemon):
            yield daemon


@pytest.fixture
def vm(far: Daemon) -> Iterator[Vm]:
    with far.connect() as api:
        made = Vm(api, fresh_name("far"))
        yield made
        made.call("vm.destroy")


@pytest.fixture
def torpor(far: Daemon, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command on a machine without a daemon, with an ssh that leads to the other one."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"ssh": SSH, "torpor": f'#!/bin/sh\nexec {" ".join(COMMAND)} "$@"\n'}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TORPOR_")},
        "PATH": f"{programs}:{os.environ['PATH']}",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "NOTES": str(tmp_path / "notes"),
        "THERE": str(far.socket),
    }

    def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=WAIT,
            env={**environment, **more},
            cwd=tmp_path,
            check=False,
        )

    return run


def names(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == exits.OK, done.stderr
    return [json.loads(line)["vm"] for line in done.stdout.splitlines()]


def test_by_ssh(torpor: Any, vm: Vm, tmp_path: Path) -> None:
    assert vm.name in names(torpor("vms", "--json", "--host", "ssh://me@far.example:2222"))
    notes = (tmp_path / "notes").read_text().splitlines()
    assert notes == ["-T", "-p", "2222", "--", "me@far.example", "torpor relay"]
    assert vm.name in names(torpor("vms", "--json", TORPOR_HOST="ssh://me@[::1]"))
    assert (tmp_path / "notes").read_text().splitlines()[-2] == "me@::1"
    done = torpor("run", "echo", "hello far", "--vm", vm.name, "--host", "ssh://far")
    assert (done.returncode, done.stdout) == (exits.OK, "echo: hello far\n")
    big = "x" * 3_000_000
    (tmp_path / "big").write_text(big)
    assert torpor("fs", "put", "big", "/home/user/big", "--vm", vm.name, "--host", "ssh://far").returncode == exits.OK
    assert torpor("fs", "cat", "/home/user/big", "--vm", vm.name, "--host", "ssh://far").stdout == big
    where = f"ssh://far{tmp_path}/a socket"
    done = torpor("vms", "--host", where)
    assert done.returncode == exits.OK, "it was started there"
    assert (tmp_path / "notes").read_text().splitlines()[-1] == f"torpor relay --socket '{tmp_path}/a socket'"
    assert torpor("stop", "--socket", f"{tmp_path}/a socket").returncode == exits.OK


def test_an_ssh_that_fails(torpor: Any, tmp_path: Path) -> None:
    (tmp_path / "bin" / "ssh").write_text("#!/bin/sh\necho 'far: no route' >&2\nexit 255\n")
    done = torpor("vms", "--host", "ssh://far")
    assert done.returncode == exits.NO_DAEMON
    assert "far: no route\n" in done.stderr
    assert "no daemon answers at ssh://far: ssh has ended; what it said is above" in done.stderr
    (tmp_path / "bin" / "ssh").unlink()
    assert "ssh cannot be run" in torpor("vms", "--host", "ssh://far", PATH="/nowhere").stderr


@pytest.mark.parametrize(
    "address",
    [
        *("ssh://", "ssh://-oProxyCommand=true", "ssh://-o@far", "ssh://far;id", "ssh://far:x", "ssh://a b"),
        *("ftp://far", "unix://relative", "https://", "https://far/elsewhere", "https://me@far", "http://far:1"),
    ],
)
def test_what_is_no_address_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORPOR_TOKEN", raising=False)
    with pytest.raises(EndpointError):
        parse(address)
    if not address.startswith("unix:"):
        with pytest.raises(EndpointError):
            socket_path(address)


def test_an_address_in_the_place_of_a_socket_makes_no_folder(torpor: Any, tmp_path: Path) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    for done in (torpor("vms", "--socket", "ssh://far"), torpor("vms", TORPOR_SOCKET="https://far")):
        assert done.returncode == exits.NO_DAEMON
        assert "not the path of a socket" in done.stderr
    done = torpor("vms", "--host", "far")
    assert "far is neither an address (SCHEME://HOST) nor a context" in done.stderr
    assert "give one of them" in torpor("vms", "--host", "ssh://far", "--socket", "/x").stderr
    assert {path.name for path in tmp_path.iterdir()} == before


def test_addresses() -> None:
    assert parse("ssh://me@far:22/run/t.sock") == SshEndpoint("me@far", "22", "/run/t.sock")
    assert parse("ssh://[::1]") == SshEndpoint("[::1]", None, None)
    assert endpoint("https://far", "t") == HttpEndpoint("far", 443, "t", secure=True)
    assert str(endpoint("https://[::1]:8", "t")) == "https://[::1]:8"


def test_contexts(torpor: Any, vm: Vm) -> None:
    assert torpor("context", "add", "far", "ssh://me@far").returncode == exits.OK
    assert torpor("context", "add", "far", "ssh://me@far").returncode == exits.USAGE
    assert torpor("context", "add", "web", "https://far:1", "--token-file", "t").returncode == exits.OK
    for words in (["no/name", "ssh://far"], ["other", "far"], ["other", "ssh://-far"]):
        assert torpor("context", "add", *words).returncode in (exits.USAGE, exits.NO_DAEMON)
    assert vm.name in names(torpor("vms", "--json", "--host", "far"))
    assert "did you mean far?" in torpor("vms", "--host", "fare").stderr
    assert torpor("context", "use", "far").returncode == exits.OK
    rows = [json.loads(line) for line in torpor("context", "ls", "--json").stdout.splitlines()]
    assert [(row["name"], row["current"]) for row in rows] == [("far", True), ("web", False)]
    assert "*  far" in torpor("context", "ls").stdout
    assert vm.name in names(torpor("vms", "--json"))
    for command in ("stop", "status", "restart", "logs"):
        done = torpor(command)
        assert done.returncode == exits.NO_DAEMON
        assert "works on a daemon of this machine, and not on ssh://me@far" in done.stderr
    assert "the token cannot be read" in torpor("vms", "--host", "web").stderr
    assert torpor("context", "use").returncode == exits.OK
    assert torpor("status").returncode == exits.NO_DAEMON
    assert torpor("context", "rm", "far").returncode == exits.OK
    assert torpor("context", "rm", "far").returncode == exits.USAGE
    assert torpor("context", "use", "far").returncode == exits.NO_DAEMON


@pytest.mark.parametrize("content", [b"[]", b"\xff\xfe\xff"])
def test_a_damaged_file_of_contexts_is_told(torpor: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config" / "torpor").mkdir(parents=True)
    (tmp_path / "config" / "torpor" / "contexts.json").write_bytes(content)
    done = torpor("vms")
    assert (done.returncode, "is damaged" in done.stderr) == (exits.USAGE, True)


@contextlib.contextmanager
def proxy(authority: trustme.CA, port: int) -> Iterator[int]:
    """A proxy with TLS in front of a port; yields its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    begun: queue.SimpleQueue[tuple[int, trio.lowlevel.TrioToken, trio.CancelScope]] = queue.SimpleQueue()

    async def pump(source: trio.abc.Stream, sink: trio.abc.Stream, scope: trio.CancelScope) -> None:
        with contextlib.suppress(trio.BrokenResourceError):  # one that is hung up on, or does not trust us
            async for data in source:
                await sink.send_all(data)
        scope.cancel()

    async def handle(secure: trio.SSLStream[trio.SocketStream]) -> None:
        async with await trio.open_tcp_stream("127.0.0.1", port) as behind, trio.open_nursery() as nursery:
            nursery.start_soon(pump, secure, behind, nursery.cancel_scope)
            nursery.start_soon(pump, behind, secure, nursery.cancel_scope)
        await trio.aclose_forcefully(secure)

    async def serve() -> None:
        async with trio.open_nursery() as nursery:
            serving = partial(trio.serve_ssl_over_tcp, handle, 0, context, host="127.0.0.1", https_compatible=True)
            listeners: Any = await nursery.start(serving)
            own = listeners[0].transport_listener.socket.getsockname()[1]
            begun.put((own, trio.lowlevel.current_trio_token(), nursery.cancel_scope))

    thread = threading.Thread(target=trio.run, args=(serve,))
    thread.start()
    own, token, scope = begun.get(timeout=WAIT)
    try:
        yield own
    finally:
        token.run_sync_soon(scope.cancel)
        thread.join(WAIT)


def test_over_https(torpor: Any, far: Daemon, vm: Vm, tmp_path: Path) -> None:
    url = vm.api.call("daemon.status")["http"]
    token = far.state.with_name("http-token").read_text().strip()
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    stranger.cert_pem.write_to_path(tmp_path / "other.pem")
    with proxy(authority, int(url.rpartition(":")[2])) as port:
        address = f"https://localhost:{port}"
        trusted = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        assert vm.name in names(torpor("vms", "--json", "--host", address, TORPOR_TOKEN=token, **trusted))
        (tmp_path / "token").write_text(token + "\n")
        assert torpor("context", "add", "web", address, "--token-file", "token").returncode == exits.OK
        done = torpor("run", "echo", "hello far", "--vm", vm.name, "--host", "web", **trusted)
        assert (done.returncode, done.stdout) == (exits.OK, "echo: hello far\n")
        assert "needs a token" in torpor("vms", "--host", address, **trusted).stderr
        done = torpor("vms", "--host", address, TORPOR_TOKEN="x" * 32, **trusted)
        assert (done.returncode, "HTTP 401" in done.stderr) == (exits.NO_DAEMON, True)
        done = torpor("vms", "--host", "web", SSL_CERT_FILE=str(tmp_path / "other.pem"))
        assert (done.returncode, "its TLS is not to be trusted" in done.stderr) == (exits.NO_DAEMON, True)
    done = torpor("vms", "--host", "web", **trusted)
    assert (done.returncode, f"no daemon answers at {address}" in done.stderr) == (exits.NO_DAEMON, True)
