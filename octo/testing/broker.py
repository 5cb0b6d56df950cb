"""A message broker for tests, with the verbs and the failures of real ones, on the clock of the running loop.

    brokers["mq"] = broker = Broker(lease=30.0, most_attempts=3)
    broker.publish({"order": 1})
    async with running(FLOW, broker_plugins(plugins)):  # `connectors: [{name: mq, type: broker}]`
        await asyncio.sleep(60)
    assert broker.ended == {1: "done"}

It keeps the promise of real brokers: it delivers a message, one attempt after the other, until the message is done,
dropped or dead. An attempt ends when it is settled, when the consumer's connection ends, or when its lease runs out.
With a `journal` the promise also holds after the process has ended.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self

from octo.core import clock
from octo.core.block import block
from octo.core.connector import connector
from octo.core.delivery import Delivery, Done, Idle, Reject, Retry, Verdict
from octo.core.errors import Disconnected, Transient
from octo.core.expressions import Expr
from octo.core.flow import Drop
from octo.core.message import Message
from octo.core.plugins import Plugins
from octo.core.settings import Settings
from octo.core.source import source

brokers: dict[str, Broker] = {}
"""The brokers that connectors of type `broker` use, by name."""

POLL = 10.0
"""Seconds without a message after which a source says that it is idle."""


class Event(NamedTuple):
    """Something that happened to a message. kind: `published`, `delivered`, `extended`, `expired`, `released`, or a
    verdict: `done`, `dropped`, `retried`, `dead`. at: seconds since the epoch.
    """

    kind: str
    id: int
    attempt: int
    at: float


@dataclass
class Held:
    """A message in a broker. state: `ready` from `until` on, `leased` up to `until`, or how it ended."""

    id: int
    queue: str
    body: Any
    state: str = "ready"
    until: float = 0.0
    attempt: int = 0
    reason: str = ""


class Broker:
    """See the module.

    lease: seconds after which an attempt ends, unless the consumer extends it. most_attempts: for each message; None
        for no limit.
    journal: a file in which the messages outlive the process.
    history: what happened, in order. verdicts: id and attempt of every verdict that a consumer gave, also of those
        that did not arrive. refuses: the verbs of sessions that fail now; a test may change it.
    """

    def __init__(self, *, lease: float = 30.0, most_attempts: int | None = None, journal: Path | None = None) -> None:
        self.lease = lease
        self.most_attempts = most_attempts
        self.history: list[Event] = []
        self.verdicts: list[tuple[int, int]] = []
        self.refuses: set[str] = set()
        self.is_silent = False
        self._is_up = True
        self._journal = journal
        self._messages: dict[int, Held] = dict(_read(journal))
        self._sessions: list[Session] = []
        self._changed: asyncio.Event | None = None

    # --- for tests -----------------------------------------------------------------------------------------------

    def publish(self, body: object, queue: str = "main") -> int:
        """Put a message into a queue; return its id. Ids count from 1."""
        held = Held(len(self._messages) + 1, queue, body)
        self._messages[held.id] = held
        self.note("published", held)
        return held.id

    def disconnect(self) -> None:
        """Cut every connection, and refuse new ones; messages that were not settled are ready again."""
        self._is_up = False
        for session in tuple(self._sessions):
            session.close()

    def reconnect(self) -> None:
        """Accept connections again."""
        self._is_up = True

    def crash(self) -> None:
        """Kill every consumer, as if its process were killed: its attempts end only when their leases run out."""
        for session in self._sessions:
            session.is_dead = True
        self._sessions.clear()

    def silence(self) -> None:
        """Keep the connections, but let nothing through them."""
        self.is_silent = True

    def speak(self) -> None:
        """End the silence."""
        self.is_silent = False
        self._wake()

    @property
    def ended(self) -> dict[int, str]:
        """How the messages that have ended did so: `done`, `dropped` or `dead`, by id."""
        return {held.id: held.state for held in self._messages.values() if held.state not in ("ready", "leased")}

    @property
    def dead(self) -> dict[int, str]:
        """Why each dead letter was rejected, by id."""
        return {held.id: held.reason for held in self._messages.values() if held.state == "dead"}

    def bodies(self, queue: str) -> list[Any]:
        """The bodies that were published to a queue, in order."""
        return [held.body for held in self._messages.values() if held.queue == queue]

    # --- for sessions --------------------------------------------------------------------------------------------

    def connect(self) -> Session:
        """A connection of a consumer."""
        if not self._is_up:
            raise Transient("connection refused")
        session = Session(self)
        self._sessions.append(session)
        return session

    def part(self, session: Session) -> None:
        if session in self._sessions:
            self._sessions.remove(session)
        self._wake()

    def next(self, queue: str) -> Held | None:
        """The next message of a queue, leased."""
        self._expire()
        now = _now()
        ready = [each for each in self._messages.values() if (each.queue, each.state) == (queue, "ready")]
        held = min((each for each in ready if each.until <= now), key=lambda each: each.until, default=None)
        if held is not None:
            held.state, held.until, held.attempt = "leased", now + self.lease, held.attempt + 1
            self.note("delivered", held)
        return held

    async def changes(self, seconds: float) -> None:
        """Return when a message may have become ready, after at most `seconds`."""
        self._changed = self._changed or asyncio.Event()
        times = [each.until for each in self._messages.values() if each.state in ("ready", "leased")]
        later = [time - _now() for time in times if time > _now()]
        try:
            async with asyncio.timeout(min((seconds, *later))):
                await self._changed.wait()
        except TimeoutError:
            return

    def note(self, kind: str, held: Held) -> None:
        self.history.append(Event(kind, held.id, held.attempt, _now()))
        if self._journal is not None:
            with self._journal.open("ab", buffering=0) as file:
                file.write(json.dumps(asdict(held)).encode() + b"\n")
        self._wake()

    def _expire(self) -> None:
        for held in self._messages.values():
            if held.state == "leased" and held.until <= _now():
                held.state = "ready"
                self.note("expired", held)

    def _wake(self) -> None:
        if self._changed is not None:
            self._changed.set()
            self._changed = None


class Session:
    """A connection to a broker. Every verb raises `Disconnected` once the connection is gone.

    is_dead: whether the consumer's process was killed: then nothing that it does reaches the broker.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._mine: dict[tuple[int, int], Held] = {}
        self._is_closed = False
        self.is_dead = False

    async def receive(self, queue: str, prefetch: int, seconds: float = POLL) -> Held | None:
        """The next message, or None if there is none within `seconds`. Waits while `prefetch` are not settled."""
        end = _now() + seconds
        while True:
            await self._reach("receive")
            held = self._broker.next(queue) if len(self._mine) < prefetch and not self.is_dead else None
            if held is not None:
                self._mine[held.id, held.attempt] = held
                return held
            if _now() >= end and not self.is_dead:
                return None
            await self._broker.changes(86400 if self.is_dead else end - _now())

    async def settle(self, id: int, attempt: int, state: str, after: float = 0.0, reason: str = "") -> None:  # noqa: A002
        """End an attempt. state: `done`, `dropped`, `dead`, or `ready` to deliver it again after `after` seconds."""
        self._broker.verdicts.append((id, attempt))
        await self._reach("settle")
        if not self.is_dead:
            held = self._own(id, attempt)
            del self._mine[id, attempt]
            held.state, held.until, held.reason = state, _now() + after, reason
            self._broker.note("retried" if state == "ready" else state, held)

    async def extend(self, id: int, attempt: int) -> None:  # noqa: A002
        """Renew the lease."""
        await self._reach("extend")
        if not self.is_dead:
            held = self._own(id, attempt)
            held.until = _now() + self._broker.lease
            self._broker.note("extended", held)

    async def ping(self) -> None:
        """Raise if the broker cannot be reached."""
        await self._reach("ping")

    async def publish(self, queue: str, body: object) -> None:
        """Put a message into a queue."""
        await self._reach("publish")
        if not self.is_dead:
            self._broker.publish(body, queue)

    def close(self) -> None:
        """End the connection: messages that were not settled are ready again, and their attempts count."""
        if self._is_closed or self.is_dead:
            return
        self._is_closed = True
        for (_, attempt), held in self._mine.items():
            if (held.state, held.attempt) == ("leased", attempt):
                held.state, held.until = "ready", _now()
                self._broker.note("released", held)
        self._broker.part(self)

    async def _reach(self, verb: str) -> None:
        while self._broker.is_silent and not (self._is_closed or self.is_dead):
            await self._broker.changes(86400)
        if self._is_closed:
            raise Disconnected("the broker closed the connection")
        if verb in self._broker.refuses:
            raise Transient(f"the broker refuses to {verb}")

    def _own(self, id: int, attempt: int) -> Held:  # noqa: A002
        held = self._mine[id, attempt]
        if (held.state, held.attempt) != ("leased", attempt) or held.until <= _now():
            del self._mine[id, attempt]
            raise Transient(f"attempt {attempt} of message {id} is over, its lease has run out")
        return held


