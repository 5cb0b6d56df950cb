"""Checks sources: each is read, entered, left and cancelled, and must bring what `feed` gives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from octo.config.documents import SourceDoc
from octo.core.errors import OctoError, Overloaded, Permanent
from octo.core.flow import Failure, Result
from octo.core.message import Message
from octo.testing.conformance import settling
from octo.testing.conformance.subject import Feed, Subject
from octo.testing.conformance.watch import TURNS, Findings, cancelled, watched


async def check(subject: Subject, found: Findings) -> None:
    """Report what the sources of the opened connector get wrong."""
    for name, source in subject.sources():
        where = f"the source `{name}`"
        if where in found.unsafe:
            continue
        feed = subject.given.feed.get(name)
        if feed is None and name not in subject.given.without:
            found.add(f"{where} was not fed: give feed={{'{name}': ...}}, or say without={{'{name}'}}")
        try:
            if source.type.is_push:
                await _push(subject, source, where, feed, found)
            else:
                await _pull(subject, source, where, feed, found)
        except Exception as error:  # noqa: BLE001  whatever it raises is a finding
            kind = "" if isinstance(error, OctoError) else ": raise octo.Permanent or octo.Transient with what to do"
            found.add(f"{where} raises {found.raised(where, error)}{kind}")


# --- pull --------------------------------------------------------------------------------------------------------


async def _pull(subject: Subject, source: SourceDoc, where: str, feed: Feed | None, found: Findings) -> None:
    for turns in TURNS:
        async with watched(f"{where}, cancelled while it is read,", found):
            if wrong := await cancelled(_read(subject, source), turns, subject.given.patience):
                found.add(f"{where} {wrong}")
                return  # any further step on this source could wait for ever
    if feed is not None:
        await settling.check(subject, source, where, feed, found)


async def _read(subject: Subject, source: SourceDoc) -> None:
    async with subject.open() as connector:
        deliveries: AsyncGenerator[Any, None] = subject.begin(source, connector)
        async with aclosing(deliveries):
            async for _ in deliveries:
                pass


# --- push --------------------------------------------------------------------------------------------------------


class _Flow:
    """An inlet that notes each message and ends it as `how` says."""

    flow = "checked"
    connector = "checked"
    service = "checked"
    description = ""
    input = None

    def __init__(self, how: str) -> None:
        self.how = how
        self.came = asyncio.Event()
        self.message: object = None

    def call(self, message: Message, timeout: float | None = None, **_: object) -> Result:  # noqa: ARG002  of Inlet
        self.message = message
        self.came.set()
        if self.how == "is overloaded":
            raise Overloaded("no room, as ordered")
        return message if self.how == "returns at once" else self._later(message)

    async def _later(self, message: Message) -> Message:
        await asyncio.sleep(0)
        if self.how == "fails":
            raise Failure(Permanent("as ordered"), "block", "checked.block", message)
        return message


async def _push(subject: Subject, source: SourceDoc, where: str, feed: Feed | None, found: Findings) -> None:
    async with watched(where, found), subject.open() as connector:
        for _ in range(2):
            entering = subject.begin(source, connector, _Flow("returns at once"))
            if not _at_once(entering.__aenter__()) or not _at_once(entering.__aexit__(None, None, None)):
                found.add(
                    f"{where} waits while it is entered or left, so a reload would have a gap: move what waits to "
                    "`open`"
                )
                return
        for how in ("returns at once", "returns later", "is overloaded", "fails") if feed else ():
            assert feed is not None
            flow = _Flow(how)
            async with subject.begin(source, connector, flow):
                await _bring(subject, connector, flow, where, feed, found)


def _at_once(step: Any) -> bool:
    """Run a coroutine that must not wait; return whether it ended without waiting."""
    try:
        step.send(None)
    except StopIteration:
        return True
    step.close()
    return False


async def _bring(subject: Subject, connector: object, flow: _Flow, where: str, feed: Feed, found: Findings) -> None:
    try:
        async with asyncio.timeout(subject.given.patience):
            await feed(connector)
            await flow.came.wait()
    except TimeoutError:
        found.add(f"{where} does not bring what it was fed, or does not end it, when the flow {flow.how}")
    except Exception as error:  # noqa: BLE001  whatever it raises is a finding
        found.add(f"feeding {where} fails when the flow {flow.how}: {found.raised('feeding', error)}")
    if flow.came.is_set() and not isinstance(flow.message, Message):
        found.add(f"{where} brings a {type(flow.message).__name__}: call the inlet with an octo.Message")
        found.unsafe.add(where)
