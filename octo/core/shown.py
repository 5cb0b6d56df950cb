"""A value for people: one line, JSON as far as that goes, and bytes cut short."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from octo.core.spool import Content
from octo.expr.values import Duration, Exact, Timestamp

_HEAD = 16
"""Bytes that are shown of many."""


def shown(value: object) -> str:
    """The value as JSON with every digit; what JSON lacks as CEL writes it, and only the beginning of bytes."""
    try:
        return _text(value)
    except RecursionError:
        return "<nested too deeply to be shown>"


def _text(value: object) -> str:
    if isinstance(value, dict):
        # As a plain one: large content in it must not be read.
        return _map(dict.items(value))
    if isinstance(value, Mapping):
        return _map(value.items())
    if isinstance(value, list | tuple):
        parts = []
        for each in value:
            parts.append(_text(each))  # noqa: PERF401  a comprehension is a frame, and values nest deep
        return f"[{', '.join(parts)}]"
    if isinstance(value, bytes | Content):
        return _bytes(value)
    if isinstance(value, Exact | Timestamp | Duration):
        return repr(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _map(entries: Iterable[tuple[object, object]]) -> str:
    parts = []
    for key, each in entries:
        parts.append(f"{json.dumps(str(key), ensure_ascii=False)}: {_text(each)}")
    return f"{{{', '.join(parts)}}}"


def _bytes(value: bytes | Content) -> str:
    if len(value) <= _HEAD:
        data = bytes(value)
        return f'b"{data.decode()}"' if _is_plain(data) else f"<{data.hex(' ') or 'no bytes'}>"
    head = next(value.stream(_HEAD)) if isinstance(value, Content) else value[:_HEAD]
    return f"<{len(value):,} bytes: {head.hex(' ')} ...>"


def _is_plain(data: bytes) -> bool:
    return bool(data) and all(32 <= each < 127 and each not in b'"\\' for each in data)
