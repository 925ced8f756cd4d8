"""curl in a VM: what a coding agent types, and what curl says to it."""

from __future__ import annotations

import base64
import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.commands.built import needs
from tests.commands.web import LARGE, Web, run, serving
from tests.patience import WAIT
from tests.system.test_shells import Shell

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.daemon import Vm

AGENT = "user-agent: curl/8 (Torpor)"

pytestmark = needs("bash", "torpor-net")


@pytest.fixture
def vm(make_vm: Callable[..., Vm], web: Web) -> Vm:
    """A VM that may reach the server, and a port that nobody listens at."""
    return make_vm(network={"allow": [web.host, "127.0.0.1:1", "nowhere.invalid"]})


def asked(line: str, *headers: str, body: str = "", accept: str = "accept: */*") -> str:
    """What the server says of a request with these headers beside those that all have."""
    every = sorted(header for header in (accept, "host: HOST", AGENT, *headers) if header)
    return "\n".join([line, *every, "", body])


FORM = "content-type: application/x-www-form-urlencoded"
JSON = "content-type: application/json"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("-s $U/echo/a?b=c#d", asked("GET /echo/a?b=c")),
        (
            "-sX DELETE -H 'X-A:  1 ' -H 'Accept:' -H 'X-B;' $U/echo",
            asked("DELETE /echo", "x-a: 1", "x-b: ", accept=""),
        ),
        ("-sX PURGE -e from -r 0-5 $U/echo", asked("PURGE /echo", "range: bytes=0-5", "referer: from")),
        ("-sA me $U/echo | grep agent", "user-agent: me\n"),
        ("-s -d a=1 -d 'b=2&c' $U/echo", asked("POST /echo", "content-length: 9", FORM, body="a=1&b=2&c")),
        (
            "-s --json '[1]' -H 'Authorization: Bearer t' $U/echo",
            asked(
                "POST /echo",
                "authorization: Bearer t",
                "content-length: 3",
                JSON,
                body="[1]",
                accept="accept: application/json",
            ),
        ),
        ("-sG --data-urlencode 'q=a b&c' -d d=e $U/echo?x", asked("GET /echo?x&q=a+b%26c&d=e")),
        ("-s -u me:pass $U/echo", asked("GET /echo", "authorization: Basic bWU6cGFzcw==")),
        ("-s -b a=1 --url $U/echo/../echo/./x", asked("GET /echo/x", "cookie: a=1")),
        ("-sT f $U/echo/", asked("PUT /echo/f", "content-length: 10", body="one\r\ntwo\r\n")),
        ("-s -d @f $U/echo | tail -n 1", "onetwo"),
        ("-s --data-raw @f $U/echo | tail -n 1", "@f"),
        (
            "-s --data-binary @f -H Content-Type: $U/echo",
            asked("POST /echo", "content-length: 10", body="one\r\ntwo\r\n"),
        ),
        ("-sL -d x $U/to/302", asked("GET /echo/there")),
        ("-sL -d x $U/to/308", asked("POST /echo/there", "content-length: 1", FORM, body="x")),
        ("-s $U/to/301", "body\n"),
        ("-s --compressed $U/gzip | uniq -c | tr -s ' '", " 1000 packed\n"),
        ("-sL --compressed -o x -i $U/to/302/gzip; tail -n 1 x", "packed\n"),
        ("-sI --compressed $U/gzip | grep encoding", "content-encoding: gzip\r\n"),
        ("-sI $U/status/404", "HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\n"),
        ("-sI -X GET $U/", "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n"),
        ("-sif $U/", "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello\n"),
        ("-s -D - -o out $U/ && cat out", "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello\n"),
        ("-s $U/ $U/status/500", "hello\nbody\n"),
        (
            "-s -o x --output-dir a/b --create-dirs $U/ -w '%{http_code} %{size_download} %{filename_effective}\\n'; cat a/b/x",
            "200 6 a/b/x\nhello\n",
        ),
        ("-so x -w '%%%header{content-length} %{method} %{content_type}' $U/", "%6 GET "),
        ("-so x -w '%{response_code} %{num_redirects} %{redirect_url}' $U/to/303", "303 0 http://HOST/echo/there"),
        (
            "-sLo x -w '%{num_redirects} %{url_effective} %{content_type}' $U/to/303",
            "1 http://HOST/echo/there text/plain",
        ),
        (
            "-s -c jar $U/cookies; curl -s -b jar $U/echo | grep cookie; cut -f 3,6,7 jar | tail -n 1",
            "cookie: a=1\n/other\tb\t2\n",
        ),
    ],
)
def test_what_is_sent_and_shown(vm: Vm, web: Web, options: str, said: str) -> None:
    code, output, errors = run(vm, web, f"cd; printf 'one\\r\\ntwo\\r\\n' > f; curl {options}")
    assert (output, errors, code) == (said, "", 0)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ("-sSf $U/status/404", 22, "curl: (22) The requested URL returned error: 404\n"),
        ("-sf $U/status/500", 22, ""),
        ("-sSL --max-redirs 2 $U/loop", 47, "curl: (47) Maximum (2) redirects followed\n"),
        ("-sS http://nowhere.invalid/", 6, "curl: (6) Could not resolve host: nowhere.invalid\n"),
        ("-sS http://127.0.0.1:1/ 2>&1 | sed 's/after .* ms/after N ms/' >&2; exit ${PIPESTATUS[0]}", 7,
         "curl: (7) Failed to connect to 127.0.0.1 port 1 after N ms: Couldn't connect to server\n"),
        ("-sS https://example.com/", 7,
         "curl: (7) Failed to connect to example.com port 443: the VM's network.allow does not name this host\n"),
        ("-sS ftp://a/", 1, 'curl: (1) Protocol "ftp" not supported\n'),
        ("-sS --proto =https $U/", 1, 'curl: (1) Protocol "http" disabled\n'),
        ("-sS 'http://a b/'", 3, "curl: (3) URL using bad/illegal format or missing URL\n"),
        ("-sS 'http://a/{b,c}'", 3, None),
        ("-sS -o /none/x $U/", 23, "curl: (23) Failed to open the file /none/x: No such file or directory\n"),
        ("-sS $U/large | head -c 1 > /dev/null; exit ${PIPESTATUS[0]}", 23,
         "curl: (23) Failure writing output to destination\n"),
        ("-sS -d @none $U/", 26, None),
        ("-sS $U/short > /dev/null", 18, "curl: (18) transfer closed with outstanding read data remaining\n"),
        ("-sS -H 'Host: other' $U/", 2, None),
        ("-k $U/", 2, None),
        ("-K file", 2, None),
        ("--none $U/", 2, "curl: option --none: is unknown\ncurl: try 'curl --help' for more information\n"),
        ("-s=1 $U/", 2, "curl: option -=: is unknown\ncurl: try 'curl --help' for more information\n"),
        ("-o", 2, "curl: option -o: requires parameter\ncurl: try 'curl --help' for more information\n"),
        ("", 2, "curl: (2) no URL specified\ncurl: try 'curl --help' for more information\n"),
        ("-I -d x $U/", 2, None),
    ],
)  # fmt: skip
def test_exit_codes_and_messages(vm: Vm, web: Web, options: str, code: int, said: str | None) -> None:
    ended, output, errors = run(vm, web, f"cd; curl {options}")
    assert (ended, output) == (code, "")
    assert errors == said or (said is None and errors.startswith("curl: "))


