"""The site builds without a warning, fetches nothing from elsewhere, and its reference leaves nothing out."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from runtime.api.errors import ErrorCode
from runtime.api.events import EVENTS
from runtime.api.methods import METHODS
from runtime.api.openrpc import openrpc_document
from tests.docs.blocks import DOCS, FENCE, OUTSIDE, PAGES, ROOT

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT = 300  # two seconds on an idle machine
FETCHED = re.compile(
    r"<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=\"?(?:https?:)?//|@import|url\(\"?https?:"
)
OURS = {"TORPOR_EXECUTABLE"}  # between our own programs
EXPLAINED = 10  # characters: a reason is longer


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a warning ends the build."""
    target = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", target],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return target


def reference(name: str) -> Any:
    """A module of the build scripts."""
    sys.path.insert(0, str(ROOT / "build"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


def text_of(page: Path) -> str:
    """What a reader sees of a built page."""
    return unescape(re.sub(r"<[^>]+>", "", page.read_text("utf-8")))


def test_every_page_is_built(site: Path) -> None:
    pages = {page.relative_to(DOCS).with_suffix(".html") for page in PAGES if page.is_relative_to(DOCS)}
    wanted = {page.with_name("index.html") if page.name == "README.html" else page for page in pages}
    assert wanted <= {page.relative_to(site) for page in site.rglob("*.html")}


def test_pages_fetch_nothing_from_elsewhere(site: Path) -> None:
    found = {
        page.name: FETCHED.findall(page.read_text("utf-8")) for page in [*site.rglob("*.html"), *site.rglob("*.css")]
    }
    assert {name: hits for name, hits in found.items() if hits} == {}


@pytest.mark.parametrize("page", OUTSIDE, ids=lambda page: page.parent.name)
def test_links_of_pages_outside_of_the_site_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_no_marker_and_no_snippet_is_left(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert not re.search(r"--8<--|reference: ", text_of(page)), page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_stands_in_fences(page: Path) -> None:
    prose = FENCE.sub("", page.read_text("utf-8"))
    assert re.findall(r"\n\n {4,}\S.*", prose) == [], "an indented block: nobody can tell whether it is run"


def test_every_method_param_and_error_is_documented(site: Path) -> None:
    page = text_of(site / "api.html")
    document = openrpc_document("0")
    for method in METHODS.values():
        assert re.search(rf"{re.escape(method.name)}¶\s+{re.escape(method.summary.replace('`', ''))}", page), (
            method.name
        )
    members = {
        member for schema in document["components"]["schemas"].values() for member in schema.get("properties", {})
    }
    assert [member for member in members if not re.search(rf"^{member}\??$", page, re.MULTILINE)] == []
    assert [code for code in ErrorCode if not re.search(rf"^{code}$", page, re.MULTILINE)] == []
    assert [each["name"] for each in document["x-notifications"] if f"\n{each['name']}\n" not in page] == []


def test_every_event_is_documented(site: Path) -> None:
    page = text_of(site / "events.html")
    assert [name for name in EVENTS if f"{name}¶" not in page] == []


def test_every_command_and_option_is_documented(site: Path) -> None:
    page = text_of(site / "cli.html")
    cli = reference("reference_cli")
    for name, parser in cli.walk():
        parts = [] if cli.children(parser) else [f"{name}¶", parser.description]
        for action in cli.arguments(parser):
            assert action.help, f"{name}: {cli.shown(action)} has no help"
            parts += re.findall(r"`([^`]+)`", cli.shown(action))
        assert [part for part in parts if part not in page] == [], name


def test_every_variable_of_the_environment_is_documented() -> None:
    sources = [*(ROOT / "runtime").rglob("*.py"), *(ROOT / "build" / "stub").glob("*.[ch]")]
    read = {name for source in sources for name in re.findall(r"\"(TORPOR_[A-Z]+)\"", source.read_text("utf-8"))}
    told = {name for page in PAGES for name in re.findall(r"TORPOR_[A-Z]+", page.read_text("utf-8"))}
    assert read - told - OURS == set()


def test_every_limit_is_documented_with_its_reason(site: Path) -> None:
    page = text_of(site / "limits.html")
    limits = reference("reference_limits").limits()
    assert len(limits) > 100
    assert [f"{limit.module}.{limit.name}" for limit in limits if len(limit.reason) < EXPLAINED] == []
    assert [limit.name for limit in limits if f"{limit.module}.{limit.name}\n" not in page] == []


def test_limits_that_can_be_set_are_told_with_their_defaults() -> None:
    from runtime.api import defaults  # noqa: PLC0415 - the one test that is about them

    page = (DOCS / "limits.md").read_text("utf-8")
    limits = {f"{limit.module}.{limit.name}": limit.shown for limit in reference("reference_limits").limits()}
    for member, constant in {
        "idleTimeoutMs": "IDLE_TIMEOUT_MS",
        "limits.memoryBytes": "MEMORY_BYTES",
        "limits.files": "FILES",
        "limits.fileBytes": "FILE_BYTES",
        "limits.processes": "PROCESSES",
        "limits.outputBytes": "OUTPUT_BYTES",
        "limits.turnBytes": "TURN_BYTES",
        "limits.sessionBytes": "SESSION_BYTES",
        "limits.transcriptBytes": "TRANSCRIPT_BYTES",
        "limits.sessions": "SESSIONS",
    }.items():
        assert f"| `{member}` | {limits[f'{defaults.__name__}.{constant}']}" in page
