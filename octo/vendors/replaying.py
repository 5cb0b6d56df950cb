"""A vendor that is replayed from a cassette."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from octo.core import codec
from octo.core.cassette import Format, Plain, Player, Replayed
from octo.core.settings import Settings
from octo.vendors.api import Api
from octo.vendors.session import Answer, Query, Transport, session
from octo.vendors.settings import Called

_OF_ONE_CALL = ("body.response_time", "body.request_id", "body.usage")


class RecordedRequest(Settings):
    """A request. The key is not recorded."""

    method: str
    """Its method."""
    path: str
    """Its path below the address of the API."""
    query: dict[str, object] = {}  # noqa: RUF012  pydantic copies it
    """Its parameters: a text, or a list of texts for one that is repeated."""
    body: object = None
    """Its body."""


class RecordedReply(Settings):
    """An answer."""

    status: int
    """Its status."""
    body: object = None
    """Its body, if that is JSON."""
    text: str | None = None
    """Any other body."""
    retry_after: str | None = None
    """Its `Retry-After`."""


def _label(request: Plain) -> str:
    return f"{request['method']} {request['path']}"


def _tells(path: str) -> bool:
    return not path.startswith(_OF_ONE_CALL)


def _doubt(reply: Plain) -> str:
    return f"status {reply['status']}" if reply["status"] >= 400 else ""


FORM = Format(RecordedRequest, RecordedReply, _label, _tells, doubt=_doubt)


class Replaying:
    """A transport with a cassette. real: the vendor, None while nothing may be called."""

    def __init__(self, base: str, player: Player, real: Transport | None) -> None:
        self._base = base
        self._player = player
        self._real = real

    async def send(self, method: str, url: str, body: object, query: Query) -> Answer:
        """Return the recorded answer, or that of the vendor."""
        real = self._real

        async def call() -> Answer:
            assert real is not None
            return await real.send(method, url, body, query)

        asked: dict[str, Any] = {"method": method, "path": url.removeprefix(self._base)}
        if query:
            asked["query"] = _parameters(query)
        if body is not None:
            asked["body"] = codec.read(codec.write_kinds(body))
        return await self._player.play(asked, call, write=_written, read=_answer)


def _parameters(query: Query) -> dict[str, object]:
    found: dict[str, list[str]] = {}
    for name, value in query:
        found.setdefault(name, []).append(value)
    return {name: each[0] if len(each) == 1 else each for name, each in found.items()}


def _written(answer: Answer) -> Plain:
    found: dict[str, Any] = {"status": answer.status}
    if answer.retry_after:
        found["retryAfter"] = answer.retry_after
    try:
        return {**found, "body": codec.read(answer.data)} if answer.data else found
    except codec.NotJson:
        return {**found, "text": answer.data.decode("utf-8", "replace")}


def _answer(plain: Mapping[str, Any]) -> Answer:
    data = str(plain.get("text") or "").encode()
    if "body" in plain:
        data = codec.write_kinds(plain["body"])
    return Answer(plain["status"], data, plain.get("retryAfter") or "")


@asynccontextmanager
async def replaying(
    stub: Replayed, name: str, base: str, headers: Mapping[str, str], settings: Called
) -> AsyncIterator[Api | None]:
    """Yield the API of a stub with a cassette; None for one without. Retries are real."""
    player = stub.player()
    if player is None:
        yield None
    elif not player.is_live:
        yield Api(Replaying(base, player, None), name, base, settings)
    else:
        async with session(name, headers, settings) as real:
            yield Api(Replaying(base, player, real), name, base, settings)
