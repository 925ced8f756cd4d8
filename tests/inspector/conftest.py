"""The page in a real browser, against a real daemon: `torpor inspect` in a process of its own, and Debian's Chromium."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect, sync_playwright

from runtime.inspector.files import FOLDER, INDEX
from tests.patience import WAIT
from tests.system.daemon import Api, Daemon, Vm, environment, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
"""As root, without a screen, and without looking for anything outside."""


class Inspect(subprocess.Popen[str]):
    """The command; `address()` is the next one that lets a browser in."""

    def __init__(self, daemon: Daemon, *arguments: str) -> None:
        super().__init__(
            [sys.executable, "-P", "-m", "runtime.cli", "inspect", "--no-browser", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TORPOR_SOCKET": str(daemon.socket)},
        )
        self._first: str | None = self._line()

    def address(self) -> str:
        """Wait for a line."""
        address, self._first = self._first or self._line(), None
        return address

    def _line(self) -> str:
        assert self.stdout is not None
        return self.stdout.readline().strip()

    def end(self) -> int:
        """End it as Ctrl-C does."""
        self.terminate()
        try:
            return self.wait(WAIT)
        finally:
            self.kill()
            self.stdout.close()


@pytest.fixture(scope="module")
def daemon(component_cache: Path) -> Iterator[Daemon]:
    directory = Path(tempfile.mkdtemp(prefix="torpor-"))
    with running(Daemon(directory / "d", environment(component_cache))) as daemon:
        yield daemon
    shutil.rmtree(directory)


@pytest.fixture
def inspect(daemon: Daemon) -> Iterator[Inspect]:
    if not (FOLDER / INDEX).exists():
        pytest.skip("the page is not built: make inspect")
    command = Inspect(daemon)
    yield command
    assert command.end() == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt install chromium")
    expect.set_options(timeout=WAIT * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, inspect: Inspect) -> Iterator[Callable[..., Page]]:
    """Opens the page in a browser without cookies; what it complains about fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(place: str = "#/", **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(WAIT * 1000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)
        page.goto(inspect.address() + place)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _is_complaint(message: Any) -> bool:
    """A daemon that is away makes the browser complain of the socket, as it should."""
    return message.type in ("error", "warning") and "WebSocket connection" not in message.text


@pytest.fixture
def api(daemon: Daemon) -> Iterator[Api]:
    with daemon.connect() as api:
        yield api


@pytest.fixture
def vm(api: Api, request: pytest.FixtureRequest) -> Vm:
    """A VM of this test."""
    return Vm(api, re.sub("[^A-Za-z0-9._-]+", "-", request.node.name)[:100])
