"""One session of an awake VM: its agent while it has one, its transcript, its turn, its permissions.

A session outlives its agents: one may end (crash, kill, sleep), and the next prompt brings up another, which takes the
conversation up again (`runtime.sessions.agent.resume`). `lock` is held by whatever changes which agent there is. Messages of an
agent come in through the `Listener` methods, one at a time and in order, and are recorded before they have any effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from runtime.acp import session_state as ss
from runtime.acp.messages import (
    REQUEST_PERMISSION,
    SESSION_UPDATE,
    Capabilities,
    MessageError,
    Update,
    parse,
    text_of,
)
from runtime.api.errors import ApiError, ErrorCode
from runtime.hub import Notice
from runtime.network import Egress
from runtime.sessions.agent.process import VM_CLOSED
from runtime.sessions.asking.permissions import remembered_permissions
from runtime.sessions.asking.requests import Asking
from runtime.sessions.options.sealed import read_options
from runtime.sessions.services.client_services import ClientServices
from runtime.sessions.transcript.growth import Growth
from runtime.sessions.transcript.network_log import NetworkLog
from runtime.sessions.transcript.recovery import row_fields
from runtime.sessions.transcript.transcript import MALFORMED, NOTIFICATION, STDERR, Transcript, now_ms
from runtime.store.sessions import changed_session

if TYPE_CHECKING:
    from runtime.acp.codec import Id, Notification, Request
    from runtime.acp.connection import Noise
    from runtime.sessions.agent.process import Agent
    from runtime.sessions.options.options import SessionOptions
    from runtime.sessions.ports import ExitStatus, VmServices
    from runtime.sessions.transcript.growth import Tally
    from runtime.sessions.turns.turn import Turn
    from runtime.store.sessions import SessionFields
    from runtime.store.writer import Write

MAX_RESTARTS: Final = 3
"""How many times in a row a crashed agent is started again without a turn that ended well: after that it would only burn
fuel. `resumeSession` starts the count anew."""


class Session:
    """State of one session; the verbs on it are in `launch`, `resume`, `turns`, `config` and `manager`."""

    def __init__(
        self, vm: VmServices, vm_row: int, session_id: str, agent_type: str, nursery: trio.Nursery, tally: Tally
    ) -> None:
        self.vm = vm
        self.vm_row = vm_row
        self.session_id = session_id
        self.agent_type = agent_type
        self.nursery = nursery
        """Where agents run: the VM's."""
        self.log = Transcript(vm.store, vm.hub, vm.name, session_id)
        self.log.on_failure = self._on_failure
        self.log.on_change = self._on_change
        self.growth = Growth(self, tally)
        self.log.on_growth = self.growth.grew
        self.lock = trio.Lock()
        self.load_lock = trio.Lock()
        self.config_lock = trio.Lock()
        self.row: int | None = None
        self.created_at = 0
        self.options: SessionOptions | None = None
        """None until somebody needs them: reading them opens the sealed environment."""
        self.secrets: dict[str, str] = {}
        """Secrets given by value: in memory only."""
        self.capabilities = Capabilities({})
        self.agent_info: dict[str, Any] | None = None
        self.cwd = ""
        self.agent_session_id: str | None = None
        self.agent: Agent | None = None
        self.services: ClientServices | None = None
        self.turn: Turn | None = None
        self.asking = Asking(self)
        self.crashes = 0
        self.users = 0
        """Calls that hold this object; see `Sessions.use`."""
        self.closing = False
        self.starting: trio.CancelScope | None = None
        """The start of an agent that is under way, or the last one: cancelling it leaves no process."""
        self.replaying = False
        """A session/load is under way: what the agent sends is in the transcript already."""
        self.stopping = False
        """We are ending the agent ourselves: its exit is no news."""
        self.config_updates = 0
        """Updates of mode and config options that agents sent; see `runtime.sessions.options.config`."""
        self.network_log = NetworkLog(self.log.append, trio.current_time)
        self.egress = Egress(observer=self.network_log.observe)
        """What its processes have besides the VM's network: placeholders, and the record of what they send."""

    @property
    def state(self) -> ss.SessionState:
        """What the transcript says."""
        return self.log.state

    @property
    def status(self) -> ss.Status:
        """As the API says it: a session that is being brought back for a prompt is running already."""
        return "running" if self.turn is not None else self.state.status

    @property
    def row_id(self) -> int:
        """The row of a session that has one: every session, but for one that is being created."""
        if self.row is None:
            raise RuntimeError("the session is still being created")
        return self.row

    @property
    def dormant(self) -> bool:
        """Nothing of it is in memory that could not be read back."""
        return self.agent is None and self.turn is None and not self.users and not self.crashes

    async def load_options(self, secrets: dict[str, str] | None = None, *, again: bool = False) -> SessionOptions:
        """The options, read back and opened if need be or `again`. Raises SECRETS_REQUIRED, SESSION_NOT_FOUND, ...

        `secrets`: those given by value, where they are not the session's yet.
        """
        if self.options is None or again:
            record = self.vm.store.sessions.get(self.vm_row, self.session_id)
            if record is None:
                raise ApiError(ErrorCode.SESSION_NOT_FOUND, f"there is no session {self.session_id}")
            self.options = await read_options(self.vm.store, record, self.secrets if secrets is None else secrets)
        return self.options

    def describe(self) -> dict[str, Any]:
        """The result of createSession and resumeSession."""
        return {
            "sessionId": self.session_id,
            "agentType": self.agent_type,
            "capabilities": self.capabilities.raw,
            "agentInfo": self.agent_info,
            "modes": self.state.modes,
            "configOptions": list(self.state.config_options),
            "cwd": self.cwd,
            "createdAt": self.created_at,
        }

    def details(self) -> dict[str, Any]:
        """What getSession says beyond the session's row."""
        return {
            "status": self.status,
            "modes": self.state.modes,
            "configOptions": list(self.state.config_options),
            "pendingPermissions": self.asking.requests,
            "rememberedPermissions": remembered_permissions(self.state.remembered),
            "memoryBytes": None if self.agent is None else self.agent.process.peak_memory_bytes,
        }

    def attach(self, agent: Agent) -> None:
        """Make `agent` the one whose messages count."""
        self.agent = agent
        agent.redactor = self.log.redactor
        self.services = ClientServices(self.vm, agent, self.cwd, self.egress, self.asking.ask)
        self.asking.hold = agent.hold
        self.asking.begin(self.cwd)
        self.stopping = False

    async def stop_agent(self) -> None:
        """End the agent, if there is one, as something that we wanted; shielded, since it takes no time."""
        agent = self.agent
        if agent is not None:
            self.stopping = True
            agent.kill()
            with trio.CancelScope(shield=True):
                await agent.exited.wait()

    # What the agent sends, in order (runtime.sessions.agent.process.Listener).

    async def on_request(self, request: Request) -> None:
        """Serve it."""
        await self.log.room()
        if request.method == REQUEST_PERMISSION:  # clients are shown it beside the transcript
            request = attrs.evolve(request, params=self.log.redactor.value(request.params))
        if self.services is not None:
            await self.services.serve(request)

    async def on_notification(self, notification: Notification) -> None:
        """Record it, and note what it tells about turn, tools and config."""
        await self.log.room()
        if notification.method != SESSION_UPDATE:
            self.log.append(NOTIFICATION, {"method": notification.method, "params": notification.params})
            return
        try:
            params = parse(notification.params, Update)
        except MessageError as error:
            self.log.append(MALFORMED, {"kind": "update", "reason": str(error), "size": 0, "head": ""})
            return
        if self.agent_session_id is not None and params.session_id != self.agent_session_id:
            reason = "an update of a session that the agent was not asked for"
            self.log.append(MALFORMED, {"kind": "update", "reason": reason, "size": 0, "head": params.session_id[:200]})
            return
        if self.replaying:
            return
        update = params.update
        self.log.append(SESSION_UPDATE, notification.params)
        kind = update.get("sessionUpdate")
        if kind == "agent_message_chunk" and self.turn is not None:
            kept = self.turn.add_text(text_of(update))
            if self.agent is not None:
                self.agent.hold(kept)
        elif kind in (ss.CURRENT_MODE_UPDATE, ss.CONFIG_OPTION_UPDATE):
            self.config_updates += 1
        else:
            self.asking.note(update)

    def on_request_cancelled(self, request_id: Id) -> None:
        """A permission is no longer wanted."""
        self.asking.withdrawn(request_id)

    async def on_noise(self, noise: Noise) -> None:
        """Record it."""
        await self.log.room()
        params = {"kind": noise.kind, "reason": noise.reason, "size": noise.size, "head": noise.head}
        self.log.append(MALFORMED, params)

    async def on_stderr(self, text: str, dropped: int) -> None:
        """Record it."""
        await self.log.room()
        self.log.append(STDERR, {"text": text, "dropped": dropped} if dropped else {"text": text})

    def on_greed(self, used: int, allowed: int) -> None:
        """Say why the agent is killed."""
        self.growth.stop("agentBytes", used, allowed)

    def on_exit(self, status: ExitStatus) -> None:
        """Record how it ended, unless we ended it; requests that wait for a client wait no longer."""
        agent, self.agent = self.agent, None
        if self.services is not None:
            self.services.close()
            self.services = None
        self.asking.settle("agent_exit")
        self.network_log.flush()
        if self.stopping or agent is None or status is VM_CLOSED:
            return
        if not (self.turn is not None and self.turn.killing):
            self.crashes += 1
        restart = self.crashes <= MAX_RESTARTS
        exit_notice = {"exitCode": status.code, "reason": status.reason, "restart": restart}
        self.log.append(
            ss.AGENT_EXIT,
            {
                "exitCode": status.code,
                "reason": status.reason,
                "message": status.message,
                "stderr": agent.stderr_tail,
                "restart": restart,
            },
            notices=[self.notice("agentExit", exit_notice)],
        )

    # The session's row follows the transcript.

    def _on_change(self, before: ss.SessionState, after: ss.SessionState) -> Write | None:
        was, fields = row_fields(before), row_fields(after)
        changed: SessionFields = {}
        for name, value in fields.items():
            if value != was[name]:  # type: ignore[literal-required]  # both are the same typed dict
                changed[name] = value  # type: ignore[literal-required]
        if changed:
            changed["event_bytes"], changed["counted_seq"] = self.log.bytes, self.log.last_seq
        return changed_session(self.row, now_ms(), **changed) if self.row is not None and changed else None

    def _on_failure(self) -> None:
        if self.agent is not None:
            self.stopping = True
            self.agent.kill()

    def notice(self, method: str, params: dict[str, Any]) -> Notice:
        """What clients hear of this session besides its events."""
        params = {"vm": self.vm.name, "sessionId": self.session_id, **params}
        return Notice(method=method, vm=self.vm.name, session_id=self.session_id, seq=None, type=None, params=params)

    def failed_error(self) -> ApiError:
        """What a call gets once the transcript has failed."""
        error = self.log.failed
        return error if isinstance(error, ApiError) else ApiError(ErrorCode.IO_ERROR, f"the transcript failed: {error}")
