"""The machine's `git http-backend` behind a small HTTP server on the loopback interface."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

PIECE: Final = 65536
GIVEN: Final = ("HTTP_AUTHORIZATION", "HTTP_GIT_PROTOCOL")


class GitServer(ThreadingHTTPServer):
    """Serves the bare repositories of a folder. Below /moved/ are redirects to them, below /away/ by another name."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.credentials: str | None = None
        """What the authorization header has to be, and what a request that has another is answered with 401 for."""
        self.guarded = ("127.0.0.1", "localhost")
        """The names of this host by which the credentials are wanted."""
        self.oldest = False
        """Whether it knows no other version of the protocol than the first one."""
        self.secrets: list[tuple[str, str | None]] = []
        """The hosts that requests were for, and the header X-Secret or Authorization that they had."""
        self.framings: list[str] = []
        """How the bodies of POSTs came."""

    @property
    def host(self) -> str:
        """What a VM that may reach it has in `network.allow`."""
        return f"127.0.0.1:{self.server_address[1]}"

    def require(self, user: str, password: str) -> None:
        """Want this user's basic authentication."""
        self.credentials = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: GitServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        chunked = self.headers.get("transfer-encoding") == "chunked"
        self.server.framings.append("chunked" if chunked else "length")
        self._answer(self._chunks() if chunked else self.rfile.read(int(self.headers["content-length"])))

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, body: bytes) -> None:
        url, given = urlsplit(self.path), self.headers.get("authorization")
        host = self.headers["host"].partition(":")[0]
        self.server.secrets.append((host, self.headers.get("x-secret", given)))
        if host in self.server.guarded and self.server.credentials not in {None, given}:
            self._say(401, {"WWW-Authenticate": 'Basic realm="git"'})
        elif url.path.startswith("/away/"):
            port = self.server.server_address[1]
            self._say(301, {"Location": f"http://localhost:{port}/{self.path.removeprefix('/away/')}"})
        elif url.path.startswith("/moved/"):
            self._say(301, {"Location": f"/{self.path.removeprefix('/moved/')}"})
        elif not (self.server.folder / url.path.split("/")[1]).is_dir():
            self._say(404, {})
        else:
            self._run(url.path, url.query, body)

    def _say(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def _run(self, path: str, query: str, body: bytes) -> None:
        environment = {
            "PATH": os.defpath,
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "REMOTE_USER": "somebody",
            "CONTENT_TYPE": self.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        if not self.server.oldest:
            environment["GIT_PROTOCOL"] = self.headers.get("git-protocol", "")
        backend = subprocess.Popen(
            ["git", "http-backend"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert backend.stdin is not None
        assert backend.stdout is not None
        with backend, backend.stdout as output:
            writer = threading.Thread(target=_feed, args=(backend.stdin, body))
            writer.start()
            self._relay(output)
            writer.join()

    def _relay(self, output: IO[bytes]) -> None:
        status, headers = 200, []
        while line := output.readline().strip():
            name, _, value = line.decode().partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            else:
                headers.append((name, value))
        self.send_response(status)
        for header in headers:
            self.send_header(*header)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while piece := output.read1(PIECE):  # type: ignore[attr-defined]  # it is buffered
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")


def _feed(to: IO[bytes], body: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), to:
        to.write(body)


def git(*words: str, cwd: Path) -> str:
    """Run this machine's git in a folder; its output."""
    path = shutil.which("git") or "git"
    environment = {
        "PATH": os.defpath,
        "HOME": str(cwd),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.com",
    }
    return subprocess.run([path, *words], cwd=cwd, env=environment, check=True, capture_output=True, text=True).stdout


def repository(folder: Path, name: str, files: dict[str, str]) -> Path:
    """A bare repository with one commit of these files on main, into which may be pushed; its folder."""
    work, bare = folder / f"{name}.work", folder / "served" / f"{name}.git"
    git("init", "-q", "-b", "main", str(work), cwd=folder)
    for path, content in files.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(content)
    git("add", ".", cwd=work)
    git("commit", "-qm", "first", cwd=work)
    git("tag", "-am", "a tag", "v1", cwd=work)
    git("clone", "-q", "--bare", str(work), str(bare), cwd=folder)
    git("config", "http.receivepack", "true", cwd=bare)
    return bare
