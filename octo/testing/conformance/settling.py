"""Checks deliveries: each verdict must reach the other system, and a message that was not settled must come again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from octo.config.documents import SourceDoc
from octo.core.delivery import Delivery, Done, Idle, Reject, Retry, Verdict
from octo.core.errors import Permanent, Transient
from octo.core.flow import Drop
from octo.core.message import Message
from octo.testing.conformance.subject import Feed, Subject
from octo.testing.conformance.watch import Findings, watched


async def check(subject: Subject, source: SourceDoc, where: str, feed: Feed, found: Findings) -> None:
    """Report the deliveries of a pull source that are lost, or come again, against the promise."""
    await _Settling(subject, source, where, feed, found).check()


class _Reader:
    """An open connector and the deliveries of its source."""

    def __init__(self, connector: Any, deliveries: AsyncGenerator[Any, None]) -> None:
        self.connector = connector
        self.deliveries = deliveries

    async def next(self, seconds: float) -> object:
        """The next delivery, or None if none comes in time. After None the source can only be closed."""
        try:
            async with asyncio.timeout(seconds):
                async for each in self.deliveries:
                    if not isinstance(each, Idle):
                        return each
        except TimeoutError:
            pass
        return None


class _Settling:
    """The checks of one source. Invariant: each check leaves the other system without a message, as it found it."""

    def __init__(self, subject: Subject, source: SourceDoc, where: str, feed: Feed, found: Findings) -> None:
        self.source = source
        self.where = where
        self.found = found
        self._subject = subject
        self._feed = feed
        self._given = subject.given

    async def check(self) -> None:
        async with watched(self.where, self.found):
            if not await self._brings():
                return
            for name, verdict in (("Done", Done(Message())), ("Drop", Drop()), ("Reject", _REJECT)):
                await self._is_over(name, verdict)
            await self._comes_again_when_unsettled()
            await self._comes_again_when_retried()
            await self._is_settled_by_itself()
            await self._is_settled_after_the_source_has_stopped()

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[_Reader]:
        async with self._subject.open() as connector:
            deliveries = self._subject.begin(self.source, connector)
            async with aclosing(deliveries):
                yield _Reader(connector, deliveries)

    async def _fed(self, reader: _Reader) -> Delivery | None:
        """Feed a message; return its delivery."""
        await self._feed(reader.connector)
        found = await reader.next(self._given.patience)
        return found if isinstance(found, Delivery) else None

    async def _settle(self, delivery: Delivery | None, verdict: Verdict) -> None:
        if delivery is None or delivery.settle is None:
            return
        try:
            async with asyncio.timeout(self._given.patience):
                await delivery.settle(verdict)
        except TimeoutError:
            self.found.add(f"{self.where}: `settle` does not return: it must not wait for the reader")
        except Exception as error:  # noqa: BLE001  whatever it raises is a finding
            text = self.found.raised("`settle`", error)
            self.found.add(f"{self.where}: `settle` raises {text} for {type(verdict).__name__}")

    async def _again(self, seconds: float) -> Delivery | None:
        """The delivery that comes after the connector is opened again, settled as done; None if there is none."""
        async with self._reading() as reader:
            found = await reader.next(seconds)
            again = found if isinstance(found, Delivery) else None
            await self._settle(again, Done(Message()))
            return again

    # --- the checks ----------------------------------------------------------------------------------------------

    async def _brings(self) -> bool:
        """Whether the source brings deliveries that can be settled."""
        async with self._reading() as reader:
            await self._feed(reader.connector)
            first = await reader.next(self._given.patience)
            if wrong := self._wrong(first):
                self.found.add(f"{self.where} {wrong}")
            if not isinstance(first, Delivery) or first.settle is None:
                return False
            await self._settle(first, Done(Message()))
            return True

    def _wrong(self, first: object) -> str:
        if first is None:
            return "does not bring what it was fed within `patience`"
        if not isinstance(first, Delivery):
            return f"yields a {type(first).__name__}: yield octo.Delivery(message, settle)"
        message: object = first.message
        if not isinstance(message, Message):
            return f"delivers a {type(message).__name__}: make it an octo.Message with that as its body"
        if first.settle is None and "at most once" not in self.source.type.doc.lower().replace("-", " "):
            return "never learns what became of a message: its docstring must say `at most once`"
        return ""

    async def _is_over(self, name: str, verdict: Verdict) -> None:
        async with self._reading() as reader:
            await self._settle(await self._fed(reader), verdict)
        if await self._again(self._given.quiet):
            self.found.add(
                f"{self.where} brings a message again after {name}: remove it from the other system in `settle`"
            )

    async def _comes_again_when_unsettled(self) -> None:
        async with self._reading() as reader:
            await self._fed(reader)
        if not await self._again(self._given.patience):
            self.found.add(
                f"{self.where} loses a message that was taken and never settled, as after a crash: remove it from the "
                "other system in `settle`, not before"
            )

    async def _comes_again_when_retried(self) -> None:
        async with self._reading() as reader:
            first = await self._fed(reader)
            await self._settle(first, Retry(0.0, Transient("as ordered")))
        again = await self._again(self._given.patience)
        if again is None:
            self.found.add(f"{self.where} loses a message after Retry: return it to the other system")
        elif first is not None and again.most_attempts is not None and again.attempt <= first.attempt:
            self.found.add(f"{self.where} does not count attempts: the second delivery has attempt={again.attempt}")

    async def _is_settled_by_itself(self) -> None:
        """Two messages in flight are settled in reverse order. A source may also bring one at a time."""
        async with self._reading() as reader:
            first = await self._fed(reader)
            await self._feed(reader.connector)
            second = await reader.next(self._given.quiet)
            if isinstance(second, Delivery):
                await self._settle(second, Done(Message()))
            await self._settle(first, Done(Message()))
        if not isinstance(second, Delivery):
            await self._again(self._given.patience)
        elif await self._again(self._given.quiet):
            self.found.add(f"{self.where} confuses two messages in flight: each `settle` must settle its own message")

    async def _is_settled_after_the_source_has_stopped(self) -> None:
        """As while draining: the source has stopped, and a message in flight finishes."""
        async with self._reading() as reader:
            delivery = await self._fed(reader)
            await reader.deliveries.aclose()
            await self._settle(delivery, Done(Message()))
        if await self._again(self._given.quiet):
            self.found.add(
                f"{self.where} brings a message again that was settled after the source had stopped, as while "
                "draining: `settle` must work until the connector is closed"
            )


_REJECT = Reject("as ordered", Permanent("as ordered"))
