"""The server as all services see it: messages that are written over one another, bells, and the tasks behind them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import cycle
from math import ceil
from typing import NamedTuple

from nats.aio.msg import Msg

from octo.core.message import new_id
from octo.services.bells import Bells, Ear
from octo.services.chores import Chores
from octo.services.nats import errors, streams
from octo.services.nats.connection import Answer, Connection
from octo.services.nats.link import Link

UNTIL = "Octo-Until"
"""The header with the server's time after which a message counts no more. The server removes it soon after."""
_SLACK = 2
"""Seconds that the server keeps it longer: only this header decides."""


_READ = ("204", "404")
"""The end of a read, and nothing there to read."""
_HEADERS = {
    "deliver_policy": "last_per_subject",
    "headers_only": True,
    "ack_policy": "none",
    "mem_storage": True,
    "inactive_threshold": 10 * 10**9,
}
"""A consumer of headers. The server forgets it by itself after 10 s."""


class Changed(Exception):
    """Another message than expected is the last on the subject."""


class Stored(NamedTuple):
    """A message of a stream. until: see `UNTIL`, None for a message that stays."""

    subject: str
    seq: int
    data: bytes
    until: float | None


class Store:
    """See the module; made by `opening.opened`. process: a name that no other store has."""

    def __init__(self, server: Link, chores: Chores) -> None:
        self.link = server
        self.prefix = server.address.prefix
        self.process = new_id()
        self.health = server.trouble.health
        self.now = server.now
        self.heard = {self.subject("ring"): self._rung, self.subject("reply", self.process, "*"): self._replied}
        self.spawn = chores.spawn
        self._bells = Bells()
        self._kinds = cycle((streams.KEYS, streams.QUEUES, streams.TOPICS))

    # --- messages ------------------------------------------------------------------------------------------------

    def subject(self, *parts: str) -> str:
        return ".".join((self.prefix, *parts))

    def stream(self, kind: str) -> str:
        return f"{self.prefix}_{kind}"

    async def write(
        self,
        subject: str,
        data: bytes,
        *,
        last: int | None = None,
        where: str = "",
        until: float | None = None,
    ) -> int:
        """Add a message; returns its number in the stream. Raises `Changed`.

        last: the number of the last message on the subject, 0 for "only if there is none"; or on `where`, which may be
            another, or several. until: see `UNTIL`.
        """
        headers = {}
        if last is not None:
            headers["Nats-Expected-Last-Subject-Sequence"] = str(last)
            if where:
                headers["Nats-Expected-Last-Subject-Sequence-Subject"] = where
        if until is not None:
            headers[UNTIL] = f"{until:.6f}"
            headers["Nats-TTL"] = f"{max(0, ceil(until - self.now())) + _SLACK}s"
        answer = await self.link.ask(subject, data, headers or None)
        try:
            return int(self.link.answered(answer)["seq"])
        except errors.Refused as error:
            if error.number in errors.CHANGED:
                raise Changed from None
            raise

    async def last(self, kind: str, subject: str) -> Stored | None:
        """The last message on the subject, None if there is none."""
        return await self._read(kind, last_by_subj=subject)

    async def at(self, kind: str, seq: int) -> Stored | None:
        """The message with this number, None if it is gone."""
        return await self._read(kind, seq=seq)

    async def next(self, kind: str, subject: str, seq: int) -> Stored | None:
        """The first message on the subject whose number is above `seq`, None if there is none."""
        return await self._read(kind, next_by_subj=subject, seq=seq + 1)

    async def _read(self, kind: str, **which: object) -> Stored | None:
        """A message, from the leader of the stream."""
        try:
            found = await self.link.api(f"STREAM.MSG.GET.{self.stream(kind)}", **which)
        except errors.Refused as error:
            if error.number in errors.NO_MESSAGE:
                return None
            raise
        message = found["message"]
        headers = base64.b64decode(message.get("hdrs") or "").decode(errors="replace")
        data = base64.b64decode(message.get("data") or "")
        return Stored(message["subject"], int(message["seq"]), data, until(headers))

    async def remove(self, kind: str, seq: int) -> bool:
        """Remove this one message; returns whether it was there."""
        try:
            await self.link.api(f"STREAM.MSG.DELETE.{self.stream(kind)}", seq=seq, no_erase=True)
        except errors.Refused as error:
            if error.number in errors.NO_MESSAGE:
                return False
            raise
        return True

    async def after(self, kind: str, subject: str, seq: int, most: int, size: int = 0) -> Answer:
        """At most so many messages on the subject, with their headers, whose number is above `seq`.

        size: bytes after which no more come, but for the first.
        """
        return await self._direct(kind, most, seq=seq + 1, next_by_subj=subject, max_bytes=size)

    async def first(self, kind: str, subject: str, since: str) -> Answer:
        """The first message on the subject that is not older."""
        return await self._direct(kind, 1, start_time=since, next_by_subj=subject)

    async def _direct(self, kind: str, most: int, **given: object) -> Answer:
        asked = json.dumps({"batch": most, **given}).encode()
        answer = await self.link.ask(f"$JS.API.DIRECT.GET.{self.stream(kind)}", asked, most=most + 1)
        if answer.code not in _READ:
            raise errors.failed(self.link.address.where, f"a read ended with {answer.text}")
        return answer

    async def headers(self, kind: str, subjects: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """The headers of the last message on each of these subjects that has any."""
        stream, name = self.stream(kind), new_id()
        config = {**_HEADERS, "name": name, "filter_subjects": list(subjects)}
        made = await self.link.api(f"CONSUMER.CREATE.{stream}.{name}", stream_name=stream, config=config)
        try:
            if not (there := made["num_pending"]):
                return {}
            asked = json.dumps({"batch": there, "no_wait": True}).encode()
            answer = await self.link.pull(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}", asked, there, 0.0, _unheard)
            return {message.subject: message.headers or {} for message in answer.messages}
        finally:
            await self.link.tell(f"$JS.API.CONSUMER.DELETE.{stream}.{name}")

    # --- bells ---------------------------------------------------------------------------------------------------

    async def ring(self, name: str) -> None:
        """Wake who waits under this name, in any process."""
        self._bells.ring(name)
        await self.link.tell(self.subject("ring"), name.encode())

    def listening(self, name: str) -> AbstractContextManager[Ear]:
        """Listen to what happens under this name. It rings every few seconds at least, whatever happens."""
        return self._bells.listening(name)

    def _rung(self, message: Msg) -> None:
        """A bell rings in another process."""
        self._bells.ring(message.data.decode(errors="replace"))

    def _replied(self, message: Msg) -> None:
        """A reply is there, to be read."""
        self._bells.ring(message.subject)

    async def begin(self, connection: Connection) -> None:
        """Make a new connection fit for use."""
        streams.check(self.link.address, connection)
        await streams.prepare(self.link)

    async def sign(self) -> None:
        """A sign of life of one stream after the other, upon which everybody who waits looks for himself."""
        await self.link.look(self.stream(next(self._kinds)))
        self._bells.ring_all()

    def lost(self) -> None:
        """Everybody who waits asks the server, and gets its error."""
        self._bells.ring_all()


def _unheard(_: Msg) -> None:
    """Nobody waits for it."""


def until(headers: str) -> float | None:
    """What the headers say about the end of their message."""
    found = re.search(rf"^{UNTIL}: ([0-9.]+)\r?$", headers, re.MULTILINE)
    return float(found[1]) if found else None


def bounded(seconds: float) -> float:
    """As many seconds, but no more than a message of the server can last."""
    return min(seconds, _CENTURY)


_CENTURY = 3.2e9
