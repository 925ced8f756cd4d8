"""
The floor plan, drawn from the layers that lint-imports holds the imports against (pyproject.toml).

A package is described by the first sentence of its docstring.
"""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent


def table() -> str:
    """All packages, as Markdown: the highest floor first; those on one floor do not import each other."""
    lines = ["| floor | package | what it is |", "| --- | --- | --- |"]
    lines += [f"| {floor} | `{path}` | {_described(path)} |" for floor, path in rows()]
    return "\n".join(lines) + "\n"


def rows() -> Iterator[tuple[str, str]]:
    """(floor, path) of every package. A package of its own, beside `runtime`, is on no floor."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    contract: dict[str, Any] = next(each for each in settings["contracts"] if each["type"] == "layers")
    (container,) = contract["containers"]
    layers = contract["layers"]
    for height, layer in zip(range(len(layers), 0, -1), layers, strict=True):
        for name in layer.split("|"):
            yield str(height), f"{container}/{name.strip()}"
    for package in settings["root_packages"]:
        if package != container:
            yield "", package


def _described(path: str) -> str:
    file = ROOT / path / "__init__.py" if (ROOT / path).is_dir() else (ROOT / path).with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    sentence = " ".join(docstring.partition("\n\n")[0].split()).partition(". ")[0]
    return sentence.rstrip(".").replace("|", "\\|") + "."


if __name__ == "__main__":
    print(table(), end="")
