"""Breakpoints and mocks over the operations port, for `octo run --debug`. Guarded: they change what flows do.

GET  /debug          {breakpoints, mocks, held: [{id, address, at, message}]}
GET  /debug/changes  the same, a line for each change, while the client stays
PUT  /debug          {breakpoints: [{address, when?}], mocks: {address: spec}} → the same, and `wrong` by address
POST /debug/{id}     {do: continue | step | drop | fail, message?: {body, vars}}
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, get_args

from octo.core import codec
from octo.core.errors import OctoError, Permanent
from octo.core.message import Message
from octo.debug.session import Held, Session, Verb
from octo.engine.observe import Observers
from octo.engine.service import Service
from octo.expr import to_json
from octo.operations.subject import Subject
from octo.operations.traces import LINES
from octo.operations.web import JSON, Refused, Request, Response, Route
from octo.trace.mask import secrets

MOST_SHOWN = 100
"""Addresses that may be given at once."""


def routes(session: Session, service: Service) -> tuple[Route[Subject], ...]:
    """The routes of a service that has this session among its observers."""

    async def shown(_: Subject, __: Request) -> Response:
        return _answer(state(session))

    async def changes(_: Subject, __: Request) -> Response:
        return Response(200, _lines(session), LINES)

    async def put(_: Subject, request: Request) -> Response:
        given = _read(request)
        if service.current is None:
            raise Refused(503, "nothing runs yet")
        wrong = session.set(service.current.config, *_wanted(given))
        # Another observer of the same ones, so that the flows are compiled again.
        now = service.observer
        await service.observe(Observers(now.each if isinstance(now, Observers) else [now]))
        told = {address: _told(error) for address, error in wrong.items()}
        return _answer({**state(session), "wrong": told})

    async def order(_: Subject, request: Request) -> Response:
        given = _read(request)
        verb: Any = given.get("do")
        id_ = request.parts["id"]
        if verb not in get_args(Verb):
            raise Refused(400, f"`do` is one of {', '.join(get_args(Verb))}")
        try:
            session.order(id_, verb, _changed(session, id_, given.get("message")))
        except Permanent as error:
            raise Refused(404, f"{error.code}: {error}") from error
        return _answer({"done": verb})

    return (
        Route("GET", "/debug", shown, "breakpoints, mocks, and messages that wait", guarded=True),
        Route("GET", "/debug/changes", changes, "the same whenever it changes", guarded=True),
        Route("PUT", "/debug", put, "sets breakpoints and mocks", guarded=True),
        Route("POST", "/debug/{id}", order, "lets a message go on", guarded=True),
    )


def state(session: Session) -> dict[str, object]:
    """What is set, and which messages wait."""
    held = [_held(each) for each in session.held]
    return {"breakpoints": session.breakpoints, "mocks": session.mocks, "held": held}


def _held(held: Held) -> dict[str, object]:
    message = held.message
    seen = secrets({"body": to_json(message.body), "vars": to_json(dict(message.vars))})
    return {"id": held.id, "address": held.address, "at": held.at, "event": message.event_id, "message": seen}


async def _lines(session: Session) -> AsyncGenerator[bytes, None]:
    while True:
        change = session.change  # before the state is read: nothing in between is missed
        yield codec.write(state(session)) + b"\n"
        await change.wait()


def _wanted(given: Mapping[str, Any]) -> tuple[dict[str, str], Mapping[str, object]]:
    breakpoints, standins = given.get("breakpoints", []), given.get("mocks", {})
    is_right = (
        isinstance(breakpoints, list)
        and isinstance(standins, dict)
        and all(isinstance(each, dict) and isinstance(each.get("address"), str) for each in breakpoints)
        and all(isinstance(each.get("when", ""), str) for each in breakpoints)
    )
    if not is_right:
        raise Refused(400, 'send {"breakpoints": [{"address": "orders.charge"}], "mocks": {}}')
    if len(breakpoints) + len(standins) > MOST_SHOWN:
        raise Refused(400, f"at most {MOST_SHOWN} breakpoints and mocks")
    return {each["address"]: each.get("when", "") for each in breakpoints}, standins


def _changed(session: Session, id: str, given: object) -> Message | None:  # noqa: A002  the usual word
    """The message to go on with instead of the one that waits, None for that one."""
    held = next((each.message for each in session.held if each.id == id), None)
    if given is None or held is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("vars", {}), dict):
        raise Refused(400, 'send {"message": {"body": ..., "vars": {}}}')
    changed = held.with_body(given["body"]) if "body" in given else held
    return changed.with_vars(given["vars"]) if "vars" in given else changed


def _read(request: Request) -> dict[str, Any]:
    try:
        found = codec.read(request.body)
    except ValueError as error:
        raise Refused(400, f"send JSON: {error}") from None
    if not isinstance(found, dict):
        raise Refused(400, "send a JSON object")
    return found


def _answer(value: object) -> Response:
    return Response(200, codec.write(value) + b"\n", JSON)


def _told(error: OctoError | Exception) -> str:
    return f"{error.code}: {error}" if isinstance(error, OctoError) else str(error)
