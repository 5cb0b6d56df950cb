"""The calls about what runs: the flows, requests to them, messages, breakpoints, tests."""

from __future__ import annotations

import asyncio
from typing import Any

from octo.cli.authoring.refusal import Refused
from octo.cli.editing import codes, files, sending
from octo.cli.editing.app import MOST_BODY, Call, Given, answer
from octo.cli.editing.editor import Editor
from octo.cli.editing.shadow import Texts, refuse_large
from octo.operations.web import Response

MOST_LISTED = 500
_SECONDS = 30.0


# --- the flows ---------------------------------------------------------------------------------------------------


async def start(editor: Editor, given: Given) -> Response:
    texts = texts_of(given)
    unit = await editor.checker.unit(texts, given.body.get("path", ""), await editor.watcher.look())
    return answer(await editor.runner.start(texts, unit, given.body.get("env", {})))


async def status(editor: Editor, given: Given) -> Response:
    del given
    return answer({**editor.runner.told, "log": [each.as_json() for each in editor.runner.log]})


async def update(editor: Editor, given: Given) -> Response:
    await editor.runner.update(texts_of(given))
    return answer(editor.runner.told)


async def stop(editor: Editor, given: Given) -> Response:
    del given
    return answer(await editor.runner.stop())


async def send(editor: Editor, given: Given) -> Response:
    body = given.body
    served = [each["url"] for each in editor.runner.told["flows"] if each["url"]]
    seconds = float(body.get("timeout", _SECONDS))
    asked = (body["url"], served, body.get("method", "GET"), body.get("headers", {}), body.get("body", ""), seconds)
    reply = await asyncio.to_thread(sending.send, *asked)
    message = await editor.messages.of_trace(reply.trace) if reply.trace else None
    return answer({**reply._asdict(), "message": message})


# --- messages ----------------------------------------------------------------------------------------------------


async def listed(editor: Editor, given: Given) -> Response:
    query = given.query
    limit = _number(query.get("limit", "100"), MOST_LISTED)
    before = int(_float(query["before"]) * 1_000) * 1_000 if "before" in query else None
    found = await editor.messages.listed(query.get("flow"), query.get("outcome"), limit, before)
    return answer({"messages": found, "isWhole": len(found) < limit})


async def message(editor: Editor, given: Given) -> Response:
    return answer(await editor.messages.one(given.parts["id"]))


async def values(editor: Editor, given: Given) -> Response:
    """The values of the expressions of each step."""
    return answer(await _of_message(editor, given, "values"))


async def why(editor: Editor, given: Given) -> Response:
    """How an expression gets its value from what came to a step."""
    found = await editor.messages.one(given.parts["id"])
    step = next((each for each in found["steps"] if each["span"] == given.body["span"]), None)
    if step is None:
        raise Refused(codes.REQUEST, "the message has no such step")
    asked = {"expression": given.body["expression"], "message": step["input"], "names": None, "why": True}
    _, told = await _ask(editor, given, "evaluate", **asked)
    return answer(told)


async def again(editor: Editor, given: Given) -> Response:
    body = given.body
    seconds = float(body.get("timeout", _SECONDS))
    asked = {"span": body.get("span", ""), "message": body.get("message"), "calls": body.get("calls", "recorded")}
    stored = {"store": editor.messages.url, "id": await _event(editor, given), "timeout": seconds}
    place = body.get("path", "")
    _, found = await editor.apart("again", texts_of(given), place, seconds=seconds, given={**asked, **stored})
    await editor.messages.look()
    return answer(found)


async def as_test(editor: Editor, given: Given) -> Response:
    """The test file of its flow with this message as a case. It is not saved: the page does that."""
    return answer(await _of_message(editor, given, "recorded"))


async def _of_message(editor: Editor, given: Given, verb: str, **asked: object) -> dict[str, Any]:
    stored = {"store": editor.messages.url, "id": await _event(editor, given)}
    _, found = await _ask(editor, given, verb, **stored, **asked)
    return found


async def _event(editor: Editor, given: Given) -> str:
    """The event id of the message that is asked for."""
    records = await editor.messages.records(given.parts["id"])
    return next(str(record["event"]) for record in records if record["kind"] == "flow")


async def spied(editor: Editor, given: Given) -> Response:
    """What the last messages were before and behind a block."""
    return answer({"crossings": await editor.messages.crossings(given.parts["address"], 50)})


