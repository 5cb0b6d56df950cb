"""Cookies of requests, and the `Set-Cookie` headers of responses (RFC 6265)."""

from __future__ import annotations

from collections.abc import Iterable


def read(headers: Iterable[str], name: str) -> list[str]:
    """Return the values of every cookie of this name. headers: the values of all `Cookie` headers.

    Quotes around a value are left out. Nothing is decoded: what a value means is a matter of whoever set it.
    """
    pairs = (pair.partition("=") for header in headers for pair in header.split(";"))
    return [_unquoted(value.strip()) for key, _, value in pairs if key.strip() == name]


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
