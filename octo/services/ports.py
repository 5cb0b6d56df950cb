"""Services as ports: one small protocol each, which every provider keeps (`octo.testing.services` checks it).

What holds for all of them:

- **Keys and names** are texts of 1 to 512 bytes in UTF-8, with any character but NUL; two that differ in one code point
  are two. **Namespaces** are 1 to 64 of `a-z`, `0-9`, `-` and `_`.
- **Values** are what a body may be, bytes and whole numbers of any size included, at most 1 MiB each. They come back
  equal and of the same types. Nobody changes a value, neither the service nor who gave it or got it.
- **Times** are seconds, as in asyncio.
- **Errors**: `Permanent` for an argument beyond these limits, which no provider accepts (`octo.services.limits`);
  `Transient` where trying again may help: a server that cannot be reached, memory that is full. After a `Transient`
  that is none of this module's a write may have been done or not.
- Many tasks may call at once. A call that is cancelled may have been carried out.

Names are not scoped: what belongs to one deployment is a matter of how its provider is opened.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol, Self

from octo.core.errors import Permanent, Transient
from octo.core.port import port
from octo.core.settings import Secret
from octo.services import codes


class Conflict(Transient):
    """The entry has another version than the one it was to be written over."""

    code = codes.CONFLICT


class Lost(Transient):
    """A lease or a delivery was held too long and belongs to somebody else by now."""

    code = codes.LOST


class Lagged(Transient):
    """A subscriber fell so far behind that events are gone for it."""

    code = codes.LAGGED


class Missing(Permanent):
    """There is no secret or resource of that name."""

    code = codes.MISSING


class Rejected(Permanent):
    """Whoever worked on a request rejected it; the text is the reason."""

    code = codes.REJECTED


class Page(NamedTuple):
    """A part of a listing, in the order of code points. after: what to ask for the next part with; "" at the end."""

    names: tuple[str, ...]
    after: str = ""


# --- key-value ---------------------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """What stands under a key."""

    value: object
    version: int


@port("key-value")
class KeyValue(Protocol):
    """Values by key, in namespaces.

    Every write is atomic, and seen by each read that begins after it has returned. A version is a positive number,
    greater with each write of its key; it is never used again for that key, also after the entry was deleted or has
    expired. So whoever writes over a version knows that nothing happened in between.
    """

    async def get(self, namespace: str, key: str) -> Entry | None:
        """The entry, or None if there is none or it has expired."""
        ...

    async def put(
        self, namespace: str, key: str, value: object, *, version: int | None = None, ttl: float | None = None
    ) -> int:
        """Write the value; returns the new version.

        version: the one to write over, 0 for "only if there is none"; raises `Conflict` if it is another one.
        ttl: after how many seconds the entry is gone. Without it the entry stays, whatever it had before.
        """
        ...

    async def delete(self, namespace: str, key: str, *, version: int | None = None) -> None:
        """Remove the entry; one that is not there is fine. Raises `Conflict` if it has another version than asked."""
        ...

    async def list(self, namespace: str, prefix: str = "", *, after: str = "", most: int = 100) -> Page:
        """At most `most` keys that begin with `prefix`, those behind `after`.

        A key that is there during the whole listing is in it once; one that comes or goes meanwhile may be.
        """
        ...

    async def increment(self, namespace: str, key: str, by: int = 1, *, ttl: float | None = None) -> int:
        """Add to the whole number under the key, atomically; returns the sum. Where there is none, it begins at 0.

        ttl: of the entry that begins; one that is there keeps its own. So it ends a window that begins with the first.
        Raises `Permanent` if something else stands there, or if the sum does not fit into 64 bits.
        """
        ...


# --- leases ------------------------------------------------------------------------------------------------------


class Lease(NamedTuple):
    """The right to do something alone, for some time.

    token: greater than that of every lease given out before under this name, also by processes that are gone. Hand it
    to what must not be changed by somebody who has lost the lease without noticing: it refuses the smaller one.
    """

    name: str
    token: int


@port("leases")
class Leases(Protocol):
    """Names that one at a time may hold, each for a limited time. See `octo.services.election` for leaders."""

    async def acquire(self, name: str, ttl: float, *, wait: float = 0.0) -> Lease | None:
        """Take the lease for `ttl` seconds, waiting at most `wait` for it; None if somebody else has it still.

        It is free when it was released, or when its time is over. Nobody is promised a turn.
        """
        ...

    async def renew(self, lease: Lease, ttl: float) -> None:
        """Hold it for `ttl` seconds from now. Raises `Lost` once its time is over, whoever holds it now."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give it back; it is free at once. One that is lost already is left to whom it belongs."""
        ...


# --- queues ------------------------------------------------------------------------------------------------------


