"""Every code block of the documentation that can run is run, against a real daemon, and prints what the page says."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.testing import yaml_file
from runtime.vms.base.commands import built_in_commands
from tests.docs.blocks import NOT_RUN, PAGES, ROOT, RUN, SHOWN, blocks
from tests.docs.desk import Desk, is_call, is_shown, like
from tests.patience import WAIT

if TYPE_CHECKING:
    from tests.docs.blocks import Block

BUILD_TIMEOUT = 900  # a first build fetches and builds everything, on a slow machine
ALL = [block for page in PAGES for block in blocks(page)]
RUNNING = [page for page in PAGES if any(block.runs and not is_shown(block) for block in blocks(page))]
TYPESCRIPT = [block for block in ALL if block.language == "typescript" and block.runs]


def place(thing: Block | Path) -> str:
    return str(thing.relative_to(ROOT)) if isinstance(thing, Path) else thing.place


@pytest.fixture(scope="module")
def node() -> Path:
    """Node.js as the build finds it, with the TypeScript client built."""
    script = [sys.executable, ROOT / "build" / "typescript.py"]
    subprocess.run(script, capture_output=True, timeout=BUILD_TIMEOUT, check=True)
    sys.path.insert(0, str(ROOT / "build"))
    try:
        found: Any = importlib.import_module("toolchain").find_node()
    finally:
        sys.path.pop(0)
    return Path(found.node)


@pytest.fixture(scope="module")
def programs(node: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The TypeScript blocks, compiled, by their place."""
    folder = tmp_path_factory.mktemp("typescript")
    client = ROOT / "clients" / "typescript"
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "torpor-client").symlink_to(client)
    config = json.loads((ROOT / "docs" / "examples" / "typescript" / "tsconfig.json").read_text("utf-8"))
    config["compilerOptions"]["typeRoots"] = [str(client / "node_modules" / "@types")]
    (folder / "tsconfig.json").write_text(json.dumps(config), "utf-8")
    (folder / "package.json").write_text('{"type": "module"}', "utf-8")
    for number, block in enumerate(TYPESCRIPT):
        (folder / f"block{number}.ts").write_text(block.text, "utf-8")
    compiler = client / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run([node, compiler], cwd=folder, capture_output=True, text=True, timeout=WAIT, check=False)
    assert done.returncode == 0, done.stdout
    return {block.place: folder / "dist" / f"block{number}.js" for number, block in enumerate(TYPESCRIPT)}


@pytest.fixture(scope="module", autouse=True)
def built(node: Path) -> None:
    """The agents and programs that the pages use; what is up to date is left alone."""
    for command in (["components.py", "--examples"], ["guests.py", "copy_stdin"]):
        script = [sys.executable, ROOT / "build" / command[0], *command[1:]]
        subprocess.run(script, capture_output=True, timeout=BUILD_TIMEOUT, check=True)


@pytest.mark.parametrize("page", RUNNING, ids=place)
def test_a_page(page: Path, component_cache: Path, request: pytest.FixtureRequest) -> None:
    needed = {"shell.md": "bash.wasm", "git.md": "git.wasm", "python.md": "python3.wasm"}.get(page.name)
    if needed and not (built_in_commands() / needed).is_file():
        pytest.skip("the commands are not built: make commands")
    found = list(blocks(page))
    has_typescript = any(block.runs and block.language == "typescript" for block in found)
    node = request.getfixturevalue("node") if has_typescript else None
    with Desk(component_cache, node) as desk:
        for block, following in pairwise([*found, None]):
            if block is not None:
                run(block, following, desk, request)


def run(block: Block, following: Block | None, desk: Desk, request: pytest.FixtureRequest) -> None:
    if block.is_file:
        (desk.folder / block.title).write_text(block.text, "utf-8")
    if not block.runs:
        return
    try:
        printed = ""
        if block.language == "bash":
            printed = desk.bash(block)
        elif block.language == "python":
            printed = desk.python(block)
        elif block.language == "typescript":
            desk.start_daemon()
            printed = desk.run(["node", request.getfixturevalue("programs")[block.place]])
        elif block.title == "request":
            assert following is not None
            assert following.title == "answer"
            answer = desk.request(block)
            assert like(json.loads(following.text), answer), answer
        elif is_call(block.title):
            desk.call(block)
        assert block.matches(printed), f"it printed\n{printed}"
    except AssertionError as error:
        raise AssertionError(f"{block.place}: {error}") from None


@pytest.mark.parametrize("block", ALL, ids=place)
def test_a_block_is_what_it_says(block: Block, tmp_path: Path) -> None:
    assert block.language in RUN | SHOWN, f"{block.place}: a block of {block.language or 'no language'}"
    if NOT_RUN.match(block.text):
        return
    if block.language == "json":
        json.loads(block.text)
        assert block.title, f"{block.place}: the title says what this JSON is; that of a request is its method"
    elif block.language == "toml":
        tomllib.loads(block.text)
    elif block.language == "yaml":
        (tmp_path / "tests.yaml").write_text(block.text, "utf-8")
        assert yaml_file.read(tmp_path / "tests.yaml"), "no test in it"
    elif block.language in {"c", "javascript"}:
        assert block.quoted or block.is_file, f"{block.place}: sources that no test uses"
