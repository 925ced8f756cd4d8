"""The VM under test: its files, what changed in them, its sessions. Blocking calls; `aio` has the same for async tests."""

from __future__ import annotations

import base64
import difflib
import fnmatch
import posixpath
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import attrs

from runtime.api.defaults import HOME
from runtime.client.errors import RpcError
from runtime.testing import snapshot
from runtime.testing.aio import Aio
from runtime.testing.expect import unmet

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.client.link import Link
    from runtime.client.notification import Notification
    from runtime.testing.loop import Loop

APPLICATION_ERROR: Final = -32000
"""JSON-RPC's number of all errors that have a name."""

MAX_DIFF_LINES: Final = 200
"""Of one file in a failure message."""


@attrs.define
class Api:
    """The session API of one place, from any thread: each call blocks."""

    loop: Loop
    link: Link
    listeners: dict[str, Callable[[Notification], None]]
    """By subscription; called on the loop."""

    def call(self, method: str, /, **params: Any) -> Any:
        """Call a method of the API. Raises RpcError, ConnectionLostError."""
        __tracebackhide__ = True
        return self.loop.run(self.link.call, method, params)


class TestVm:
    """A VM that one test has to itself. Paths are absolute, or relative to /home/user."""

    __test__ = False  # no class of tests

    def __init__(self, api: Api, name: str, options: dict[str, Any], story: Callable[[], str] = str) -> None:
        self.api = api
        self.name = name
        self.options = options
        self._story = story
        self._start: dict[str, bytes] | None = None
        api.call("vm.getOrCreate", vm=name, options=options or None)

    @property
    def aio(self) -> Aio[TestVm]:
        """The same methods, to be awaited."""
        return Aio(self)

    def call(self, method: str, /, **params: Any) -> Any:
        """Call any method of the API that takes `vm`."""
        __tracebackhide__ = True
        return self.api.call(method, vm=self.name, **params)

    def write(self, path: str, content: str | bytes) -> None:
        """Create or replace a file, with its directories."""
        self.call("writeFile", path=absolute(path), content=_sent(content))

    def put(self, files: dict[str, str | bytes]) -> None:
        """Put files in place; changes are told against what is there when the first session starts. Raises RpcError."""
        sent = [{"path": absolute(path), "content": _sent(content)} for path, content in files.items()]
        for done in self.call("writeFiles", files=sent) if sent else []:
            if "error" in done:
                error = done["error"]
                raise RpcError(APPLICATION_ERROR, f"{done['path']}: {error['message']}", {"code": error["code"]})

    def read(self, path: str) -> str:
        """Return a text file's content. Raises RpcError not_found."""
        return self.read_bytes(path).decode()

    def read_bytes(self, path: str) -> bytes:
        """Return a file's content. Raises RpcError not_found."""
        content = self.call("readFile", path=absolute(path), encoding="base64")["content"]
        return base64.b64decode(content["base64"])

    def exists(self, path: str) -> bool:
        """Say whether the path names anything."""
        return bool(self.call("exists", path=absolute(path)))

    def tree(self, path: str = HOME) -> list[str]:
        """Return the paths of all files below, relative to `path`, sorted; links are not followed."""
        root = absolute(path)
        return sorted(posixpath.relpath(entry["path"], root) for entry in snapshot.listing(self.call, root))

    def stats(self) -> dict[str, Any]:
        """Return what the VM has used."""
        stats: dict[str, Any] = self.call("vm.stats")
        return stats

    def sleep(self) -> None:
        """Hibernate the VM; the next prompt wakes it."""
        self.call("vm.sleep", force=True)

    def mark(self) -> None:
        """Take the files as they are now for the start that changes are told against."""
        self._start = snapshot.contents(self.call, HOME)

    def mark_once(self) -> None:
        """`mark`, the first time."""
        if self._start is None:
            with suppress(RpcError):  # too many files to compare: whoever asks for changes hears of it
                self.mark()

    def changes(self) -> dict[str, str]:
        """Return what was `added`, `changed` or `removed` below /home/user since the start, by relative path."""
        return _changes(self._start or {}, snapshot.contents(self.call, HOME))

    def diff(self) -> str:
        """Return the changes as a unified diff."""
        before, after = self._start or {}, snapshot.contents(self.call, HOME)
        parts = []
        for path in _changes(before, after):
            old, new = _lines(before.get(path, b"")), _lines(after.get(path, b""))
            parts += list(difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", lineterm=""))[:MAX_DIFF_LINES]
        return "\n".join(parts)

    # Expectations

    def expect_file(self, path: str, content: str | bytes | None = None, *, contains: str | None = None) -> None:
        """Expect a file, with exactly this content, or with this text in it."""
        __tracebackhide__ = True
        try:
            found = self.read_bytes(path)
        except RpcError as error:
            there = "\n".join(f"  {each}" for each in self.tree()) or "  (none)"
            raise self._unmet(f"no file {path} ({error.name})\nfiles below {HOME}:\n{there}") from None
        if content is not None:
            wanted = content.encode() if isinstance(content, str) else content
            if found != wanted:
                shown = difflib.unified_diff(_lines(wanted), _lines(found), "expected", "found", lineterm="")
                raise self._unmet(f"{path} is not as expected:\n" + "\n".join(list(shown)[:MAX_DIFF_LINES]))
        if contains is not None and contains.encode() not in found:
            text = "\n".join(f"  {each}" for each in _lines(found)[:MAX_DIFF_LINES])
            raise self._unmet(f"{path} does not contain {contains!r}:\n{text}")

    def expect_no_file(self, path: str) -> None:
        """Expect that the path names nothing."""
        __tracebackhide__ = True
        if self.exists(path):
            raise self._unmet(f"{path} exists")

    def expect_tree(self, *paths: str, root: str = HOME) -> None:
        """Expect exactly these files below `root`; a path may be a glob."""
        __tracebackhide__ = True
        found = self.tree(root)
        missing = [path for path in paths if not fnmatch.filter(found, path)]
        extra = [path for path in found if not any(fnmatch.fnmatchcase(path, each) for each in paths)]
        if missing or extra:
            there = "\n".join(f"  {each}" for each in found) or "  (none)"
            raise self._unmet(f"missing {missing}, unexpected {extra}; files below {root}:\n{there}")

    def expect_changes(self, changes: dict[str, str]) -> None:
        """Expect exactly these changes since the start: {path: "added", "changed" or "removed"}."""
        __tracebackhide__ = True
        found = self.changes()
        if found != changes:
            raise self._unmet(f"changes since the start: expected {changes}, found {found}\n{self.diff()}".rstrip())

    def expect_no_changes(self) -> None:
        """Expect the files to be as at the start."""
        __tracebackhide__ = True
        self.expect_changes({})

    def _unmet(self, message: str) -> AssertionError:
        return unmet(message, self._story())


def absolute(path: str) -> str:
    """Return the path from the root."""
    return posixpath.join(HOME, path)


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "backslashreplace").splitlines()


def _changes(before: dict[str, bytes], after: dict[str, bytes]) -> dict[str, str]:
    found = {path: "removed" for path in before if path not in after}
    for path, content in after.items():
        if path not in before:
            found[path] = "added"
        elif before[path] != content:
            found[path] = "changed"
    return dict(sorted(found.items()))


def _sent(content: str | bytes) -> str | dict[str, str]:
    return content if isinstance(content, str) else {"base64": base64.b64encode(content).decode()}