# --- the connector -----------------------------------------------------------------------------------------------


class Address(Settings):
    broker: str = "mq"
    """Name in `brokers`."""
    journal: Path | None = None
    """The journal of a new broker, which is created if none has this name."""
    lease: float = 30.0
    """The lease of the new broker, in seconds."""


class Consume(Settings):
    queue: str = "main"
    """Queue to read. A message is settled once its flow has finished."""
    prefetch: int = 8
    """How many messages may be delivered and not yet settled, at most."""


class Publish(Settings):
    queue: str = "out"
    """Queue to write to."""
    value: Expr[object]
    """What to publish."""


@connector("broker")
class Client:
    """See the module."""

    def __init__(self, session: Session, broker: Broker) -> None:
        self._session = session
        self._broker = broker

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Address) -> AsyncIterator[Self]:
        if settings.journal is not None and settings.broker not in brokers:
            brokers[settings.broker] = Broker(journal=settings.journal, lease=settings.lease)
        broker = brokers[settings.broker]
        session = broker.connect()
        try:
            yield cls(session, broker)
        finally:
            session.close()

    async def health(self) -> None:
        await self._session.ping()

    @source("queue", silence=timedelta(seconds=3 * POLL), guarantee="at least once", steps=("flow", "acknowledge"))
    async def consume(self, settings: Consume) -> AsyncIterator[Delivery | Idle]:
        """Take messages from a queue.

        Guarantee: at least once. Variables: `id` and `attempt`.
        """
        while True:
            held = await self._session.receive(settings.queue, settings.prefetch)
            yield Idle() if held is None else self._delivery(held.id, held.attempt, held.body)

    @block("broker-publish", guarantee="at least once", steps=("send", "confirm"))
    async def publish(self, settings: Publish, message: Message) -> Message:
        """Publish a value."""
        await self._session.publish(settings.queue, settings.value(message))
        return message

    def _delivery(self, id: int, attempt: int, body: object) -> Delivery:  # noqa: A002
        session = self._session

        async def settle(verdict: Verdict) -> None:
            match verdict:
                case Done():
                    await session.settle(id, attempt, "done")
                case Drop(reason):
                    await session.settle(id, attempt, "dropped", reason=reason)
                case Retry(after):
                    await session.settle(id, attempt, "ready", after)
                case Reject(reason):
                    await session.settle(id, attempt, "dead", reason=reason)

        async def extend() -> None:
            await session.extend(id, attempt)

        return Delivery(
            Message(body, {"id": id, "attempt": attempt}),
            settle,
            attempt=attempt,
            most_attempts=self._broker.most_attempts,
            extend=extend,
            lease=self._broker.lease,
        )


def broker_plugins(others: Plugins) -> Plugins:
    """The other components, and the broker."""
    home = f"{__name__}:Client"
    return others.joined(Plugins({"broker": home}, {"broker-publish": home}))


def _now() -> float:
    return clock.now_ns() / 1e9


def _read(journal: Path | None) -> Iterator[tuple[int, Held]]:
    """The last state of each message in a journal. A line without its end was not written whole, and is ignored."""
    if journal is None or not journal.exists():
        return
    for line in journal.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            held = Held(**json.loads(line))
            yield held.id, held
