"""The option `secrets`: the source of each value, and the placeholder that the agent gets for it.

    {"NAME": "value"}                                        given by value: in memory only
    {"NAME": {"value": "…"}}                                 the same
    {"NAME": {"fromHostEnv": "OTHER"}}                       looked up in the daemon's environment at each start of the agent
    {"NAME": {…, "placeholder": true, "hosts": ["a.b"]}}     the agent gets a token for it: see `runtime.network.egress`

No value is ever written anywhere. What is kept with the session is the rest: the variable, the hosts and the token.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Any, Final

import attrs

from runtime.api.errors import ApiError, ErrorCode
from runtime.api.limits import MAX_SECRET_HOSTS
from runtime.network.egress import Placeholder, fits_header, secret_hosts
from runtime.sessions.options.required import secrets_required
from runtime.text import whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.api import sessions as api

TOKEN_PREFIX: Final = "torpor-placeholder-"  # noqa: S105 - says what it is to whoever finds one in a log
TOKEN_BYTES: Final = 16
"""Random ones: nobody guesses the token of another session."""

POINTER: Final = "/options/secrets"


@attrs.frozen
class Secret:
    """One secret without its value."""

    source: str | None = None
    """The variable of the daemon's environment that it comes from; None: given by value."""
    hosts: tuple[str, ...] | None = None
    """The hosts that a placeholder is for; None: the agent gets the value itself."""
    token: str = attrs.field(default="", eq=False)
    """The placeholder's text; it stays the same as long as the session lives, since agents may keep it in files."""

    def stored(self) -> Any:
        """As it is kept with the session."""
        if self.hosts is None:
            return self.source
        return {"fromHostEnv": self.source, "hosts": list(self.hosts), "token": self.token}

    @classmethod
    def restore(cls, stored: Any) -> Secret:
        """The way back from `stored`."""
        if isinstance(stored, dict):
            return cls(stored["fromHostEnv"], tuple(stored["hosts"]), stored["token"])
        return cls(stored)


@attrs.frozen
class Resolved:
    """The secrets of a session for one start of its agent."""

    values: dict[str, str] = attrs.field(repr=False)
    """By name, those that stay with the host included."""
    env: dict[str, str] = attrs.field(repr=False)
    """The agent's environment variables: placeholders."""
    placeholders: tuple[Placeholder, ...]


@attrs.frozen
class LookedUp:
    """The values of a session's secrets, as far as there are any."""

    values: dict[str, str] = attrs.field(repr=False)
    lacking: list[str]
    """The names of the secrets without a value."""
    host_env: list[str]
    """The variables that the daemon's environment lacks."""


def parse_secrets(given: Mapping[str, str | api.Secret]) -> tuple[dict[str, Secret], dict[str, str]]:
    """Read the option: the secrets, and the values of those that are given by value.

    Raises `ApiError` INVALID_ARGUMENT with the `pointer` of what is wrong, and never a value in its message.
    """
    secrets: dict[str, Secret] = {}
    values: dict[str, str] = {}
    for name, item in given.items():
        if isinstance(item, str):
            secrets[name], values[name] = Secret(), item
            continue
        secrets[name] = _secret(name, item)
        if item.value is not None:
            values[name] = item.value
    return secrets, values


def look_up(declared: Mapping[str, Secret], given: Mapping[str, str]) -> LookedUp:
    """The values that there are: those in memory (`given`), and those from the daemon's own environment."""
    values = {name: value for name, value in given.items() if name in declared}
    host_env = []
    for name, secret in declared.items():
        if secret.source is not None and name not in values:
            if secret.source in os.environ:
                values[name] = os.environ[secret.source]
            else:
                host_env.append(secret.source)
    return LookedUp(values, sorted(declared.keys() - values.keys()), host_env)


def resolve_secrets(declared: Mapping[str, Secret], given: Mapping[str, str]) -> Resolved:
    """The values for a start of the agent: see `look_up`.

    Raises `ApiError` SECRETS_REQUIRED for those that are nowhere; INVALID_ARGUMENT for a value that is no text, or cannot go
    where a placeholder puts it.
    """
    found = look_up(declared, given)
    if found.lacking:
        raise secrets_required(secrets=found.lacking, host_env=found.host_env)
    values = found.values
    for name, value in values.items():
        if value != whole(value):  # a program in a VM has text in its environment, and no other bytes
            raise _invalid(f"/{name}", f"the daemon's {declared[name].source} is not UTF-8")
    env, placeholders = dict(values), []
    for name, secret in declared.items():
        if secret.hosts is not None:
            if not fits_header(values[name]):
                raise _invalid(f"/{name}", "a placeholder stands for visible ASCII characters in one line")
            env[name] = secret.token
            placeholders.append(Placeholder(name, secret.token, values[name], secret_hosts(secret.hosts)))
    return Resolved(values, env, tuple(placeholders))


def given_again(
    declared: Mapping[str, Secret], given: Mapping[str, Secret], values: Mapping[str, str]
) -> dict[str, str]:
    """What a resume gives: values for secrets that the session has, which the daemon looks up now if it is told to.

    Raises `ApiError` INVALID_ARGUMENT, SECRETS_REQUIRED.
    """
    for name, secret in given.items():
        if name not in declared:
            raise _invalid(f"/{name}", "the session was created without this secret")
        if secret.hosts not in (None, declared[name].hosts):
            raise _invalid(f"/{name}/hosts", "what a secret is for is settled when the session is created")
    looked_up = {name: Secret(secret.source) for name, secret in given.items() if secret.source is not None}
    return {**values, **resolve_secrets(looked_up, {}).values}


def _secret(name: str, given: api.Secret) -> Secret:
    if (given.value is None) == (given.from_host_env is None):
        raise _invalid(f"/{name}", "exactly one of value and fromHostEnv is expected")
    if not given.placeholder:
        if given.hosts is not None:
            raise _invalid(f"/{name}/hosts", "hosts go with placeholder: without it the agent has the value itself")
        return Secret(given.from_host_env)
    if given.hosts is None:
        raise _invalid(f"/{name}/hosts", f"a placeholder is for a list of 1 to {MAX_SECRET_HOSTS} hosts")
    try:
        secret_hosts(given.hosts)
    except ValueError as error:
        raise _invalid(f"/{name}/hosts", str(error)) from None
    if given.value is not None and not fits_header(given.value):
        raise _invalid(f"/{name}/value", "a placeholder stands for visible ASCII characters in one line")
    return Secret(given.from_host_env, tuple(given.hosts), TOKEN_PREFIX + secrets.token_hex(TOKEN_BYTES))


def _invalid(pointer: str, message: str) -> ApiError:
    pointer = f"{POINTER}{pointer}"
    return ApiError(ErrorCode.INVALID_ARGUMENT, f"{pointer}: {message}", pointer=pointer)
