"""The table of the API, and the calls that are about the editor as a whole."""

from __future__ import annotations

from octo.cli.editing import feed, files
from octo.cli.editing.app import MOST_BODY, Call, Given, answer
from octo.cli.editing.editor import Editor
from octo.cli.editing.shadow import refuse_large
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
    texts = given.body.get("files", {})
    refuse_large(texts, MOST_BODY)
    found = await editor.checker.check(
        texts,
        given.body.get("path", ""),
        await editor.watcher.look(),
        given.body.get("page", ""),
        tests=given.body.get("tests", False),
    )
    return answer(found)


TEXTS = {"type": "object", "additionalProperties": {"type": ["string", "null"]}, "maxProperties": 2_000}
_TOKEN = {"type": "string", "maxLength": 200}
_NAME = {"type": "string", "maxLength": 100}

CALLS: tuple[Call[Editor], ...] = (
    Call("POST", "/session", enter, {"token": _TOKEN}, ("token",), is_open=True),
    Call("GET", "/session", session),
    Call("POST", "/link", link, {}),
    Call("GET", "/catalogue", catalogue),
    Call("GET", "/events", events),
    *files.CALLS,
    Call("POST", "/check", check, {"files": TEXTS, "path": files.PATH, "page": _NAME, "tests": {"type": "boolean"}}),
)
