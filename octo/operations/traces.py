"""The traces that the operations port shows: stored ones, and live ones (`tap`).

They show the content of messages, so all these routes are guarded (`octo.operations.guard`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress

from octo.core.errors import OctoError
from octo.operations.subject import Subject
from octo.operations.web import JSON, Refused, Request, Response, Route, as_json
from octo.trace import codes
from octo.trace.packed import dumps

LINES = "application/x-ndjson"
MOST = 1000
"""One request may ask for at most this many traces."""
LONGEST = 3600.0
"""Seconds after which a tap ends by itself, so that a forgotten one does not run for ever."""


_NUMBER = re.compile(r"[0-9]{1,4}")
LONGEST_CONDITION = 2000
"""Characters of a tap's condition, at most."""
_OF_THE_ID = frozenset({codes.NO_TRACE, codes.AMBIGUOUS})
"""Errors about the requested id; all other errors are about the store."""


async def listed(subject: Subject, request: Request) -> Response:
    query = request.query
    limit = _number(query, "limit", 50)
    try:
        return as_json(await subject.traces(query.get("flow"), query.get("outcome"), limit))
    except OctoError as error:
        raise Refused(503, f"{error.code}: {error}") from error


async def one(subject: Subject, request: Request) -> Response:
    """Send the records of one trace, as a JSON array."""
    try:
        trace = await subject.trace(request.parts["id"])
    except OctoError as error:
        status = 404 if error.code in _OF_THE_ID else 503
        raise Refused(status, f"{error.code}: {error}") from error
    return Response(200, dumps(trace) + b"\n", JSON)


async def tap(subject: Subject, request: Request) -> Response:
    """Send the next traces of a flow as they happen: a JSON array of records per line, while the client stays.

    When a reload removes the flow, or the condition costs too much, the last line is an object that says so:
    `{"ended": "..."}`.
    """
    query = request.query
    flow, take = query.get("flow", ""), _number(query, "take", 1)
    if not await _is_there(subject, flow):
        raise Refused(404, f"there is no flow {flow!r}; /flows lists them")
    when = query.get("when", "")
    if len(when) > LONGEST_CONDITION:
        raise Refused(400, f"`when` may have at most {LONGEST_CONDITION} characters")
    try:
        traces = await subject.tap(flow, when, take)
    except OctoError as error:
        status = 503 if error.code == codes.TAPS else 400
        raise Refused(status, f"{error.code}: {error}") from error
    return Response(200, _lines(subject, flow, traces), LINES)


async def _is_there(subject: Subject, flow: str) -> bool:
    return flow in {str(each["name"]) for each in await subject.flows()}


async def _lines(subject: Subject, flow: str, traces: AsyncGenerator[object, None]) -> AsyncGenerator[bytes, None]:
    yield b"\n"  # tells the client that the tap runs, before the first trace
    try:
        async with aclosing(traces):
            end = asyncio.get_running_loop().time() + LONGEST
            while (trace := await _next(traces, end)) is not None:
                yield dumps(trace) + b"\n"
    except OctoError as error:
        yield dumps({"ended": f"{error.code}: {error}"}) + b"\n"
        return
    with suppress(Refused):  # the processes that would know have ended
        if not await _is_there(subject, flow):
            yield dumps({"ended": f"a reload removed the flow {flow!r}"}) + b"\n"


async def _next(traces: AsyncGenerator[object, None], end: float) -> object:
    """Return the next trace; None if there are no more, or at the time `end`."""
    try:
        async with asyncio.timeout_at(end):
            return await anext(traces, None)
    except TimeoutError:
        return None


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= MOST:
        raise Refused(400, f"`{name}` must be a number from 1 to {MOST}")
    return int(text)


ROUTES: tuple[Route[Subject], ...] = (
    Route("GET", "/traces", listed, "stored traces, the newest first: ?flow= &outcome= &limit=", guarded=True),
    Route("GET", "/traces/tap", tap, "live traces as they happen: ?flow= &when= &take=", guarded=True),
    Route("GET", "/traces/{id}", one, "one trace by event or trace id", guarded=True),
)
