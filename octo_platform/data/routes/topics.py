"""Topics."""

from __future__ import annotations

from fastapi import APIRouter, Response

from octo_platform.data import events, parts
from octo_platform.data.asked import Here, Name, Number, Wait
from octo_platform.data.events import Found
from octo_platform.data.plane import Look

routes = APIRouter()


@routes.post("/topics/publish")
async def publish(here: Here, topic: Name) -> dict[str, int]:
    """Add an event. The body is its value."""
    value = await here.value()
    return {"number": await here.do(lambda shelf: events.publish(shelf, topic, value))}


@routes.get("/topics/events")
async def read_events(here: Here, topic: Name, after: Number, wait: Wait = 0.0) -> Response:
    """Send the events after one of them, waiting for the first, and the number of the newest."""

    async def look() -> Look[Found]:
        found = await here.read(lambda connection: events.after(connection, here.store, topic, after))
        return Look(found if found.events or found.last < after else None)

    waited = await here.patiently(events.bell(topic), wait, look)
    found = waited.found or Found(after, [])
    about = {"last": found.last, "events": [{"number": number, "size": len(value)} for number, value in found.events]}
    return parts.written(about, [value for _, value in found.events])


@routes.get("/topics/latest")
async def read_latest(here: Here, topic: Name) -> dict[str, int]:
    """Say the number of the newest event: who subscribes now reads those after it."""
    return {"seen": await here.read(lambda connection: events.latest(connection, here.store, topic))}


@routes.post("/topics/subscribe")
async def subscribe(here: Here, topic: Name, subscriber: Name) -> dict[str, int]:
    """Remember a durable subscriber, and say which event it has done last."""
    return {"seen": await here.do(lambda shelf: events.subscribe(shelf, topic, subscriber))}


@routes.post("/topics/commit", status_code=204)
async def commit(here: Here, topic: Name, subscriber: Name, number: Number) -> None:
    """Remember that a durable subscriber has done with the events up to this one."""
    await here.do(lambda shelf: events.commit(shelf, topic, subscriber, number))


@routes.post("/topics/forget", status_code=204)
async def forget(here: Here, topic: Name, subscriber: Name) -> None:
    """Keep nothing more for a durable subscriber."""
    await here.do(lambda shelf: events.forget(shelf, topic, subscriber))
