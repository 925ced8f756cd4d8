"""The messages that docs/agents/index.md shows are as the official schema of ACP says."""

from __future__ import annotations

import json
from typing import Any

from acp import schema

from tests.docs.blocks import DOCS, blocks

SHOWN = [json.loads(block.text) for block in blocks(DOCS / "agents" / "index.md") if block.language == "json"]
MODELS = {
    ("initialize", "params"): schema.InitializeRequest,
    ("initialize", "result"): schema.InitializeResponse,
    ("session/update", "params"): schema.SessionNotification,
    ("session/prompt", "result"): schema.PromptResponse,
}
METHODS_BY_ID = {1: "initialize", 3: "session/prompt"}


def test_the_conversation() -> None:
    seen = set()
    for message in SHOWN:
        method = message.get("method") or METHODS_BY_ID[message["id"]]
        member = "params" if "params" in message else "result"
        shown: dict[str, Any] = message[member]
        understood = MODELS[method, member].model_validate(shown)
        assert understood.model_dump(mode="json", by_alias=True, exclude_unset=True) == shown
        seen.add((method, member))
    assert seen == MODELS.keys()