class Received(NamedTuple):
    """A message of a queue, lent to one receiver.

    attempt: how many times it has been given out, this time included. receipt: the provider's own.
    reason: why it is among the dead letters. wants_reply: whether somebody waits for what `ack` replies.
    """

    queue: str
    id: str
    value: object
    attempt: int
    receipt: object
    reason: str = ""
    wants_reply: bool = False


@port("queues")
class Queues(Protocol):
    """Messages that one of many receivers gets, at least once.

    A message that was sent stays until it is acknowledged or rejected. Given out, it is lent for `lease` seconds: if
    nobody settles it by then, it is taken back and given out again, with the next attempt. Messages without a delay
    are given out for the first time in the order in which they were sent; one that is given out again may come at any
    place. A queue exists because its name is used.
    """

    async def send(self, queue: str, value: object, *, delay: float = 0.0, key: str = "") -> str:
        """Add a message; returns its id once it is safe. It is not given out before `delay` seconds have passed.

        key: for at least two minutes a second message with this key is not added to the queue, and the id of the
        first is returned, also when that one is done already. So whoever does not know whether a message was sent
        may send it again.
        """
        ...

    async def receive(
        self, queue: str, *, most: int = 1, lease: float = 30.0, wait: float = 0.0, dead: bool = False
    ) -> list[Received]:
        """At most `most` messages, each lent for `lease` seconds; waits at most `wait` seconds for the first.

        dead: from the dead letters of the queue.
        """
        ...

    async def extend(self, received: Received, lease: float) -> None:
        """Keep the message for `lease` seconds from now. Raises `Lost` if its time was over and it was taken back."""
        ...

    async def ack(self, received: Received, reply: object = None) -> None:
        """The work is done: the message is gone, and whoever waits for a reply gets it.

        If its time was over and it was taken back, this raises `Lost`, or counts all the same, for the work is done.
        """
        ...

    async def nack(self, received: Received, *, delay: float = 0.0) -> None:
        """Give the message out again, once `delay` seconds have passed. One that was taken back is left as it is."""
        ...

    async def reject(self, received: Received, reason: str) -> None:
        """Put the message among the dead letters, where it stays until somebody receives and acknowledges it there.

        Whoever waits for a reply gets `Rejected`. Raises `Lost` if its time was over and it was taken back.
        """
        ...

    async def request(self, queue: str, value: object, *, timeout: float) -> object:
        """Send a message and return the reply. Raises `Rejected`, or `Timeout` when none has come in time.

        The message is one as any other: it is worked on also when whoever asked has given up.
        """
        ...

    async def count(self, queue: str, *, dead: bool = False) -> int:
        """How many messages it holds: waiting, delayed and lent. Where many write at once, about."""
        ...


# --- topics ------------------------------------------------------------------------------------------------------


class Event(NamedTuple):
    """What was published. cursor: its place, for `Subscription.commit`."""

    value: object
    cursor: str


class Subscription(Protocol):
    """The events of one subscriber, each once and in the order of publication: `async for event in subscription`.

    The iteration waits for the next event and never ends. A provider keeps 1,000 events for a subscriber and 10,000 for
    a durable one, fewer where they are large. Whoever falls further behind is told: the iteration raises `Lagged` once,
    and when asked again goes on with the oldest event left.
    """

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> Event: ...

    async def commit(self, event: Event) -> None:
        """Everything up to this event is done: a durable subscriber that comes back goes on behind it."""
        ...


@port("topics")
class Topics(Protocol):
    """Events that every subscriber gets. Nobody need be there to listen."""

    async def publish(self, topic: str, value: object) -> None:
        """Hand the event to everybody who has subscribed; does not wait until they have it."""
        ...

    def subscribe(self, topic: str, *, durable: str = "") -> AbstractAsyncContextManager[Subscription]:
        """Subscribe while entered; from then on no event is missed.

        durable: the name under which the subscriber is remembered. It gets what was published while it was away, from
        behind what it has committed, so at least once. One at a time: two that share a name get the same events.
        """
        ...

    async def forget(self, topic: str, durable: str) -> None:
        """Keep nothing more for this durable subscriber; one that is not known is fine."""
        ...


# --- secrets and resources ---------------------------------------------------------------------------------------


@port("secrets")
class Secrets(Protocol):
    """Texts that are never printed."""

    async def read(self, name: str) -> Secret:
        """The secret as it is now; from here on logs and traces mask it. Raises `Missing`."""
        ...


@port("resources")
class Resources(Protocol):
    """Files that belong to a configuration. Names are relative paths with `/`."""

    async def read(self, name: str) -> bytes:
        """The content as it is now, however large. Raises `Missing`."""
        ...

    async def list(self, prefix: str = "", *, after: str = "", most: int = 100) -> Page:
        """At most `most` names that begin with `prefix`, those behind `after`."""
        ...
