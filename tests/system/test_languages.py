"""Programs in Go and Rust, the examples of docs/programs.md, in a VM; each where its compiler is there."""

from __future__ import annotations

import base64
import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from tests.system.daemon import Vm

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
BUILD_SECONDS = 600
# Allocators have to grow the memory for it, several times.
MANY = 200_000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def build() -> Iterator[Any]:
    """Imports a module of the build scripts."""
    sys.path.insert(0, str(ROOT / "build"))
    try:
        yield importlib.import_module
    finally:
        sys.path.pop(0)


@pytest.fixture(scope="module", params=["go", "rust"])
def words(request: pytest.FixtureRequest, build: Any, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The example in one of the languages, built."""
    output: Path = tmp_path_factory.mktemp(request.param) / "words.wasm"
    made = {"go": build_go, "rust": build_rust}[request.param]
    made(build, output)
    return output.read_bytes()


def build_go(build: Any, output: Path) -> None:
    go: ModuleType = build("go")
    try:
        go.find_go()
    except build("toolchain").BuildError as missing:
        pytest.skip(str(missing))
    go.build_go(EXAMPLES / "go", output)


def build_rust(build: Any, output: Path) -> None:
    rustc = shutil.which("rustc")
    if rustc is None:
        pytest.skip("there is no rustc")
    asked = subprocess.run([rustc, "--print", "sysroot"], capture_output=True, text=True, check=True)
    there = {path.parents[1].name for path in Path(asked.stdout.strip()).glob("lib/rustlib/wasm32-*/lib/libstd-*.rlib")}
    target = next((name for name in ("wasm32-wasip1", "wasm32-wasi") if name in there), None)
    if target is None:
        pytest.skip("rustc has no library for WASI: rustup target add wasm32-wasip1")
    core = output.with_suffix(".core")
    source = EXAMPLES / "rust" / "words.rs"
    command = [rustc, "--edition", "2021", "--target", target, "-O", "-C", "strip=symbols", source, "-o", core]
    subprocess.run(command, timeout=BUILD_SECONDS, check=True)
    build("components").adapt(core, output, embed="everything")


def test_a_program_reads_writes_and_ends_with_its_code(words: bytes, vm: Vm) -> None:
    vm.call("writeFile", path="/bin/words", content={"base64": base64.b64encode(words).decode()})
    vm.call("writeFile", path="/home/user/one", content="to be or not to be")
    done = vm.call("exec", argv=["words", "one", "two"], cwd="/home/user")
    assert done["stdout"] == "      2 be\n      2 to\n      1 not\n      1 or\n"
    assert done["stderr"].startswith("words: ")
    assert done["exitCode"] == 2
    numbers = " ".join(str(number) for number in range(MANY))
    done = vm.call("exec", argv=["words"], stdin=f"{numbers} the the")
    assert done["stdout"].startswith("      2 the\n      1 0\n      1 1\n")
    assert (done["stderr"], done["exitCode"]) == ("", 0)
