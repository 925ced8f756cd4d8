"""A client's prompt: text or ACP content blocks, checked before anything is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.acp.messages import CONTENT_CAPABILITY, MessageError, check_content
from runtime.api.errors import ApiError, ErrorCode
from runtime.api.limits import MAX_BLOCKS, MAX_KEY
from runtime.large_json import sha256

if TYPE_CHECKING:
    from runtime.acp.messages import Capabilities
    from runtime.sessions.turns.turn import Turn
    from runtime.store.store import Store


def content_blocks(prompt: Any) -> list[dict[str, Any]]:
    """The prompt as content blocks. Raises `ApiError` INVALID_ARGUMENT."""
    if isinstance(prompt, str):
        return [{"type": "text", "text": prompt}]
    if not isinstance(prompt, list) or not 0 < len(prompt) <= MAX_BLOCKS:
        message = f"a prompt is a string or a list of 1 to {MAX_BLOCKS} content blocks"
        raise ApiError(ErrorCode.INVALID_ARGUMENT, message)
    for index, block in enumerate(prompt):
        try:
            check_content(block)
        except MessageError as error:
            raise ApiError(ErrorCode.INVALID_ARGUMENT, str(error), pointer=f"/prompt/{index}") from error
    return prompt


def check_supported(blocks: list[dict[str, Any]], capabilities: Capabilities) -> None:
    """Raise `ApiError` UNSUPPORTED_BY_AGENT for a block that the agent did not say it takes."""
    for index, block in enumerate(blocks):
        needed = CONTENT_CAPABILITY[block["type"]]
        if needed is not None and not capabilities.prompt(needed):
            raise ApiError(
                ErrorCode.UNSUPPORTED_BY_AGENT,
                f"the agent takes no content of type {block['type']}",
                capability=f"promptCapabilities.{needed}",
                pointer=f"/prompt/{index}",
            )


async def content_hash(blocks: list[dict[str, Any]]) -> bytes:
    """A hash that is equal for prompts that an idempotency key counts as the same; made in small steps."""
    return await sha256(blocks)


def check_key(key: str | None) -> None:
    """Raise `ApiError` INVALID_ARGUMENT for an idempotency key that is empty or too long."""
    if key is not None and not 0 < len(key) <= MAX_KEY:
        raise ApiError(ErrorCode.INVALID_ARGUMENT, f"an idempotencyKey has 1 to {MAX_KEY} characters")


def earlier(
    store: Store, session: int, turn: Turn | None, key: str, content_hash: bytes
) -> dict[str, Any] | Turn | None:
    """The earlier prompt with this key: its result, or its turn if that is still in progress; None if there is none.

    `session` is the session's row, `turn` the turn that is in progress.
    Raises `ApiError` SESSION_CONFLICT when it was another prompt.
    """
    if turn is None or turn.key != key:
        return stored_answer(store, session, key, content_hash)
    if turn.content_hash != content_hash:
        raise _other_prompt()
    return turn


def stored_answer(store: Store, session: int, key: str, content_hash: bytes) -> dict[str, Any] | None:
    """The result of an earlier prompt with this key, by the session's row; None if there is none.

    Raises `ApiError` SESSION_CONFLICT when it was another prompt.
    """
    record = store.idempotency.get(session, key)
    if record is None:
        return None
    if record.content_hash != content_hash:
        raise _other_prompt()
    answer: dict[str, Any] | None = record.result
    return answer


def _other_prompt() -> ApiError:
    return ApiError(ErrorCode.SESSION_CONFLICT, "this idempotencyKey was used with another prompt")
