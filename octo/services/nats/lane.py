"""One queue, or its dead letters, as a consumer of the server sees it.

The consumer gives each message out, and again when its time is over. Invariant: a message of the stream is lent at most
once. What comes a second time is first written anew in its own place, with the next attempt, which only one process can
do and which takes the old number away. So whoever held the old one can neither keep nor settle it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from nats.aio.msg import Msg

from octo.services.nats import errors, names, payload, streams
from octo.services.nats.connection import Answer
from octo.services.nats.store import Changed, Store

LEAST_WAIT, MOST_WAIT = 1.0, 30.0
"""Seconds after which the server gives a message out again whose receiver never got it."""
LOOK = 5.0
"""Seconds that one pull waits on the server; a caller that waits longer pulls again."""
_UNUSED = 7 * 24 * 3600
"""Seconds after which the server forgets the consumer of a queue from which nobody receives. Its messages stay."""
_SECOND = 10**9
_MOST_PULLS = 8192
_SHORT = 9
_TROUBLE = ("409", "503")
"""The consumer is gone, or cannot take another pull."""
_TRIES, _PAUSE = 5, 0.1


FREE = "-"
"""Stands for no ordering key."""


class Given(NamedTuple):
    """A message that was given out. seq: its number, which it has only until it is given out again.

    name, order: the last parts of its subject. settle: the subject that extends it. about, stored: see `payload`.
    """

    name: str
    order: str
    seq: int
    settle: str
    about: Mapping[str, Any]
    stored: bytes

    @classmethod
    def of(cls, subject: str, seq: int, settle: str, data: bytes) -> Self:
        """From the bytes of the message."""
        try:
            about, stored = payload.read(data)
        except ValueError:
            about, stored = {}, data  # its checksum will be wrong
        _, name, order = subject.rsplit(".", 2)
        return cls(name, order, seq, settle, about, stored)


class Lane:
    """See the module."""

    def __init__(self, store: Store, queue: str, *, dead: bool) -> None:
        self.queue = queue
        self.dead = dead
        self._store = store
        self._parts = ("dead" if dead else "queue", names.token(queue))
        self._stream = store.stream(streams.QUEUES)
        self._consumer = "-".join(self._parts)
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}"
        self._wait = 0.0

    def subject(self, name: str = "*", order: str = "*") -> str:
        """Of one message, or of all. order: what stands for its ordering key."""
        return self._store.subject(*self._parts, name, order)

    # --- taking --------------------------------------------------------------------------------------------------

    async def take(self, most: int, lease: float, wait: float) -> list[Given]:
        """Lend at most so many messages; waits at most so many seconds for the first."""
        time = asyncio.get_running_loop().time
        patience, tries, is_empty = time() + wait, 0, most == 1
        while True:
            await self._prepare(lease)
            # Several are asked for without waiting: the server would keep what is missing of them for later.
            look = min(patience - time(), LOOK) if is_empty else 0.0
            answer = await self._pull(1 if look > 0 else most, max(look, 0.0))
            found = [given for message in answer.messages if (given := await self._lendable(message)) is not None]
            if found:
                await self._lend(found, lease)
                return found
            if answer.code in _TROUBLE:
                self._wait, tries = 0.0, tries + 1
                if tries >= _TRIES:
                    raise errors.failed(self._store.link.address.where, f"a pull ended with {answer.text}")
                await asyncio.sleep(_PAUSE)
                continue
            is_empty = not answer.messages
            if is_empty and time() >= patience:
                if tries >= _TRIES or not await self._is_behind():
                    return []
                tries += 1
                await asyncio.sleep(_PAUSE)

    async def _is_behind(self) -> bool:
        """Whether the queue holds what the consumer has not seen: the server writes first, and tells it then."""
        last = await self._store.last(streams.QUEUES, self.subject())
        return last is not None and last.seq > await self.given_out()

    async def _pull(self, most: int, look: float) -> Answer:
        asked = b'{"batch":%d,"expires":%d}' % (most, look * _SECOND) if look else b'{"batch":%d,"no_wait":true}' % most
        return await self._store.link.pull(self._next, asked, most, look, self._late)

    def _late(self, message: Msg) -> None:
        """It came for a caller that is gone, and who has taken nothing."""
        if message.reply and _deliveries(message) == 1:
            given = _given(message)
            self._store.spawn(self.again(given, given.about))

    async def _lendable(self, message: Msg) -> Given | None:
        """The message, unless its time has not come, or it was given out before and is now written anew."""
        given, now = _given(message), self._store.now()
        due = given.about.get("due")
        if due is not None and due > now:
            await self.hold(given, due - now)
        elif due is not None:
            await self.again(given, {name: each for name, each in given.about.items() if name != "due"})
        elif _deliveries(message) > 1:
            await self.again(given, next_attempt(given))
        else:
            return given
        return None

    async def _lend(self, found: list[Given], lease: float) -> None:
        if lease != self._wait:
            for given in found:
                await self._store.link.tell(given.settle, _held(lease))

    # --- settling ------------------------------------------------------------------------------------------------

    async def hold(self, given: Given, seconds: float) -> None:
        """Let the server give it out again after so many seconds, and not before."""
        await self._store.link.ask(given.settle, _held(seconds))

    async def again(self, given: Given, about: Mapping[str, Any]) -> bool:
        """Write it anew in its place, to be given out; returns whether it was still there."""
        try:
            data = payload.written(about, given.stored)
            await self._store.write(self.subject(given.name, given.order), data, last=given.seq)
        except Changed:
            return False
        return True

    async def remove(self, given: Given) -> bool:
        """Remove it; returns whether it was still there."""
        return await self._store.remove(streams.QUEUES, given.seq)

    # --- the consumer --------------------------------------------------------------------------------------------

    async def given_out(self) -> int:
        """The number up to which messages were given out; those with a smaller number were, once."""
        found = await self._info()
        return 0 if found is None else int(found["delivered"]["stream_seq"])

    async def _info(self) -> dict[str, Any] | None:
        try:
            return await self._store.link.api(f"CONSUMER.INFO.{self._stream}.{self._consumer}")
        except errors.Refused as error:
            if error.number == errors.NO_CONSUMER:
                return None
            raise

    async def _prepare(self, lease: float) -> None:
        """Let there be a consumer. Its own time is what the first receiver asked for, and never changes."""
        while not self._wait:
            found = await self._info()
            if found is not None:
                self._wait = found["config"]["ack_wait"] / _SECOND
            else:
                await self._create(min(max(lease, LEAST_WAIT), MOST_WAIT))

    async def _create(self, wait: float) -> None:
        config = {
            "durable_name": self._consumer,
            "filter_subject": self.subject(),
            "ack_policy": "explicit",
            "ack_wait": round(wait * _SECOND),
            "max_ack_pending": -1,
            "max_waiting": _MOST_PULLS,
            "inactive_threshold": _UNUSED * _SECOND,
        }
        name = f"CONSUMER.DURABLE.CREATE.{self._stream}.{self._consumer}"
        try:
            await self._store.link.api(name, stream_name=self._stream, config=config, action="create")
        except errors.Refused as error:
            if error.number not in errors.IS_THERE:  # another process was faster
                raise


def next_attempt(given: Given) -> dict[str, Any]:
    """What is to be known of it once it has been given out in vain."""
    return {**given.about, "attempt": given.about.get("attempt", 0) + 1}


def _given(message: Msg) -> Given:
    return Given.of(message.subject, _numbers(message)[1], message.reply, message.data)


def _deliveries(message: Msg) -> int:
    return _numbers(message)[0]


def _numbers(message: Msg) -> tuple[int, int]:
    """How often it was given out, and its number: `$JS.ACK[.domain.account].stream.consumer.times.number...`."""
    parts = message.reply.split(".")
    times = 4 if len(parts) == _SHORT else 6
    return int(parts[times]), int(parts[times + 1])


def _held(seconds: float) -> bytes:
    return b"-NAK %dns" % max(1, round(seconds * _SECOND))
