"""A registry for npm on the loopback interface, with packages that a test makes."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.commands.web import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Registry(ThreadingHTTPServer):
    """What is published goes by name and version."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.host = f"127.0.0.1:{self.server_address[1]}"
        self.url = f"http://{self.host}/"
        self.versions: dict[str, dict[str, Any]] = {}
        self.archives: dict[str, bytes] = {}

    def publish(self, name: str, version: str, files: Mapping[str, str], **manifest: Any) -> None:
        """A package with these files; `manifest` has more of its package.json."""
        about = {"name": name, "version": version, **manifest}
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for path, text in {"package.json": json.dumps(about), **files}.items():
                entry = tarfile.TarInfo(f"package/{path}")
                entry.size = len(text.encode())
                archive.addfile(entry, io.BytesIO(text.encode()))
        path = f"{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
        self.archives[path] = packed.getvalue()
        digest = base64.b64encode(hashlib.sha512(packed.getvalue()).digest()).decode()
        dist = {"tarball": self.url + path, "integrity": f"sha512-{digest}"}
        self.versions.setdefault(name, {})[version] = {**about, "dist": dist}


class _Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        path = unquote(self.path.lstrip("/"))
        if path in self.server.archives:
            return self._say(200, self.server.archives[path])
        versions = self.server.versions.get(path)
        if versions is None:
            return self._say(404, b'{"error": "not found"}')
        about = {"name": path, "dist-tags": {"latest": list(versions)[-1]}, "versions": versions}
        return self._say(200, json.dumps(about).encode())

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if body.startswith(b"{") else "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def npm_registry() -> Iterator[Registry]:
    """One with nothing in it."""
    with serving(Registry()) as registry:
        yield registry
