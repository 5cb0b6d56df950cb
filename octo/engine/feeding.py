"""Feeding: take deliveries from a pull source and run them through its flow, while the flow has room.

Invariants:
- Between taking a delivery and giving it a task nothing waits, so no delivery is lost in between.
- A delivery holds a permit or a place in line before the next one is taken.
- A feed that has stopped has left its source, so the feed of the next generation reads nothing twice.
- A source that has ended, or has failed for good, is not asked again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from octo.config.documents import SourceDoc
from octo.core import clock
from octo.core.backoff import Backoff, Failures
from octo.core.delivery import Delivery, Idle
from octo.core.errors import Bug, Disconnected, OctoError, Permanent
from octo.core.log import fields
from octo.core.promise import chosen
from octo.engine.flow import Flow
from octo.engine.settlement import Settlement
from octo.engine.work import Work

log = logging.getLogger("octo.engine")

PAUSES = Backoff()
"""The pauses before a broken source is started again."""

HELD = 10.0
"""Seconds without an error after which a source that broke counts as working again, even without a delivery."""

STUCK = 300.0
"""Seconds without a verdict after which a feed that has deliveries under way counts as stalled. Few flows take longer
for one message; a flow that waits for ever is not rare. Brokers with such a limit give up on a consumer after 1 to
30 minutes."""

LEAVING = 10.0
"""Seconds that a source may take to end before it is cancelled again: its cleanup may wait for a dead connection."""


class Feed:
    """The pull source of one flow; see the module.

    begin: runs the pump in a task. lost: called with the instance when its connection is gone.
    given: what the source gets besides its settings, by parameter: services, and its `Outlet`.
    broken: what is wrong with the source, "" if nothing is.

    Invariant: `_pump` is the one task that reads the source, or read it until it ended; only `stop` makes it None.
    `_under_way` counts the deliveries that were taken and not settled yet.
    """

    def __init__(
        self,
        flow: Flow,
        source: SourceDoc,
        work: Work,
        begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        lost: Callable[[Any, Disconnected], object],
        given: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        self.broken = ""
        self.connector = source.connector
        self._flow = flow
        self._source = source
        self._work = work
        self._begin = begin
        self._lost = lost
        self._given = given
        self._pump: asyncio.Task[None] | None = None
        self._is_over = False
        self._under_way = 0
        self._asked: float | None = None
        self._moved: float

    def start(self, instance: Any) -> None:
        """Take deliveries from the source of this instance. Does nothing if the source has ended or is being read."""
        if self._is_over or self._pump is not None:
            return
        about = {"flow": self._flow.name, "source": self._source.type.name, "workers": self._flow.workers}
        log.info("starting flow", extra=fields(**about))
        self._pump = self._begin(self._run(instance))

    async def stop(self) -> None:
        """Take no more deliveries; returns once the source has ended."""
        if (pump := self._pump) is None:
            return
        while not pump.done():
            pump.cancel()
            await asyncio.wait((pump,), timeout=LEAVING)
            if not pump.done():
                log.warning("a source does not leave", extra=self._about(source=self._source.type.name))
        self._pump = None

    # --- the pump ------------------------------------------------------------------------------------------------

    async def _run(self, instance: Any) -> None:
        """Keep the source running; after an error it is started again."""
        failures = Failures(PAUSES)
        while True:
            began = _time()
            try:
                await self._attempt(instance)
            except Disconnected as error:
                self._lost(instance, error)  # the connector is opened again, and then this feed is started again
                return
            except Permanent as error:
                self._is_over, self.broken = True, f"stopped for good: {error}"
                log.error("source stopped for good", extra=self._about(error=str(error)))  # noqa: TRY400
                return
            except Exception as error:  # noqa: BLE001  it is logged below
                pause = failures.failed(held=_time() - began)
                self._broke(error, pause)
            else:
                self._is_over, self.broken = True, ""
                return
            await asyncio.sleep(pause)

    def _broke(self, error: Exception, pause: float) -> None:
        is_planned = isinstance(error, OctoError)
        self.broken = str(error) if is_planned else type(error).__name__
        code = {"code": error.code} if isinstance(error, OctoError) and error.code else {}
        about = self._about(**code, error=self.broken, seconds=pause)
        log.warning("source broke, trying again", extra=about, exc_info=None if is_planned else error)

    async def _attempt(self, instance: Any) -> None:
        held = asyncio.get_running_loop().call_later(HELD, self._works)
        try:
            await self._carry(instance)
        finally:
            held.cancel()
            self._asked = None

    async def _carry(self, instance: Any) -> None:
        lost = partial(self._lost, instance)
        redelivers = chosen(self._source.type.promises, self._source.settings).guarantee == "at least once"
        settlement = Settlement(self._flow, self._work, lost, self._settled, redelivers=redelivers)
        source = self._source.type.function(instance, self._source.settings, **self._given)
        async with aclosing(source) as deliveries:
            while True:
                await self._flow.room()
                self._asked = _time()
                try:
                    given = await anext(deliveries)
                except StopAsyncIteration:
                    return
                self._asked = None
                if isinstance(given, Delivery):
                    self._take(given, settlement)
                elif not isinstance(given, Idle):
                    raise Bug(f"a source yields `Delivery` or `Idle`, not {type(given).__name__}")
                self._works()
                await asyncio.sleep(0)

    def _take(self, delivery: Delivery, settlement: Settlement) -> None:
        if not self._under_way:
            self._moved = _time()
        self._under_way += 1
        self._work.spawn(settlement.run(delivery))

    def _settled(self, is_taken: bool) -> None:
        self._under_way -= 1
        if is_taken:
            self._moved = _time()

    def _works(self) -> None:
        self.broken = ""

    # --- the watchdog --------------------------------------------------------------------------------------------

    @property
    def stalled(self) -> str:
        """Why nothing seems to move, "" if things move."""
        now, silence = _time(), self._source.type.silence
        if silence is not None and self._asked is not None and now - self._asked > silence.total_seconds():
            return f"its source has given no sign of life since {_moment(self._asked)}"
        if self._under_way and now - self._moved > STUCK:
            return f"{self._under_way} deliveries are under way and none was settled since {_moment(self._moved)}"
        return ""

    def _about(self, **more: object) -> dict[str, object]:
        return fields(flow=self._flow.name, **more)


def _time() -> float:
    return asyncio.get_running_loop().time()


def _moment(time: float) -> str:
    """A time of the event loop as wall time in UTC."""
    return (clock.now() - timedelta(seconds=_time() - time)).strftime("%Y-%m-%dT%H:%M:%SZ")
