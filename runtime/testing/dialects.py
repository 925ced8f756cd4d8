"""The APIs that the scripted model speaks, by the path of their requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from runtime.testing import chat_api, messages_api, openai_common, responses_api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.testing.messages_api import ModelRequest
    from runtime.testing.script import Failure, Turn


@attrs.frozen
class Dialect:
    """One API: what is checked, and how turns and failures are put."""

    request: type[ModelRequest]
    check: Callable[[object, dict[str, str]], Failure | None]
    whole: Callable[[Turn, ModelRequest], dict[str, Any]]
    events: Callable[[Turn, dict[str, Any], ModelRequest], Iterator[bytes]]
    """Of the turn, and of the answer that it would be if it were not streamed."""
    error_body: Callable[[Failure], dict[str, Any]]
    error_event: Callable[[Failure], bytes]
    malformed: bytes
    """An event whose data is no JSON."""
    reply: str
    """What ids of answers begin with."""
    call: str
    """What ids of tool calls begin with."""


MESSAGES: Final = Dialect(
    messages_api.ModelRequest,
    messages_api.check_request,
    messages_api.message_body,
    messages_api.stream_events,
    messages_api.error_body,
    messages_api.error_event,
    b'event: content_block_delta\ndata: {"type": "content_block_delta", "ind\n\n',
    "msg",
    "toolu",
)
CHAT: Final = Dialect(
    chat_api.ChatRequest,
    chat_api.check_request,
    chat_api.whole_body,
    chat_api.stream_events,
    openai_common.error_body,
    chat_api.error_event,
    chat_api.MALFORMED,
    "chatcmpl",
    "call",
)
RESPONSES: Final = Dialect(
    responses_api.ResponsesRequest,
    responses_api.check_request,
    responses_api.whole_body,
    responses_api.stream_events,
    openai_common.error_body,
    responses_api.error_event,
    responses_api.MALFORMED,
    "resp",
    "call",
)
DIALECTS: Final = {messages_api.PATH: MESSAGES, chat_api.PATH: CHAT, responses_api.PATH: RESPONSES}
