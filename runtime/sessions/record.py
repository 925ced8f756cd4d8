"""What is known of a session whether it has an agent or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from runtime.acp.messages import Capabilities

if TYPE_CHECKING:
    from runtime.sessions.options.options import SessionOptions


@attrs.define
class Record:
    """The session's names and numbers, its options, and what its last agent said of itself."""

    vm_row: int
    session_id: str
    agent_type: str
    cwd: str
    created_at: int = 0
    """Epoch milliseconds; 0 until the session has a row."""
    row: int | None = None
    """None while the session is being created or read back."""
    options: SessionOptions | None = None
    """None until somebody needs them: reading them opens the sealed environment."""
    secrets: dict[str, str] = attrs.field(factory=dict, repr=False)
    """Secrets given by value: in memory only."""
    capabilities: Capabilities = attrs.field(factory=lambda: Capabilities({}))
    agent_info: dict[str, Any] | None = None
    auth_methods: list[dict[str, Any]] = attrs.field(factory=list)
    """How the last agent can be authenticated, as ACP describes it."""
    agent_session_id: str | None = None
    """The id that the last agent had for the session: the next agent may know it."""

    @property
    def row_id(self) -> int:
        """The row of a session that has one. Raises `RuntimeError` while it is being created."""
        if self.row is None:
            raise RuntimeError("the session is still being created")
        return self.row

    @property
    def known_options(self) -> SessionOptions:
        """The options, once they are read. Raises `RuntimeError` before that."""
        if self.options is None:
            raise RuntimeError("the session's options are read before its agent is started")
        return self.options
