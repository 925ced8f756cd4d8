"""What the RPC layer calls, and nothing more: the daemon's side of every method, as protocols.

All dicts are in the API's camelCase and ready to send; a value of type `msgspec.Raw` anywhere in them is JSON that is
already encoded. All raise `runtime.api.errors.ApiError` for what a client is to be told. VM names are strings here: a name
that came as a list has its parts joined with "/" (see `runtime.api.names`).

Cancellation: any of these may be cancelled at any moment, because the client cancelled its request or went away. That
must end the wait and not the work: a turn goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import msgspec

    from runtime.api.errors import ApiError
    from runtime.hub import Listener

Json = dict[str, Any]


class HubFace(Protocol):
    """`runtime.hub.Hub`, as a listener sees it."""

    def attach(self, vm: str, callback: Listener) -> Any:
        """Listen; the returned function detaches."""
        ...


class FilesFace(Protocol):
    """The files of one VM; wakes nothing. Paths are absolute POSIX paths."""

    async def read_file(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return the file, or a piece of it."""
        ...

    async def write_file(self, path: str, data: bytes, create_parents: bool = True, offset: int | None = None) -> None:
        """Create or replace the file, or write a piece of it."""
        ...

    async def readdir(self, path: str) -> list[str]:
        """Return the names in a directory, without `.` and `..`."""
        ...

    async def stat(self, path: str, follow_links: bool = True) -> Json:
        """Return {type, size, mode, mtimeMs, ctimeMs, atimeMs, nlink, ino}."""
        ...

    async def exists(self, path: str) -> bool:
        """Say whether the path names anything."""
        ...

    async def delete_file(self, path: str, recursive: bool = False) -> None:
        """Remove a file, a link, or (with `recursive`) a directory and what it holds."""
        ...

    async def mkdir(self, path: str, recursive: bool = False) -> None:
        """Create a directory, with `recursive` its parents too (and no error if it exists)."""
        ...

    async def read_files(self, paths: Sequence[str]) -> Sequence[tuple[str, bytes | ApiError]]:
        """Return each path with its content, or with why there is none."""
        ...

    async def write_files(self, files: Sequence[tuple[str, bytes]]) -> Sequence[tuple[str, ApiError | None]]:
        """Write each file, with its parents; return each path with why it could not be written."""
        ...

    async def readdir_entries(self, path: str, after: str = "", limit: int | None = None) -> Sequence[Json]:
        """Return {name, ...stat} of the entries after the name `after`, at most `limit`."""
        ...

    async def readdir_recursive(
        self, path: str, max_depth: int | None = None, exclude: Sequence[str] = ()
    ) -> Sequence[Json]:
        """Return {path, ...stat} of everything below, parents first."""
        ...

    async def move(self, source: str, target: str) -> None:
        """Rename."""
        ...

    async def symlink(self, target: str, path: str) -> None:
        """Make a symbolic link at `path`."""
        ...

    async def readlink(self, path: str) -> str:
        """Return what a symbolic link holds."""
        ...

    async def chmod(self, path: str, mode: int) -> None:
        """Set the permission bits."""
        ...

    async def truncate(self, path: str, size: int) -> None:
        """Set a file's size."""
        ...


class PastFace(Protocol):
    """The past of one VM's files; a point in it is a snapshot's name, or a session's id with the seq of an event."""

    async def snapshot(self, name: str | None) -> Json:
        """`snapshot`."""
        ...

    def snapshots(self, session_id: str | None) -> Sequence[Json]:
        """`listSnapshots`."""
        ...

    async def delete(self, name: str) -> None:
        """`deleteSnapshot`."""
        ...

    async def restore(self, to: str | tuple[str, int], grace_ms: int | None, force: bool) -> Json:
        """`restore`; `grace_ms` None: the default grace."""
        ...

    async def diff(self, from_: str | tuple[str, int], to: str | tuple[str, int] | None, path: str) -> Json:
        """`diff`; `to` None: now."""
        ...


