"""Read the parts of a message from a request: the body within its limits, JSON without loss, the query."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote_plus

from octo.connectors.http.call import Headers, Proto, Truncated
from octo.connectors.http.limit import TimeLimit
from octo.core import charsets, codec
from octo.core.errors import NoRoom
from octo.core.json_schema import Fault, Schema
from octo.core.log import fields
from octo.core.spool import THRESHOLD, Content, Spool

log = logging.getLogger("octo.http")
NO_QUERY: Mapping[str, list[str]] = {}


class Rejected(Exception):
    """A request that is refused before it reaches a flow. `detail` says why, and may be shown to any caller.

    faults: where the body is wrong.
    """

    def __init__(
        self,
        status: int,
        error: str,
        detail: str = "",
        headers: Sequence[tuple[str, str]] = (),
        faults: Sequence[Fault] = (),
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.detail = detail
        self.headers = headers
        self.faults = faults


def bad_body(detail: str) -> Rejected:
    return Rejected(400, "invalid request body", detail)


# --- the bytes ---------------------------------------------------------------------------------------------------


def check_encoding(headers: Headers) -> None:
    """Raise `Rejected` if the body is compressed: a few bytes could become gigabytes, and no flow needs that."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        detail = "the body is compressed (Content-Encoding); send it as it is"
        raise Rejected(415, "unsupported content encoding", detail, [("accept-encoding", "identity")])


def length(headers: Headers, limit: int) -> int | None:
    """Return the announced length of the body, None if there is none. Raises `Rejected` if it exceeds `limit`."""
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
    """Return the whole body. Once more than `limit` bytes have come, raise `Rejected` and read no further.

    spools: whether to keep a large body in a file instead of memory.
    """
    try:
        if size is not None and not (spools and size > THRESHOLD):
            return await patience.of(proto())
        found = await patience.of(_chunks(proto, limit, Spool(THRESHOLD if spools else limit)))
    except TimeoutError:
        raise Rejected(408, "request timed out", "the body did not arrive in time") from None
    except Truncated as error:
        raise bad_body(str(error)) from error
    except NoRoom as error:
        log.error("a request was refused", extra=fields(code=error.code, error=str(error)))  # noqa: TRY400  no traceback
        raise Rejected(503, "no room for the body", headers=[("retry-after", "10")]) from None
    if size is not None and len(found) != size:
        raise bad_body("the body ended early")
    return found


async def _chunks(proto: Proto, limit: int, spool: Spool) -> bytes | Content:
    async for chunk in proto:
        spool.write(chunk)
        if spool.size > limit:
            raise _too_large(limit)
    return spool.finish()


def _too_large(limit: int) -> Rejected:
    return Rejected(413, "request body too large", f"the limit is {limit} bytes")


# --- its meaning -------------------------------------------------------------------------------------------------


def parse(data: bytes, content_type: str, *, unique: bool = False) -> object:
    """Return the value of a JSON body. unique: whether to refuse objects with a key twice. Raises `Rejected`."""
    try:
        value = codec.body(data, content_type)
        if unique and data:
            codec.check_keys(charsets.decode(data, content_type))
    except codec.NotJson as error:
        raise bad_body(str(error)) from None
    return value


BODILESS = frozenset(("GET", "HEAD", "DELETE", "OPTIONS", "TRACE"))


def check(value: object, schema: Schema) -> None:
    """Raise `Rejected` (422) if a body does not fit the schema. At most ten faults are told."""
    faults = schema.faults(value)
    if faults:
        raise Rejected(422, "invalid request body", faults=faults)


def exact(data: bytes) -> str | bytes:
    """Return the body as it was sent, e.g. to check a signature: as text if it is UTF-8, else as bytes."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def query(string: str) -> Mapping[str, list[str]]:
    """Return the values of every name, in order. As in Go, pairs with a semicolon or a bad escape are left out."""
    if not string:
        return NO_QUERY
    values: dict[str, list[str]] = {}
    escaped = "%" in string or "+" in string
    for pair in string.split("&"):
        if not pair or ";" in pair:
            continue
        name, _, value = pair.partition("=")
        if escaped:
            if _BAD_ESCAPE.search(pair):
                continue
            name, value = unquote_plus(name), unquote_plus(value)
        values.setdefault(name, []).append(value)
    return values


_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
