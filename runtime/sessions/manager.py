"""The sessions of one awake VM.

    async with open_sessions(vm) as sessions:
        ...                                  # as long as the VM is awake
        await sessions.suspend_all(grace_ms=5000)

Everything that runs for a session, its agent and its turn, is a task of the nursery in there. The methods of `Sessions` are
called by tasks of clients, which may be cancelled at any await. So every change of a session runs as a task of the VM, and
a cancelled caller only stops waiting for it. The one exception is `create`, which undoes its work.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
import trio

from runtime.acp.turn import End
from runtime.api import sessions as api
from runtime.api.errors import ApiError, ErrorCode, FallingAsleepError
from runtime.api.events import AUTHENTICATED
from runtime.sessions.operations import config, ending
from runtime.sessions.operations.forking import fork_at_agent
from runtime.sessions.operations.launch import authenticate, start_new
from runtime.sessions.operations.raw import check_raw, send_raw
from runtime.sessions.operations.resume import ensure_agent
from runtime.sessions.operations.running import run_turn
from runtime.sessions.options.options import Given, SessionOptions, new_session_id, parse_given, parse_options
from runtime.sessions.options.sealed import declared_secrets, seal_again
from runtime.sessions.options.secrets import given_again
from runtime.sessions.queries import find, persisted_details, persisted_session
from runtime.sessions.record import Record
from runtime.sessions.registry import Registry
from runtime.sessions.services.detached import run_detached
from runtime.sessions.transcript.growth import Tally
from runtime.sessions.transcript.recovery import mark_interrupted
from runtime.sessions.turns import prompts
from runtime.sessions.turns.turn import CANCEL_GRACE, Turn

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from runtime.sessions.asking.permissions import Reply
    from runtime.sessions.attachment import Attachment
    from runtime.sessions.ports import VmServices
    from runtime.sessions.session import Session

MAX_LIVE: Final = 10_000
"""Live sessions of one VM: each has a guest, and a host that is asked for more than this is being attacked."""

CREATE_GRACE: Final = 1.0
"""Seconds for sessions that are being made when their VM is put to sleep: cut off late, one may stay without an owner."""

T = TypeVar("T")


@contextlib.asynccontextmanager
async def open_sessions(
    vm: VmServices, secrets: dict[str, dict[str, str]] | None = None
) -> AsyncGenerator[Sessions, None]:
    """Open the sessions of a VM that is waking. Leaving it ends every agent at once: `suspend_all` before that.

    `secrets` (session id -> name -> value) are kept in memory only, but longer than a VM is awake: the caller passes the same
    object each time the VM wakes.

    Raises `ApiError` VM_NOT_FOUND.
    """
    record = vm.store.vms.get(vm.name)
    if record is None:
        raise ApiError(ErrorCode.VM_NOT_FOUND, f"there is no VM {vm.name}")
    await mark_interrupted(vm.store, vm.hub, vm.name)
    size, count = await vm.store.sessions.count_events(record.row)
    tally = Tally(lambda: vm.transcript_limits, size, count)
    async with trio.open_nursery() as nursery:
        yield Sessions(vm, record.row, nursery, {} if secrets is None else secrets, tally)
        nursery.cancel_scope.cancel()


class Sessions:
    """See the module's text. Every method that takes a session id raises `ApiError` SESSION_NOT_FOUND."""

    def __init__(
        self, vm: VmServices, vm_row: int, nursery: trio.Nursery, secrets: dict[str, dict[str, str]], tally: Tally
    ) -> None:
        self.tally = tally
        """Of all sessions of the VM, in memory or not."""
        self._vm = vm
        self._vm_row = vm_row
        self._nursery = nursery
        self._registry = Registry(vm, vm_row, nursery, secrets, tally)
        self._suspending = False

    @property
    def busy(self) -> bool:
        """Whether the VM must stay awake: a turn or a call is in progress, a permission request waits, or a session is
        being created.
        """
        return self._registry.is_creating or any(
            session.turn is not None or session.asking.requests or session.elicitations.requests or session.users
            for session in self._registry.sessions()
        )

    def statuses(self) -> dict[str, str]:
        """The status of every session that is live."""
        return {s.record.session_id: s.status for s in self._registry.sessions() if _is_live(s)}

    def live(self) -> list[dict[str, Any]]:
        """`listSessions`: the sessions that have an agent or a turn."""
        live = self.statuses()
        return [persisted_session(self._vm.store, self._vm.name, id_, live) for id_ in live]

    def get(self, session_id: str) -> dict[str, Any]:
        """`getSession`: as in the list, with modes, config options and the permission requests that wait.

        For a session that is not in memory, the remembered permissions are read from the transcript: `queries.remembered`.
        """
        details = persisted_details(self._vm.store, self._vm.name, session_id)
        session = self._registry.get(session_id)
        return details if session is None else {**details, **session.details()}

    async def create(self, agent_type: str, options: api.SessionOptions | None = None) -> dict[str, Any]:
        """`createSession`. Raises `ApiError`: AGENT_NOT_FOUND, AGENT_FAILED, SESSION_CONFLICT, INVALID_ARGUMENT, ..."""
        options = options or api.SessionOptions()
        parsed, secrets = parse_options(options)
        spec = self._vm.agents.get(agent_type)
        session_id = options.session_id or new_session_id()
        await self._registry.wait_created(session_id)
        if self._vm.store.sessions.get(self._vm_row, session_id) is not None:
            return await self._existing(session_id, agent_type, parsed)
        self._check_open()
        self.tally.check_another()
        if len(self._registry) >= MAX_LIVE:
            raise ApiError(ErrorCode.LIMIT_EXCEEDED, f"{MAX_LIVE} sessions are live in this VM", limit="sessions")
        record = Record(self._vm_row, session_id, agent_type, parsed.cwd, options=parsed, secrets=secrets)
        async with self._registry.creating(record) as session:
            with self.tally.another(session.transcript):
                with trio.CancelScope() as session.starting:
                    await start_new(session, spec)
                if session.starting.cancelled_caught:
                    raise FallingAsleepError
        if secrets:
            self._registry.secrets[session_id] = secrets
        self._vm.touch()
        return session.describe()

    async def prompt(
        self,
        session_id: str,
        prompt: Any,
        idempotency_key: str | None = None,
        timeout_ms: int | None = None,
        trace: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """`sendPrompt`. A cancelled wait leaves the turn running. `trace`: `traceContext`, for the agent.

        Raises `ApiError`: PROMPT_IN_PROGRESS, SESSION_CLOSED, SESSION_CONFLICT, AGENT_FAILED, AGENT_ERROR, TIMEOUT, ...
        """
        blocks = prompts.content_blocks(prompt)
        prompts.check_key(idempotency_key)
        content_hash = b"" if idempotency_key is None else await prompts.content_hash(blocks)
        async with self._registry.use(session_id) as session:
            if idempotency_key is not None:
                earlier = prompts.earlier(
                    self._vm.store, session.record.row_id, session.turn, idempotency_key, content_hash
                )
                if isinstance(earlier, dict):
                    return earlier
                if earlier is not None:
                    await earlier.done.wait()
                    return earlier.result()
            self._check_usable(session)
            if session.turn is not None:
                raise ApiError(ErrorCode.PROMPT_IN_PROGRESS, "a turn of this session is in progress")
            prompts.check_supported(blocks, session.record.capabilities)
            turn = Turn(blocks, key=idempotency_key, content_hash=content_hash, timeout_ms=timeout_ms, trace=trace)
            session.turn = turn
            session.users += 1
            self._nursery.start_soon(self._turn, session, turn)
            await turn.done.wait()
            return turn.result()

    async def cancel(self, session_id: str, grace_ms: int | None = None) -> dict[str, Any]:
        """`cancelPrompt`: answers when the turn is over. A cancelled wait leaves the grace running."""
        async with self._registry.use(session_id) as session:
            turn = session.turn
            if turn is None:
                return {"outcome": "no_active_prompt"}
            was_over = turn.machine.over
            turn.cancel(CANCEL_GRACE if grace_ms is None else grace_ms / 1000)
            await turn.done.wait()
            if was_over:
                return {"outcome": "no_active_prompt"}
            return {"outcome": "killed" if turn.machine.end is End.KILLED else "cancelled"}

    async def respond_permission(
        self, session_id: str, permission_id: str, reply: Reply | None = None, option_id: str | None = None
    ) -> None:
        """`respondPermission`. Raises `ApiError` PERMISSION_NOT_PENDING, INVALID_PERMISSION_OPTION."""
        find(self._vm.store, self._vm.name, session_id)
        if (reply is None) == (option_id is None):
            raise ApiError(ErrorCode.INVALID_ARGUMENT, "give either reply or optionId")
        session = self._registry.get(session_id)
        if session is None:
            message = f"permission request {permission_id} is not waiting for an answer"
            raise ApiError(ErrorCode.PERMISSION_NOT_PENDING, message, reason="unknown")
        session.asking.respond(permission_id, reply, option_id)
        await session.transcript.committed()

    async def respond_elicitation(
        self, session_id: str, question_id: str, action: str, content: dict[str, Any] | None = None
    ) -> None:
        """`respondElicitation`. Raises `ApiError` ELICITATION_NOT_PENDING, INVALID_ARGUMENT."""
        find(self._vm.store, self._vm.name, session_id)
        session = self._registry.get(session_id)
        if session is None:
            message = f"question {question_id} is not waiting for an answer"
            raise ApiError(ErrorCode.ELICITATION_NOT_PENDING, message, reason="unknown")
        session.elicitations.respond(question_id, action, content)
        await session.transcript.committed()

    async def close(self, session_id: str) -> None:
        """`closeSession`: idempotent. Ends a turn as cancelled."""
        await self._detached(self._close, session_id)

    async def adopt(self, row: int) -> None:
        """Count a session that was made beside us, by a fork."""
        self.tally.sessions += 1
        self.tally.bytes += await self._vm.store.sessions.event_bytes(row)

    async def destroy(self, session_id: str) -> None:
        """`destroySession`."""
        await self._detached(self._destroy, session_id)

    async def resume(self, session_id: str, options: api.ResumeOptions | None = None) -> dict[str, Any]:
        """`resumeSession`; `options` may give `env`, `secrets` and `mcpServers` again. Raises SECRETS_REQUIRED, ..."""
        return await self._detached(self._resume, session_id, parse_given(options or api.ResumeOptions()))

    async def authenticate(self, session_id: str, method_id: str) -> None:
        """`authenticate`. A cancelled wait is told to the agent; the way is kept once the agent has said yes.

        Raises `ApiError` AUTHENTICATION_REQUIRED, AGENT_FAILED, ...
        """
        async with self._registry.use(session_id) as session:
            self._check_usable(session)
            options = await session.load_options()
            async with session.lock:  # a start that is under way has not asked the agent what it offers
                attachment = session.attachment
            if attachment is None:
                session.record.options = attrs.evolve(options, auth_method=method_id)
                try:
                    await self._detached(ensure_agent, session)
                except BaseException:
                    session.record.options = options
                    raise
            else:
                await authenticate(session, attachment, method_id)
                session.record.options = attrs.evolve(options, auth_method=method_id)
            record = find(self._vm.store, self._vm.name, session_id)
            await self._detached(seal_again, self._vm.store, record, None, None, method_id, session.record.secrets)
            session.transcript.append(AUTHENTICATED, {"methodId": method_id})
            await session.transcript.committed()

    async def set_mode(self, session_id: str, mode_id: str) -> dict[str, Any]:
        """`setMode` -> `{configOptions, modes}`."""
        return await self._configure(session_id, lambda live, agent: config.set_mode(live, agent, mode_id))

    async def set_model(self, session_id: str, value: str) -> dict[str, Any]:
        """`setModel`."""
        return await self._configure(session_id, lambda live, agent: config.set_category(live, agent, "model", value))

    async def set_thought_level(self, session_id: str, value: str) -> dict[str, Any]:
        """`setThoughtLevel`."""
        return await self._configure(
            session_id, lambda live, agent: config.set_category(live, agent, "thought_level", value)
        )

    async def set_config_option(self, session_id: str, config_id: str, value: str | bool) -> dict[str, Any]:
        """`setConfigOption`."""
        return await self._configure(session_id, lambda live, agent: config.set_option(live, agent, config_id, value))

    async def fork_at_agent(self, session_id: str, last: int) -> str | None:
        """The agent's id of a fork of its own, up to the event `last`: see `runtime.sessions.operations.forking`."""
        async with self._registry.use(session_id) as session:
            return await fork_at_agent(session, last)

    async def raw_send(self, session_id: str, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """`rawSend`: the agent's result. Raises `ApiError` AGENT_ERROR, AGENT_FAILED, INVALID_ARGUMENT."""
        check_raw(method)
        async with self._registry.use(session_id) as session:
            self._check_usable(session)
            attachment = await self._detached(ensure_agent, session)
            return await send_raw(session_id, attachment, method, params or {})

    async def suspend_all(self, grace_ms: int = 0, *, force: bool = False) -> None:
        """End every agent, for sleep or shutdown: waits up to `grace_ms` for turns to end by themselves, not at all with
        `force`; the turns that are left end as `cancelled`. Calls that would start something get
        `FallingAsleepError` from now on.

        Once it has begun to end turns it goes through, cancelled or not; cancelled before, it leaves the VM as it was.
        """
        self._suspending = True
        try:
            with trio.move_on_after(max(grace_ms / 1000, CREATE_GRACE)):
                await self._registry.wait_all_created()
            self._registry.call_off_creations()
            await self._registry.wait_all_created()
            if not force:
                with trio.move_on_after(grace_ms / 1000):
                    for session in list(self._registry.sessions()):
                        if session.turn is not None:
                            await session.turn.done.wait()
                        async with session.lock:  # whatever else starts or ends its agent
                            pass
            await trio.lowlevel.checkpoint_if_cancelled()
        except BaseException:
            self._suspending = False
            raise
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as nursery:
                for session in list(self._registry.sessions()):
                    nursery.start_soon(partial(ending.suspend, session, force=force))

    # Bodies, run as tasks of the VM.

    async def _turn(self, session: Session, turn: Turn) -> None:
        try:
            self._vm.touch()
            await run_turn(session, turn)
        finally:
            self._vm.touch()
            self._registry.release(session)

    async def _close(self, session_id: str) -> None:
        async with self._registry.use(session_id) as session:
            await ending.close(session)

    async def _destroy(self, session_id: str) -> None:
        async with self._registry.use(session_id) as session:
            await ending.destroy(session)
            self.tally.destroyed(session.transcript)
            self._registry.forget(session)
            self._registry.secrets.pop(session_id, None)

    async def _resume(self, session_id: str, given: Given) -> dict[str, Any]:
        async with self._registry.use(session_id) as session:
            self._check_open()
            session.growth.check_room()
            record = find(self._vm.store, self._vm.name, session_id)
            again = given_again(declared_secrets(record), given.secrets, given.values)
            known = {**session.record.secrets, **again}
            resealed = any(each is not None for each in (given.env, given.mcp_servers, given.auth_method))
            if resealed:
                await seal_again(self._vm.store, record, given.env, given.mcp_servers, given.auth_method, known)
            await session.load_options(known, again=resealed)
            if again:
                self._registry.remember_secrets(session_id, again)
            session.record.secrets = self._registry.secrets.get(session_id, {})
            session.crashes = 0
            await ensure_agent(session)
            self._vm.touch()
            return session.describe()

    async def _configure(
        self, session_id: str, operation: Callable[[Session, Attachment], Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        async def run() -> dict[str, Any]:
            async with self._registry.use(session_id) as session:
                self._check_usable(session)
                attachment = await ensure_agent(session)
                async with attachment.config_lock:
                    return await operation(session, attachment)

        return await self._detached(run)

    async def _existing(self, session_id: str, agent_type: str, options: SessionOptions) -> dict[str, Any]:
        async with self._registry.use(session_id) as session:
            if session.record.agent_type != agent_type or await session.load_options() != options:
                message = f"there is a session {session_id} already, with another agent or other options"
                raise ApiError(ErrorCode.SESSION_CONFLICT, message)
            return session.describe()

    def _check_open(self) -> None:
        if self._suspending:
            raise FallingAsleepError

    def _check_usable(self, session: Session) -> None:
        self._check_open()
        if session.closing or session.state.closed:
            raise ApiError(ErrorCode.SESSION_CLOSED, "the session is closed; resumeSession opens it again")
        session.growth.check_room()

    async def _detached(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        return await run_detached(self._nursery, function, *args)


def _is_live(session: Session) -> bool:
    return session.record.row is not None and (session.attachment is not None or session.turn is not None)
