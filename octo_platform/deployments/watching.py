"""The routes that show what a deployment does: status as it changes, logs, metrics, traces, dead letters.

All of it is bounded, and what reaches it was masked where it was written.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Header, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from octo_platform.deploy.target import Answer, LogLine, Target
from octo_platform.deployments import store
from octo_platform.deployments.building import place_of
from octo_platform.deployments.log_stream import Marked, followed
from octo_platform.deployments.shown import read
from octo_platform.problem import Problem
from octo_platform.storage.tables import Deployment, Environment
from octo_platform.web.call import Call, Within
from octo_platform.web.events import Stream, event, lines as lines_of, pictures
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import Shape

routes = Routes("watching")

_ONE = "/workspaces/{workspace}/deployments/{deployment}"
_EVENTS: dict[str, Any] = {
    "responses": {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    "response_class": StreamingResponse,
}
MOST_BYTES = 4 << 20
"""Of what one instance answers."""

_LONGEST_LINE = 16_384


class Line(Shape):
    """A line of the log. id: in a stream, see there. instance: the process or pod that wrote it."""

    id: str | None = None
    at: datetime | None = None
    instance: str
    text: str


class Told(Shape):
    """What an instance answered; `error` if it did not."""

    instance: str
    body: Any = None
    error: str | None = None


class Figures(Shape):
    """Sums over all instances that answered: messages since each began, and those under way now."""

    instances: int
    completed: int = 0
    dropped: int = 0
    failed: int = 0
    in_flight: int = 0
    waiting: int = 0
    flows: list[dict[str, Any]] = Field(default_factory=list)


@routes.on("GET", f"{_ONE}/events", "deployments.read", **_EVENTS)
async def follow_deployment(call: Within, deployment: str) -> StreamingResponse:
    """Stream the deployment as `GET` shows it, at once and whenever it changes; the event `gone` ends the stream."""
    async with call.read() as session:
        row = await store.deployment(session, call.space.id, deployment)

    async def look() -> object | None:
        async with call.read() as session:
            found = await session.get(Deployment, row.id)
            return None if found is None else (await read(session, found)).model_dump(by_alias=True, mode="json")

    return Stream(call.who.id, pictures(call.installation.bells, f"deployment/{row.id}", look, _still(call)))


@routes.on("GET", f"{_ONE}/logs", "logs.read", tool=True)
async def read_logs(call: Within, deployment: str, lines: Annotated[int, Query(ge=1, le=2000)] = 200) -> list[Line]:
    """Send the last lines of all instances, the oldest first."""
    row, target = await _target(call, deployment)
    return [_line(each) async for each in target.logs(row.id, lines=lines, follow=False)]


@routes.on("GET", f"{_ONE}/logs/events", "logs.read", **_EVENTS)
async def follow_logs(
    call: Within,
    deployment: str,
    lines: Annotated[int, Query(ge=0, le=2000)] = 200,
    last: Annotated[str, Header(alias="Last-Event-ID", max_length=100, description="Of the last line seen")] = "",
) -> StreamingResponse:
    """Stream the last lines, and then each as it comes, until who looks may not any more.

    Each has an id. With the last one as `Last-Event-ID`, it goes on behind that line; some lines may come again where
    several instances write, with the ids that they had. The event `end` says that there will be no more.
    """
    row, target = await _target(call, deployment)

    async def events() -> AsyncGenerator[str]:
        async with aclosing(followed(target, row.id, lines, last)) as found:
            async for each in found:
                yield _told_of(each)
        yield event({}, "end")

    return Stream(call.who.id, lines_of(events(), _still(call)))


def _told_of(marked: Marked) -> str:
    if marked.line is None:
        return event({}, "from", marked.id)
    line = _line(marked.line).model_copy(update={"id": marked.id or None})
    return event(line.model_dump(by_alias=True, mode="json"), id_=marked.id)


@routes.on("GET", f"{_ONE}/status", "metrics.read", tool=True)
async def read_status(call: Within, deployment: str) -> list[Told]:
    """Send what each instance says of itself: flows, connectors, figures."""
    return await _ask(call, deployment, "/status")


@routes.on("GET", f"{_ONE}/metrics", "metrics.read", tool=True)
async def read_metrics(call: Within, deployment: str) -> Figures:
    """Send the figures of all instances together."""
    told = [each.body for each in await _ask(call, deployment, "/status") if isinstance(each.body, dict)]
    sums: dict[str, dict[str, Any]] = {}
    for flow in (flow for each in told for flow in each.get("flows", ())):
        sum_ = sums.setdefault(flow["name"], {"name": flow["name"]} | dict.fromkeys(_COUNTS, 0))
        for name in _COUNTS:
            sum_[name] += flow.get(name, 0)
    totals = {name: sum(each[name] for each in sums.values()) for name in _COUNTS}
    return Figures(instances=len(told), flows=[*sums.values()], **totals)


_COUNTS = ("completed", "dropped", "failed", "in_flight", "waiting")


@routes.on("GET", f"{_ONE}/traces", "traces.read", tool=True)
async def read_traces(
    call: Within,
    deployment: str,
    flow: Annotated[str, Query(max_length=200, pattern=r"^[\w.-]*$")] = "",
    outcome: Annotated[str, Query(max_length=20, pattern=r"^[a-z]*$")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[Told]:
    """Send the newest traces that each instance keeps."""
    query = f"limit={limit}" + (f"&flow={quote(flow)}" if flow else "") + (f"&outcome={outcome}" if outcome else "")
    return await _ask(call, deployment, f"/traces?{query}")


@routes.on("GET", f"{_ONE}/traces/{{trace}}", "traces.read", tool=True)
async def read_trace(call: Within, deployment: str, trace: str) -> list[Told]:
    """Send one trace, by event or trace id, from the instance that keeps it."""
    if not trace.replace("-", "").isalnum() or not trace.isascii() or len(trace) > 100:
        raise Problem("not-found", "there is no such trace")
    found = [each for each in await _ask(call, deployment, f"/traces/{trace}") if each.error is None]
    if not found:
        raise Problem("not-found", "no instance keeps such a trace")
    return found


@routes.on("GET", f"{_ONE}/dead-letters", "letters.read", tool=True)
async def read_letters(call: Within, deployment: str) -> list[Told]:
    """Send the dead letters that each instance sees, in groups that failed alike, the largest first."""
    return await _ask(call, deployment, "/letters")


async def _target(call: Call, deployment: str) -> tuple[Deployment, Target]:
    async with call.read() as session:
        row = await store.deployment(session, call.space.id, deployment)
        place = await place_of(session, await session.get_one(Environment, row.environment_id))
    return row, await call.installation.targets.of(place)


async def _ask(call: Call, deployment: str, path: str) -> list[Told]:
    row, target = await _target(call, deployment)
    return [_told(each) for each in await target.ask(row.id, path, MOST_BYTES)]


def _told(answer: Answer) -> Told:
    if answer.status != 200:
        return Told(instance=answer.instance, error=f"answered {answer.status}")
    try:
        return Told(instance=answer.instance, body=json.loads(answer.body))
    except ValueError:
        return Told(instance=answer.instance, error="its answer is no JSON, or larger than is read here")


def _line(line: LogLine) -> Line:
    return Line(at=line.at, instance=line.instance, text=line.text[:_LONGEST_LINE])


def _still(call: Call) -> Any:
    """Whether who looks still may: asked again and again, since a stream outlives a session."""

    async def may() -> bool:
        return await call.installation.identity.still(call.who, call.action, call.space.id)

    return may
