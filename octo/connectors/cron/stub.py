"""The stub of a `cron` connector in a test: ticks by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime

from octo.connectors.cron.settings import Tick
from octo.core.delivery import Delivery, Verdict
from octo.core.errors import Permanent
from octo.expr import ExprError


class Hand:
    """Ticks by hand, for the sources of one stub. Sources with equal settings stay separate: each belongs to a flow."""

    def __init__(self) -> None:
        self._asked: dict[int, asyncio.Queue[tuple[datetime, asyncio.Future[None]]]] = {}

    async def tick(self, source: Tick, moment: datetime) -> None:
        """Let the source tick. Return when its message is finished. Raises `Permanent` if there was no message."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue(source).put_nowait((moment, over))
        await over

    async def deliveries(self, source: Tick) -> AsyncGenerator[Delivery]:
        """Yield the ticks that were asked for, each once the message of the tick before is finished."""
        queue = self._queue(source)
        while True:
            moment, over = await queue.get()
            if over.done():
                continue  # the caller has given up
            finished = asyncio.Event()

            async def settle(_: Verdict, finished: asyncio.Event = finished) -> None:
                finished.set()

            try:
                message = source.message(moment)
            except ExprError as error:
                over.set_exception(Permanent(f"the tick brought no message: payload: {error}"))
                continue
            yield Delivery(message, settle)
            await finished.wait()
            if not over.done():
                over.set_result(None)

    def _queue(self, source: Tick) -> asyncio.Queue[tuple[datetime, asyncio.Future[None]]]:
        return self._asked.setdefault(id(source), asyncio.Queue())
