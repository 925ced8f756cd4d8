from __future__ import annotations

import pytest

from runtime.acp.codec import Decoder, ErrorObject, Notification, Request, decode_line
from runtime.acp.connection import CANCELLED, AgentAnswer, ClientConnection, Noise, RequestCancelled
from runtime.jsonrpc import INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR


def waits(connection: ClientConnection, id_: int) -> bool:
    """Whether the request was still without an answer; this gives it one."""
    (event,) = connection.receive(b'{"id":%d,"result":{}}\n' % id_)
    return isinstance(event, AgentAnswer)


def test_answers_in_any_order_find_their_requests() -> None:
    connection = ClientConnection()
    first, data = connection.request("initialize", {"protocolVersion": 1})
    second, _ = connection.request("session/new", {})
    assert decode_line(data) == Request(first, "initialize", {"protocolVersion": 1})
    events = connection.receive(b'{"id":1,"result":{"a":1}}\n{"id":0,"error":{"code":-3,"message":"no"}}\n')
    assert events == [
        AgentAnswer(second, "session/new", {"a": 1}, None),
        AgentAnswer(first, "initialize", None, ErrorObject(-3, "no")),
    ]
    assert not waits(connection, first)
    assert not waits(connection, second)


def test_answers_that_nobody_waits_for_are_noise() -> None:
    connection = ClientConnection()
    id_, _ = connection.request("m", {})
    connection.receive(b'{"id":0,"result":1}\n')
    gone, _ = connection.request("m", {})
    connection.abandon(gone)
    lines = (
        b'{"id":0,"result":1}\n'
        b'{"id":1,"result":1}\n'
        b'{"id":2,"result":1}\n'
        b'{"id":"0","result":1}\n'
        b'{"id":null,"error":{"code":-32700,"message":"?"}}\n'
    )
    kinds = [event.kind for event in connection.receive(lines) if isinstance(event, Noise)]
    assert id_ == 0
    assert kinds == ["late_answer", "late_answer", "unknown_answer", "unknown_answer", "refused_by_agent"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"jsonrpc":"2.0","id":0,"result":{"stopReason":"end', PARSE_ERROR),
        (b'[{"jsonrpc":"2.0","id":0,"result":{}}]', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":0,"result":"' + b"x" * 1000 + b'"}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":null,"result":{}}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":true,"result":{}}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}}', PARSE_ERROR),
    ],
)
def test_an_answer_that_cannot_be_read_ends_its_request(line: bytes, code: int) -> None:
    connection = ClientConnection(Decoder(max_line=1000))
    id_, _ = connection.request("session/prompt", {})
    *_, answer = connection.receive(line + b"\n")
    assert isinstance(answer, AgentAnswer)
    assert (answer.id, answer.method, answer.error and answer.error.code) == (id_, "session/prompt", code)
    assert not waits(connection, id_)


def test_an_answer_that_does_not_say_which_ends_none_of_several() -> None:
    connection = ClientConnection()
    ids = [connection.request("m", {})[0] for _ in range(2)]
    lines = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}\n{"jsonrpc":"2.0","id":[],"result":1}\n'
    assert all(isinstance(event, Noise) for event in connection.receive(lines))
    assert all(waits(connection, id_) for id_ in ids)


def test_an_error_about_a_notification_is_none_about_the_request() -> None:
    connection = ClientConnection()
    id_, _ = connection.request("session/prompt", {})
    (event,) = connection.receive(
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"no session/cancel"}}\n'
    )
    assert isinstance(event, Noise)
    assert waits(connection, id_)


def test_an_id_that_comes_back_as_a_string_is_known() -> None:
    connection = ClientConnection()
    connection.request("m", {})
    assert connection.receive(b'{"id":"0","result":1}\n') == [AgentAnswer(0, "m", 1, None)]


def test_a_request_that_is_no_message_is_refused_under_its_id() -> None:
    connection = ClientConnection()
    connection.receive(b'{"jsonrpc":"2.0","id":"a","method":"fs/read_text_file"}\n')
    lines = b'{"jsonrpc":"2.0","id":"b","method":1}\n{"jsonrpc":"2.0","id":"a","method":1}\n'
    first, second = connection.receive(lines)
    assert isinstance(first, Noise)
    assert first.reply is not None
    assert b'"id":"b"' in first.reply
    assert isinstance(second, Noise)
    assert second.reply is None, "it would be taken for the answer to the request that is being served"


def test_an_id_in_use_is_refused_and_free_again_after_its_answer() -> None:
    connection = ClientConnection()
    line = b'{"id":"a","method":"fs/read_text_file","params":{}}\n'
    first, second = connection.receive(line + line)
    assert isinstance(first, Request)
    assert isinstance(second, Noise)
    assert second.kind == "duplicate_id"
    assert second.reply is None
    connection.refuse("a", ErrorObject(METHOD_NOT_FOUND, "no"))
    assert connection.serving == 0
    assert isinstance(connection.receive(line)[0], Request)
    connection.respond("a", {})
    with pytest.raises(KeyError):
        connection.respond("a", {})


def test_the_agent_takes_a_request_back() -> None:
    connection = ClientConnection()
    events = connection.receive(
        b'{"id":9,"method":"session/request_permission"}\n'
        b'{"method":"$/cancel_request","params":{"requestId":9}}\n'
        b'{"method":"$/cancel_request","params":{"requestId":10}}\n'
        b'{"method":"$/cancel_request","params":{"requestId":[]}}\n'
    )
    assert events[1] == RequestCancelled(9)
    assert all(isinstance(event, Notification) for event in events[2:])
    assert b"-32800" in connection.refuse(9, CANCELLED)


def test_lines_that_are_no_messages_are_answered_with_a_null_id_and_nothing_else_happens() -> None:
    connection = ClientConnection()
    id_, _ = connection.request("m", {})
    garbage, batch, answer = connection.receive(b'oops\n[{"method":"x"}]\n{"id":0,"result":2}\n')
    assert isinstance(garbage, Noise)
    assert garbage.reply is not None
    assert b'"id":null' in garbage.reply
    assert b"-32700" in garbage.reply
    assert isinstance(batch, Noise)
    assert batch.reply is not None
    assert b"-32600" in batch.reply
    assert answer == AgentAnswer(id_, "m", 2, None)
