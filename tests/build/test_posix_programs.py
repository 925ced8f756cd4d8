"""Programs in C that are POSIX processes: what the components import and export."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.build.conftest import ROOT, module

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = sorted((ROOT / "tests" / "guests" / "src" / "libc").glob("*.c"))
EXAMPLES = ROOT / "docs" / "examples" / "c"
EXAMPLE = EXAMPLES / "both.c"
OF_HTTP = {"clocks/monotonic-clock", "http/outgoing-handler", "http/types", "io/error", "io/poll", "io/streams"}


@pytest.fixture(scope="module")
def posix() -> Any:
    return module("posix_programs")


def text_of(component: Path) -> str:
    """The component in the text format; wasm-tools refuses what is not valid."""
    wasm_tools = module("toolchain").python_tool("wasm-tools", module("components").WASM_TOOLS)
    subprocess.run([wasm_tools, "validate", "--features", "all", component], check=True)
    return subprocess.run([wasm_tools, "print", component], check=True, capture_output=True, text=True).stdout


def imported(text: str) -> set[str]:
    """The interfaces that a component and its modules import."""
    return set(re.findall(r'\(import "([^"]+:[^"]+)"', text))


def core_exports(text: str) -> set[str]:
    """What its modules export under names of their own."""
    return set(re.findall(r'^    \(export "([^"]+)"', text, re.MULTILINE))


def expected(source: Path) -> set[str]:
    """What the program of a source is to import."""
    of_http = OF_HTTP if "<torpor/http.h>\n" in source.read_text() else set()
    return {"torpor:posix/sys@0.1.0", *(f"wasi:{name}@0.2.12" for name in of_http)}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_imports_of_test_programs(source: Path) -> None:
    text = text_of(ROOT / "tests" / "guests" / "dist" / f"libc_{source.stem}.wasm")
    assert imported(text) == expected(source)
    forks = "fork()" in source.read_text() and "#define FORK exec" not in source.read_text()
    assert core_exports(text) >= {"memory", "wasi:cli/run@0.2.12#run"}
    assert ("posix_child" in core_exports(text)) == forks


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.c")), ids=lambda path: path.stem)
def test_examples_of_the_documentation(posix: Any, tmp_path: Path, example: Path) -> None:
    posix.compile_c([example], tmp_path / "example.wasm", fork="exec", flags=("-Wall", "-Wextra", "-Werror"))
    text = text_of(tmp_path / "example.wasm")
    assert imported(text) == expected(example)
    assert "posix_child" not in core_exports(text)


@pytest.mark.parametrize("fork", ["none", "exec", "full"])
def test_what_has_no_fork_of_its_own_is_not_instrumented(posix: Any, tmp_path: Path, fork: str) -> None:
    posix.compile_c([EXAMPLE], tmp_path / "both.wasm", fork=fork)
    text = text_of(tmp_path / "both.wasm")
    assert ("asyncify" in text, "posix_child" in core_exports(text)) == (fork == "full", fork == "full")


def test_a_mistake_of_the_program_is_told(posix: Any, build_error: type[Exception], tmp_path: Path) -> None:
    source = tmp_path / "wrong.c"
    source.write_text("int main(void) { return nowhere; }\n")
    with pytest.raises(build_error, match="undeclared identifier 'nowhere'"):
        posix.compile_c([source], tmp_path / "wrong.wasm")
    assert not (tmp_path / "wrong.wasm").exists()
