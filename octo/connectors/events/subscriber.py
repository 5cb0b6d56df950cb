"""One subscriber: hands out its events, tries again what failed, and commits in the order of publication.

A durable subscriber outlives the source that reads for it: after a reload, the next source knows which events the one
before has under way, and hands none of them out a second time.

Invariants:
- An event is committed only when it and all before it are finished, in whatever order they finish.
- `_busy` counts the events that were handed out or wait to be tried again; these are at most `listeners`. So with one
  listener the order holds, also when an event is tried again.
- `_open` has every event that was handed out and is not committed, in the order of publication, at most `WINDOW`.
- Those under way and those that wait for a commit are together at most twice `listeners`: a kill repeats no more of
  them. A commit that failed ends the source, and the next one begins with it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import deque
from itertools import takewhile

from octo.connectors.events.settings import Subscribe
from octo.core.delivery import Delivery, Idle, Reject, Retry, Verdict
from octo.core.errors import Permanent
from octo.core.log import fields
from octo.core.message import Message
from octo.services.ports import Event, Lagged, Subscription

log = logging.getLogger("octo.events")

LOOK = 20.0
"""Seconds after which a source that has no event says that it works."""
WINDOW = 1000
"""Events that wait to be committed because an earlier one is not finished. Far fewer than a provider keeps."""
TOLD = 60.0
"""Seconds for which health tells of missed events."""


class Subscriber:
    """See the module."""

    def __init__(self, settings: Subscribe) -> None:
        self.settings = settings
        self._open: dict[str, Event] = {}
        self._done: set[str] = set()
        self._due: deque[tuple[Event, int]] = deque()
        self._busy = 0
        self._subscription: Subscription
        self._scope: asyncio.Timeout | None = None
        self._reads = False
        self._failed: Exception | None = None
        self._committing = asyncio.Lock()
        self._lagged: tuple[float, str] | None = None

    async def begin(self) -> None:
        """Commit what the source before could not, so that it is not read again. Call it before subscribing."""
        self._failed = None
        await self._commit()

    async def next(self, subscription: Subscription) -> Delivery | Idle:
        """The next event; `Idle` if there is none for a while. Raises why the last commit failed."""
        if self._failed is not None:
            raise self._failed
        self._subscription = subscription
        found = self._due.popleft() if self._due else await self._read()
        if found is None:
            return Idle()
        delivery = self._delivery(*found)
        if isinstance(delivery, Idle):
            await self._commit()
        return delivery

    async def _read(self) -> tuple[Event, int] | None:
        """The next event of the subscription once there is room for it; None after a while, or if one is due again."""
        try:
            async with asyncio.timeout(LOOK) as self._scope:
                if not self._has_room():
                    await asyncio.get_running_loop().create_future()  # `_wake` ends it
                self._reads = True
                event = await anext(self._subscription)
        except TimeoutError:
            if self._scope is None or not self._scope.expired():
                raise
            return None
        except Lagged as error:
            self._missed(error)
            return None
        finally:
            self._scope, self._reads = None, False
        if self.settings.durable:
            if event.cursor in self._open:
                return None  # the source before this one has it under way
            self._open[event.cursor] = event
        self._busy += 1
        return event, 1

    def _has_room(self) -> bool:
        listeners = self.settings.listeners
        most = len(self._open) < WINDOW and self._busy + len(self._finished()) < 2 * listeners
        return most and self._busy < listeners

    def _wake(self) -> None:
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(asyncio.get_running_loop().time())

    def _missed(self, error: Lagged) -> None:
        about = {"subject": self.settings.subject, "durable": self.settings.durable}
        log.warning("events were missed", extra=fields(**about, error=str(error)))
        self._lagged = (asyncio.get_running_loop().time(), str(error))

    @property
    def lagged(self) -> str:
        """What this subscriber has missed within the last minute, "" if nothing."""
        if self._lagged is None or asyncio.get_running_loop().time() - self._lagged[0] > TOLD:
            return ""
        return self._lagged[1]

    # --- what becomes of an event --------------------------------------------------------------------------------

    def _delivery(self, event: Event, attempt: int) -> Delivery | Idle:
        try:
            message = Message.from_record(event.value)
        except Permanent as error:  # another program has published it: it must not stop the others
            log.error("an event is no message", extra=self._about(error=str(error)))  # noqa: TRY400
            self._busy -= 1
            self._done.add(event.cursor)
            return Idle()

        async def settle(verdict: Verdict) -> None:
            await self._settle(event, attempt, verdict)

        if not self.settings.durable:
            return Delivery(message.rekeyed(), settle)
        return Delivery(self._own(message), settle, attempt=attempt, most_attempts=self.settings.max_attempts)

    def _own(self, message: Message) -> Message:
        """The message with an event id of this subscriber: the same each time the event comes, and of no other."""
        digest = hashlib.blake2b(f"{message.event_id} {self.settings.durable}".encode(), digest_size=6).hexdigest()
        event_id = message.rekeyed().event_id[: -len(digest)] + digest
        return Message(message.body, message.vars, event_id, message.correlation_id, message.raw, message.traceparent)

    async def _settle(self, event: Event, attempt: int, verdict: Verdict) -> None:
        if self.settings.durable and isinstance(verdict, Retry):
            # A stop is not the event's fault: 0 seconds, and the same attempt again if a reload goes on.
            attempts = attempt + 1 if verdict.after else attempt
            asyncio.get_running_loop().call_later(verdict.after, self._again, event, attempts)
            return
        if self.settings.durable and isinstance(verdict, Reject):
            log.error("an event was given up", extra=self._about(attempt=attempt, reason=verdict.reason))
        self._busy -= 1
        try:
            if self.settings.durable:
                self._done.add(event.cursor)
                await self._commit()
        finally:
            if self._failed is not None or not self._reads:
                self._wake()

    def _again(self, event: Event, attempt: int) -> None:
        self._due.append((event, attempt))
        self._wake()

    def _finished(self) -> list[Event]:
        """The events before the first one that is not finished."""
        return [event for _, event in takewhile(lambda each: each[0] in self._done, self._open.items())]

    async def _commit(self) -> None:
        """Commit what is finished. What finishes meanwhile shares the next commit."""
        async with self._committing:
            finished = self._finished()
            if not finished:
                return
            try:
                await self._subscription.commit(finished[-1])
            except Exception as error:
                self._failed = error
                raise
            for each in finished:
                del self._open[each.cursor]
                self._done.discard(each.cursor)

    def _about(self, **more: object) -> dict[str, object]:
        return fields(subject=self.settings.subject, durable=self.settings.durable, **more)
