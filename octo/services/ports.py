"""Services as ports: one small protocol each. `octo.testing.services` checks that a provider keeps it.

Rules for all of them:

- **Keys and names** are texts of 1 to 512 bytes in UTF-8, with any character but NUL. Two that differ in one code point
  are different. **Namespaces** are 1 to 64 of `a-z`, `0-9`, `-` and `_`.
- **Values** are what a body may be, bytes and whole numbers of any size included, at most 1 MiB each. They come back
  equal and of the same types. Neither the service nor its callers ever change a value.
- **Times** are seconds, as in asyncio.
- **Errors**: `Permanent` for an argument beyond these limits, which no provider accepts (`octo.services.limits`);
  `Transient` where trying again may help: a server that cannot be reached, memory that is full. After a `Transient`
  that this module does not define, a write may have been done or not.
- Many tasks may call at once. A call that is cancelled may have been carried out.

Names are not scoped. To keep deployments apart, open their providers on different places.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol, Self

from octo.core.errors import Permanent, Transient
from octo.core.port import port
from octo.core.settings import Secret
from octo.services import codes


class Conflict(Transient):
    """The entry has another version than the write expects."""

    code = codes.CONFLICT


class Lost(Transient):
    """A lease or a received message was held for longer than agreed; another holder may have it by now."""

    code = codes.LOST


class Lagged(Transient):
    """A subscriber fell so far behind that it has missed events."""

    code = codes.LAGGED


class Missing(Permanent):
    """There is no secret or resource of that name."""

    code = codes.MISSING


class Rejected(Permanent):
    """The receiver of a request rejected it; the text is the reason."""

    code = codes.REJECTED


class Page(NamedTuple):
    """A part of a listing, in the order of code points. after: pass it to get the next part; "" at the end."""

    names: tuple[str, ...]
    after: str = ""


# --- key-value ---------------------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """The value under a key, and its version."""

    value: object
    version: int


@port("key-value")
class KeyValue(Protocol):
    """Values by key, in namespaces.

    Every write is atomic, and every read that begins after it has returned sees it. A version is a positive number
    that grows with each write of its key. It is never used again for that key, not even after the entry was deleted or
    has expired. So a caller that writes over a version knows that nothing happened in between.
    """

    async def get(self, namespace: str, key: str) -> Entry | None:
        """The entry, or None if there is none or it has expired."""
        ...

    async def put(
        self, namespace: str, key: str, value: object, *, version: int | None = None, ttl: float | None = None
    ) -> int:
        """Write the value; returns the new version.

        version: the version to write over, 0 for "only if there is no entry"; raises `Conflict` if the entry has
            another one.
        ttl: seconds after which the entry is gone. Without it the entry stays, even if it had a `ttl` before.
        """
        ...

    async def delete(self, namespace: str, key: str, *, version: int | None = None) -> None:
        """Remove the entry; a missing one is no error. Raises `Conflict` if it has another version than asked."""
        ...

    async def list(self, namespace: str, prefix: str = "", *, after: str = "", most: int = 100) -> Page:
        """At most `most` keys that begin with `prefix` and come after `after`.

        A key that exists during the whole listing is in it once. A key that is added or removed meanwhile may be in
        it or not.
        """
        ...

    async def increment(self, namespace: str, key: str, by: int = 1, *, ttl: float | None = None) -> int:
        """Add to the whole number under the key, atomically; returns the sum. A missing entry counts as 0.

        ttl: for a new entry; an existing entry keeps its own. So the counter counts for `ttl` seconds from its first
            increment, then begins again.
        Raises `Permanent` if the entry is no whole number, or if the sum does not fit into 64 bits.
        """
        ...


# --- leases ------------------------------------------------------------------------------------------------------


class Lease(NamedTuple):
    """The right to do something alone, for some time.

    token: greater than the token of every earlier lease of this name, also of processes that are gone. Send it to the
    system that the lease protects. If that system refuses smaller tokens, a holder that has lost the lease without
    noticing can no longer change it.
    """

    name: str
    token: int

    def lost(self) -> Lost:
        """The error of who renews it too late."""
        return Lost(f"the lease {self.name[:80]!r} was not renewed in time")


@port("leases")
class Leases(Protocol):
    """Names, each held by one holder at a time and for a limited time. See `octo.services.election` for leaders."""

    async def acquire(self, name: str, ttl: float, *, wait: float = 0.0) -> Lease | None:
        """Take the lease for `ttl` seconds, waiting at most `wait` seconds for it; None if it is still held then.

        A lease is free once it was released or its time is over. Waiting callers get it in no particular order.
        """
        ...

    async def renew(self, lease: Lease, ttl: float) -> None:
        """Hold it for `ttl` seconds from now. Raises `Lost` once its time is over, even if no other holder has it."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give it back; it is free at once. Releasing a lease that is lost already does nothing."""
        ...


# --- queues ------------------------------------------------------------------------------------------------------


