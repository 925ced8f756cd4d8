"""Traces that go through us: what W3C has for them stands in `_meta` (ACP, "Extensibility")."""

from __future__ import annotations

import re
from typing import Any, Final

from runtime.api.limits import MAX_BAGGAGE, MAX_TRACESTATE
from runtime.api.names import TRACEPARENT

_PARENT: Final = re.compile(TRACEPARENT)
_OTHERS: Final = {"tracestate": MAX_TRACESTATE, "baggage": MAX_BAGGAGE}


def trace_context(params: dict[str, Any]) -> dict[str, str] | None:
    """`traceContext` for `sendPrompt`: None where there is no trace; what is malformed of one is left out, as W3C wants it."""
    meta = params.get("_meta")
    if not isinstance(meta, dict):
        return None
    parent = meta.get("traceparent")
    if not isinstance(parent, str) or not _PARENT.match(parent):
        return None
    others = {name: meta.get(name) for name in _OTHERS}
    told = {name: text for name, text in others.items() if isinstance(text, str) and len(text) <= _OTHERS[name]}
    return {"traceparent": parent, **told}
