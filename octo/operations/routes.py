"""The routes of the operations port: one handler per method and path, a function of subject and request."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable

from octo import __version__
from octo.core.errors import OctoError
from octo.operations.status import report
from octo.operations.subject import Subject
from octo.operations.thread import in_thread
from octo.operations.web import Refused, Request, Response, Route, as_json, text


async def alive(subject: Subject, request: Request) -> Response:
    """Say that the event loop runs. Only when it does not should an orchestrator kill the process."""
    del subject, request
    return text("ok")


async def ready(subject: Subject, request: Request) -> Response:
    """Say whether it takes messages, and in notes what is wrong although it does.

    A configuration that has gone is only noted: the flows from before keep running. If it made processes unready, one
    empty file would take all of them out of service.
    """
    reasons = await subject.reasons()
    status = 503 if reasons else 200
    noted = await subject.notes()
    if request.wants_json:
        return as_json({"ready": not reasons, "reasons": reasons} | ({"notes": noted} if noted else {}), status)
    return text("\n".join([*(reasons or ["ready"]), *(f"note: {each}" for each in noted)]), status)


async def metrics(subject: Subject, request: Request) -> Response:
    snapshot = await subject.snapshot()
    # In a thread: the library takes a while to import, and thousands of series take a while to write.
    module = await in_thread(importlib.import_module, "octo.operations.exposition")
    body, content_type = await in_thread(module.exposition, snapshot, request.headers.get("accept", ""))
    return Response(200, body, content_type)


async def snapshot(subject: Subject, request: Request) -> Response:
    """Send the metrics with the counts of every bucket; Octo's own programs add them up."""
    del request
    return as_json(await subject.snapshot())


async def status(subject: Subject, request: Request) -> Response:
    del request
    return as_json(report(await subject.facts(), await subject.snapshot(), await subject.reasons()))


async def flows(subject: Subject, request: Request) -> Response:
    del request
    return as_json(await subject.flows())


async def letters(subject: Subject, request: Request) -> Response:
    del request
    try:
        return as_json(await subject.letters())
    except OctoError as error:
        raise Refused(503, f"{error.code}: {error}") from error


async def level(subject: Subject, request: Request) -> Response:
    del request
    return as_json({"level": await subject.level()})


async def set_level(subject: Subject, request: Request) -> Response:
    from octo.core.log import LEVELS

    try:
        wanted = json.loads(request.body)["level"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Refused(400, 'send {"level": "debug"}') from None
    if not isinstance(wanted, str) or wanted not in LEVELS:
        raise Refused(400, f"there is no such level; levels are {', '.join(LEVELS)}")
    await subject.set_level(wanted)
    return as_json({"level": await subject.level()})


ROUTES: tuple[Route[Subject], ...] = (
    Route("GET", "/healthz", alive, "200 while the process is alive"),
    Route("GET", "/readyz", ready, "200 when it takes messages, else 503 with the reasons"),
    Route("GET", "/metrics", metrics, "for Prometheus"),
    Route("GET", "/metrics.json", snapshot, "the same as JSON"),
    Route("GET", "/status", status, "what runs and how it is doing"),
    Route("GET", "/flows", flows, "the flows and their blocks"),
    Route("GET", "/letters", letters, "dead letters, in groups that failed alike", guarded=True),
    Route("GET", "/log-level", level, "the level of the log"),
    Route("PUT", "/log-level", set_level, 'changes it: {"level": "debug"}', guarded=True),
)


def index(routes: Iterable[Route[Subject]]) -> Route[Subject]:
    """Return the route of a page that lists these routes."""
    routes = list(routes)
    width = max(len(route.path) for route in routes)
    lines = [f"{route.method:4} {route.path:{width}}  {route.says}" for route in routes]
    page = text("\n".join([f"octo {__version__}", "", *lines]))

    async def show(subject: Subject, request: Request) -> Response:
        del subject, request
        return page

    return Route("GET", "/", show)
