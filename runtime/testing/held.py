"""What the vendors' servers keep of conversations: Anthropic's message threads, OpenAI's stored responses.

A request that goes on from a kept reply brings only what is new. It is completed here, so that it is checked, counted and shown
to the test as the conversation that the model would see. Each reply is the end of a conversation of its own, so that several at
once are told apart by the reply that a request names.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

import attrs

from runtime.testing.script import Failure

if TYPE_CHECKING:
    from runtime.testing.messages_api import ModelRequest

MAX_HELD: Final = 1000
"""Replies of one kind that a model keeps; the oldest goes. Clients go on from the last one of each conversation."""

CREATE_ONLY: Final[tuple[str, ...]] = ("system", "tools")
"""Members that a thread has from its beginning, and that no later request repeats."""


@attrs.define
class _Thread:
    """A message thread up to one reply."""

    first: str
    """The id of its first reply, which all its requests have as their `thread`."""
    messages: list[Any]
    fixed: dict[str, Any]
    continued: bool = False
    """A later reply goes on from here."""
    in_flight: bool = False
    """A request that goes on from here is being answered."""


class Threads:
    """Message threads (Anthropic, beta `message-threads`) by the reply that each can be continued from."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, _Thread] = OrderedDict()

    def complete(self, body: Any, request: ModelRequest) -> Failure | None:
        """Put into the request's body what the server holds of its thread; or the failure that the API answers with."""
        wanted = body.get("thread") if isinstance(body, dict) else None
        match wanted:
            case None:
                return None
            case {"type": "create"}:
                request.thread = request.reply_id
                return None
            case {"type": "continue", "previous_message_id": str(previous)}:
                return self._continue(body, request, previous)
            case _:
                return Failure(400, "thread: needs the type create, or continue with a previous_message_id")

    def _continue(self, body: dict[str, Any], request: ModelRequest, previous: str) -> Failure | None:
        thread = self._held.get(previous)
        if thread is None:
            return _refused(404, "thread_not_found", f"there is no thread that ends with {previous}")
        if thread.continued:
            return _refused(400, "thread_already_continued", f"the thread goes on after {previous}")
        if thread.in_flight:
            return _refused(400, "thread_continue_in_flight", f"another request goes on from {previous}")
        repeated = [name for name in CREATE_ONLY if body.get(name) is not None]
        if repeated:
            return Failure(400, f"{repeated[0]}: a thread keeps the one that it was created with")
        if not isinstance(body.get("messages"), list):
            return Failure(400, "messages: Field required")
        thread.in_flight = True
        request.thread = thread.first
        request.body = {**thread.fixed, **body, "messages": [*thread.messages, *body["messages"]]}
        return None

    def keep(self, request: ModelRequest, reply: dict[str, Any]) -> None:
        """The request is answered: its thread goes on from the reply, and from nothing before."""
        if request.thread is None:
            return
        body = request.body
        previous = self._previous(request)
        if previous is not None:
            previous.continued, previous.messages = True, []
        messages = [*body["messages"], {"role": "assistant", "content": reply["content"]}]
        fixed = {name: body[name] for name in CREATE_ONLY if name in body}
        _keep(self._held, reply["id"], _Thread(request.thread, messages, fixed))

    def release(self, request: ModelRequest) -> None:
        """The exchange is over: where it brought no reply, its thread is as before."""
        previous = self._previous(request)
        if previous is not None:
            previous.in_flight = False

    def _previous(self, request: ModelRequest) -> _Thread | None:
        if request.thread is None:
            return None
        return self._held.get(request.body["thread"].get("previous_message_id", ""))


class Responses:
    """OpenAI's responses that were not asked for with `store: false`, by their ids."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[dict[str, Any], list[Any]]] = OrderedDict()

    def get(self, response_id: str) -> dict[str, Any] | None:
        """The response, as it was answered."""
        found = self._held.get(response_id)
        return None if found is None else found[0]

    def delete(self, response_id: str) -> bool:
        """Forget a response; whether there was one."""
        return self._held.pop(response_id, None) is not None

    def complete(self, body: Any, request: ModelRequest) -> Failure | None:
        """Put what was said before `previous_response_id` before the input; or the failure that the API answers with."""
        previous = body.get("previous_response_id") if isinstance(body, dict) else None
        if previous is None:
            return None
        found = self._held.get(previous) if isinstance(previous, str) else None
        if found is None:
            return Failure(
                400, f"Previous response with id '{previous}' not found.", error_code="previous_response_not_found"
            )
        given = body.get("input")
        if given and isinstance(given, str | list):
            request.body = {**body, "input": [*found[1], *_items(given)]}
        return None

    def keep(self, request: ModelRequest, reply: dict[str, Any]) -> None:
        """The request is answered: keep the reply, and the conversation up to it."""
        if request.body.get("store") is not False:
            _keep(self._held, reply["id"], (reply, [*_items(request.body["input"]), *reply["output"]]))

    def release(self, request: ModelRequest) -> None:
        """The exchange is over."""


class Nothing:
    """Of an API whose requests bring all of their conversation."""

    def complete(self, _body: Any, _request: ModelRequest) -> None:
        """Nothing is to be added."""

    def keep(self, request: ModelRequest, reply: dict[str, Any]) -> None:
        """Nothing is kept."""

    def release(self, request: ModelRequest) -> None:
        """The exchange is over."""


def _items(given: str | list[Any]) -> list[Any]:
    return [{"role": "user", "content": given}] if isinstance(given, str) else given


def _keep(held: OrderedDict[str, Any], reply_id: str, what: Any) -> None:
    held[reply_id] = what
    while len(held) > MAX_HELD:
        held.popitem(last=False)


def _refused(status: int, code: str, message: str) -> Failure:
    return Failure(status, f"thread: {message}", error_code=code)
