"""The reference of every default and cap, from the constants themselves and the docstrings below them."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = ("runtime", "wasi_fs")
NAME: Final = re.compile(r"_?[A-Z][A-Z0-9_]*")

AREAS: Final = {
    "runtime.api": "api",
    "runtime.rpc": "connections",
    "runtime.jsonrpc": "connections",
    "runtime.large_json": "connections",
    "runtime.client": "clients",
    "runtime.api.endpoint": "clients",
    "runtime.cli": "commands",
    "runtime": "daemon",
    "runtime.vms": "vms",
    "runtime.sessions": "sessions",
    "runtime.acp": "sessions",
    "runtime.engine": "guests",
    "runtime.wasi": "guests",
    "runtime.posix": "guests",
    "runtime.wasi.filesystem": "files",
    "wasi_fs": "files",
    "runtime.network": "network",
    "runtime.store": "store",
    "runtime.testing": "testing",
}
"""Module or package -> the section of docs/limits.md that its constants are in."""

NO_LIMITS: Final = re.compile(
    r"PROTOCOL(_VERSION)?|APPLICATION_(ID|ERROR)|.*_(NOT_FOUND|ERROR|REQUEST|REQUIRED|PARAMS|CANCELLED|CLOSED|NS|INO)|PERMISSIONS|PORT|"
    r"MILLISECOND|NANOSECONDS|SWITCHING_PROTOCOLS|REMOVED|NO_[A-Z]+|CREATED|HEADERS_TOO_LARGE|_LAST|"
    r"SCHEMA_VERSION|UNLIMITED_FUEL|M(IN|AX)_STATUS|MAX_(PORT|TIME|TIME_MS|INO)|_(KEY_ID|NONCE|HEAD)_BYTES|KEY_BYTES|HASH_BYTES|"
    r"_(DIR|FILE|GONE)|MICROSECOND|LOOK|_NEVER|.*_MODE|OTHER_ENDING|CHARACTERS_PER_TOKEN|ZSTD_LEVEL|"
    r"UTF16_TAG|MAX_FLAT_(PARAMS|RESULTS)|_LAST_SECTION|_SPACE|_TABLE_WITH_VALUE|_HEAD|_RESOURCE|_I32|_MAX_U(32|64)_BYTES|"
    r"_MANY|_RECIPE_VERSION|BUILD_WORK|PAGE|ELEMENT|FROM_HOST|_QUOTE|_BACKSLASH|\w*_BITS|_LOOK|LINKS_OF_A_LEAF|"
    r"_DEVICE_FACTOR|_OPEN|FIRST_FD|TOKEN_BYTES|ROWS|COLUMNS|MINUTE|THOUSAND|INDENT"
)
"""Numbers that bound nothing: codes and versions of protocols, numbers that stand for a thing, units."""

NOT_IN: Final = frozenset(
    {
        "runtime.cli.exits",
        "runtime.api.errors",
        "runtime.engine.abi.status",
        "runtime.engine.native",
        "runtime.engine.pages",
        "runtime.posix.numbers",
        "runtime.posix.signals",
        "runtime.posix.termios",
        "runtime.salvage.fileformat",
    }
)
"""Exit codes, error codes, numbers of interfaces and signals, what is told to the engine's own glue, sizes of C structs,
numbers of Linux and SQLite."""

KIB: Final = 1024


@attrs.frozen
class Limit:
    """One constant."""

    module: str
    name: str
    value: float
    source: str
    """The expression that it is written as."""
    reason: str

    @property
    def area(self) -> str:
        """The section that it belongs to. Raises KeyError for a module that no area has."""
        parts = self.module.split(".")
        for length in range(len(parts), 0, -1):
            area = AREAS.get(".".join(parts[:length]))
            if area is not None:
                return area
        raise KeyError(self.module)

    @property
    def shown(self) -> str:
        """The value for people."""
        if self.name.endswith("_KIB"):
            return _bytes(int(self.value) * KIB)
        if (self.name.endswith("BYTES") or "1024" in self.source) and self.value > KIB:
            return _bytes(int(self.value))
        if self.name.endswith("_MS"):
            return _seconds(self.value / 1000)
        if re.search(r"SECONDS|TIMEOUT|GRACE|DELAY|INTERVAL|POLL$|PAUSE|LINGER|TICK", self.name):
            return _seconds(self.value)
        return f"{self.value:,}" if float(self.value).is_integer() else str(self.value)


def _bytes(value: int) -> str:
    for unit in ("GiB", "MiB", "KiB"):
        size = KIB ** {"KiB": 1, "MiB": 2, "GiB": 3}[unit]
        if value >= size and value % size == 0:
            return f"{value // size:,} {unit}"
    return f"{value:,}"


def _seconds(value: float) -> str:
    for unit, size in (("days", 86_400), ("minutes", 60)):
        if value >= 2 * size and value % size == 0:
            return f"{value / size:.0f} {unit}"
    return f"{value:g} s" if value >= 1 or value == 0 else f"{value * 1000:g} ms"


@cache
def limits() -> tuple[Limit, ...]:
    """Every constant that bounds something, by module and in the order of the source."""
    return tuple(limit for module, path in _modules() for limit in _in_module(module, path))


def _modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if module not in NOT_IN:
                yield module, path


def _in_module(module: str, path: Path) -> Iterator[Limit]:
    body = ast.parse(path.read_text("utf-8")).body
    found = [(at, target, value) for at, (target, value) in enumerate(map(_assignment, body)) if target and value]
    names = {target for _, target, _ in found}
    loaded = import_module(module) if names else None
    for at, name, expression in found:
        value = getattr(loaded, name)
        if type(value) in {int, float} and not NO_LIMITS.fullmatch(name):
            yield Limit(module, name, value, ast.unparse(expression), _docstring(body, at))


def _assignment(node: ast.stmt) -> tuple[str, ast.expr] | tuple[None, None]:
    target = (
        node.target if isinstance(node, ast.AnnAssign) else node.targets[0] if isinstance(node, ast.Assign) else None
    )
    if isinstance(target, ast.Name) and NAME.fullmatch(target.id) and isinstance(node, ast.AnnAssign | ast.Assign):
        return (target.id, node.value) if node.value is not None else (None, None)
    return None, None


def _docstring(body: list[ast.stmt], at: int) -> str:
    """What stands below a constant, on one line."""
    following = body[at + 1] if at + 1 < len(body) else None
    if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
        return " ".join(str(following.value.value).split())
    return ""


def table(area: str) -> str:
    """The table of one area, as Markdown. Raises ValueError if it has no constants."""
    rows = [limit for limit in limits() if limit.area == area]
    if not rows:
        raise ValueError(f"no limit is in the area {area}")
    head = "| value | why | where |\n| --- | --- | --- |\n"
    return head + "".join(_row(limit) for limit in rows)


def _row(limit: Limit) -> str:
    reason = limit.reason.replace("|", "\\|")
    return f"| {limit.shown.replace(' ', ' ')} | {reason[:1].upper()}{reason[1:]} | `{limit.module}.{limit.name}` |\n"
