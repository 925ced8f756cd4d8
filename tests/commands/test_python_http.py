"""HTTP of programs in Python in a VM: urllib, http.client, and pip with all that it has beneath it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from tests.commands.built import LONGEST_MS, needs
from tests.commands.web import LARGE, Web, serving, tiny_index

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.system.daemon import Vm

pytestmark = needs("bash", "python3")


@pytest.fixture
def vm(make_vm: Callable[..., Vm], web: Web) -> Vm:
    """A VM that may reach the server, and a port that nobody listens at."""
    return make_vm(network={"allow": [web.host, "127.0.0.1:1", "nowhere.invalid"]})


def run(vm: Vm, web: Web, program: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a program, with U for the server."""
    text = f"import urllib.request, urllib.error, http.client\nU = {web.url!r}\n{program}"
    done: dict[str, Any] = vm.call("exec", argv=["python3", "-c", text], timeoutMs=LONGEST_MS)
    return done["exitCode"], done["stdout"].replace(web.host, "HOST"), done["stderr"].replace(web.host, "HOST")


def test_urllib(vm: Vm, web: Web) -> None:
    program = """
with urllib.request.urlopen(U + "/echo/a?next=https://b/") as answer:
    print(answer.status, answer.headers["content-type"], answer.read().decode().splitlines()[0])
request = urllib.request.Request(U + "/echo", data=b"body", method="PUT", headers={"X-A": "b"})
print(urllib.request.urlopen(request).read().decode().splitlines())
print(urllib.request.urlopen(U + "/to/302").url, len(urllib.request.urlopen(U + "/large").read()))
try:
    urllib.request.urlopen(U + "/status/404")
except urllib.error.HTTPError as error:
    print(error.code, error.read())
for url in ("http://127.0.0.1:1/", "http://nowhere.invalid/", "https://example.com/"):
    try:
        urllib.request.urlopen(url)
    except urllib.error.URLError as error:
        print(type(error.reason).__name__, str(error.reason).partition("] ")[2])
"""
    put = [
        "accept-encoding: identity",
        "content-length: 4",
        "content-type: application/x-www-form-urlencoded",
        "host: HOST",
    ]
    code, output, errors = run(vm, web, program)
    assert (code, errors) == (0, "")
    assert output.splitlines() == [
        "200 text/plain GET /echo/a?next=https://b/",
        str(["PUT /echo", *put, "user-agent: Python-urllib/3.13", "x-a: b", "", "body"]),
        f"http://HOST/echo/there {len(LARGE)}",
        "404 b'body\\n'",
        "ConnectionRefusedError connection refused: 127.0.0.1:1",
        "gaierror could not resolve the host: nowhere.invalid:80",
        "PermissionError the VM's network.allow does not name this host: example.com:443",
    ]


def test_http_client(vm: Vm, web: Web) -> None:
    program = """
import os
connection = http.client.HTTPConnection(U.removeprefix("http://"))
connection.request("POST", "/echo", body=iter([b"one", b"two" * 30000]), headers={"X-A": "ü".encode("latin-1")})
answer = connection.getresponse()
text = answer.read().decode()
print(answer.status, text.splitlines()[-1] == "one" + "two" * 30000, "x-a: ü" in text)
connection.request("HEAD", "/large")
answer = connection.getresponse()
print(answer.status, answer.headers["content-length"], answer.read())
connection.request("GET", "/short")
try:
    connection.getresponse().read()
except Exception as error:
    print(type(error).__name__)
connection = http.client.HTTPConnection(U.removeprefix("http://"), timeout=0.05)
connection.request("GET", "/silent")
try:
    connection.getresponse()
except TimeoutError:
    print("timed out")
"""
    code, output, errors = run(vm, web, program)
    assert (code, errors) == (0, "")
    assert output.splitlines() == ["200 True True", f"200 {len(LARGE)} b''", "ConnectionResetError", "timed out"]


def test_certificates_are_checked_whatever_a_program_says(make_vm: Callable[..., Vm]) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    program = """
import ssl
lax = ssl._create_unverified_context()
lax.check_hostname, lax.verify_mode = False, ssl.CERT_NONE
for given in (None, lax):
    try:
        urllib.request.urlopen(U.replace("http:", "https:"), context=given)
    except urllib.error.URLError as error:
        print(isinstance(error.reason, ssl.SSLCertVerificationError), error.reason)
"""
    with serving(Web(context)) as secure:
        code, output, errors = run(make_vm(network={"allow": [secure.host]}), secure, program)
    assert (code, errors) == (0, "")
    assert output == "True the host's certificate is not good: HOST\n" * 2


def test_what_is_no_request_is_refused_with_a_reason(vm: Vm, web: Web) -> None:
    program = """
import socket
def attempt(what):
    try:
        what()
    except OSError as error:
        print(error.strerror or error)
port = int(U.rpartition(":")[2])
attempt(lambda: socket.create_connection(("127.0.0.1", port)).sendall(b"SSH-2.0\\r\\n\\r\\n"))
attempt(lambda: socket.create_connection(("127.0.0.1", port)).recv(1))
attempt(lambda: socket.socket().bind(("", 0)))
attempt(lambda: socket.socket().setblocking(False))
connection = http.client.HTTPConnection("127.0.0.1", port)
connection.set_tunnel("example.com")
attempt(lambda: connection.request("GET", "/"))
"""
    code, output, errors = run(vm, web, program)
    assert (code, errors) == (0, "")
    assert output.splitlines() == [
        "a VM's network is for HTTP/1.1, and this is none",
        "nothing was asked: on such a socket the client speaks first",
        "a VM's network is for requests: nothing in it can be a server",
        "a VM's network is for HTTP that is waited for: no socket of it is non-blocking",
        "a VM's network is for HTTP requests: neither proxies nor WebSockets",
    ]


@pytest.mark.parametrize(
    "begin", ["", "python3 -m venv own && . own/bin/activate && "], ids=["the machine's", "of a venv"]
)
def test_pip_installs_from_an_index(make_vm: Callable[..., Vm], tmp_path: Path, begin: str) -> None:
    with tiny_index(tmp_path) as host:
        vm = make_vm(network={"allow": [host]})
        install = f"{begin}pip install --target t --index-url http://{host}/simple tiny"
        script = f"{install} && cd t && python3 -c 'import tiny; print(tiny.NAME)'"
        done = vm.call("exec", argv=["bash", "-c", script], timeoutMs=LONGEST_MS)
    assert (done["stderr"], done["exitCode"]) == ("", 0)
    assert done["stdout"].endswith("\nSuccessfully installed tiny-1.0\ntiny\n")
    assert "100%" in done["stdout"] or "1.0/1.0 MB" in done["stdout"]
