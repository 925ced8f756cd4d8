"""A VM's filesystem and its way into the store: when a write becomes durable."""

from __future__ import annotations

import contextlib
import logging
import posixpath
import sys
from typing import TYPE_CHECKING, Final, TypeVar

import attrs
import trio

from runtime.api.defaults import HOME
from runtime.api.errors import ApiError, ErrorCode
from runtime.clock import epoch_ms
from runtime.holding import Holding
from runtime.patience import patiently
from runtime.sessions.options import instructions
from runtime.wasi.state import Ambient
from wasi_fs import Base, FileSystem, FsError, Limits, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runtime.store.store import Store
    from runtime.store.vms import VmRecord
    from runtime.store.writer import Then
    from runtime.vms.options import VmOptions
    from wasi_fs import Mount
    from wasi_fs.backend import Changes

T = TypeVar("T")

logger = logging.getLogger(__name__)

DIRECTORIES: Final = {HOME: 0o755, "/root": 0o755, "/tmp": 0o1777}  # noqa: S108 - the VM's, not the host's
WITHOUT_BASE: Final = {"/bin": 0o755}

FURNISHED: Final = Usage(
    bytes=len(instructions.FILE_TEXT.encode()),
    entries=len({*DIRECTORIES, *WITHOUT_BASE, "/home", "/etc", instructions.DIRECTORY, instructions.PATH}),
)
"""What `prepare` makes does not count against the VM's own limits."""

FLUSH_INTERVAL_SECONDS: Final = 1.0
"""What a crash may take from a guest that never syncs and whose turn never ends."""