class SessionsFace(Protocol):
    """The sessions of one VM (`runtime.sessions`)."""

    async def create(self, agent_type: str, options: Json) -> Json:
        """`createSession`."""
        ...

    async def prompt(
        self, session_id: str, prompt: str | list[Json], idempotency_key: str | None, timeout_ms: int | None
    ) -> Json:
        """`sendPrompt`: wait for the turn's end. Cancelling the wait leaves the turn running."""
        ...

    async def cancel(self, session_id: str, grace_ms: int) -> Json:
        """`cancelPrompt`: returns when the turn is over."""
        ...

    async def close(self, session_id: str) -> None:
        """`closeSession`."""
        ...

    async def destroy(self, session_id: str) -> None:
        """`destroySession`."""
        ...

    async def resume(self, session_id: str, options: Json | None = None) -> Json:
        """`resumeSession`; `options` may hold `env` and `secrets` again."""
        ...

    async def respond_permission(
        self,
        session_id: str,
        permission_id: str,
        reply: Literal["once", "always", "reject"] | None,
        option_id: str | None,
    ) -> None:
        """`respondPermission`: exactly one of `reply` and `option_id` is given."""
        ...

    async def set_model(self, session_id: str, value: str) -> Json:
        """`setModel`."""
        ...

    async def set_thought_level(self, session_id: str, value: str) -> Json:
        """`setThoughtLevel`."""
        ...

    async def set_mode(self, session_id: str, mode_id: str) -> Json:
        """`setMode`."""
        ...

    async def set_config_option(self, session_id: str, config_id: str, value: str | bool) -> Json:
        """`setConfigOption`."""
        ...

    async def raw_send(self, session_id: str, method: str, params: Json) -> Any:
        """`rawSend`: return the agent's result."""
        ...


class CommandFace(Protocol):
    """A command that a client has started."""

    @property
    def process(self) -> Any:
        """Its process, which has a `pid`."""
        ...

    async def write(self, data: bytes) -> None:
        """Write to stdin. ApiError invalid_argument when nothing reads it any more."""
        ...

    async def close_stdin(self) -> None:
        """Let it read the end of stdin."""
        ...

    async def wait(self, timeout_ms: int | None) -> None:
        """Wait until it has ended, for so long at most. ApiError timeout."""
        ...

    def kill(self) -> None:
        """End it now."""
        ...

    def result(self) -> Json:
        """Return how it ended, with what is kept of its output."""
        ...


class CommandsFace(Protocol):
    """The commands of one VM that is awake."""

    async def execute(
        self,
        command: str | Sequence[str],
        *,
        env: dict[str, str],
        cwd: str | None,
        stdin: bytes | None,
        timeout_ms: int | None,
    ) -> Json:
        """`exec`. Cancelling the wait leaves the command running."""
        ...

    async def start(
        self,
        command: str | Sequence[str],
        *,
        env: dict[str, str],
        cwd: str | None,
        stdin: bytes | None,
        timeout_ms: int | None,
    ) -> CommandFace:
        """`spawn`."""
        ...

    def get(self, pid: int) -> CommandFace:
        """Return a command that runs or is remembered. ApiError not_found, invalid_argument."""
        ...

    def describe(self, pid: int, *, output: bool) -> Json:
        """`getProcess`."""
        ...

    def known(self) -> Sequence[Json]:
        """`listProcesses`."""
        ...

    def stop_soon(self, command: Any, grace_ms: int) -> None:
        """End a command's stdin, and kill it after the grace, whoever still waits for that."""
        ...


class VmFace(Protocol):
    """A VM that is awake."""

    @property
    def commands(self) -> CommandsFace:
        """What clients run in it."""
        ...

    @property
    def sessions(self) -> SessionsFace:
        """Its sessions."""
        ...