def test_a_multipart_form(vm: Vm, web: Web) -> None:
    options = "-F 'a=\"b;c\"' -F up=@f.txt -F 'raw=@f.txt;type=x/y;filename=z' -F 'in=<f.txt' --form-string s=@f"
    _, output, _ = run(vm, web, f"cd; printf data > f.txt; curl -s {options} $U/echo")
    head, _, body = output.partition("\n\n")
    boundary = head.partition("boundary=")[2].partition("\n")[0]
    length = int(head.partition("content-length: ")[2].partition("\n")[0])
    parts = [
        '"a"\r\n\r\nb;c',
        '"up"; filename="f.txt"\r\nContent-Type: text/plain\r\n\r\ndata',
        '"raw"; filename="z"\r\nContent-Type: x/y\r\n\r\ndata',
        '"in"\r\n\r\ndata',
        '"s"\r\n\r\n@f',
    ]
    assert (
        body
        == "".join(f"--{boundary}\r\nContent-Disposition: form-data; name={part}\r\n" for part in parts)
        + f"--{boundary}--\r\n"
    )
    assert length == len(body)


@pytest.mark.parametrize("count", range(1, 25))
def test_a_multipart_form_is_sent_to_each_url(vm: Vm, web: Web, count: int) -> None:
    fields = " ".join(f"-F field{number}=value" for number in range(count))
    _, output, _ = run(vm, web, f"curl -s {fields} $U/echo $U/echo $U/echo")
    first, second, third = output.split("POST ")[1:]
    assert first.count("value") == count
    assert first == second == third


