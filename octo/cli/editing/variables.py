"""The calls about what a configuration asks for: the variables of its `.env`, and its resources."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from octo.cli.authoring import codes as authoring
from octo.cli.authoring.refusal import Refused
from octo.cli.editing import files
from octo.cli.editing.app import Call, Given, answer
from octo.cli.editing.editor import Editor
from octo.config.dotenv import parse_dotenv, places
from octo.config.env import is_secret
from octo.config.report import Report
from octo.operations.web import Response

Answer = dict[str, Any]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BREAK = re.compile(r"(?<=\n)")
_QUOTES = ('"', "'")


async def shown(editor: Editor, given: Given) -> Response:
    """The variables, without their values unless `reveal` asks for them."""
    unit, asked = await _asked(editor, given)
    place = _place(unit)
    found = await asyncio.to_thread(_read, editor, place)
    values = parse_dotenv(found[0], place, Report()) if found else {}
    declared = {each["name"]: each for each in asked["variables"]}
    names = [*declared, *(name for name in values if name not in declared)]
    reveals = given.query.get("reveal") == "1"
    variables = [_variable(name, declared.get(name), values, reveals=reveals) for name in names]
    return answer({"path": place, "etag": found[1] if found else "", "variables": variables})


async def put(editor: Editor, given: Given) -> Response:
    """Set some variables in the `.env` file, None to remove one. All other lines stay as they are."""
    unit, _ = await _asked(editor, given)
    place, known = _place(unit), files.known(given, may_be_new=True)
    values: Mapping[str, str | None] = given.body["values"]

    def write() -> str:
        found = _read(editor, place)
        return editor.dotenv.write(place, known, edited(found[0] if found else "", values))

    saved = await asyncio.to_thread(write)
    await editor.runner.update()
    return answer({"path": place, "etag": saved})


async def resources(editor: Editor, given: Given) -> Response:
    """The files that a configuration names besides its flows, and whether they are there."""
    unit, asked = await _asked(editor, given)
    there = {each.path: each for each in await editor.watcher.look()}
    folder = PurePosixPath(unit) if PurePosixPath(unit).suffix == "" else PurePosixPath(unit).parent
    named = [str(folder / each) for each in asked["resources"]]
    return answer({"resources": [{"path": each, "isThere": each in there} for each in named]})


async def _asked(editor: Editor, given: Given) -> tuple[str, Answer]:
    path = str(given.body.get("path", given.query.get("path", "")))
    return await editor.checker.ask("environment", {}, path, await editor.watcher.look(), "variables")


def _place(unit: str) -> str:
    """The `.env` file of a configuration."""
    path = PurePosixPath(unit)
    return str((path.parent if path.suffix.lower() in (".yaml", ".yml") else path) / ".env")


def _read(editor: Editor, place: str) -> tuple[str, str] | None:
    try:
        found = editor.dotenv.read(place)
    except Refused as error:
        if error.code == authoring.MISSING:
            return None
        raise
    return found.text, found.hash


def _variable(name: str, declared: Answer | None, values: Mapping[str, str], *, reveals: bool) -> Answer:
    about = declared or {"default": None, "required": False, "secret": is_secret(name)}
    source = "process" if name in os.environ else "file" if name in values else "default"
    if source == "default" and about["default"] is None:
        source = "none"
    return {
        "name": name,
        "isDeclared": declared is not None,
        "isRequired": about["required"],
        "isSecret": about["secret"],
        "default": about["default"],
        "source": source,
        "value": values.get(name) if reveals else None,
    }


def edited(text: str, values: Mapping[str, str | None]) -> str:
    """The text of a `.env` file with these values; of other lines no byte changes. Raises `Refused`."""
    lines = _BREAK.split(text)
    ending = "\r\n" if lines[0].endswith("\r\n") else "\n"
    known = places(text)
    for name in sorted(values, key=lambda each: known.get(each, (0, 0)), reverse=True):
        value = values[name]
        written = [] if value is None else [f"{name}={_quoted(name, value)}"]
        if name in known:
            first, behind = known[name]
            end = lines[behind - 1][len(lines[behind - 1].rstrip("\r\n")) :]
            lines[first:behind] = [f"{each}{end}" for each in written]
        elif written:
            if lines[-1] and not lines[-1].endswith("\n"):
                lines[-1] += ending
            lines.append(f"{written[0]}{ending}")
    return "".join(lines)


def _quoted(name: str, value: str) -> str:
    if not _NAME.fullmatch(name):
        raise Refused(authoring.ARGUMENT, f"{name[:80]!r} is no name of a variable")
    if "\r" in value or "\0" in value:
        raise Refused(authoring.ARGUMENT, f"the value of {name} has characters that a .env file cannot hold")
    if "\n" not in value and value == value.strip() and value[:1] not in _QUOTES:
        return value
    quote = next((each for each in _QUOTES if each not in value), None)
    if quote is None:
        raise Refused(authoring.ARGUMENT, f"the value of {name} has both kinds of quotes, and needs one around it")
    return f"{quote}{value}{quote}"


_VALUES = {"type": "object", "additionalProperties": {"type": ["string", "null"], "maxLength": 1 << 20}}

CALLS = (
    Call("GET", "/env", shown),
    Call("PUT", "/env", put, {"path": files.PATH, "values": _VALUES}, ("values",)),
    Call("GET", "/resources", resources),
)
