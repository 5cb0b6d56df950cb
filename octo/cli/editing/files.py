"""The calls about files. A save names the version that it replaces; the refusal of another one has the text of now."""

from __future__ import annotations

import asyncio
import re

from octo.cli.authoring import codes as authoring
from octo.cli.authoring.refusal import Refused
from octo.cli.editing import codes
from octo.cli.editing.app import Call, Given, answer
from octo.cli.editing.editor import Editor
from octo.operations.web import Response

_ETAG = re.compile(r'"([0-9a-f]{32})"')
_TEXT = {"type": "string"}
PATH = {"type": "string", "maxLength": 2_000}


async def listed(editor: Editor, given: Given) -> Response:
    del given
    found = await editor.watcher.look()
    return answer({"files": [each.as_json() for each in found], "isWhole": editor.watcher.is_whole})


async def read(editor: Editor, given: Given) -> Response:
    path = given.parts["path"]
    found = await asyncio.to_thread(editor.folder.read, path)
    return answer({"path": path, "text": found.text, "etag": found.hash}, 200, _etag(found.hash))


async def write(editor: Editor, given: Given) -> Response:
    path, version = given.parts["path"], known(given, may_be_new=True)
    saved = await _unless_stale(editor, path, editor.folder.write, path, version, given.body["text"])
    await editor.watcher.look()
    return answer({"path": path, "etag": saved}, 200, _etag(str(saved)))


async def delete(editor: Editor, given: Given) -> Response:
    path = given.parts["path"]
    await _unless_stale(editor, path, editor.folder.delete, path, known(given))
    await editor.watcher.look()
    return answer({"path": path})


async def rename(editor: Editor, given: Given) -> Response:
    path, new = given.body["from"], given.body["to"]
    await _unless_stale(editor, path, editor.folder.rename, path, known(given), new)
    await editor.watcher.look()
    return answer({"path": new})


def _etag(text: str) -> tuple[str, str]:
    return "etag", f'"{text}"'


def known(given: Given, *, may_be_new: bool = False) -> str:
    """The version that is replaced, "" for none."""
    if may_be_new and given.header("if-none-match").strip() == "*":
        return ""
    if (found := _ETAG.fullmatch(given.header("if-match").strip())) is None:
        raise Refused(codes.UNCONDITIONAL, "say which version this replaces, with If-Match")
    return found[1]


async def _unless_stale(editor: Editor, path: str, change: object, *arguments: str) -> object:
    """Make the change. If the file is another by now, the refusal has its text: nobody's save is lost."""
    assert callable(change)
    try:
        return await asyncio.to_thread(change, *arguments)
    except Refused as error:
        if error.code != authoring.STALE:
            raise
        error.hint = "merge what is there now, and save on its version"
        try:
            found = await asyncio.to_thread(editor.folder.read, path)
            error.facts = {"current": {"path": path, "text": found.text, "etag": found.hash}}
        except Refused:
            error.facts = {"current": None}
        raise


CALLS = (
    Call("GET", "/files", listed),
    Call("GET", "/files/{path*}", read),
    Call("PUT", "/files/{path*}", write, {"text": _TEXT}, ("text",)),
    Call("DELETE", "/files/{path*}", delete),
    Call("POST", "/rename", rename, {"from": PATH, "to": PATH}, ("from", "to")),
)
