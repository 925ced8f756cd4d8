"""What docs/permissions-and-network.md and docs/secrets.md say in figures, and of an event, is so."""

from __future__ import annotations

import json
from typing import Any

from runtime.api import limits
from runtime.api.events import HTTP_REQUEST
from runtime.network import HttpExchange
from runtime.sessions.options import policy, redaction
from runtime.sessions.transcript import network_log
from tests.docs.blocks import DOCS, blocks

PAGES = ("permissions-and-network.md", "secrets.md")
EXCHANGE = HttpExchange("GET", "https", "example.com", 443, "/", 200, None, 1, 1, 1.0, secrets=("KEY",))


def test_the_event_that_is_shown_has_the_members_of_a_real_one() -> None:
    events: list[dict[str, Any]] = []
    network_log.NetworkLog(lambda _, params: events.append(params), lambda: 0.0).observe(EXCHANGE)
    shown = [json.loads(block.text) for block in blocks(DOCS / PAGES[0]) if block.title == "an event"]
    assert [event["method"] for event in shown] == [HTTP_REQUEST]
    assert shown[0]["params"].keys() == events[0].keys() | {"sessionId"}


def test_figures() -> None:
    permissions, secrets = ((DOCS / page).read_text("utf-8") for page in PAGES)
    assert f"at most {limits.MAX_RULES} rules, {limits.MAX_RULE_GLOB} characters a glob" in permissions
    assert f"more than {policy.MAX_SUBJECT // 1024} KiB of paths" in permissions
    assert f"After {network_log.BURST} requests in a burst, {network_log.PER_SECOND:.0f} a second" in permissions
    assert f"cut at {network_log.MAX_PATH} characters" in permissions
    assert f"at least {redaction.MIN_LINE} characters" in secrets
    assert f"less than {redaction.MIN_VALUE}\ncharacters" in secrets
