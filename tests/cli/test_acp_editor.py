"""What an editor is sent goes by the capabilities that it has told of."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.cli.acp.editor import Editor

SELECT, SWITCH = {"id": "model", "type": "select"}, {"id": "fast", "type": "boolean"}
KINDS = ["notice", "compaction_update", "compaction_summary_chunk", "agent_message_chunk"]


def update(kind: str, **members: Any) -> dict[str, Any]:
    return {"sessionId": "s", "update": {"sessionUpdate": kind, **members}}


@pytest.mark.parametrize(
    ("session", "kinds", "options"),
    [
        ({"notices": {}, "compaction": None, "configOptions": {"boolean": {}}}, [0, 3], [SELECT, SWITCH]),
        ({"compaction": {}, "configOptions": {"boolean": None}}, [1, 2, 3], [SELECT]),
        ({"configOptions": 2, "notices": None}, [3], [SELECT]),
        (1, [3], [SELECT]),
    ],
)
def test_it_gets_what_it_has_asked_for(session: Any, kinds: list[int], options: list[Any]) -> None:
    editor = Editor()
    editor.hear({"session": session})
    assert [kind for kind in KINDS if editor.shown(update(kind), replay=False)] == [KINDS[index] for index in kinds]
    told = update("config_option_update", configOptions=[SELECT, SWITCH])
    assert editor.shown(told, replay=False) == update("config_option_update", configOptions=options)
    assert editor.setup({"modes": None, "configOptions": [SELECT, SWITCH]}) == {"configOptions": options}


@pytest.mark.parametrize("capabilities", [None, 5, [], {}])
def test_one_that_has_told_nothing_gets_what_all_know(capabilities: Any) -> None:
    editor = Editor()
    editor.hear(capabilities)
    assert [kind for kind in KINDS if editor.shown(update(kind), replay=False)] == KINDS[3:]


def test_a_notice_is_not_replayed() -> None:
    editor = Editor()
    editor.hear({"session": {"notices": {}}})
    assert editor.shown(update("notice"), replay=True) is None
    assert editor.shown(update("notice"), replay=False) == update("notice")


@pytest.mark.parametrize("kind", [[], {}, None, 5])
def test_an_update_of_no_kind_is_passed_on(kind: Any) -> None:
    assert Editor().shown(update(kind), replay=False) == update(kind)
