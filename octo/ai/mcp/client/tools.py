"""The tools of a server as flows and models see them: their names, what is said of them, and what arguments fit.

Whatever a server says of its tools is data from outside. It is bounded, and characters that a reader does not see, but
a model does, are taken out. Nothing here can make sure that a description does not lie: allow-lists and approval do.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from octo.ai.mcp.client import codes
from octo.ai.mcp.client.plain import plain
from octo.ai.mcp.client.settings import Tools
from octo.ai.tools import fits
from octo.core import codec
from octo.core.errors import Permanent
from octo.core.json_schema import BadSchema, Schema
from octo.core.log import fields
from octo.core.printable import printable
from octo.expr import nearest

log = logging.getLogger("octo.mcp")

MOST_TOOLS = 1_000
"""Tools of one server. Further ones are left out."""
MOST_DESCRIPTION = 2_000
"""Characters that a tool may say of itself."""
MOST_SCHEMA = 65_536
"""Bytes of an input schema. A tool with a larger one is left out: it would cost that in every call of a model."""
MOST_NAME = 64
"""Characters of a name that every provider of models takes."""

_FOREIGN = re.compile(r"[^A-Za-z0-9_-]+")
_KEPT = "\n\t"


class Tool(NamedTuple):
    """One tool. name: what models call it. original: what the server calls it.

    schema: of its arguments. check: the same, compiled; None if it cannot be, then the server alone checks. output: the
        schema of its structured result, compiled; None if it declares none that can be.
    """

    name: str
    original: str
    description: str
    schema: Mapping[str, Any]
    needs_approval: bool
    check: Schema | None
    output: Schema | None

    def verified(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as plain JSON. Raises `Permanent` if they do not fit, or have no JSON form."""
        written = plain(arguments, f"the arguments of the tool {self.original!r}")
        faults = (self.check or _anything()).faults(written)
        if faults:
            told = "; ".join(map(str, faults))
            raise Permanent(f"the arguments do not fit the tool {self.original!r}: {told}", code=codes.BAD_ARGUMENTS)
        return written


@cache
def _anything() -> Schema:
    """The schema of what is not nested too deeply."""
    return Schema({})


class Listing:
    """The tools of one server that can be used, by both of their names."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self.tools = tuple(tools)
        self._by_name = {each.name: each for each in self.tools} | {each.original: each for each in self.tools}

    def find(self, name: str, place: str) -> Tool:
        """The tool of that name. Raises `Permanent` if there is none."""
        found = self._by_name.get(name)
        if found is None:
            guess = nearest(name, self._by_name)
            known = ", ".join(printable(each.original[:MOST_NAME]) for each in self.tools[:20]) or "none"
            hint = f"did you mean {printable(guess)!r}?" if guess else f"it has: {known}"
            raise Permanent(f"{place} has no tool {name!r} that can be used; {hint}", code=codes.NO_TOOL)
        return found


def listing(found: Iterable[tuple[str, str, object, object]], which: Tools, approval: list[str], place: str) -> Listing:
    """The tools of a server: name, description, input and output schema of each.

    What cannot be used is left out, and logged; it takes no other tool with it.
    """
    tools: list[Tool] = []
    taken: set[str] = set()
    for original, description, schema, output in found:
        if not which.has(original):
            continue
        if len(tools) == MOST_TOOLS:
            log.warning("further tools are left out", extra=fields(server=place, most=MOST_TOOLS))
            break
        if reason := _unusable(original, schema, {each.original for each in tools}):
            log.warning("tool left out", extra=fields(server=place, tool=original[:MOST_NAME], reason=reason))
            continue
        assert isinstance(schema, dict)
        name = _unique(original, taken)
        taken.add(name)
        needs_approval = fits(original, approval)
        check, result = _compiled(schema, name), None if output is None else _compiled(output, name)
        tools.append(Tool(name, original, shown(description), seen(schema), needs_approval, check, result))
    return Listing(tools)


def _unusable(name: str, schema: object, known: set[str]) -> str:
    if not name or len(name) > 256:
        return "its name is empty or too long"
    if name in known:
        return "another tool has the same name"
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        return "its input schema is not that of an object"
    try:
        size = len(codec.write(schema))
    except (TypeError, ValueError, RecursionError):
        return "its input schema is no JSON"
    return f"its input schema has {size} bytes" if size > MOST_SCHEMA else ""


def _compiled(schema: object, name: str) -> Schema | None:
    try:
        return Schema(schema)
    except BadSchema as error:  # a reference to elsewhere is one: nothing is fetched
        log.warning("a schema of a tool is not used", extra=fields(tool=name, reason=str(error)))
        return None


# --- names -------------------------------------------------------------------------------------------------------


def safe(name: str) -> str:
    """A name of letters, digits, `_` and `-`, as every provider of models takes it."""
    return _FOREIGN.sub("_", name).strip("_")[:MOST_NAME] or "tool"


def _unique(original: str, taken: set[str]) -> str:
    name, number = safe(original), 2
    while name in taken:
        tail = f"_{number}"
        name = f"{safe(original)[: MOST_NAME - len(tail)]}{tail}"
        number += 1
    return name


# --- texts -------------------------------------------------------------------------------------------------------


def shown(text: str, most: int = MOST_DESCRIPTION) -> str:
    """The text without characters that are not seen, cut to its first characters."""
    clean = "".join(each for each in text[: 4 * most] if each in _KEPT or not _is_hidden(each)).strip()
    return clean if len(clean) <= most else f"{clean[: most - 4]} ..."


def _is_hidden(character: str) -> bool:
    """Control and format characters (tags, marks of direction, zero width), private and unassigned ones."""
    return unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Cn")


def seen(schema: Any, *, is_text: bool = False) -> Any:
    """The schema with its titles and descriptions treated as those of tools are."""
    if isinstance(schema, dict):
        return {key: seen(each, is_text=key in ("description", "title")) for key, each in schema.items()}
    if isinstance(schema, list):
        return [seen(each) for each in schema]
    return shown(schema) if is_text and isinstance(schema, str) else schema
