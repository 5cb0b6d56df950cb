"""Server-sent events: a whole picture at the beginning and whenever it has changed, and a sign of life between."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from fastapi.responses import StreamingResponse
from sqlalchemy.exc import SQLAlchemyError

from octo.core.log import fields
from octo_platform.bells import Bells
from octo_platform.deploy.target import Refused, Unreachable
from octo_platform.installation import Installation

log = logging.getLogger("octo.platform")

ALIVE = 15.0
"""Seconds between two signs of life: proxies close streams that are silent for longer."""

LOOK = 2.0
"""Seconds after which it looks although no bell has rung: another process may have changed something."""

HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}


class Stream(StreamingResponse):
    """Events, until there are no more, the client leaves, or the platform stops: then the stream ends as it should.

    Raises `Problem`, before it begins, where the one who asks has too many, or all together have.
    """

    def __init__(self, who: str, events: AsyncIterator[str]) -> None:
        super().__init__(_unbroken(events), media_type="text/event-stream", headers=HEADERS)
        self._who = who

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        installation: Installation = scope["app"].state.installation
        with installation.streams.taken(self._who):
            await self._send_all(installation, scope, receive, send)

    async def _send_all(self, installation: Installation, scope: Any, receive: Any, send: Any) -> None:
        is_open = False

        async def noting(message: Any) -> None:
            nonlocal is_open
            await send(message)
            is_open = message["type"] == "http.response.start" or message.get("more_body", False)

        async with asyncio.TaskGroup() as group:
            sending = group.create_task(super().__call__(scope, receive, noting))
            stopping = group.create_task(installation.stopping.wait())
            await asyncio.wait({sending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not sending.done():
                sending.cancel()
                await asyncio.wait({sending})
                if is_open:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _unbroken(events: AsyncIterator[str]) -> AsyncIterator[str]:
    """The events until something that is asked for them does not answer: who listens comes again."""
    try:
        async for each in events:
            yield each
    except (SQLAlchemyError, Unreachable, Refused) as error:
        log.warning("a stream was broken off", extra=fields(error=type(error).__name__))


def event(data: object, name: str = "", id_: str = "") -> str:
    head = (f"event: {name}\n" if name else "") + (f"id: {id_}\n" if id_ else "")
    return f"{head}data: {json.dumps(data, ensure_ascii=False, default=str)}\n\n"


async def lines(found: AsyncGenerator[str], may_go_on: Callable[[], Awaitable[bool]]) -> AsyncIterator[str]:
    """Each event as it comes, and signs of life between. It ends with them, or when who looks may not any more."""
    loop = asyncio.get_running_loop()
    asked = told = loop.time()
    coming: asyncio.Task[str | None] | None = None
    async with aclosing(found):
        try:
            while True:
                coming = coming or loop.create_task(_following(found))
                await asyncio.wait([coming], timeout=LOOK)
                if loop.time() - asked >= LOOK:
                    if not await may_go_on():
                        return
                    asked = loop.time()
                if coming.done():
                    if (event := coming.result()) is None:
                        return
                    coming, told = None, loop.time()
                    yield event
                elif loop.time() - told >= ALIVE:
                    told = loop.time()
                    yield ": alive\n\n"
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.wait([coming])


async def _following(found: AsyncGenerator[str]) -> str | None:
    return await anext(found, None)


async def pictures(
    bells: Bells, topic: str, look: Callable[[], Awaitable[object | None]], may_go_on: Callable[[], Awaitable[bool]]
) -> AsyncIterator[str]:
    """Each picture that differs from the one before. It ends when there is none any more, or who looks may not."""
    shown: object = None
    silent = 0.0
    while True:
        known = bells.count(topic)
        if not await may_go_on():
            return
        picture = await look()
        if picture is None:
            yield event({}, "gone")
            return
        if picture != shown:
            shown, silent = picture, 0.0
            yield event(picture)
        elif silent >= ALIVE:
            silent = 0.0
            yield ": alive\n\n"
        before = known
        known = await bells.wait(topic, known, LOOK)
        silent += LOOK if known == before else 0.0
