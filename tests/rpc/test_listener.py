"""Where the socket is, who may use it, and what happens to one that is there already."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from runtime.api.endpoint import (
    EndpointError,
    check_directory,
    default_directory,
    prepare_directory,
    socket_path,
)
from runtime.rpc.listener import BACKLOG, SocketInUseError, listening


@pytest.fixture
def place(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="torpor-") as directory:
        monkeypatch.delenv("TORPOR_SOCKET", raising=False)
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
        monkeypatch.setattr(tempfile, "tempdir", directory)
        yield Path(directory)


def test_the_order_of_places(place, monkeypatch):
    assert socket_path() == place / f"torpor-{os.getuid()}" / "torpor.sock"
    monkeypatch.setenv("XDG_RUNTIME_DIR", "relative")
    assert default_directory().parent == place
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert socket_path() == Path("/run/user/7/torpor/torpor.sock")
    monkeypatch.setenv("TORPOR_SOCKET", "/elsewhere/x.sock")
    assert socket_path() == Path("/elsewhere/x.sock")
    assert socket_path("unix:///a/b.sock") == Path("/a/b.sock")
    assert socket_path("b.sock") == Path.cwd() / "b.sock"
    with pytest.raises(EndpointError, match="107 bytes"):
        socket_path("/" + "x" * 107)


def test_the_directory_is_made_private(place):
    path = socket_path()
    prepare_directory(path)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    check_directory(path)


def test_an_open_directory_in_the_default_place_is_refused(place):
    path = socket_path()
    path.parent.mkdir(mode=0o700)
    path.parent.chmod(0o755)
    with pytest.raises(EndpointError, match="open to other users"):
        check_directory(path)
    with pytest.raises(EndpointError):
        prepare_directory(path)


def test_a_link_in_the_default_place_is_refused(place):
    path = socket_path()
    (place / "real").mkdir(mode=0o700)
    path.parent.symlink_to(place / "real")
    with pytest.raises(EndpointError, match="not a directory"):
        prepare_directory(path)


def test_another_users_directory_is_refused(place, monkeypatch):
    path = socket_path()
    path.parent.mkdir(mode=0o700)
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    monkeypatch.setattr("runtime.api.endpoint.default_directory", lambda: path.parent)
    with pytest.raises(EndpointError, match="another user"):
        check_directory(path)


def test_the_socket_is_private_and_removed_at_the_end(socket_path):
    before = os.umask(0)
    try:
        with listening(socket_path):
            assert stat.S_IMODE(socket_path.lstat().st_mode) == 0o600
            assert os.umask(0) == 0
    finally:
        os.umask(before)
    assert not socket_path.exists()


def test_a_stale_socket_is_replaced(socket_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(socket_path))
    with listening(socket_path), socket.socket(socket.AF_UNIX) as client:
        client.connect(os.fspath(socket_path))


def test_a_live_socket_is_left_alone(socket_path):
    with socket.socket(socket.AF_UNIX) as live:
        live.bind(os.fspath(socket_path))
        live.listen(0)
        with pytest.raises(SocketInUseError), listening(socket_path):
            pass
        with pytest.raises(SocketInUseError), listening(socket_path):  # its backlog is full of the first look by now
            pass


def test_two_daemons_cannot_have_one_socket(socket_path):
    with listening(socket_path):
        socket_path.unlink()
        with pytest.raises(SocketInUseError), listening(socket_path):
            pass


def test_what_is_no_socket_is_not_touched(socket_path):
    socket_path.write_text("precious")
    with pytest.raises(EndpointError, match="not a socket"), listening(socket_path):
        pass
    assert socket_path.read_text() == "precious"


def test_a_socket_that_somebody_replaced_is_not_removed(socket_path):
    with listening(socket_path):
        socket_path.unlink()
        socket_path.write_text("theirs")
    assert socket_path.read_text() == "theirs"


def test_so_many_connections_wait_to_be_accepted(socket_path):
    allowed = min(BACKLOG, int(Path("/proc/sys/net/core/somaxconn").read_text())) + 1  # the kernel takes one more
    with contextlib.ExitStack() as stack:
        stack.enter_context(listening(socket_path))
        found = []
        for _ in range(allowed + 1):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            found.append(client.connect_ex(os.fspath(socket_path)))
    assert found == [0] * allowed + [errno.EAGAIN]
