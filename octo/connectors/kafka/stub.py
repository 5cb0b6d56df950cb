"""The trigger of a `kafka` source in a test: a record, which becomes a message as one of a broker would."""

from __future__ import annotations

from pydantic import Field

from octo.connectors.kafka import records
from octo.connectors.kafka.settings import Consume
from octo.core import codec
from octo.core.settings import Settings
from octo.core.wire import Taken


class Trigger(Settings):
    """A record for the source. The trigger ends when it is settled."""

    body: object = None
    """Its value: a text as it is, null for none, anything else as JSON."""
    key: str | None = None
    """Its key."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Its headers."""
    topic: str = ""
    """Its topic. Default: the first of the source."""
    partition: int = 0
    """Its partition."""
    offset: int = 0
    """Its place in the partition."""
    timestamp: int = 0
    """When it was made, in milliseconds since 1970."""

    def taken(self, source: Consume) -> Taken:
        """Its message, and what is wrong with it."""
        return records.taken(_Record(self, source), source, "")


class _Record:
    """What a trigger says, as the client would give it."""

    def __init__(self, spec: Trigger, source: Consume) -> None:
        self._spec = spec
        self._source = source

    def topic(self) -> str:
        return self._spec.topic or self._source.topics[0]

    def partition(self) -> int:
        return self._spec.partition

    def offset(self) -> int:
        return self._spec.offset

    def key(self) -> bytes | None:
        return None if self._spec.key is None else self._spec.key.encode()

    def value(self) -> bytes | None:
        body = self._spec.body
        if body is None:
            return None
        return body.encode() if isinstance(body, str) else codec.write(body)

    def headers(self) -> list[tuple[str, str | bytes | None]]:
        return list(self._spec.headers.items())

    def timestamp(self) -> tuple[int, int]:
        return 1, self._spec.timestamp
