"""The house's own rules of layout: what each package says of itself, how long a file is, where a number is explained."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ["runtime", "wasi_fs"]
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]

ROW = re.compile(r"^ *(\w+/?) {2,}\S", re.MULTILINE)
"""A line of an index: the name of a module, or that of a package with a slash, and after two spaces what is in it."""

MAX_LINES = 400
GENERATED = {
    "runtime/client/generated/types.py",
    "runtime/client/generated/vm.py",
    "runtime/client/generated/vm_sync.py",
    "runtime/wasi/wit_types.py",
}

ARITHMETIC = (
    ast.Constant | ast.BinOp | ast.UnaryOp | ast.operator | ast.unaryop | ast.Name | ast.Attribute | ast.expr_context
)
LOGGER = re.compile(r"^(\w+)(?:: \w+)? = logging\.getLogger\(", re.MULTILINE)
COMMENT = re.compile(r"#(?! (noqa|type|fmt)\b)")


@pytest.mark.parametrize("init", [name for name in NAMES if name.endswith("__init__.py")])
def test_a_package_lists_its_modules(init: str) -> None:
    path = ROOT / init
    listed = Counter(ROW.findall(ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""))
    modules = {each.stem for each in path.parent.glob("*.py")} - {"__init__"}
    packages = {f"{each.parent.name}/" for each in path.parent.glob("*/__init__.py")}
    assert listed == Counter(modules | packages), (
        "the docstring has a line for each: `module  what is in it`, `package/  ...`"
    )


def test_no_file_is_too_long() -> None:
    long = {
        name for name, path in zip(NAMES, FILES, strict=True) if len(path.read_text("utf-8").splitlines()) > MAX_LINES
    }
    assert long == GENERATED, "at 400 lines, look for the seam"


def test_a_number_is_explained_in_the_docstring_below_it() -> None:
    wrong = [f"{name}:{line}" for name, path in zip(NAMES, FILES, strict=True) for line in _commented_numbers(path)]
    assert wrong == []


def test_a_logger_is_named_logger() -> None:
    """A second one of a module, which is handed to a library, says so."""
    made = [
        (file, found)
        for file, path in zip(NAMES, FILES, strict=True)
        for found in LOGGER.findall(path.read_text("utf-8"))
    ]
    assert ("runtime/daemon/main.py", "logger") in made
    assert [each for each in made if each[1] not in {"logger", "_library_logger"}] == []


def _commented_numbers(path: Path) -> list[int]:
    """The lines of constants of a module that are numbers and have a comment beside them, or right above or below."""
    text = path.read_text("utf-8")
    lines = ["", *text.splitlines(), ""]
    wrong = []
    for node in filter(_is_number, ast.parse(text).body):
        last = node.end_lineno or node.lineno
        around = [lines[number] for number in (node.lineno - 1, last + 1) if lines[number].startswith("#")]
        if COMMENT.search("\n".join([*around, *lines[node.lineno : last + 1]])):
            wrong.append(node.lineno)
    return wrong


def _is_number(node: ast.stmt) -> bool:
    """Whether this is `NAME: Final = ...` with numbers, and perhaps other constants, in an expression."""
    if not isinstance(node, ast.AnnAssign) or node.value is None or not isinstance(node.target, ast.Name):
        return False
    parts = list(ast.walk(node.value))
    numbers = [each.value for each in parts if isinstance(each, ast.Constant)]
    return (
        node.target.id.isupper()
        and all(isinstance(each, ARITHMETIC) for each in parts)
        and {type(value) for value in numbers} in ({int}, {float}, {int, float})
    )
