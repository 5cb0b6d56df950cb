"""From a request to a message's parts: the body within its limits, JSON without loss, the query."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote_plus

from octo.connectors.http.limit import TimeLimit
from octo.connectors.http.rsgi import Headers, Proto
from octo.core import codec
from octo.core.spool import THRESHOLD, Content, Spool

NO_QUERY: Mapping[str, str] = {}


class Rejected(Exception):
    """A request that is answered before any flow sees it. `detail` says why, in words fit for a stranger."""

    def __init__(self, status: int, error: str, detail: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.detail = detail


def bad_body(detail: str) -> Rejected:
    return Rejected(400, "invalid request body", detail)


# --- the bytes ---------------------------------------------------------------------------------------------------


def length(headers: Headers, limit: int) -> int | None:
    """How long the body is; None when that is not announced. Refuses what is announced to be larger than `limit`."""
    announced = headers.get("content-length")
    if "transfer-encoding" in headers:
        return None
    if announced is None:
        return 0
    size = int(announced)
    if size > limit:
        raise _too_large(limit)
    return size


async def read(
    proto: Proto, size: int | None, limit: int, patience: TimeLimit, *, spools: bool = False
) -> bytes | Content:
    """The whole body; one that grows beyond `limit` is refused at that point and read no further.

    With `spools` a large one is kept out of memory.
    """
    try:
        if size is not None and not (spools and size > THRESHOLD):
            return await patience.of(proto())
        found = await patience.of(_chunks(proto, limit, Spool(THRESHOLD if spools else limit)))
    except TimeoutError:
        raise Rejected(408, "request timed out", "the body did not arrive in time") from None
    except RuntimeError as error:  # what granian's protocol errors are
        raise bad_body("the body ended early") from error
    if size is not None and len(found) != size:
        raise bad_body("the body ended early")
    return found


async def _chunks(proto: Proto, limit: int, spool: Spool) -> bytes | Content:
    """A body piece by piece.

    granian ends the iteration with one empty chunk. When the connection broke or a chunk was malformed there is one
    more, and nothing else to tell a truncated body from a whole one; trailers look the same, so they are refused too.
    """
    empty = 0
    async for chunk in proto:
        spool.write(chunk)
        empty += not chunk
        if spool.size > limit:
            raise _too_large(limit)
    if empty > 1:
        raise bad_body("the chunked body is malformed, cut short, or has trailers")
    return spool.finish()


def _too_large(limit: int) -> Rejected:
    return Rejected(413, "request body too large", f"the limit is {limit} bytes")


# --- its meaning -------------------------------------------------------------------------------------------------


def parse(data: bytes, content_type: str) -> object:
    try:
        return codec.body(data, content_type)
    except codec.NotJson as error:
        raise bad_body(str(error)) from None


def exact(data: bytes) -> str | bytes:
    """The body for whoever signs it: text if it is UTF-8, so that its UTF-8 are these bytes; else the bytes."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def query(string: str) -> Mapping[str, str]:
    """The first value of every name. Go's rules: pairs with a semicolon or a bad escape are left out."""
    if not string:
        return NO_QUERY
    values: dict[str, str] = {}
    escaped = "%" in string or "+" in string
    for pair in string.split("&"):
        if not pair or ";" in pair:
            continue
        name, _, value = pair.partition("=")
        if escaped:
            if _BAD_ESCAPE.search(pair):
                continue
            name, value = unquote_plus(name), unquote_plus(value)
        values.setdefault(name, value)
    return values


_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
