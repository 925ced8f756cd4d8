"""Traces go through `torpor acp` in both directions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.acp_stage import REQUEST, opened

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("meta", "sent"),
    [
        ({"traceparent": PARENT, "tracestate": "a=1", "baggage": "b=2", "x": 1}, ("tracestate", "baggage")),
        ({"traceparent": PARENT, "tracestate": "s" * 513, "baggage": 5}, ()),
        ({"traceparent": PARENT.upper(), "tracestate": "a=1"}, None),
        ({"traceparent": PARENT + "\n"}, None),
        ({"tracestate": "a=1"}, None),
        (5, None),
    ],
)
def test_a_prompt_is_a_part_of_the_editors_trace(meta: Any, sent: tuple[str, ...] | None) -> None:
    stage = opened()
    stage.editor("session/prompt", id_=2, sessionId="s", prompt=[], _meta=meta)
    params = stage.expect("sendPrompt")["params"]
    wanted = None if sent is None else {"traceparent": PARENT, **{name: meta[name] for name in sent}}
    assert params.get("traceContext") == wanted


def test_what_the_agent_asks_keeps_its_trace() -> None:
    stage = opened()
    stage.daemon("permissionRequest", request={**REQUEST, "_meta": {"traceparent": PARENT}})
    (asked,) = stage.told()
    assert asked["params"]["_meta"] == {"traceparent": PARENT}