class Volume:
    """The tree of one VM. Reading it needs no guest, and wakes none."""

    def __init__(
        self,
        store: Store,
        record: VmRecord,
        options: VmOptions,
        ambient: Ambient | None = None,
        base: Base | None = None,
    ) -> None:
        self._store = store
        self._row = record.row
        self._flushing = trio.Lock()
        self.ambient = ambient or Ambient()
        """The VM's clock and randomness, by which its files get their times too."""
        self.backend = store.files.backend(record.layer)
        self._mounts = options.mounts
        self._agents: dict[str, Mount] = {}  # by their paths
        self._base = base or Base()
        self._based = options.base
        self.filesystem = self._open(_limits(options))
        self._mount_all()

    def _open(self, limits: Limits) -> FileSystem:
        tree = FileSystem(self.backend, limits, self.ambient.now_wall_ns, self.ambient.random, self._beneath())
        tree.protect(instructions.DIRECTORY)
        return tree

    def _beneath(self) -> Base:
        return self._base if self._based else Base()

    def configure(self, options: VmOptions) -> None:
        """Change the quotas, the mounts and whether there is a base: lower quotas remove nothing, they refuse growth.

        Raises ApiError INVALID_ARGUMENT, with nothing changed, where the tree has no place for a mount.
        """
        before, self.filesystem.limits = self.filesystem.limits, _limits(options)
        if refused := self._mount(options.mounts):
            self._mount(self._mounts)
            self.filesystem.limits = before
            mount, error = refused[0]
            raise ApiError(
                ErrorCode.INVALID_ARGUMENT, f"options.mounts: nothing can be mounted on {mount.path}: {error}"
            )
        self._mounts = options.mounts
        if options.base != self._based:
            self._based = options.base
            self.filesystem.base = self._beneath()

    @property
    def has_mounts(self) -> bool:
        """Whether directories of the host are to be seen in the tree."""
        return bool(self._mounts)

    def _mount(self, mounts: Sequence[Mount]) -> list[tuple[Mount, FsError]]:
        if mounts or self._agents:
            self.prepare()  # first: with the mount points in it, the tree would not count as new
        return self.filesystem.set_mounts([*mounts, *self._agents.values()])

    def _mount_all(self) -> None:
        """Mount what the options say. A mount that has no place (any more) is left out: the VM runs without it."""
        for mount, error in self._mount(self._mounts):
            logger.warning("nothing could be mounted on %s of a VM: %s", mount.path, error)

    def show_agent(self, folder: Mount) -> None:
        """Have the folder of an agent without a build in the tree, until `hide_agents`. FsError."""
        if self._agents.get(folder.path) == folder:
            return
        tree, above = self.filesystem, posixpath.dirname(folder.path)
        with self.unlimited():
            tree.mkdir(above, parents=True)
            # Else a program could have its own file in the place of the agent's. No agent has this name: the way counts.
            tree.protect(f"{above}/-")
            before, self._agents = self._agents, {**self._agents, folder.path: folder}
            if faults := [error for mount, error in self._mount(self._mounts) if mount == folder]:
                self._agents = before
                raise faults[0]

    def hide_agents(self) -> None:
        """Have none in the tree any more."""
        if self._agents:
            self._agents = {}
            self._mount_all()

    def prepare(self) -> None:
        """Give a new tree the directories that programs expect, and every tree the instructions of this version."""
        try:
            if not self.filesystem.usage.entries:
                for directory, mode in {**DIRECTORIES, **({} if self._beneath().names else WITHOUT_BASE)}.items():
                    self.filesystem.mkdir(directory, mode, parents=True)
            self._instruct()
        except FsError as error:  # a tiny quota, or a file where a directory is expected: the VM's own business
            logger.warning("a VM could not be prepared: %s", error)

    @contextlib.contextmanager
    def unlimited(self) -> Iterator[None]:
        """Let writes in the block go over the VM's limits; they are counted all the same. The block must not wait."""
        tree = self.filesystem
        limits = tree.limits
        tree.limits = attrs.evolve(limits, bytes=sys.maxsize, entries=sys.maxsize)
        try:
            yield
        finally:
            tree.limits = limits

    def _instruct(self) -> None:
        with self.unlimited():
            aside = self.filesystem.install(instructions.PATH, instructions.FILE_TEXT.encode())
        for path in aside:
            logger.warning("what a VM had in the place of %s is now %s", instructions.PATH, path)

    async def flush(self, *, access_times: bool = False) -> None:
        """Return when everything that was written before the call is durable, with `access_times` also when it was read.

        Not cancellable while a commit is under way, which is short; raises ApiError IO_ERROR when it failed, and then
        nothing is lost: the next flush tries again. Only a change that no store could ever keep is given up, with everything
        written since the last flush: the tree is then as it was after that flush.
        """
        async with self._flushing:
            await self._save(access_times=access_times)

    async def settle(self) -> None:
        """As `flush`, without a checkpoint if everything is durable: not for calls that a guest can repeat for ever."""
        if not self.filesystem.clean or self._flushing.locked():
            await self.flush()

    async def change(self, operation: Callable[[], T]) -> T:
        """Run `operation`, which changes the tree at once, and return when that is durable.

        It is run again if it needs content that is not in memory (WOULD_BLOCK). The changes of the first run are kept and saved
        meanwhile, so that they do not make one large change set.

        If the change cannot be stored, the tree is as it was before: a call that fails has changed nothing. There are two
        exceptions, in which the change stays in memory to be stored later: a guest has written at the same moment, or the
        disk cannot be read either. Raises the errors of `operation` and `flush`; if earlier writes cannot be stored,
        `operation` is not run.
        """
        await self.settle()
        async with Holding(self._flushing):
            tree = self.filesystem
            clean = False

            def attempt() -> T:
                nonlocal clean
                clean = tree.clean
                return operation()

            value = await patiently(attempt, self._meanwhile)
            changes = tree.take_changes()
            if changes is not None:
                if clean:
                    changes = attrs.evolve(changes, failed=tree.undo_changes)
                await self._commit(changes)
        return value

    async def _meanwhile(self) -> None:
        await self._save()
        await trio.lowlevel.checkpoint()

    async def _commit(self, changes: Changes) -> None:
        try:
            await _answered(lambda then: self._store.files.commit_changes(self._row, changes, then))
        except Exception as error:
            if self.filesystem.saving:  # the store is closing, and did not even take them
                changes.failed()
            if isinstance(error, ApiError):
                raise
            if self.has_mounts or self._agents:  # if the tree was put back, so were the mount points
                self._mount_all()
            raise ApiError(
                ErrorCode.IO_ERROR, f"what was written to a VM's files could not be stored: {error}", reason="refused"
            ) from error

    async def _save(self, *, access_times: bool = False) -> None:
        changes = self.filesystem.take_changes(access_times=access_times)
        if changes is not None:
            await self._commit(changes)

    async def snapshot_as(self, label: str) -> None:
        """Take a snapshot of everything that was written before, under a name. ApiError EXISTS, LIMIT_EXCEEDED."""
        async with self._flushing:
            await self._save()
            now = self.ambient.now_wall_ns() // 1_000_000
            await _answered(
                lambda then: self._store.snapshots.take(self._row, now, files=self.backend, label=label, then=then)
            )

    async def restore(self, layer: int, sessions: Sequence[int]) -> None:
        """Replace the files by those of a frozen layer, with the VM asleep.

        The agents of `sessions` (row ids) count as having lost their conversations.
        """

        def put(then: Then) -> None:
            def answer(error: Exception | None) -> None:
                try:
                    if error is None:  # at once: the next change that is committed is one of the new tree
                        self.filesystem = self._open(self.filesystem.limits)
                        self._mount_all()
                except FsError as unreadable:
                    error = ApiError(ErrorCode.STATE_CORRUPT, f"the restored files cannot be read: {unreadable}")
                then(error)

            self._store.snapshots.restore(self._row, layer, sessions, self.backend, answer)

        async with self._flushing:
            await self._save()
            await _answered(put)

    def snapshot(self, session: int, seq: int, *, changed_only: bool = False) -> None:
        """Submit a snapshot of the flushed files, for event `seq` of the session (row id).

        With `changed_only` nothing is kept if the session's last snapshot has the same files.
        """
        now = epoch_ms()
        with contextlib.suppress(ApiError):  # the store is closing: then that event is not kept either
            self._store.snapshots.take(
                self._row, now, files=self.backend, session=session, seq=seq, changed_only=changed_only
            )

    async def flush_regularly(self) -> None:
        """Flush at short intervals, until cancelled. A full disk is logged, and tried again."""
        while True:
            await trio.sleep(FLUSH_INTERVAL_SECONDS)
            try:
                await self.flush()
            except ApiError as error:
                logger.warning("what was written to a VM's files is not durable yet: %s", error)


async def _answered(submit: Callable[[Then], None]) -> None:
    """Wait for the answer to a write, which is short: not cancellable. Raises the error of the write."""
    done = trio.Event()
    failure: list[Exception] = []

    def then(error: Exception | None) -> None:
        if error is not None:
            failure.append(error)
        done.set()

    submit(then)
    with trio.CancelScope(shield=True):
        await done.wait()
    if failure:
        raise failure[0]


def _limits(options: VmOptions) -> Limits:
    return Limits(bytes=options.file_bytes + FURNISHED.bytes, entries=options.files + FURNISHED.entries)
