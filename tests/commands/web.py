"""A web server on the loopback interface that says what it is asked, for tests of curl and wget."""

from __future__ import annotations

import contextlib
import gzip
import threading
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tests.commands.built import LONGEST_MS

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from tests.system.daemon import Vm

Server = TypeVar("Server", bound=ThreadingHTTPServer)

LARGE: Final = b"x" * 3_000_000
FIXED: Final[dict[str, tuple[Any, ...]]] = {
    "": (b"hello\n",),
    "loop": (b"", ("Location", "loop")),
    "gzip": (gzip.compress(b"packed\n" * 1000), ("Content-Encoding", "gzip")),
    "cookies": (
        b"",
        ("Set-Cookie", "a=1; Path=/"),
        ("Set-Cookie", "b=2; Path=/other"),
        ("Set-Cookie", "c=3; Max-Age=0"),
    ),
}


class Web(ThreadingHTTPServer):
    """`/echo...` answers with the request; other paths: see `_Handler`."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        """Serve with TLS where there is a context."""
        super().__init__(("127.0.0.1", 0), _Handler)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.ended = threading.Event()
        self.asked = threading.Event()
        """Somebody waits for /silent."""
        self.failures = 0
        """How many more requests for /flaky fail, and of those for /broken break off in the middle."""

    def shutdown(self) -> None:
        """Stop, and let those go who wait for /silent."""
        self.ended.set()
        super().shutdown()

    @property
    def host(self) -> str:
        """What a VM that may reach it has in `network.allow`."""
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        """Of the server."""
        return f"http://{self.host}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Web

    def log_message(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # of any method
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        body = self._body()
        _, kind, *rest = self.path.split("?")[0].split("/")
        if kind == "echo":
            headers = "".join(f"{name.lower()}: {value}\n" for name, value in sorted(self.headers.items()))
            self._say(200, f"{self.command} {self.path}\n{headers}\n".encode() + body, ("Content-Type", "text/plain"))
        elif kind in {"to", "status"}:
            there = "/".join(["", *(rest[1:] or ("echo", "there"))])
            self._say(int(rest[0]), b"body\n", *([("Location", there)] if kind == "to" else []))
        elif kind in FIXED:
            content, *headers_ = FIXED[kind]
            self._say(302 if kind == "loop" else 200, content, *headers_)
        elif kind == "away":
            self._say(302, b"", ("Location", f"http://localhost:{self.server.server_address[1]}/echo/away"))
        else:
            getattr(self, f"_{kind}")()

    def _silent(self) -> None:
        self.server.asked.set()
        self.server.ended.wait()

    def _large(self) -> None:
        start = int(self.headers.get("range", "bytes=0-")[6:-1])
        self._say(206 if start else 200, LARGE[start:])

    def _short(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "10")
        self.end_headers()
        self.wfile.write(b"12345")
        self.close_connection = True

    def _flaky(self) -> None:
        self.server.failures -= 1
        failed = self.server.failures >= 0
        self._say(503 if failed else 200, b"failed\n" if failed else b"good\n")

    def _broken(self) -> None:
        ranges = self.headers.get("range") if not self.path.endswith("/whole") else None
        content = b"0123456789"[int((ranges or "bytes=0-")[6:-1]) :]
        self.server.failures -= 1
        self.send_response(206 if ranges else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.close_connection = self.server.failures >= 0
        self.wfile.write(content[: len(content) // 2] if self.close_connection else content)

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", "0")))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _say(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response_only(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextlib.contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Serve in a thread while the block runs."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(vm: Vm, web: Web, script: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a script, with $U for the server."""
    done: dict[str, Any] = vm.call("exec", argv=["bash", "-c", script], env={"U": web.url}, timeoutMs=LONGEST_MS)
    return done["exitCode"], done["stdout"].replace(web.host, "HOST"), done["stderr"].replace(web.host, "HOST")


@contextlib.contextmanager
def tiny_index(folder: Path) -> Iterator[str]:
    """Serve an index for pip, at /simple, which has the package `tiny`; its host."""
    place = folder / "simple" / "tiny"
    place.mkdir(parents=True)
    with zipfile.ZipFile(place / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "NAME = 'tiny'\n")
        wheel.writestr("filler", bytes(1024 * 1024))  # pip shows how far it is with more than 512 kB
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "tiny.py,,\n")
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as index:
        yield f"127.0.0.1:{index.server_address[1]}"
