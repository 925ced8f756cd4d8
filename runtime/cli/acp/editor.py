"""What the editor has said that it understands, and what it is sent accordingly (ACP, "Client capabilities")."""

from __future__ import annotations

from typing import Any, Final

NOTICE: Final = "notice"
_ASKED_FOR: Final = {
    NOTICE: "notices",
    "compaction_update": "compaction",
    "compaction_summary_chunk": "compaction",
}
"""Updates that only those get who have asked for them: kind -> member of the capability `session`."""


class Editor:
    """The editor at the other end, which has said nothing yet."""

    def __init__(self) -> None:
        self._session: dict[str, Any] = {}
        self.elicitation: list[str] = []
        """The modes of elicitation that it knows."""
        self.terminals = False
        """It shows terminals that are not its own."""
        self.reads = False
        """It opens files for us to read."""
        self.writes = False
        """It writes files for us."""

    def hear(self, capabilities: Any) -> None:
        """It has sent its `clientCapabilities`; of what has no such shape it understands nothing."""
        session = capabilities.get("session") if isinstance(capabilities, dict) else None
        self._session = session if isinstance(session, dict) else {}
        asked = capabilities.get("elicitation") if isinstance(capabilities, dict) else None
        modes = asked if isinstance(asked, dict) else {}
        meta = capabilities.get("_meta") if isinstance(capabilities, dict) else None
        self.terminals = isinstance(meta, dict) and meta.get("terminal_output") is True
        files = capabilities.get("fs") if isinstance(capabilities, dict) else None
        files = files if isinstance(files, dict) else {}
        self.reads, self.writes = (files.get(name) is True for name in ("readTextFile", "writeTextFile"))
        self.elicitation = [mode for mode in ("form", "url") if isinstance(modes.get(mode), dict)]

    def shown(self, params: dict[str, Any], *, replay: bool) -> dict[str, Any] | None:
        """The params of `session/update` as the editor is to have them; None where it is not to know of it.

        Notices are for who listens when they come, and are never replayed (ACP, "Session notices").
        """
        update = params["update"]
        kind = str(update.get("sessionUpdate"))  # an agent may have put anything there
        if (kind in _ASKED_FOR and self._session.get(_ASKED_FOR[kind]) is None) or (kind == NOTICE and replay):
            return None
        if "configOptions" not in update:
            return params
        return {**params, "update": {**update, "configOptions": self.options(update["configOptions"])}}

    def setup(self, made: dict[str, Any]) -> dict[str, Any]:
        """What `createSession` and `resumeSession` say of modes and options; what the agent has not is left out."""
        said = {"modes": made["modes"], "configOptions": self.options(made["configOptions"])}
        return {name: value for name, value in said.items() if value}

    def options(self, options: Any) -> Any:
        """Config options without those that are switches, unless it knows these."""
        known = self._session.get("configOptions")
        if not isinstance(options, list) or (isinstance(known, dict) and known.get("boolean") is not None):
            return options
        return [option for option in options if not (isinstance(option, dict) and option.get("type") == "boolean")]
