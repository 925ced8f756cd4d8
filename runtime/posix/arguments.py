"""The arguments and the environment that a program begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from runtime.posix.errnos import Errno, PosixError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_BYTES: Final = 1024 * 1024
"""Of a program's arguments and environment, NULs included: half of what Linux allows by default, and eight times what xargs
puts into one command. Each process keeps its own."""

MAX_STRINGS: Final = 128 * 1024
"""Of both together: as many files of a directory as `rm *` can name with 7 characters each. A program that knows only WASI gets
them as text, which takes 20 ms for so many."""

SHOWN: Final = 4096
"""Characters of the arguments that are shown to people: a list of processes has those of all."""


@attrs.frozen
class Arguments:
    """Two lists of strings, each with its NUL."""

    arguments: bytes
    environment: bytes

    @classmethod
    def of(cls, arguments: Iterable[str], environment: Mapping[str, str]) -> Arguments:
        """Those of a program that is started from outside, of any size that a client may give."""
        return cls(_joined(arguments), _joined(f"{name}={value}" for name, value in environment.items()))

    @staticmethod
    def check(size: int) -> None:
        """PosixError E2BIG for more bytes than a program may begin with."""
        if size > MAX_BYTES:
            raise PosixError(Errno.E2BIG)

    @classmethod
    def given(cls, arguments: bytes, environment: bytes) -> Arguments:
        """Those that a program gives. PosixError E2BIG, and EINVAL where the last string has no end."""
        cls.check(len(arguments) + len(environment))
        if arguments.count(b"\0") + environment.count(b"\0") > MAX_STRINGS:
            raise PosixError(Errno.E2BIG)
        if any(strings and strings[-1] for strings in (arguments, environment)):
            raise PosixError(Errno.EINVAL)
        return cls(arguments, environment)

    def behind(self, words: Iterable[bytes]) -> Arguments:
        """These words in place of the first one: how a script's interpreter is called. PosixError E2BIG."""
        _, _, rest = self.arguments.partition(b"\0")
        return Arguments.given(b"".join(word + b"\0" for word in words) + rest, self.environment)

    def record(self) -> bytes:
        """As `arguments` of torpor:posix/sys writes them."""
        counts = (self.arguments.count(b"\0"), self.environment.count(b"\0"))
        return b"".join(count.to_bytes(4, "little") for count in counts) + self.arguments + self.environment

    def shown(self) -> list[str]:
        """The arguments, as many characters of them as people get to see."""
        return _texts(self.arguments[:SHOWN])

    def words(self) -> list[str]:
        """The arguments as text."""
        return _texts(self.arguments)

    def variables(self) -> dict[str, str]:
        """The environment as text; of a variable that is there twice the first one, as getenv finds it."""
        found: dict[str, str] = {}
        for text in _texts(self.environment):
            name, equals, value = text.partition("=")
            if equals:
                found.setdefault(name, value)
        return found


def _joined(strings: Iterable[str]) -> bytes:
    return b"".join(string.encode("utf-8", "replace") + b"\0" for string in strings)


def _texts(strings: bytes) -> list[str]:
    return strings.removesuffix(b"\0").decode("utf-8", "replace").split("\0") if strings else []
