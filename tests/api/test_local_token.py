"""The token that a daemon on this machine leaves for its user's clients: who may have written it, and where it goes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from runtime.api.endpoint import EndpointError
from runtime.api.local_token import read_local_token, token_path

TOKEN = "a-token-of-the-tests"


@pytest.fixture(autouse=True)
def runtime_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "torpor").mkdir(mode=0o700)
    return tmp_path / "torpor"


def write(port, text=TOKEN + "\n", mode=0o600):
    path = token_path(port)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_it_is_there_or_not():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert read_local_token(port) is None
        write(port)
        assert read_local_token(port) == TOKEN


def test_only_the_users_own_files_count(runtime_directory):
    path = write(1, mode=0o644)
    with pytest.raises(EndpointError, match="not a file of yours alone"):
        read_local_token(1)
    path.unlink()
    path.symlink_to("/etc/hostname")
    with pytest.raises(EndpointError, match="cannot read the token"):
        read_local_token(1)
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(EndpointError, match="not a file of yours alone"):
        read_local_token(1)
    path.unlink()
    write(1)
    runtime_directory.chmod(0o750)
    with pytest.raises(EndpointError, match="open to other users"):
        read_local_token(1)


@pytest.mark.skipif(os.getuid() != 0, reason="only root is several users")
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1"])  # noqa: S104 - an address of a test
def test_it_goes_to_no_other_user(address):
    text = (
        "import os, socket, sys; os.setuid(65534); a = sys.argv[1]; f = socket.AF_INET6 if ':' in a else socket.AF_INET;"
        "s = socket.create_server((a, 0), family=f); print(s.getsockname()[1], flush=True); input()"
    )
    command = [sys.executable, "-c", text, address]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        port = other.stdout.readline().strip()
        if not port:
            pytest.skip(f"this machine has no {address}")
        write(int(port))
        with pytest.raises(EndpointError, match="another user"):
            read_local_token(int(port))
