"""Cookies of requests, and the `Set-Cookie` headers of responses (RFC 6265)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from octo.connectors.http import sources

_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*")


def read(headers: Iterable[str], name: str) -> list[str]:
    """Return the values of every cookie of this name. headers: the values of all `Cookie` headers.

    Quotes around a value are left out. Nothing is decoded: what a value means is a matter of whoever set it.
    """
    pairs = (pair.partition("=") for header in headers for pair in header.split(";"))
    return [_unquoted(value.strip()) for key, _, value in pairs if key.strip() == name]


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


class Setter:
    """One cookie that a route sets. Everything but its value is known in advance."""

    def __init__(self, name: str, cookie: sources.Cookie) -> None:
        self.name = name
        self.value = cookie.value
        self._rest = f"; Path={cookie.path}"
        if cookie.domain is not None:
            self._rest += f"; Domain={cookie.domain}"
        if cookie.secure:
            self._rest += "; Secure"
        if cookie.http_only:
            self._rest += "; HttpOnly"
        self._rest += f"; SameSite={cookie.same_site}"
        age = int(cookie.max_age.total_seconds())
        self._age = f"; Max-Age={max(1, age)}" if cookie.max_age else ""

    def line(self, value: str) -> str | None:
        """Return the value of the header, None if the text cannot be the value of a cookie."""
        if not _VALUE.fullmatch(value):
            return None
        return f"{self.name}={value}{self._age if value else '; Max-Age=0'}{self._rest}"
