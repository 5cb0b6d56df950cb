"""JSON Schema: whether a value fits, and where it does not.

Two libraries share the work. `jsonschema-rs` judges: it is fast, its patterns take linear time, and what it knows of a
value it remembers, so no document makes it slow. To list all faults, it would need exponential time for some schemas
that refer to themselves; so `octo.core.faults` explains with `jsonschema`, and counts its steps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any

import orjson

from octo.core import codec
from octo.core.bounded import bounded
from octo.core.faults import Explainer, Fault

__all__ = ["BadSchema", "Fault", "Schema"]

MOST_FAULTS = 10
MOST_DEEP = 254
"""Levels of a value, at most: those that orjson writes. The libraries call themselves for each level."""
MOST_REFS = 50
"""Schemas that one value may go through, each a part of the one before or what its `$ref` names."""
MOST_WORK = 10_000
"""Schemas that are tried on one value, at most. Fifty references could mean a billion."""
_SAME_VALUE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
_DEEP = object()
_DATA = ("enum", "const", "default", "examples", "example")
_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_STRICT = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS


KEYWORDS = "every keyword and what it takes: https://json-schema.org/understanding-json-schema"

FLATTER = "write what is meant with fewer `allOf`, `anyOf`, `oneOf` and `$ref`"


class BadSchema(ValueError):
    """It is no JSON Schema that can be used. path: where in the schema, as far as known. hint: what to do about it."""

    def __init__(self, message: str, path: Iterable[str | int] = (), hint: str = KEYWORDS) -> None:
        super().__init__(bounded(message, 500))
        self.path = tuple(path)
        self.hint = hint


class Schema:
    """A JSON Schema (draft 2020-12, or the one that its `$schema` names) that values can be checked against.

    `format` is checked for the formats of the specification. `nullable` of OpenAPI 3.0 allows null. References lead to
    places in the schema; nothing is fetched. Patterns have no look-around and no back-references.

    Raises `BadSchema`.
    """

    def __init__(self, schema: object) -> None:
        import jsonschema_rs as library

        if not isinstance(schema, dict | bool):
            raise BadSchema("a schema is a map, true or false")
        try:
            plain = nullable(schema)
            self._judge = library.validator_for(
                plain, pattern_options=library.RegexOptions(), validate_formats=True, offline=True
            )
        except library.ValidationError as error:
            raise _bad(error) from None
        except RecursionError:
            raise BadSchema("it is nested too deeply") from None
        except ValueError as error:  # keys that are no texts, values that are no JSON, too deep
            raise BadSchema(str(error)) from None
        _Cost(plain).check()
        self._schema = plain

    @cached_property
    def explainer(self) -> Explainer:
        """What lists the faults. Made when first asked for: its library takes a while to import."""
        return Explainer(self._schema)

    def fits(self, value: object) -> bool:
        """Whether the value fits. Values that JSON lacks count as what they are written as."""
        return bool(self._judge.is_valid(value)) if _is_json(value) else not self.faults(value, 1)

    def faults(self, value: object, most: int = MOST_FAULTS) -> list[Fault]:
        """Return where the value does not fit, and why: at most so many faults, and none if it fits."""
        if not _is_json(value):
            value = _as_written(value)
            if value is _DEEP:
                return [Fault("", f"is nested more than {MOST_DEEP} levels deep")]
        return [] if self._judge.is_valid(value) else self.explainer.faults(value, most)


def nullable(schema: Any) -> Any:
    """Return the schema with `nullable` of OpenAPI 3.0 written as JSON Schema writes it."""
    if isinstance(schema, list):
        return [nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = mapped(schema, nullable)
    kinds = schema.get("type")
    if schema.get("nullable") is True and isinstance(kinds, str | list):
        found["type"] = [*([kinds] if isinstance(kinds, str) else kinds), "null"]
        del found["nullable"]
    return found


def mapped(schema: Mapping[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the schema with its inner ones changed. Data is not, but a property may have the name of a keyword."""
    return {
        key: {name: change(inner) for name, inner in each.items()}
        if key in _BY_NAME and isinstance(each, dict)
        else (each if key in _DATA else change(each))
        for key, each in schema.items()
    }


# --- values ------------------------------------------------------------------------------------------------------


def _is_json(value: object) -> bool:
    """Whether the value is plain JSON that is not nested too deeply."""
    try:
        orjson.dumps(value, option=_STRICT)
    except TypeError:
        return False
    return True


def _as_written(value: object) -> object:
    """Return the value that is read from what is written of it, `_DEEP` if that is nested too deeply."""
    try:
        read = json.loads(codec.write_kinds(value), parse_float=Decimal)
    except RecursionError:
        return _DEEP
    return _DEEP if _is_deeper(read, MOST_DEEP) else read


def _is_deeper(value: object, room: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return bool(inner) and (not room or any(_is_deeper(each, room - 1) for each in inner))


# --- schemas -----------------------------------------------------------------------------------------------------


def _bad(error: Any) -> BadSchema:
    """Return what is wrong with a schema, in our words where the library's do not say what to do."""
    if getattr(error.kind, "format", "") == "regex":
        said = "the pattern is no regular expression, or has a look-around or a back-reference, which may take for ever"
        return BadSchema(said, error.instance_path, "write `not: {pattern: ...}`, or several patterns under `allOf:`")
    if "Retrieval is disabled" in error.message:
        said = "a `$ref` leads to another document, and none is fetched"
        return BadSchema(said, error.instance_path, "copy what it names to a place under `$defs:`")
    return BadSchema(str(error.message), error.instance_path)


class _Cost:
    """What a value costs at most: how many schemas are tried on it, one inside the other and altogether."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._known: dict[int, int] = {}

    def check(self) -> None:
        """Raise `BadSchema` if any part of the schema is too expensive."""
        waiting = [self._root]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                self._work(part, 0)
                waiting.extend(each for key, each in part.items() if key not in _DATA)
            elif isinstance(part, list):
                waiting.extend(part)

    def _work(self, schema: object, depth: int) -> int:
        if not isinstance(schema, dict):
            return 1
        if depth > MOST_REFS:
            said = f"more than {MOST_REFS} schemas lie one inside the other, or refer to one another in a row"
            raise BadSchema(said, hint=FLATTER)
        if id(schema) not in self._known:
            self._known[id(schema)] = 1  # what it leads to may lead back to it
            self._known[id(schema)] = 1 + sum(self._work(each, depth + 1) for each in self._same_value(schema))
        if self._known[id(schema)] > MOST_WORK:
            raise BadSchema(f"more than {MOST_WORK} schemas would be tried on one value", hint=FLATTER)
        return self._known[id(schema)]

    def _same_value(self, schema: Mapping[str, Any]) -> Iterable[object]:
        for key in _SAME_VALUE:
            inner = schema.get(key)
            if key == "dependentSchemas" and isinstance(inner, dict):
                yield from inner.values()
            else:
                yield from inner if isinstance(inner, list) else (inner,)
        ref = schema.get("$ref")
        if isinstance(ref, str) and ref.startswith("#"):
            yield self._named(ref)

    def _named(self, ref: str) -> object:
        place: Any = self._root
        for step in ref[1:].split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            place = place[int(name)] if isinstance(place, list) and name.isdecimal() else _get(place, name)
        return place


def _get(place: object, name: str) -> object:
    return place.get(name) if isinstance(place, dict) else None