# --- breakpoints and mocks ---------------------------------------------------------------------------------------


async def debugged(editor: Editor, given: Given) -> Response:
    del given
    return answer(editor.debugger.told)


async def debug(editor: Editor, given: Given) -> Response:
    return answer(await editor.debugger.set(given.body["breakpoints"], given.body["mocks"]))


async def order(editor: Editor, given: Given) -> Response:
    return answer(await editor.debugger.order(given.parts["id"], given.body))


# --- tests -------------------------------------------------------------------------------------------------------


async def test(editor: Editor, given: Given) -> Response:
    """Run tests: each case is an event when it has ended; the answer has all of them and what they covered."""
    cases: list[object] = []

    def told(line: dict[str, Any]) -> None:
        if line["kind"] == "case":
            cases.append({name: each for name, each in line.items() if name != "kind"})
        editor.feed.tell("tests", line)

    asked = {"only": given.body.get("only")}
    unit, found = await editor.apart("test", texts_of(given), given.body.get("path", ""), told, given=asked)
    nothing: dict[str, object] = {"totals": None, "coverage": None, "problems": []}
    return answer({"configuration": unit, "cases": cases, **nothing, **found})


# --- parts -------------------------------------------------------------------------------------------------------


def texts_of(given: Given) -> Texts:
    texts: Texts = given.body.get("files", {})
    refuse_large(texts, MOST_BODY)
    return texts


async def _ask(editor: Editor, given: Given, verb: str, **asked: object) -> tuple[str, dict[str, Any]]:
    place, page = given.body.get("path", ""), given.body.get("page", "")
    entries = await editor.watcher.look()
    return await editor.checker.ask(verb, texts_of(given), place, entries, page, **asked)


def _number(text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise Refused(codes.REQUEST, f"`limit` is a number from 1 to {most}")
    return int(text)


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Refused(codes.REQUEST, "`before` is a time in milliseconds") from None


TEXTS = {"type": "object", "additionalProperties": {"type": ["string", "null"]}, "maxProperties": 2_000}
NAME = {"type": "string", "maxLength": 100}
WHERE = {"files": TEXTS, "path": files.PATH, "page": NAME}
_WORD = {"type": "string", "maxLength": 2_000}
_STRINGS = {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 500}
_TIME = {"type": "number", "exclusiveMinimum": 0, "maximum": 300}
_BREAKPOINT = {
    "type": "object",
    "properties": {"address": _WORD, "when": _WORD},
    "required": ["address"],
    "additionalProperties": False,
}
_MESSAGE = {"type": "object", "properties": {"body": {}, "vars": {"type": "object"}}, "additionalProperties": False}
_REQUEST = {"url": _WORD, "method": {"type": "string", "pattern": "^[A-Za-z]{1,20}$"}, "headers": _STRINGS}

CALLS: tuple[Call[Editor], ...] = (
    Call("POST", "/run", start, {**WHERE, "env": _STRINGS}),
    Call("GET", "/run", status),
    Call("PUT", "/run/files", update, {"files": TEXTS}, ("files",)),
    Call("DELETE", "/run", stop),
    Call("POST", "/send", send, {**_REQUEST, "body": {"type": "string"}, "timeout": _TIME}, ("url",)),
    Call("GET", "/messages", listed),
    Call("GET", "/messages/{id}", message),
    Call("POST", "/messages/{id}/values", values, WHERE),
    Call("POST", "/messages/{id}/why", why, {**WHERE, "span": NAME, "expression": _WORD}, ("span", "expression")),
    Call(
        *("POST", "/messages/{id}/again", again),
        {**WHERE, "span": NAME, "message": _MESSAGE, "calls": {"enum": ["recorded", "real"]}, "timeout": _TIME},
    ),
    Call("POST", "/messages/{id}/test", as_test, WHERE),
    Call("GET", "/spies/{address*}", spied),
    Call("GET", "/debug", debugged),
    Call(
        *("PUT", "/debug", debug),
        {"breakpoints": {"type": "array", "items": _BREAKPOINT, "maxItems": 100}, "mocks": {"type": "object"}},
        ("breakpoints", "mocks"),
    ),
    Call("POST", "/debug/{id}", order, {"do": NAME, "message": _MESSAGE}, ("do",)),
    Call("POST", "/tests", test, {**WHERE, "only": {"type": "array", "items": _WORD, "maxItems": 10_000}}),
)
