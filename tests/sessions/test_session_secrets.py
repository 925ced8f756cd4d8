from __future__ import annotations

from typing import Any

import msgspec
import pytest

from runtime.api.errors import ApiError, ErrorCode
from runtime.api.limits import MAX_SECRET_HOSTS
from runtime.api.sessions import CreateSession
from runtime.rpc.messages import ProtocolError
from runtime.rpc.validation import decode_params
from runtime.sessions.options.options import parse_options
from runtime.sessions.options.secrets import Secret, given_again, parse_secrets, resolve_secrets
from tests.sessions.fakes import create_options

PLACEHOLDER = {"placeholder": True, "hosts": ["api.example.com"]}


def parsed(given: dict[str, Any]) -> tuple[dict[str, Secret], dict[str, str]]:
    """What the option says, given in the API's own form."""
    return parse_secrets(create_options({"secrets": given}).secrets or {})


def test_values_come_from_memory_and_from_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"A": "the secret", "B": {"fromHostEnv": "HOST_B"}, "C": {"value": "another"}}
    options, values = parse_options(create_options({"secrets": given}))
    assert options.stored()["secrets"] == {"A": None, "B": "HOST_B", "C": None}
    assert "the secret" not in f"{options} {options.stored()} {options.sealed()}"
    monkeypatch.setenv("HOST_B", "b")
    resolved = resolve_secrets(options.secrets, values)
    assert resolved.env == resolved.values == {"A": "the secret", "B": "b", "C": "another"}
    assert "the secret" not in repr(resolved)
    monkeypatch.delenv("HOST_B")
    with pytest.raises(ApiError) as caught:
        resolve_secrets(options.secrets, {"A": "a"})
    assert caught.value.code is ErrorCode.SECRETS_REQUIRED
    assert caught.value.data == {
        "names": ["B", "C"],
        "options": ["secrets"],
        "missing": {"secrets": ["B", "C"]},
        "hostEnv": ["HOST_B"],
    }
    assert "the daemon's environment has no HOST_B" in caught.value.message
    monkeypatch.setenv("HOST_B", "not \udcff text")
    with pytest.raises(ApiError) as caught:
        resolve_secrets(options.secrets, values)
    assert (caught.value.code, caught.value.data["pointer"]) == (ErrorCode.INVALID_ARGUMENT, "/options/secrets/B")
    assert "HOST_B is not UTF-8" in caught.value.message


def test_a_placeholder_stays_with_the_host_and_keeps_its_token() -> None:
    options, values = parse_options(create_options({"secrets": {"A": {"value": "the secret", **PLACEHOLDER}}}))
    resolved = resolve_secrets(options.secrets, values)
    token = resolved.env["A"]
    assert token.startswith("torpor-placeholder-")
    (placeholder,) = resolved.placeholders
    assert (placeholder.name, placeholder.token, placeholder.value) == ("A", token, "the secret")
    assert resolved.values == {"A": "the secret"}
    restored = {name: Secret.restore(stored) for name, stored in options.stored()["secrets"].items()}
    assert resolve_secrets(restored, values).env["A"] == token
    again, _ = parsed({"A": {"value": "the secret", **PLACEHOLDER}})
    assert again == restored, "the same options"
    assert again["A"].token != token


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"A": {}}, "/A"),
        ({"A": {"value": "the secret", "fromHostEnv": "X"}}, "/A"),
        ({"A": {"value": "the secret", "placeholder": True}}, "/A/hosts"),
        ({"A": {"value": "the secret", "placeholder": True, "hosts": ["*"]}}, "/A/hosts"),
        ({"A": {"value": "the secret", "placeholder": True, "hosts": ["https://x/"]}}, "/A/hosts"),
        ({"A": {"value": "the secret", "hosts": ["a"]}}, "/A/hosts"),
        ({"A": {"value": "the secret\nX: y", **PLACEHOLDER}}, "/A/value"),
    ],
)
def test_what_is_no_secret_is_refused_without_telling_it(given: Any, pointer: str) -> None:
    with pytest.raises(ApiError) as caught:
        parsed(given)
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT
    assert caught.value.data["pointer"] == f"/options/secrets{pointer}"
    assert "the secret" not in caught.value.message


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        (5, ""),
        ({"A=B": "the secret"}, "/A=B"),
        ({"A": 5}, "/A"),
        ({"A": "the secret\0"}, "/A"),
        ({"A": {"value": "the secret", "fromFile": "X"}}, "/A/fromFile"),
        ({"A": {"value": "the secret", "placeholder": 1, "hosts": ["a"]}}, "/A/placeholder"),
        ({"A": {"value": "the secret", "placeholder": True, "hosts": []}}, "/A/hosts"),
        ({"A": {"value": "the secret", "placeholder": True, "hosts": ["a"] * (MAX_SECRET_HOSTS + 1)}}, "/A/hosts"),
    ],
)
def test_what_is_not_of_the_type_is_refused_without_telling_it(given: Any, pointer: str) -> None:
    params = {"vm": "v", "agentType": "a", "options": {"secrets": given}}
    with pytest.raises(ProtocolError) as caught:
        decode_params(msgspec.Raw(msgspec.json.encode(params)), CreateSession)
    assert caught.value.data["errors"][0]["pointer"] == f"/options/secrets{pointer}"
    assert "the secret" not in f"{caught.value.message} {caught.value.data}"


def test_what_the_host_has_must_fit_where_a_placeholder_puts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_A", "the secret\n")
    declared, _ = parsed({"A": {"fromHostEnv": "HOST_A", **PLACEHOLDER}})
    with pytest.raises(ApiError, match="visible ASCII") as caught:
        resolve_secrets(declared, {})
    assert "the secret" not in caught.value.message


def test_what_may_be_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    declared, _ = parsed({"A": "a", "B": {"value": "b", **PLACEHOLDER}})

    def again(given: Any) -> dict[str, str]:
        return given_again(declared, *parsed(given))

    assert again({"A": "new"}) == {"A": "new"}
    assert again({"B": "new"}) == {"B": "new"}
    assert again({"B": {"value": "new", **PLACEHOLDER}}) == {"B": "new"}
    monkeypatch.setenv("HOST_A", "from the host")
    assert again({"A": {"fromHostEnv": "HOST_A"}, "B": "b"}) == {"A": "from the host", "B": "b"}
    for given in (
        {"C": "c"},
        {"A": {"value": "a", **PLACEHOLDER}},
        {"B": {**PLACEHOLDER, "value": "b", "hosts": ["c"]}},
    ):
        with pytest.raises(ApiError) as caught:
            again(given)
        assert caught.value.code is ErrorCode.INVALID_ARGUMENT