def test_large_bodies_both_ways_and_one_that_goes_on(vm: Vm, web: Web) -> None:
    script = """cd; curl -sO $U/large; wc -c < large; head -c 1000 large > part; curl -s -C - -o part $U/large; cmp part large
        curl -sT large $U/echo | tail -c +200 | wc -c; cat large | curl -s -T - $U/echo | sed -n '/content/p;/encoding/p' """
    code, output, errors = run(vm, web, script)
    size, echoed, *framing = output.splitlines()
    assert (code, errors, int(size)) == (0, "", len(LARGE))
    assert int(echoed) > len(LARGE) - 200
    assert framing == ["transfer-encoding: chunked"]


def test_it_tries_again(vm: Vm, web: Web) -> None:
    web.failures = 2
    code, output, errors = run(vm, web, "curl -S --retry 3 --retry-delay 0.01 -fs -o out $U/flaky && cat out")
    assert (code, output) == (0, "good\n")
    assert errors.splitlines() == [
        "Warning: Problem: HTTP error. Will retry in 0.01 seconds. 3 retries left.",
        "Warning: Problem: HTTP error. Will retry in 0.01 seconds. 2 retries left.",
    ]
    web.failures = 2
    assert run(vm, web, "curl --retry 1 --retry-delay 0.01 -fs $U/flaky")[0] == 22
    web.failures = 1
    assert run(vm, web, "curl --retry 1 --retry-delay 0.01 -so /dev/null -w '%{http_code}' $U/flaky")[:2] == (0, "200")
    web.failures = 1
    again = "--retry 1 --retry-delay 0.01 --retry-all-errors"
    code, output, _ = run(vm, web, f"cd; printf 012 > f; curl {again} -sC - -o f $U/broken && cat f")
    assert (code, output) == (0, "0123456789")


@pytest.mark.parametrize(("options", "ended"), [("", 33), ("-f", 22), ("-fi", 22)])
def test_an_error_does_not_go_on_with_a_file(vm: Vm, web: Web, options: str, ended: int) -> None:
    script = f"cd; printf part > f; curl -s {options} -C - -o f $U/status/503; code=$?; cat f; exit $code"
    assert run(vm, web, script) == (ended, "part", "")


def test_credentials_are_for_the_host_that_they_were_given_for(make_vm: Callable[..., Vm], web: Web) -> None:
    vm = make_vm(network={"allow": [web.host, f"localhost:{web.server_address[1]}"]})
    options = "-u me:pw -H 'Authorization: Bearer x' -b secret=1"
    _, output, _ = run(vm, web, f"curl -sL {options} $U/away; curl -s --location-trusted {options} $U/away")
    first, second = output.replace("localhost", "127.0.0.1").replace(web.host, "HOST").split("GET ")[1:]
    assert f"GET {first}" == asked("GET /echo/away")
    assert f"GET {second}" == asked("GET /echo/away", "authorization: Bearer x", "cookie: secret=1")


