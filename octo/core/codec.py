"""JSON in and out of flows: `read`, `write`, and the value of a body that was sent."""

from __future__ import annotations

from octo.core import charsets
from octo.expr.json import NotJson, check_keys, decimal, read, write, write_kinds

__all__ = ["NotJson", "body", "check_keys", "decimal", "read", "write", "write_kinds"]

_UTF8 = frozenset(("", "utf-8", "utf8", "us-ascii"))


def body(data: bytes, content_type: str = "") -> object:
    """The value of a JSON body, whose content type may name another charset than UTF-8. An empty body is null."""
    if data[:1] in _MARKS or charsets.charset(content_type) not in _UTF8:
        return _decoded(data, content_type)
    try:
        return read(data) if data else None
    except NotJson:
        if not data.strip():
            return None
        raise


_MARKS = frozenset((b"\xef", b"\xff", b"\xfe"))
"""The first bytes of byte order marks. No JSON in UTF-8 begins with one of them."""


def _decoded(data: bytes, content_type: str) -> object:
    try:
        text = charsets.decode(data, content_type)
    except charsets.NotText as error:
        raise NotJson(f"not valid JSON: {error}") from None
    text = text.removeprefix("\ufeff")
    return read(text) if text.strip() else None
