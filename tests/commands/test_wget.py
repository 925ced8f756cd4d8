"""wget in a VM, and the refusal of ssh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.commands.built import needs
from tests.commands.web import LARGE, Web, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.daemon import Vm

pytestmark = needs("bash", "torpor-net")


@pytest.fixture
def vm(make_vm: Callable[..., Vm], web: Web) -> Vm:
    """A VM that may reach the server, and a port that nobody listens at."""
    return make_vm(network={"allow": [web.host, "127.0.0.1:1"]})


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("wget -q $U/; wget -q $U/; cat index.html index.html.1", "hello\nhello\n"),
        ("wget -qO- $U/echo/a | grep agent", "user-agent: Wget (Torpor)\n"),
        ("wget -q -P d/e $U/echo/f?a/b; wget -nc -q -P d/e $U/echo/f?a/b; ls d/e", "f?a_b\n"),
        ("wget -qO - --post-data 'a=1' --header 'X-A: b' $U/echo | sed -n '1p;/x-a/p;$p'", "POST /echo\nx-a: b\na=1"),
        ("printf body > f; wget -qO - --method PUT --body-file f $U/echo | sed -n '1p;$p'", "PUT /echo\nbody"),
        ("wget -q $U/to/302; cat 302 | head -n 1", "GET /echo/there\n"),
        ("wget -q -O all $U/ $U/; cat all", "hello\nhello\n"),
        (
            "head -c 1000 /dev/zero | tr '\\0' x > large; wget -qc $U/large; wc -c < large; wget -qc $U/large",
            f"{len(LARGE)}\n",
        ),
        ("wget -q --user me --password pass -O - $U/echo | grep auth", "authorization: Basic bWU6cGFzcw==\n"),
        ("wget --spider -q $U/ && echo there; wget --help | head -n 1", "there\nUsage: wget [OPTION]... [URL]...\n"),
        ("printf '%s\\n' $U/echo/1 $U/echo/2 | wget -q -i -; ls", "1\n2\n"),
    ],
)
def test_what_it_does(vm: Vm, web: Web, script: str, said: str) -> None:
    code, output, errors = run(vm, web, f"mkdir w; cd w; {script}")
    assert (output, errors, code) == (said, "", 0)


@pytest.mark.parametrize(
    ("failures", "script", "code", "said"),
    [
        (1, "wget -q -O f $U/broken; code=$?; cat f; exit $code", 0, "0123456789"),
        (1, "printf 01 > f; wget -qc -O f $U/broken; code=$?; cat f; exit $code", 0, "0123456789"),
        (1, "printf 01 > broken; wget -qc $U/broken; code=$?; cat broken; exit $code", 0, "0123456789"),
        (0, "printf 01 > f; wget -qc -O f $U/broken/whole; code=$?; cat f; exit $code", 0, "0123456789"),
        (0, "printf 01 > f; wget -qc -t 1 --content-on-error -O f $U/status/404; code=$?; cat f; exit $code", 8, "01"),
        (1, "wget -q -O - $U/broken", 4, "01234"),
    ],
)
def test_nothing_comes_twice(vm: Vm, web: Web, failures: int, script: str, code: int, said: str) -> None:
    web.failures = failures
    assert run(vm, web, f"cd $(mktemp -d); {script}") == (code, said, "")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ("-nv $U/status/404", 8, "http://HOST/status/404:\nERROR 404: Not Found.\n"),
        ("-nv $U/status/401", 6, "http://HOST/status/401:\nERROR 401: Unauthorized.\n"),
        ("-nv https://example.com/", 4, "failed: the VM's network.allow does not name this host: example.com.\n"),
        ("-nv http://127.0.0.1:1/", 4, "failed: connection refused: 127.0.0.1:1.\n"),
        ("-nv --max-redirect 1 $U/loop", 8, "1 redirections exceeded.\n"),
        ("-nv ftp://a/", 1, "wget: ftp://a/: Unsupported scheme or invalid host name.\n"),
        ("-nv -T 0.05 -t 1 $U/silent", 4, "failed: the host did not answer in time: HOST.\n"),
        ("-nv -O /none/x $U/", 1, "/none/x: No such file or directory\n"),
        ("-nv -P /proc/x $U/", 3, None),
        ("--no-check-certificate $U/", 2, None),
        ("-r $U/", 2, None),
        ("--none $U/", 2, None),
        ("", 1, None),
    ],
)
def test_exit_codes_and_messages(vm: Vm, web: Web, options: str, code: int, said: str | None) -> None:
    ended, output, errors = run(vm, web, f"cd; wget {options}")
    assert (ended, output) == (code, "")
    assert errors == said or (said is None and errors)


def test_what_it_tells(vm: Vm, web: Web) -> None:
    code, _, errors = run(vm, web, "cd; wget -S $U/")
    assert code == 0
    assert errors == (
        "HTTP request to http://HOST/ ... \n  HTTP/1.1 200 OK\n  content-length: 6\nLength: 6\nSaving to: ‘index.html’\n\n"
        'http://HOST/ -> "index.html" [6]\n'
    )
    _, _, errors = run(vm, web, "cd; wget $U/to/301")
    assert errors.startswith(
        "HTTP request to http://HOST/to/301 ... 301 Moved Permanently\nLocation: /echo/there [following]\n"
    )


@pytest.mark.parametrize("name", ["ssh", "scp", "sftp"])
def test_ssh_says_what_to_do_instead(vm: Vm, web: Web, name: str) -> None:
    code, output, errors = run(vm, web, f"{name} host")
    assert (code, output) == (255, "")
    assert f"there is no {name} here" in errors
    assert "https://" in errors
