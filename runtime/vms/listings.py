"""Listings of directories, small and vast: read page by page, so that nobody else waits for one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.patience import patiently
from runtime.vms.exclusion import Exclusion
from runtime.vms.results import Budget, describe
from wasi_fs import FileType, FsCode, FsError, OpenDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Self

    from wasi_fs import DirEntry, FileSystem
    from wasi_fs.inode import Directory

NAMES_PAGE: Final = 1024
"""Names between two looks at the other tasks: 2 ms."""

LOADS_AT_ONCE: Final = 200
"""When so much of a page was got, or trimmed for it, in 2 ms, others run first."""

ENTRIES_PAGE: Final = 128
"""Entries with attributes, each a query where it is not in memory, between two such looks: 3 ms."""

CLOSED_AT_ONCE: Final = 500
"""Directories between two looks at the other tasks: 1 ms."""

MAX_NAMES: Final = 1_000_000
"""Names that `readdir` answers: the default limit of a VM's files, so that the bytes of an answer decide."""

MAX_ENTRIES: Final = 100_000
"""Entries with attributes in one answer: 20 MB of JSON with ordinary names."""

ENTRY_OVERHEAD_BYTES: Final = 190
"""What an entry's attributes take as JSON, about."""

NAME_OVERHEAD_BYTES: Final = 1
"""The comma: the quotes are counted with the name."""


async def names(fs: FileSystem, path: str) -> list[str]:
    """`readdir`. Raises FsError, and `ApiError` TOO_LARGE."""
    listed: list[str] = []
    budget = Budget(MAX_NAMES, "readdirEntries gives the directory in pages")
    with await _shown(fs, path, "", NAMES_PAGE) as listing:
        while entry := await listing.next():
            budget.take(entry.name, NAME_OVERHEAD_BYTES)
            listed.append(entry.name)
    return listed


async def entries(fs: FileSystem, path: str, after: str, limit: int | None) -> list[dict[str, Any]]:
    """`readdirEntries`: those whose names come after `after`, at most `limit` of them.

    Raises FsError, and `ApiError` LIMIT_EXCEEDED, TOO_LARGE.
    """
    listed: list[dict[str, Any]] = []
    budget = Budget(MAX_ENTRIES, "go on from the last name with `after`, and say with `limit` how many to get at once")
    with await _shown(fs, path, after, min(limit or ENTRIES_PAGE, ENTRIES_PAGE)) as listing:
        while (limit is None or len(listed) < limit) and (entry := await listing.next()):
            described = listing.describe(entry)
            if described is not None:
                budget.take(entry.name, ENTRY_OVERHEAD_BYTES)
                listed.append({"name": entry.name, **described})
    return listed


async def tree(fs: FileSystem, path: str, max_depth: int | None, exclude: Sequence[str]) -> list[dict[str, Any]]:
    """`readdirRecursive`: everything below, parents first, in the order of the names; links are not followed.

    Of the root it is what the VM itself has: people copy that.

    Raises FsError, and `ApiError` LIMIT_EXCEEDED, TOO_LARGE.
    """
    listed: list[dict[str, Any]] = []
    budget = Budget(MAX_ENTRIES, "name a directory further down, or use `maxDepth` and `exclude`")
    top = path.rstrip("/")
    exclusion = Exclusion(exclude)
    await exclusion.prepare()
    async with Way() as way:
        way.enter(await _shown(fs, path, "", ENTRIES_PAGE, whole=True))
        prefixes = [top]
        while way.depth:
            prefix, listing = prefixes[-1], way.last
            entry = await listing.next()
            if entry is None:
                way.leave().close()
                prefixes.pop()
                continue
            place = f"{prefix}/{entry.name}"
            if await exclusion.covers(entry.name, place[len(top) + 1 :], way.depth):
                continue
            described = listing.describe(entry)
            if described is None:
                continue
            budget.take(place, ENTRY_OVERHEAD_BYTES)
            listed.append({"path": place, **described})
            if entry.type is FileType.DIRECTORY and (max_depth is None or way.depth < max_depth):
                below = listing.descend(entry)
                if below is not None:
                    way.enter(below)
                    prefixes.append(place)
    return listed


