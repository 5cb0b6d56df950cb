"""Pieces: a text cut into lines, at a delimiter, or into equal parts, however large it is.

The text comes in chunks, and only the piece that is being read is in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from octo.core.charsets import NotText, decoder
from octo.core.content import BINARY, data
from octo.core.errors import Permanent
from octo.core.message import Message
from octo.core.spool import Content

CHUNK = 64 * 1024

LARGEST = 16 * 1024 * 1024
"""Characters of a piece, at most: no expression could read a larger one."""


def chunks(message: Message, what: str) -> Iterator[str]:
    """The text of a body in chunks. Raises `Permanent` if it has none; `what` names who asks, for the message."""
    body = message.body
    if message.raw and isinstance(body, dict):
        found, content_type = data(body), str(body.get("contentType") or BINARY)
    elif isinstance(body, str | bytes):
        found, content_type = body, ""
    else:
        raise Permanent(f"{what} needs a text or raw content, and the body is {_kind(body)}")
    if isinstance(found, str):
        return (found[at : at + CHUNK] for at in range(0, len(found), CHUNK))
    return _decoded(found, content_type, what)


def _decoded(found: bytes | Content, content_type: str, what: str) -> Iterator[str]:
    parts = (
        found.stream() if isinstance(found, Content) else (found[at : at + CHUNK] for at in range(0, len(found), CHUNK))
    )
    try:
        first = next(parts, b"")
        decode = decoder(content_type, first[:4]).decode
        yield decode(first)
        for part in parts:
            yield decode(part)
        yield decode(b"", final=True)
    except (NotText, ValueError) as error:
        reason = str(error) if isinstance(error, NotText) else f"it is not {getattr(error, 'encoding', 'text')}"
        raise Permanent(f"{what} cannot read the content as text: {reason}") from None


def _kind(body: object) -> str:
    kinds = {type(None): "null", dict: "a map", list: "a list", bool: "a bool", int: "a number", float: "a number"}
    return kinds.get(type(body), f"a {type(body).__name__.lower()}")


def lines(text: Iterable[str]) -> Iterator[str]:
    """Lines, without their ends: a line feed, or a carriage return and one."""
    for line in delimited(text, "\n"):
        yield line.removesuffix("\r")


def delimited(text: Iterable[str], delimiter: str) -> Iterator[str]:
    """What stands between delimiters. Behind a delimiter at the end there is nothing more."""
    left, overlap = "", len(delimiter) - 1
    for chunk in text:
        searched = max(0, len(left) - overlap)
        left += chunk
        begin = 0
        while (end := left.find(delimiter, max(begin, searched))) >= 0:
            yield _bounded(left[begin:end])
            begin = end + len(delimiter)
        left = _bounded(left[begin:])
    if left:
        yield left


def equal(text: Iterable[str], size: int) -> Iterator[str]:
    """Parts of `size` characters; the last one may have fewer."""
    left = ""
    for chunk in text:
        left += chunk
        whole = len(left) - len(left) % size
        for at in range(0, whole, size):
            yield left[at : at + size]
        left = left[whole:]
    if left:
        yield left


def _bounded(piece: str) -> str:
    if len(piece) > LARGEST:
        raise Permanent(f"an element has more than {LARGEST:,} characters: is the delimiter right?")
    return piece
