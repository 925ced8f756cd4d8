"""The examples of docs/permissions-and-network.md and docs/secrets.md are ones that the daemon takes, or sends."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest

from runtime.network import HttpExchange
from runtime.rpc.api_sessions import CreateSession, RespondPermission
from runtime.rpc.api_vms import VmGetOrCreate
from runtime.rpc.validation import decode_params
from runtime.sessions import network_log, policy, redaction
from runtime.sessions.options import parse_options
from runtime.vms.options import VmOptions

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("permissions-and-network.md", "secrets.md")
EXAMPLES = [
    pytest.param(block, id=f"{page}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```json\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL))
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples(text: str) -> None:
    example: dict[str, Any] = msgspec.json.decode(text)
    raw = msgspec.Raw(text.encode())
    if "agentType" in example:
        parse_options(msgspec.to_builtins(decode_params(raw, CreateSession).options))
    elif "permissionId" in example:
        decode_params(raw, RespondPermission)
    elif "options" in example:
        decode_params(raw, VmGetOrCreate)
        VmOptions.parse(example["options"])
    else:
        events: list[dict[str, Any]] = []
        log = network_log.NetworkLog(lambda _, params: events.append(params), lambda: 0.0)
        log.observe(attrs.evolve(EXCHANGE, secrets=("KEY",)))
        assert example["method"] == network_log.REQUEST
        assert example["params"].keys() == events[0].keys() | {"sessionId"}


EXCHANGE = HttpExchange("GET", "https", "example.com", 443, "/", 200, None, 1, 1, 1.0)


def test_figures() -> None:
    permissions, secrets = ((DOCS / page).read_text("utf-8") for page in PAGES)
    assert f"at most {policy.MAX_RULES} rules, {policy.MAX_GLOB} characters a glob" in permissions
    assert f"more than {policy.MAX_SUBJECT // 1024} KiB of paths" in permissions
    assert f"After {network_log.BURST} requests in a burst, {network_log.PER_SECOND:.0f} a second" in permissions
    assert f"cut at {network_log.MAX_PATH} characters" in permissions
    assert f"at least {redaction.MIN_LINE} characters" in secrets
    assert f"less than {redaction.MIN_VALUE}\ncharacters" in secrets
