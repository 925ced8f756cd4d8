"""Who may see the page: who has an address that works once, and from then on who has the cookie that was given for it."""

from __future__ import annotations

import hmac
import secrets
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_BYTES: Final = 32

TOKEN: Final = "token"  # noqa: S105 - a parameter's name


class Door:
    """Of one page. `announce` is called with each address that lets a browser in: the first, and another once it is used."""

    def __init__(self, url: str, announce: Callable[[str], None]) -> None:
        self._url = url
        self._announce = announce
        # Cookies do not know ports: two pages of one machine would take each other's.
        self._name = f"torpor-inspect-{url.rpartition(':')[2]}"
        self._cookie = secrets.token_urlsafe(TOKEN_BYTES)
        self._token = ""
        self._next()

    def enter(self, query: str) -> str | None:
        """Return the `Set-Cookie` for who comes with the address of this moment, which works no more then; None for others."""
        given = parse_qs(query).get(TOKEN, [""])[-1]
        if not _same(given, self._token):
            return None
        self._next()
        return f"{self._name}={self._cookie}; Path=/; HttpOnly; SameSite=Strict"

    def knows(self, cookies: list[str]) -> bool:
        """Say whether one of these headers has the cookie."""
        for header in cookies:
            jar: SimpleCookie = SimpleCookie()
            try:
                jar.load(header)
            except CookieError:
                continue
            if self._name in jar and _same(jar[self._name].value, self._cookie):
                return True
        return False

    def _next(self) -> None:
        self._token = secrets.token_urlsafe(TOKEN_BYTES)
        self._announce(f"{self._url}/?{TOKEN}={self._token}")


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())