class Listing:
    """A directory that is being listed; a context manager that closes it.

    It has what the VM itself has; what else its directories show only as far as it is not `hidden`.
    """

    def __init__(
        self,
        fs: FileSystem,
        directory: OpenDirectory,
        after: str,
        count: int,
        *,
        hidden: Callable[[DirEntry], bool] | None = None,
    ) -> None:
        self._fs = fs
        self._hidden = hidden or fs.is_shown_only
        self._directory = directory
        self._count = count
        self._page: Iterator[DirEntry] = iter(())
        self._after: str | None = after
        self._loads = fs.loads

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the directory; idempotent."""
        self._directory.close()

    async def next(self) -> DirEntry | None:
        """The next entry, None at the end. Others run after every page, and within one that takes longer than most."""
        if self._fs.loads - self._loads > LOADS_AT_ONCE:
            await self._let_others_run()
        while True:
            for entry in self._page:
                if not self._hidden(entry):
                    return entry
            if self._after is None:
                return None
            await self._let_others_run()
            page, self._after = await patiently(partial(self._directory.page, self._after, self._count))
            self._page = iter(page)

    async def _let_others_run(self) -> None:
        await trio.lowlevel.checkpoint()
        self._loads = self._fs.loads

    def describe(self, entry: DirEntry) -> dict[str, Any] | None:
        """The attributes of an entry, a link's own; None if it is gone."""
        try:
            return describe(self._fs.stat(entry.name, at=self._directory.node, follow=False))
        except FsError as error:
            if error.code is FsCode.NO_ENTRY:
                return None
            raise

    def descend(self, entry: DirEntry) -> Listing | None:
        """The listing of the directory that an entry is, None if it is none any more."""
        try:
            directory = opened(self._fs, entry.name, at=self._directory.node, follow=False)
        except FsError as error:
            if error.code in {FsCode.NO_ENTRY, FsCode.NOT_DIRECTORY}:
                return None
            raise
        return Listing(self._fs, directory, "", self._count, hidden=self._hidden)

    def remover(self, name: str, remove: Callable[..., None]) -> Callable[[], None]:
        """`remove` for a name in this directory, as long as this is open."""
        return lambda: remove(name, at=self._directory.node)


class Way:
    """Directories that are being listed, one in another; however many they are, nobody else waits until they are closed."""

    def __init__(self) -> None:
        self._listings: list[Listing] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        with trio.CancelScope(shield=True):
            while self._listings:
                for listing in self._listings[-CLOSED_AT_ONCE:]:
                    listing.close()
                del self._listings[-CLOSED_AT_ONCE:]
                await trio.lowlevel.checkpoint()

    @property
    def depth(self) -> int:
        """How many there are."""
        return len(self._listings)

    @property
    def last(self) -> Listing:
        """The one furthest down."""
        return self._listings[-1]

    def enter(self, listing: Listing) -> None:
        """Go further down, into a listing that is closed with this."""
        self._listings.append(listing)

    def leave(self) -> Listing:
        """Go back up, and return the listing that was last, still open."""
        return self._listings.pop()


def opened(fs: FileSystem, path: str, *, at: Directory | None = None, follow: bool = True) -> OpenDirectory:
    """A directory that is open. Raises FsError."""
    directory = fs.open(path, at=at, directory=True, follow=follow)
    assert isinstance(directory, OpenDirectory)
    return directory


async def _shown(fs: FileSystem, path: str, after: str, count: int, *, whole: bool = False) -> Listing:
    """A listing for a client. That of the root is without /dev and /proc, and with `whole` without the base system, too."""
    directory = await patiently(partial(opened, fs, path))
    hidden: Callable[[DirEntry], bool] = _nothing
    if directory.node is fs.root:
        hidden = fs.is_shown_only if whole else fs.is_made
    return Listing(fs, directory, after, count, hidden=hidden)


def _nothing(_entry: DirEntry) -> bool:
    return False
