"""The part of a session that lives as long as its agent: takes the agent's messages and records them.

Messages come in through the methods of `runtime.sessions.agent.process.Listener`, one at a time and in order, and are
recorded before they have any effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import trio

from runtime.acp import session_state as ss
from runtime.acp.messages import (
    ELICITATION_COMPLETE,
    ELICITATION_CREATE,
    REQUEST_PERMISSION,
    SESSION_CANCEL,
    SESSION_UPDATE,
    MessageError,
    Update,
    parse,
    text_of,
)
from runtime.acp.turn import Phase
from runtime.api.events import AGENT_STDERR, MALFORMED, NOTIFICATION
from runtime.sessions.agent.process import Agent
from runtime.sessions.services.client_services import ClientServices

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.acp.codec import Id, Notification, Request
    from runtime.acp.connection import Noise
    from runtime.acp.messages import Elicitation, PermissionRequest
    from runtime.network import Egress
    from runtime.sessions.asking.elicitations import Elicitations
    from runtime.sessions.asking.requests import Asking
    from runtime.sessions.ports import ExitStatus, Process, VmServices
    from runtime.sessions.record import Record
    from runtime.sessions.transcript.growth import Growth
    from runtime.sessions.transcript.transcript import Transcript
    from runtime.sessions.turns.turn import Turn


class Attachment:
    """One agent of a session, from the start of its process to its end. `on_end` is called once, when it has ended."""

    def __init__(
        self,
        vm: VmServices,
        record: Record,
        process: Process,
        egress: Egress,
        *,
        transcript: Transcript,
        growth: Growth,
        asking: Asking,
        elicitations: Elicitations,
        on_end: Callable[[Attachment, ExitStatus], None],
    ) -> None:
        self.agent = Agent(process, self, vm.agent_budget)
        self.agent.redactor = transcript.redactor
        self.agent_session_id: str | None = None
        """The agent's id of the session, None until it is known: until then messages with any id are taken."""
        self.turn: Turn | None = None
        """The turn that the agent works on."""
        self.replaying = False
        """A session/load is under way: what the agent sends is in the transcript already."""
        self.stopping = False
        """We are ending the agent ourselves: its exit is no news."""
        self.config_lock = trio.Lock()
        self.config_updates = 0
        """Updates of mode and config options that the agent sent; see `runtime.sessions.operations.config`."""
        self._record = record
        self._transcript = transcript
        self._growth = growth
        self._asking = asking
        self._elicitations = elicitations
        self._services = ClientServices(
            vm, transcript, self.agent, record.cwd, egress, ask=self._ask, elicit=self._elicit
        )
        self._on_end = on_end
        asking.begin(self.agent, record.cwd, record.known_options.policy)
        elicitations.begin(self.agent, record.known_options.elicitation)

    def adopt(self, agent_session_id: str | None) -> None:
        """From now on ignore messages about other sessions of the agent."""
        self.agent_session_id = self._record.agent_session_id = agent_session_id
        self._services.agent_session_id = agent_session_id

    def cancel_prompt(self) -> None:
        """Ask the agent to end its turn (ACP, "Cancellation")."""
        self.agent.notify(SESSION_CANCEL, {"sessionId": self.agent_session_id})
        self._asking.settle("cancelled")
        self._elicitations.settle("cancelled")
        self._services.cancel()

    async def stop(self) -> None:
        """End the agent, and do not report its exit; shielded, since it takes no time."""
        self.kill()
        with trio.CancelScope(shield=True):
            await self.agent.exited.wait()

    def kill(self) -> None:
        """As `stop`, without waiting."""
        self.stopping = True
        self.agent.kill()

    # The agent's messages, in order (runtime.sessions.agent.process.Listener).

    async def on_request(self, request: Request) -> None:
        """Serve it."""
        await self._transcript.room()
        if request.method in (REQUEST_PERMISSION, ELICITATION_CREATE):  # clients are shown it beside the transcript
            request = attrs.evolve(request, params=self._transcript.redactor.value(request.params))
        await self._services.serve(request)

    async def on_notification(self, notification: Notification) -> None:
        """Record it, and apply it to the turn, the known tool calls and the config."""
        await self._transcript.room()
        if notification.method == ELICITATION_COMPLETE and isinstance(notification.params, dict):
            self._transcript.append(ELICITATION_COMPLETE, notification.params)
            return
        if notification.method != SESSION_UPDATE:
            self._transcript.append(NOTIFICATION, {"method": notification.method, "params": notification.params})
            return
        try:
            params = parse(notification.params, Update)
        except MessageError as error:
            self._malformed("update", str(error))
            return
        if self.agent_session_id is not None and params.session_id != self.agent_session_id:
            reason = "an update of a session that the agent was not asked for"
            self._malformed("update", reason, head=params.session_id[:200])
            return
        if self.replaying:
            return
        update = params.update
        await self._transcript.append_large(SESSION_UPDATE, notification.params)
        kind = update.get("sessionUpdate")
        if kind == "agent_message_chunk" and self.turn is not None:
            self.agent.hold(self.turn.add_text(text_of(update)))
        elif kind in (ss.CURRENT_MODE_UPDATE, ss.CONFIG_OPTION_UPDATE):
            self.config_updates += 1
        else:
            self._asking.note(update)

    def on_request_cancelled(self, request_id: Id) -> None:
        """Drop a permission request or a question that the agent takes back."""
        self._asking.withdrawn(request_id)
        self._elicitations.withdrawn(request_id)

    async def on_noise(self, noise: Noise) -> None:
        """Record output that is not a JSON-RPC message."""
        await self._transcript.room()
        self._malformed(noise.kind, noise.reason, noise.size, noise.head)

    async def on_stderr(self, text: str, dropped: int) -> None:
        """Record it."""
        await self._transcript.room()
        self._transcript.append(AGENT_STDERR, {"text": text, "dropped": dropped} if dropped else {"text": text})

    def on_greed(self, used: int, allowed: int) -> None:
        """Record why the agent is killed."""
        self._growth.stop("agentBytes", used, allowed)

    def on_exit(self, status: ExitStatus) -> None:
        """Release the agent's terminals and requests, and tell the session."""
        self._services.close()
        self._on_end(self, status)

    @property
    def _cancelling(self) -> bool:
        return self.turn is not None and self.turn.machine.phase is Phase.CANCELLING

    def _ask(self, request_id: Id, request: PermissionRequest, raw: dict[str, Any]) -> None:
        self._asking.ask(request_id, request, raw, cancelling=self._cancelling)

    def _elicit(self, request_id: Id, question: Elicitation, raw: dict[str, Any]) -> None:
        self._elicitations.ask(request_id, question, raw, cancelling=self._cancelling)

    def _malformed(self, kind: str, reason: str, size: int = 0, head: str = "") -> None:
        self._transcript.append(MALFORMED, {"kind": kind, "reason": reason, "size": size, "head": head})
