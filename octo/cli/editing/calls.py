"""The table of the API, and the calls that are about the editor as a whole."""

from __future__ import annotations

from octo.cli.authoring.refusal import Refused
from octo.cli.editing import codes, feed, files, runs, variables
from octo.cli.editing.app import Call, Given, answer
from octo.cli.editing.editor import Editor
from octo.cli.editing.runs import NAME, WHERE, texts_of
from octo.operations.web import JSON, Response


async def enter(editor: Editor, given: Given) -> Response:
    """Exchange the token of a link for a session."""
    session = editor.entrance.exchange(given.body["token"])
    return answer({"key": session.key, **editor.facts()}, 200, ("set-cookie", session.cookie))


async def session(editor: Editor, given: Given) -> Response:
    del given
    return answer(editor.facts())


async def link(editor: Editor, given: Given) -> Response:
    """A link for another browser."""
    del given
    return answer({"link": editor.entrance.link()})


async def catalogue(editor: Editor, given: Given) -> Response:
    data, etag = editor.catalogue
    headers = (("etag", f'"{etag}"'),)
    if f'"{etag}"' in given.header("if-none-match"):
        return Response(304, b"", JSON, headers)
    return Response(200, data, JSON, headers)


async def events(editor: Editor, given: Given) -> Response:
    last = given.header("last-event-id") or given.query.get("last", "")
    return Response(200, editor.feed.stream(last), feed.TYPE)


async def check(editor: Editor, given: Given) -> Response:
    found = await editor.checker.check(
        texts_of(given),
        given.body.get("path", ""),
        await editor.watcher.look(),
        given.body.get("page", ""),
        tests=given.body.get("tests", False),
    )
    return answer(found)


async def complete(editor: Editor, given: Given) -> Response:
    body = given.body
    wanted = {name: body.get(name) for name in ("message", "names")}
    if not 0 <= body["offset"] <= len(body["expression"]):
        raise Refused(codes.REQUEST, "the offset is outside of the expression")
    told = {"address": body.get("address", ""), "expression": body["expression"], "offset": body["offset"]}
    return answer(await _asked(editor, given, "complete", **told, **wanted))


async def evaluate(editor: Editor, given: Given) -> Response:
    body = given.body
    told = {"expression": body["expression"], "message": body.get("message", {}), "names": body.get("names")}
    return answer(await _asked(editor, given, "evaluate", **told, why=body.get("why", False)))


async def _asked(editor: Editor, given: Given, verb: str, **wanted: object) -> dict[str, object]:
    texts = texts_of(given)
    place, page = given.body.get("path", ""), given.body.get("page", "")
    _, found = await editor.checker.ask(verb, texts, place, await editor.watcher.look(), page, **wanted)
    return found


_TOKEN = {"type": "string", "maxLength": 200}
_ADDRESS = {"type": "string", "maxLength": 2_000}
_OFFSET = {"type": "integer", "minimum": 0}
_EXPRESSION = {
    "expression": {"type": "string", "maxLength": 100_000},
    "message": {"type": "object", "properties": {"body": {}, "vars": {"type": "object"}}},
    "names": {"type": "array", "items": NAME, "maxItems": 50},
}
_NEEDS = ("expression", "offset")

CALLS: tuple[Call[Editor], ...] = (
    Call("POST", "/session", enter, {"token": _TOKEN}, ("token",), is_open=True),
    Call("GET", "/session", session),
    Call("POST", "/link", link, {}),
    Call("GET", "/catalogue", catalogue),
    Call("GET", "/events", events),
    *files.CALLS,
    *runs.CALLS,
    *variables.CALLS,
    Call("POST", "/complete", complete, {**WHERE, **_EXPRESSION, "address": _ADDRESS, "offset": _OFFSET}, _NEEDS),
    Call("POST", "/evaluate", evaluate, {**WHERE, **_EXPRESSION, "why": {"type": "boolean"}}, _NEEDS[:1]),
    Call("POST", "/check", check, {**WHERE, "tests": {"type": "boolean"}}),
)
