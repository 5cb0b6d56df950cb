"""A JSON Schema as a Hypothesis strategy: messages that fit it, the simple ones first.

It reads the keywords that `octo.expr.shape.schema` reads, and these bounds: `minimum`, `maximum`, `exclusiveMinimum`,
`exclusiveMaximum`, `multipleOf`, `minLength`, `maxLength`, `pattern`, `format`, `minItems`, `maxItems`, `uniqueItems`.
It ignores `not`, conditions and `patternProperties`: messages may then violate these parts of the schema. As in
`octo.expr.shape.schema`, a message has only the fields under `properties`, unless `additionalProperties` says
otherwise; fields that are not `required` may be absent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from hypothesis import strategies as st

from octo.expr.shape.pattern import translated

Schema = Mapping[str, Any]
Strategy = st.SearchStrategy[Any]

INT64 = 2**63
MOST_ITEMS = 8
"""A list without a limit of its own has at most this many elements. Bugs that need more are rare and slow to find."""

_VALUES = ("const", "enum", "default", "examples")
"""Keywords that hold values, not schemas."""
_KEYS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)


def messages(schema: object) -> Strategy:
    """Bodies that fit the schema. The schema must be valid (`check_schema`)."""
    return _Reader(schema).strategy(schema)


def patterned(schema: object, path: str = "input") -> Iterator[tuple[str, Schema]]:
    """Yield every schema in this one that has a `pattern`, with its path, e.g. `input.properties.id.pattern`."""
    if isinstance(schema, list):
        for index, each in enumerate(schema):
            yield from patterned(each, f"{path}[{index}]")
    elif isinstance(schema, Mapping):
        if isinstance(schema.get("pattern"), str):
            yield f"{path}.pattern", schema
        for key, each in schema.items():
            if key not in _VALUES:
                yield from patterned(each, f"{path}.{key}")


def text(schema: Schema) -> Strategy:
    """Texts that fit a schema of texts. Raises ValueError if its `pattern` is not supported."""
    return _string(schema)


def anything() -> Strategy:
    """Any JSON value, mostly small ones."""
    leaves = st.none() | st.booleans() | st.integers(-INT64, INT64 - 1) | _finite() | st.text(max_size=20)
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4))


def _finite(**bounds: Any) -> Strategy:
    return st.floats(allow_nan=False, allow_infinity=False, **bounds)


class _Reader:
    """Reads one schema. A `$ref` becomes a strategy that is resolved when used, so a schema may refer to itself."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._named: dict[str, Strategy] = {}

    def strategy(self, schema: object) -> Strategy:
        if not isinstance(schema, Mapping):
            return st.nothing() if schema is False else anything()
        found = self._plain(schema)
        return st.none() | found if schema.get("nullable") is True else found

    def _plain(self, schema: Schema) -> Strategy:
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(list(schema["enum"]))
        if "$ref" in schema:
            return self._reference(schema["$ref"])
        if "allOf" in schema:
            return self.strategy(self._merged(schema))
        for key in ("anyOf", "oneOf"):
            if key in schema:
                rest = {name: each for name, each in schema.items() if name != key}
                return st.one_of([self.strategy(_joined(rest, self._resolved(each))) for each in schema[key]])
        return st.one_of([self._typed(kind, schema) for kind in _kinds(schema)])

    def _typed(self, kind: str, schema: Schema) -> Strategy:
        read: dict[str, Callable[[Schema], Strategy]] = {
            "object": self._object,
            "array": self._array,
            "string": _string,
            "integer": _integer,
            "number": _number,
        }
        simple = {"null": st.none(), "boolean": st.booleans()}
        if kind in simple:
            return simple[kind]
        return read[kind](schema) if kind in read else anything()

    def _object(self, schema: Schema) -> Strategy:
        required = set(schema.get("required", ()))
        fields = {name: self.strategy(each) for name, each in schema.get("properties", {}).items()}
        more = schema.get("additionalProperties", not fields)
        fields |= {name: self.strategy(more or True) for name in required - set(fields)}
        known = st.fixed_dictionaries(
            {name: each for name, each in fields.items() if name in required},
            optional={name: each for name, each in fields.items() if name not in required},
        )
        if more is False:
            return known
        names = _KEYS.filter(lambda name: name not in fields)
        others = st.dictionaries(names, self.strategy(more), max_size=3)
        return st.builds(lambda one, other: {**other, **one}, known, others)

    def _array(self, schema: Schema) -> Strategy:
        items, first = schema.get("items", True), schema.get("prefixItems", [])
        if isinstance(items, list):  # before draft 2020-12
            items, first = schema.get("additionalItems", True), items
        least = max(0, schema.get("minItems", 0) - len(first))
        most = schema.get("maxItems", max(least, MOST_ITEMS) + len(first)) - len(first)
        unique: Any = repr if schema.get("uniqueItems") else None
        rest = st.lists(self.strategy(items), min_size=least, max_size=max(0, most), unique_by=unique)
        if not first:
            return rest
        head = st.tuples(*map(self.strategy, first)).map(list)
        return st.builds(list.__add__, head, st.just([]) if items is False else rest)

    def _reference(self, reference: str) -> Strategy:
        if reference not in self._named:
            self._named[reference] = st.deferred(lambda: self.strategy(self._target(reference)))
        return self._named[reference]

    def _target(self, reference: str) -> Any:
        found: Any = self._root
        for step in reference.lstrip("#/").split("/") if reference not in ("#", "#/") else ():
            name = step.replace("~1", "/").replace("~0", "~")
            found = found[int(name)] if isinstance(found, list) else found[name]
        return found

    def _resolved(self, schema: Any) -> Any:
        return self._target(schema["$ref"]) if isinstance(schema, Mapping) and "$ref" in schema else schema

    def _merged(self, schema: Schema) -> Schema:
        merged: Schema = {name: each for name, each in schema.items() if name != "allOf"}
        for each in schema["allOf"]:
            merged = _joined(merged, self._resolved(each))
        return merged