class Received(NamedTuple):
    """A message of a queue, lent to one receiver.

    attempt: how many times it has been given out, this time included. receipt: for the provider alone.
    reason: why it is among the dead letters. wants_reply: whether a `request` waits for the reply of `ack`.
    order: the ordering key that it was sent with.
    """

    queue: str
    id: str
    value: object
    attempt: int
    receipt: object
    reason: str = ""
    wants_reply: bool = False
    order: str = ""

    def lost(self) -> Lost:
        """The error of who extends or settles it too late."""
        return Lost(f"the message {self.id} of the queue {self.queue[:80]!r} was held too long")


class Seen(NamedTuple):
    """Messages that were looked at. after: pass it to see the next ones; "" at the end."""

    messages: list[Received]
    after: str = ""


@port("queues")
class Queues(Protocol):
    """Messages that go to one of many receivers each, at least once.

    A message stays in its queue until it is acknowledged or rejected. The queue lends it to a receiver for `lease`
    seconds. If the receiver does not settle it by then, the queue takes it back and gives it out again, with the next
    attempt. Messages without a delay are given out for the first time in the order in which they were sent; a message
    that is given out again may come at any place. A queue need not be created: it exists when its name is used.

    Messages that were sent with the same ordering key are given out one at a time, in the order in which they were
    sent: the next one once the one before was acknowledged or rejected. So one that is lent, or waits to be given out
    again, holds up those of its key, and no others. Dead letters hold up nothing.

    keeps_order: whether it does that. A provider that cannot says `False`, and refuses ordering keys.
    """

    keeps_order: bool

    async def send(self, queue: str, value: object, *, delay: float = 0.0, key: str = "", order: str = "") -> str:
        """Add a message; returns its id once it is safe. It is not given out before `delay` seconds have passed.

        order: its ordering key, a name, "" for none; not together with a `delay`.

        key: for at least two minutes a second message with this key is not added to the queue; its `send` returns
            the id of the first, even if that one is done already. So a sender that does not know whether its message
            was sent may send it again.
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
        """Remove the message, because its work is done; a `request` that waits for a reply gets it.

        If its time was over and it was taken back, a provider either raises `Lost` or accepts the ack all the same.
        """
        ...

    async def nack(self, received: Received, *, delay: float = 0.0) -> None:
        """Give the message out again once `delay` seconds have passed. Does nothing if it was taken back already."""
        ...

    async def reject(self, received: Received, reason: str) -> None:
        """Put the message among the dead letters, where it stays until it is received and acknowledged there.

        A `request` that waits for a reply raises `Rejected`. Raises `Lost` if its time was over and it was taken back.
        """
        ...

    async def request(self, queue: str, value: object, *, timeout: float) -> object:
        """Send a message and return the reply. Raises `Rejected`, or `Timeout` when no reply comes in time.

        The message is like any other: a receiver gets it even when the caller has given up.
        """
        ...

    async def browse(self, queue: str, *, dead: bool = False, after: str = "", most: int = 100) -> Seen:
        """Look at messages and take none: at most `most` that come after `after`, those that are lent included.

        They are in the order in which they were sent, as far as the queue knows it. A message that is there during the
        whole browsing is seen once. What was only looked at cannot be settled; its `attempt` is how many times it has
        been given out so far.
        """
        ...

    async def count(self, queue: str, *, dead: bool = False) -> int:
        """How many messages it holds: waiting, delayed and lent. The number is approximate while others write."""
        ...


# --- topics ------------------------------------------------------------------------------------------------------


class Event(NamedTuple):
    """What was published. cursor: its place, for `Subscription.commit`."""

    value: object
    cursor: str


class Subscription(Protocol):
    """The events of one subscriber, each once and in the order of publication: `async for event in subscription`.

    The iteration waits for the next event and never ends. A provider keeps 1,000 events for a subscriber and 10,000 for
    a durable one, fewer where they are large. If the subscriber falls further behind, `__anext__` raises `Lagged` once;
    the next call goes on with the oldest event left.
    """

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> Event: ...

    async def commit(self, event: Event) -> None:
        """Mark everything up to this event as done: a durable subscriber that comes back goes on after it.

        It counts also after the subscription was left: messages finish after their source has stopped.
        """
        ...


@port("topics")
class Topics(Protocol):
    """Events that every subscriber gets. A topic may have no subscriber."""

    async def publish(self, topic: str, value: object) -> None:
        """Send the event to every subscriber; does not wait until they have it."""
        ...

    def subscribe(self, topic: str, *, durable: str = "") -> AbstractAsyncContextManager[Subscription]:
        """Subscribe while entered; from then on no event is missed.

        durable: the name under which the subscriber is remembered. It also gets what was published while it was away:
            every event after the last one it has committed, so at least once. Use a name for one subscriber at a
            time: two that share it get the same events.
        """
        ...

    async def forget(self, topic: str, durable: str) -> None:
        """Keep nothing more for this durable subscriber; an unknown name is no error."""
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
        """At most `most` names that begin with `prefix` and come after `after`."""
        ...
