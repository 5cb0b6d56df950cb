"""Server-sent events: a whole picture at the beginning and whenever it has changed, and a sign of life between."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi.responses import StreamingResponse

from octo_platform.bells import Bells

ALIVE = 15.0
"""Seconds between two signs of life: proxies close streams that are silent for longer."""

LOOK = 2.0
"""Seconds after which it looks although no bell has rung: another process may have changed something."""

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


def stream(events: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(events, media_type="text/event-stream", headers=HEADERS)


def event(data: object, name: str = "") -> str:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False, default=str)}\n\n"


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
