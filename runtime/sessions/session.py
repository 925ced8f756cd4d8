"""One session of an awake VM: its record, its transcript, the agent and the turn that it has at the moment.

A session outlives its agents: one may end (crash, kill, sleep), and the next prompt brings up another, which takes the
conversation up again (`runtime.sessions.operations.resume`). A task that starts or ends an agent holds `lock`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.api.events import AGENT_EXIT, AGENT_EXITED
from runtime.clock import epoch_ms
from runtime.hub import Notice
from runtime.sessions.agent.process import VM_CLOSED
from runtime.sessions.asking.elicitations import Elicitations
from runtime.sessions.asking.permissions import remembered_permissions
from runtime.sessions.asking.requests import Asking
from runtime.sessions.attachment import Attachment
from runtime.sessions.options.sealed import read_options
from runtime.sessions.transcript.growth import Growth
from runtime.sessions.transcript.network_log import NetworkLog
from runtime.sessions.transcript.recovery import row_fields
from runtime.sessions.transcript.transcript import Transcript
from runtime.store.sessions import changed_session

if TYPE_CHECKING:
    from runtime.acp import session_state as ss
    from runtime.network import Egress
    from runtime.sessions.options.options import SessionOptions
    from runtime.sessions.ports import ExitStatus, Process, VmServices
    from runtime.sessions.record import Record
    from runtime.sessions.transcript.growth import Tally
    from runtime.sessions.turns.turn import Turn
    from runtime.store.sessions import SessionFields
    from runtime.store.writer import Write

MAX_RESTARTS: Final = 3
"""How many times in a row a crashed agent is started again without a turn that ended well: after that it would only burn
fuel. `resumeSession` starts the count anew."""


class Session:
    """State of one session; the verbs on it are in `agent`, `turns`, `options.config` and `manager`."""

    def __init__(self, vm: VmServices, record: Record, nursery: trio.Nursery, tally: Tally) -> None:
        self.vm = vm
        self.record = record
        self.nursery = nursery
        """Where agents run: the VM's."""
        self.transcript = Transcript(vm.store, vm.hub, vm.name, record.session_id)
        self.transcript.on_failure = self._on_failure
        self.transcript.on_change = self._on_change
        self.growth = Growth(self.transcript, tally, self._stop_turn, self._kill_agent)
        self.transcript.on_growth = self.growth.grew
        self.asking = Asking(self.transcript, self.notice)
        self.elicitations = Elicitations(self.transcript, self.notice)
        self.network_log = NetworkLog(self.transcript.append, trio.current_time)
        self.attachment: Attachment | None = None
        """The agent and its services, as long as it lives."""
        self.turn: Turn | None = None
        self.lock = trio.Lock()
        self.load_lock = trio.Lock()
        self.starting: trio.CancelScope | None = None
        """The start of an agent that is under way, or the last one: cancelling it leaves no process."""
        self.closing = False
        self.crashes = 0
        self.users = 0
        """Calls that hold this object; see `Registry.use`."""

    @property
    def state(self) -> ss.SessionState:
        """The state that follows from the transcript."""
        return self.transcript.state

    @property
    def status(self) -> ss.Status:
        """The status in the API: a session whose agent is being restarted for a prompt is already `running`."""
        return "running" if self.turn is not None else self.state.status

    @property
    def dormant(self) -> bool:
        """Whether the session can be dropped from memory, and read back from the store."""
        return self.attachment is None and self.turn is None and not self.users and not self.crashes

    async def load_options(self, secrets: dict[str, str] | None = None, *, again: bool = False) -> SessionOptions:
        """The options, read back and opened if need be or `again`. Raises SECRETS_REQUIRED, SESSION_NOT_FOUND, ...

        `secrets`: values that the caller has given, if the record does not have them yet.
        """
        record = self.record
        if record.options is None or again:
            stored = self.vm.store.sessions.get(record.vm_row, record.session_id)
            if stored is None:
                raise ApiError(ErrorCode.SESSION_NOT_FOUND, f"there is no session {record.session_id}")
            record.options = await read_options(self.vm.store, stored, record.secrets if secrets is None else secrets)
        return record.options

    def describe(self) -> dict[str, Any]:
        """The result of createSession and resumeSession."""
        return {
            "sessionId": self.record.session_id,
            "agentType": self.record.agent_type,
            "capabilities": self.record.capabilities.raw,
            "agentInfo": self.record.agent_info,
            "modes": self.state.modes,
            "configOptions": list(self.state.config_options),
            "authMethods": self.record.auth_methods,
            "cwd": self.record.cwd,
            "createdAt": self.record.created_at,
        }

    def details(self) -> dict[str, Any]:
        """The members of `getSession` that are not in the session's row."""
        return {
            "status": self.status,
            "modes": self.state.modes,
            "configOptions": list(self.state.config_options),
            "pendingPermissions": self.asking.requests,
            "pendingElicitations": self.elicitations.requests,
            "rememberedPermissions": remembered_permissions(self.state.remembered),
            "memoryBytes": None if self.attachment is None else self.attachment.agent.process.peak_memory_bytes,
        }

    def attach(self, process: Process, egress: Egress) -> Attachment:
        """Make `process` the session's agent, and run it."""
        attachment = self.attachment = Attachment(
            self.vm,
            self.record,
            process,
            egress,
            transcript=self.transcript,
            growth=self.growth,
            asking=self.asking,
            elicitations=self.elicitations,
            on_end=self._on_end,
        )
        self.nursery.start_soon(attachment.agent.run)
        return attachment

    def settle_questions(self, reason: str) -> None:
        """Answer whatever the agent has asked and nobody will answer."""
        self.asking.settle(reason)
        self.elicitations.settle(reason)

    async def stop_agent(self) -> None:
        """End the agent, if there is one."""
        if self.attachment is not None:
            await self.attachment.stop()

    def notice(self, method: str, params: dict[str, Any]) -> Notice:
        """A notification about this session that is not one of its events."""
        vm, session_id = self.vm.name, self.record.session_id
        params = {"vm": vm, "sessionId": session_id, **params}
        return Notice(method=method, vm=vm, session_id=session_id, seq=None, type=None, params=params)

    def failed_error(self) -> ApiError:
        """The error of every call once the transcript has failed."""
        error = self.transcript.failed
        return error if isinstance(error, ApiError) else ApiError(ErrorCode.IO_ERROR, f"the transcript failed: {error}")

    def _on_end(self, attachment: Attachment, status: ExitStatus) -> None:
        """Settle the permission requests that wait for a client; record how the agent ended, unless we ended it."""
        if self.attachment is attachment:
            self.attachment = None
        self.settle_questions("agent_exit")
        self.network_log.flush()
        if attachment.stopping or status is VM_CLOSED:
            return
        if not (self.turn is not None and self.turn.killing):
            self.crashes += 1
        restart = self.crashes <= MAX_RESTARTS
        exit_notice = {"exitCode": status.code, "reason": status.reason, "restart": restart}
        self.transcript.append(
            AGENT_EXIT,
            {
                "exitCode": status.code,
                "reason": status.reason,
                "message": status.message,
                "stderr": attachment.agent.stderr_tail,
                "restart": restart,
            },
            notices=[self.notice(AGENT_EXITED, exit_notice)],
        )

    def _stop_turn(self, limit: ApiError) -> bool:
        if self.turn is None:
            return False
        self.turn.stop(limit)
        return True

    def _kill_agent(self) -> None:
        if self.attachment is not None:
            self.attachment.agent.kill()

    # The session's row follows the transcript.

    def _on_change(self, before: ss.SessionState, after: ss.SessionState) -> Write | None:
        old_fields, fields = row_fields(before), row_fields(after)
        changed: SessionFields = {}
        for name, value in fields.items():
            if value != old_fields[name]:  # type: ignore[literal-required]  # both are the same typed dict
                changed[name] = value  # type: ignore[literal-required]
        if changed:
            changed["event_bytes"], changed["counted_seq"] = self.transcript.bytes, self.transcript.last_seq
        row = self.record.row
        return changed_session(row, epoch_ms(), **changed) if row is not None and changed else None

    def _on_failure(self) -> None:
        if self.attachment is not None:
            self.attachment.kill()