class HostFace(Protocol):
    """All VMs of one daemon (`runtime.vms.host.Host`)."""

    @property
    def hub(self) -> HubFace:
        """Where what happens is published."""
        ...

    async def get_or_create(self, name: str, options: Json | None) -> Json:
        """`vm.getOrCreate`."""
        ...

    async def get(self, name: str) -> Json:
        """`vm.get`; `vm` in the result is the name as given here."""
        ...

    async def list(self) -> Sequence[Json]:
        """`vm.list`: each as `get` returns it."""
        ...

    async def configure(self, name: str, changes: Json) -> Json:
        """`vm.configure`: members given replace, None removes; answers like `get`."""
        ...

    async def fork(self, name: str, to: str, at: tuple[str, int] | None = None) -> Json:
        """`vm.fork`: `at` is a session's id and a seq; answers like `get`, with `filesAt` if `at` was given."""
        ...

    async def fork_session(self, name: str, session_id: str, at: int | None, to: str | None) -> Json:
        """`forkSession`: answers like `createSession`, with `vm` and, in a forked VM, `filesAt`."""
        ...

    async def sleep(self, name: str, grace_ms: int | None, force: bool) -> Json | None:
        """`vm.sleep`; `grace_ms` None: the default grace."""
        ...

    async def destroy(self, name: str) -> None:
        """`vm.destroy`."""
        ...

    async def export(self, name: str, path: str, report: Callable[[int, int], None] | None = None) -> Json:
        """`vm.export`; wakes nothing. ApiError vm_not_found, exists, not_found, io_error.

        `report` is told now and then how many bytes are done, and how many there are.
        """
        ...

    async def import_(
        self, path: str, name: str | None, report: Callable[[int, int], None] | None = None, *, trust: bool
    ) -> Json:
        """`vm.import`; `name` None: the file's own. ApiError vm_conflict, state_corrupt, state_newer, ...

        `report` as for `export`.
        """
        ...

    async def vm(self, name: str, /) -> VmFace:
        """Return the VM, waking it if need be. ApiError vm_not_found."""
        ...

    async def awake(self, name: str) -> VmFace | None:
        """Return the VM if it is awake or waking, None while it sleeps. ApiError vm_not_found."""
        ...

    async def earlier_answer(self, name: str, session_id: str, prompt: str | Sequence[Json], key: str) -> Json | None:
        """What the same prompt was answered under its idempotency key; None: `SessionsFace.prompt` knows. Wakes nothing.

        ApiError vm_not_found, session_not_found, session_conflict.
        """
        ...

    async def settled(self, name: str) -> None:
        """Wait while the VM is on its way to sleep: what it refused with FallingAsleepError may then be asked again."""
        ...

    async def session(self, name: str, session_id: str) -> Json:
        """`getSession`; wakes nothing. ApiError vm_not_found, session_not_found."""
        ...

    async def stats(self, name: str) -> Json:
        """`vm.stats`; wakes nothing. ApiError vm_not_found."""
        ...

    async def files(self, name: str) -> FilesFace:
        """Return the VM's files without waking it. ApiError vm_not_found."""
        ...

    async def commands(self, name: str) -> CommandsFace | None:
        """Return the commands of the VM without waking it; None while it sleeps. ApiError vm_not_found."""
        ...

    async def past(self, name: str) -> PastFace:
        """Return the past of the VM's files without waking it. ApiError vm_not_found."""
        ...

    async def session_events(
        self,
        name: str,
        session_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        types: Sequence[str] | None = None,
    ) -> Sequence[Json]:
        """Events from the store, by `seq`, both bounds exclusive. ApiError session_not_found."""
        ...

    async def session_events_json(
        self,
        name: str,
        session_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        types: Sequence[str] | None = None,
    ) -> Sequence[msgspec.Raw]:
        """`getSessionEvents`: as `session_events`, written already, many events an item. ApiError session_not_found."""
        ...

    async def persisted_sessions(self, name: str) -> Sequence[Json]:
        """`listPersistedSessions` from the store; `status` is `running` or `idle` for the live ones alone."""
        ...

    async def list_agents(self, name: str | None) -> Sequence[Json]:
        """`listAgents`, as this VM (None: any VM) sees them."""
        ...

    async def rotate_key(self) -> Json:
        """`daemon.rotateKey`: goes through even when the wait is cancelled."""
        ...

    def status(self) -> Json:
        """Figures for `daemon.status`: `vms`, `awake`, `sessions`, and what else there is to say."""
        ...