def _joined(one: Schema, other: Any) -> Schema:
    """Combine two schemas: the second wins, except that `properties`, `$defs` and `required` are merged."""
    if not isinstance(other, Mapping):
        return one
    joined = {**one, **other}
    for key in ("properties", "$defs"):
        if key in one and key in other:
            joined[key] = {**one[key], **other[key]}
    if "required" in one and "required" in other:
        joined["required"] = [*one["required"], *other["required"]]
    return joined


def _kinds(schema: Schema) -> list[str]:
    written = schema.get("type")
    if written is not None:
        return list(written) if isinstance(written, list) else [written]
    if "properties" in schema or "additionalProperties" in schema or "required" in schema:
        return ["object"]
    if "items" in schema or "prefixItems" in schema:
        return ["array"]
    if "pattern" in schema or "minLength" in schema or "maxLength" in schema:
        return ["string"]
    return ["number"] if "minimum" in schema or "maximum" in schema or "multipleOf" in schema else ["any"]


# --- scalars -----------------------------------------------------------------------------------------------------

_FORMATS: dict[str, Callable[[], Strategy]] = {
    "date": lambda: st.dates().map(lambda day: day.isoformat()),
    "date-time": lambda: st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    "email": lambda: st.builds("{}@{}.example".format, _KEYS, _KEYS),
    "uuid": lambda: st.uuids().map(str),
}


def _string(schema: Schema) -> Strategy:
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if "pattern" in schema:
        found = st.from_regex(translated(schema["pattern"]))
        return found.filter(lambda text: least <= len(text) and (most is None or len(text) <= most))
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]()
    return st.text(min_size=least, max_size=most if most is not None else max(least, 20))


def _integer(schema: Schema) -> Strategy:
    least, most = _bounds(schema)
    low = -INT64 if least.value is None else math.ceil(least.value)
    high = INT64 - 1 if most.value is None else math.floor(most.value)
    low += least.excludes and low == least.value
    high -= most.excludes and high == most.value
    factor = schema.get("multipleOf")
    if isinstance(factor, int) and factor > 0:
        return st.integers(-(-low // factor), high // factor).map(lambda times: times * factor)
    return st.integers(low, high) if low <= high else st.nothing()


def _number(schema: Schema) -> Strategy:
    """Whole numbers and fractions, since JSON has both. With `multipleOf`, multiples of it, rounded."""
    least, most = _bounds(schema)
    factor = schema.get("multipleOf")
    if factor is not None:
        low = None if least.value is None else math.ceil(least.value / factor)
        high = None if most.value is None else math.floor(most.value / factor)
        return st.integers(low, high).map(lambda times: round(times * factor, 12))
    fractions = _finite(
        min_value=least.value, max_value=most.value, exclude_min=least.excludes, exclude_max=most.excludes
    )
    return _integer(schema) | fractions


class _Bound(NamedTuple):
    """The tighter of an inclusive and an exclusive bound. value: None if there is no bound."""

    value: float | None
    excludes: bool


def _bounds(schema: Schema) -> tuple[_Bound, _Bound]:
    return _bound(schema, "minimum", "exclusiveMinimum", max), _bound(schema, "maximum", "exclusiveMaximum", min)


def _bound(schema: Schema, inclusive: str, exclusive: str, tighter: Callable[..., float]) -> _Bound:
    bound, other = schema.get(inclusive), schema.get(exclusive)
    if isinstance(other, bool) or other is None:  # drafts before 6 write `exclusiveMinimum: true` beside `minimum`
        return _Bound(bound, bound is not None and other is True)
    if bound is None:
        return _Bound(other, excludes=True)
    return _Bound(tighter(bound, other), excludes=tighter(bound, other) == other)