def test_what_it_does_is_told_with_v(vm: Vm, web: Web) -> None:
    code, output, errors = run(vm, web, "curl -sv $U/status/201 -H 'X-A: 1'")
    assert (code, output) == (0, "body\n")
    assert errors == (
        "* The runtime resolves HOST and connects to it\n> GET /status/201 HTTP/1.1\n> Host: HOST\n"
        "> User-Agent: curl/8 (Torpor)\n> Accept: */*\n> X-A: 1\n> \n< HTTP/1.1 201 Created\n< content-length: 5\n< \n"
    )


def test_certificates_are_checked(make_vm: Callable[..., Vm], web: Web) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with serving(Web(context)) as secure:
        vm = make_vm(network={"allow": [web.host, secure.host]})
        code, _, errors = run(
            vm, secure, "curl -sS https://${U#http://}; echo $?; wget -nv https://${U#http://}; exit $?"
        )
    assert code == 5
    assert errors.splitlines() == [
        "curl: (60) SSL certificate problem: the host's certificate is not good: HOST",
        "failed: the host's certificate is not good: HOST.",
    ]
    code, _, errors = run(vm, web, "curl -sS https://${U#http://}")
    assert (code, errors) == (35, "curl: (35) TLS connect error: the TLS handshake failed: HOST\n")


def test_it_names_itself(vm: Vm, web: Web) -> None:
    code, output, _ = run(vm, web, "curl -V; curl --help | grep -c -- '--'")
    version, protocols, _, count = output.splitlines()
    assert (code, protocols) == (0, "Protocols: http https")
    assert version.startswith("curl of Torpor, not the curl project's")
    assert int(count) > 50


def test_a_wait_ends_by_time_and_by_signals(vm: Vm, web: Web) -> None:
    code, output, errors = run(
        vm, web, "curl -sS -m 0.05 $U/silent 2>&1 | sed 's/ [0-9]* milli/ N milli/'; exit ${PIPESTATUS[0]}"
    )
    assert (code, errors) == (28, "")
    assert output == "curl: (28) Operation timed out after N milliseconds with 0 bytes received\n"
    assert run(vm, web, "timeout 0.05 curl -s $U/silent")[0] == 124
    web.asked.clear()
    pending = vm.start("exec", argv=["bash", "-c", "curl -s $U/silent & wait $!; echo $?"], env={"U": web.url})
    assert web.asked.wait(WAIT)
    vm.call("exec", argv=["pkill", "-INT", "curl"])  # of those in the background that nothing handles
    vm.call("exec", argv=["pkill", "curl"])
    assert vm.api.result(pending)["stdout"] == "143\n"


def test_ctrl_c_ends_it_at_a_terminal(vm: Vm, web: Web) -> None:
    shell = Shell(vm, "bash", "--norc", env={"PS1": "@ ", "TERM": "dumb", "U": web.url})
    shell.until("@ ")
    web.asked.clear()
    shell.type("curl $U/silent\r")
    assert web.asked.wait(WAIT)
    shell.type("\x03")
    shell.until("@ ")
    shell.type("echo $?\r")
    shell.until("130\r\n")
    shell.type("curl -o out $U/large && wc -c < out\r")
    assert "100% of 3000000 bytes" in shell.until("\r\n3000000\r\n")


def test_a_secret_that_the_vm_never_has(make_vm: Callable[..., Vm], web: Web) -> None:
    vm = make_vm(network={"allow": [web.host]})
    secret = {"value": "the-secret", "placeholder": True, "hosts": [web.host]}
    session = vm.session(secrets={"KEY": secret})
    token = session.say("env KEY").removeprefix("KEY=")
    curl = f"curl -s {web.url}/echo"
    vm.write("/home/user/s", f"{curl} -H 'Authorization: Bearer {token}'; {curl} -u me:{token}; {curl} -d {token}")
    output = session.say("terminal bash /home/user/s")
    assert "authorization: Bearer [redacted:KEY]" in output
    assert f"authorization: Basic {base64.b64encode(b'me:the-secret').decode()}\n" in output
    assert output.endswith(f"\n\n{token}"), "bodies are sent as they are"
