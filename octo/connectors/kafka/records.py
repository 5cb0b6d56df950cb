"""Records of Kafka as messages, and messages as records."""

from __future__ import annotations

from typing import Any, Protocol

from octo.connectors.kafka.sender import Headers
from octo.connectors.kafka.settings import Consume, Publish
from octo.core import wire
from octo.core.delivery import Reject
from octo.core.errors import Permanent
from octo.core.idempotency import idempotency_key
from octo.core.message import Message
from octo.core.wire import Taken
from octo.expr.values import Timestamp


class Raw(Protocol):
    """A record as the client gives it."""

    def topic(self) -> str | None: ...
    def partition(self) -> int | None: ...
    def offset(self) -> int | None: ...
    def key(self) -> str | bytes | None: ...
    def value(self) -> str | bytes | None: ...
    def headers(self) -> Any: ...
    def timestamp(self) -> tuple[int, int]: ...


LETTER = "Octo-Dead-Letter"
"""The header that tells why a record is a dead letter."""
_MILLISECOND = 1_000_000


def taken(raw: Raw, settings: Consume, cluster: str) -> Taken:
    """The message of a record. Its event id is the same each time the record is read."""
    topic, partition, offset = raw.topic() or "", raw.partition() or 0, raw.offset() or 0
    variables = {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "key": _text(raw.key()),
        "timestamp": _timestamp(raw.timestamp()),
    }
    event_id = wire.identity("kafka", cluster, topic, partition, offset)
    value, headers = raw.value(), raw.headers() or []
    if value is None:
        nothing = wire.taken(b"", headers, settings, variables, event_id=event_id)
        return Taken(nothing.message.with_body(None), None)
    data = value if isinstance(value, bytes) else value.encode()
    return wire.taken(data, headers, settings, variables, event_id=event_id)


def _text(key: str | bytes | None) -> object:
    if not isinstance(key, bytes):
        return key
    try:
        return key.decode()
    except UnicodeDecodeError:
        return key


def _timestamp(given: tuple[int, int]) -> Timestamp | None:
    kind, milliseconds = given
    if kind == 0 or not Timestamp.lowest <= milliseconds * _MILLISECOND <= Timestamp.highest:
        return None
    return Timestamp(milliseconds * _MILLISECOND)


def given(settings: Publish, message: Message) -> tuple[str, bytes | None, bytes | None, Headers]:
    """Topic, value, key and headers of what a block sends. A null body is a record without a value."""
    topic = settings.topic(message)
    key = None if settings.key is None else _key(settings.key(message))
    body = message.body if settings.body is None else settings.body(message)
    sent = wire.given(settings, message)
    if repeated := idempotency_key():
        sent.headers.setdefault("Idempotency-Key", repeated)
    if body is None:
        return topic, None, key, list(sent.headers.items())
    return topic, sent.data, key, [*sent.headers.items(), ("Content-Type", sent.content_type)]


def _key(key: object) -> bytes | None:
    if isinstance(key, str):
        try:
            return key.encode()
        except UnicodeEncodeError:
            raise Permanent("the key has half a character") from None
    if key is None or isinstance(key, bytes):
        return key
    raise Permanent("the key is no text; write e.g. `string(body.id)`")


def buried(raw: Raw, verdict: Reject) -> Headers:
    """The headers of a record among the dead letters: its own, why it is there, and where it was."""
    own = [(name, value) for name, value in raw.headers() or [] if not name.startswith("Octo-")]
    origin = {"Octo-Topic": raw.topic(), "Octo-Partition": raw.partition(), "Octo-Offset": raw.offset()}
    return [*own, (LETTER, verdict.note), *((name, str(value)) for name, value in origin.items())]
