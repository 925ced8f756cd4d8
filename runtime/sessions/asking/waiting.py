"""Requests of an agent that wait for a client's answer, and how those ended that are over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from runtime.acp.codec import Id

ANSWERED: Final = 1000
"""Requests of one session that are over, and whose outcome is remembered for answers that come too late."""


class Pending(Protocol):
    """A request that waits."""

    @property
    def id(self) -> str:
        """As clients name it."""

    @property
    def request_id(self) -> Id:
        """As the agent names it."""

    @property
    def request(self) -> dict[str, Any]:
        """The request as clients see it."""


P = TypeVar("P", bound=Pending)


class Waiting(Generic[P]):
    """The requests of one kind and one session that wait."""

    def __init__(self) -> None:
        self._pending: dict[str, P] = {}
        self._answered: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, pending: P) -> None:
        """Let a request wait."""
        self._pending[pending.id] = pending

    def get(self, id_: str) -> P | None:
        """The request of that id, if it waits."""
        return self._pending.get(id_)

    def reason(self, id_: str) -> str:
        """Why a request does not wait: how it was answered, or `unknown`."""
        return self._answered.get(id_, "unknown")

    def requests(self) -> list[dict[str, Any]]:
        """The requests that wait, as clients see them, oldest first."""
        return [pending.request for pending in self._pending.values()]

    def of_request(self, request_id: Id) -> P | None:
        """What waits for the agent's request of that id."""
        return next((pending for pending in self._pending.values() if pending.request_id == request_id), None)

    def take_all(self, reason: str) -> list[P]:
        """End every wait, for `reason` (cancelled, closed, agent_exit, ...)."""
        waiting = list(self._pending.values())
        for pending in waiting:
            self.settle(pending, reason)
        return waiting

    def settle(self, pending: P, reason: str) -> None:
        """End one wait, and remember the reason for answers that come too late."""
        del self._pending[pending.id]
        self._answered[pending.id] = reason
        if len(self._answered) > ANSWERED:
            del self._answered[next(iter(self._answered))]
