"""JSON Schema as a shape. Only keywords about kinds, fields and elements are read.

The fields listed under `properties` count as all there are, unless `additionalProperties` is present and allows others.
Formally, a schema without it allows anything; but then no misspelt field would be found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from octo.expr.nearest import nearest
from octo.expr.shape.pattern import mistake
from octo.expr.shape.values import (
    BOOL,
    DOUBLE,
    INT,
    LIST,
    MAP,
    NULL,
    STRING,
    UNKNOWN,
    Items,
    Kind,
    Object,
    OneOf,
    Shape,
    either,
    list_of,
    object_of,
)

MOST_SCHEMAS: Final = 20_000

Path = tuple[str | int, ...]

_TYPES: Final[dict[str, Shape]] = {
    "object": MAP,
    "array": LIST,
    "string": STRING,
    "number": either(INT, DOUBLE),
    "integer": INT,
    "boolean": BOOL,
    "null": NULL,
}
_ONE: Final = (
    *("items", "additionalProperties", "additionalItems", "contains", "propertyNames", "not", "if", "then", "else"),
    *("unevaluatedProperties", "unevaluatedItems"),
)
_SEVERAL: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_TEXTS: Final = ("$ref", "title", "description", "format", "pattern")
_LISTS: Final = ("enum", "required")
_CONDITIONAL: Final = ("if", "then", "else", "dependentSchemas", "dependencies", "patternProperties", "$dynamicRef")
"""Keywords that may add fields, and are not followed."""
_KEYWORDS: Final = (*_ONE, *_SEVERAL, *_NAMED, *_TEXTS, *_LISTS, "type", "const", "nullable")


class Mistake(NamedTuple):
    """Something that is not JSON Schema: where it is, as steps from the top, what is wrong and what to do."""

    path: Path
    message: str
    hint: str = ""


def check_schema(schema: object) -> list[Mistake]:
    """What is wrong with a schema, in the keywords that are read here."""
    return list(_check(schema, schema, ()))


def shape_of(schema: object) -> Shape:
    """The shape of the values that a schema without mistakes allows."""
    return _Reader(schema).shape(schema, ())


# --- what is a schema --------------------------------------------------------------------------------------------


def _check(schema: object, root: object, path: Path) -> Iterator[Mistake]:
    if isinstance(schema, bool) and path:
        return
    if not isinstance(schema, Mapping):
        yield Mistake(path, "a schema must be a mapping", "write e.g. `type: object` and `properties:` below it")
        return
    for key, value in schema.items():
        here = (*path, key)
        if key in _ONE and not (key == "items" and isinstance(value, list)):
            yield from _check(value, root, here)
        elif key in _SEVERAL or key == "items":
            yield from _check_several(key, value, root, here)
        elif key in _NAMED:
            yield from _check_named(key, value, root, here)
        else:
            yield from _check_plain(key, value, root, here)


def _check_several(key: str, value: object, root: object, path: Path) -> Iterator[Mistake]:
    if not isinstance(value, list) or not value:
        yield Mistake(path, f"`{key}` must be a list of schemas", "begin each item with `- `")
        return
    for index, each in enumerate(value):
        yield from _check(each, root, (*path, index))


def _check_named(key: str, value: object, root: object, path: Path) -> Iterator[Mistake]:
    if not isinstance(value, Mapping):
        yield Mistake(path, f"`{key}` must be a mapping of names to schemas", "write `name: {type: ...}` lines")
        return
    for name, each in value.items():
        if key == "patternProperties":
            yield from _check_pattern(name, (*path, name))
        yield from _check(each, root, (*path, name))


def _check_plain(key: str, value: object, root: object, path: Path) -> Iterator[Mistake]:
    if key == "type":
        yield from _check_type(value, path)
    elif key == "$ref":
        yield from _check_reference(value, root, path)
    elif key in _LISTS and not isinstance(value, list):
        yield Mistake(path, f"`{key}` must be a list", "begin each item with `- `")
    elif key in _TEXTS and not isinstance(value, str):
        yield Mistake(path, f"`{key}` must be text", "put it in quotes")
    elif key == "pattern":
        yield from _check_pattern(value, path)
    elif key == "nullable" and not isinstance(value, bool):
        yield Mistake(path, "`nullable` must be `true` or `false`")


def _check_type(value: object, path: Path) -> Iterator[Mistake]:
    names = value if isinstance(value, list) else [value]
    for index, name in enumerate(names):
        if not isinstance(name, str) or name not in _TYPES:
            close = nearest(name, _TYPES) if isinstance(name, str) else None
            known = f"known: {', '.join(f'`{each}`' for each in _TYPES)}"
            hint = f"did you mean `{close}`? {known}" if close else known
            shown = f"`{name}`" if isinstance(name, str) else "this"
            yield Mistake((*path, index) if isinstance(value, list) else path, f"no JSON type is {shown}", hint)


def _check_pattern(value: object, path: Path) -> Iterator[Mistake]:
    if isinstance(value, str) and (reason := mistake(value)):
        hint = "put a backslash before a character that stands for itself"
        yield Mistake(path, f"`{value}` is no regular expression: {reason}", hint)


def _check_reference(value: object, root: object, path: Path) -> Iterator[Mistake]:
    if not isinstance(value, str):
        yield Mistake(path, "`$ref` must be text", "put it in quotes")
    elif not isinstance(_target(root, value), Mapping | bool):
        hint = "write `#/$defs/NAME` for a schema under `$defs:`"
        yield Mistake(path, f"the reference `{value}` leads to no schema in this one", hint)


def _target(root: object, pointer: str) -> object:
    """What a reference within the schema points to, or None."""
    if not pointer.startswith("#/") and pointer != "#":
        return None
    found: Any = root
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, Mapping):
            found = found.get(name)
        else:
            return None
    return found


# --- schema to shape ---------------------------------------------------------------------------------------------


class _Reader:
    def __init__(self, root: object) -> None:
        self.root = root
        self.left = MOST_SCHEMAS

    def shape(self, schema: object, inside: tuple[str, ...]) -> Shape:
        """`inside` holds the references that led here. One that leads to itself is followed at most twice."""
        self.left -= 1
        if not isinstance(schema, Mapping) or self.left < 0:
            return UNKNOWN
        found = self.own(schema, inside)
        if "$ref" in schema:
            found = _both(found, self.reference(schema["$ref"], inside))
        for each in _sequence(schema.get("allOf")):
            found = _both(found, self.shape(each, inside))
        for key in ("anyOf", "oneOf"):
            if members := _sequence(schema.get(key)):
                found = _both(found, either(*(self.shape(each, inside) for each in members)))
        if any(key in schema for key in _CONDITIONAL) or schema.get("unevaluatedProperties"):
            found = _opened(found)
        return found.or_null() if schema.get("nullable") is True else found

    def reference(self, pointer: object, inside: tuple[str, ...]) -> Shape:
        if not isinstance(pointer, str) or inside.count(pointer) > 1:
            return UNKNOWN
        return self.shape(_target(self.root, pointer), (*inside, pointer))

    def own(self, schema: Mapping[str, Any], inside: tuple[str, ...]) -> Shape:
        """What a schema says itself, without `$ref`, `allOf`, `anyOf` and `oneOf`."""
        found: Shape = UNKNOWN
        types = schema.get("type", _implied(schema))
        if types:
            names = types if isinstance(types, list) else [types]
            found = either(*(self.of_type(name, schema, inside) for name in names))
        values = [schema["const"]] if "const" in schema else _sequence(schema.get("enum"))
        return _both(found, either(*map(_of_value, values))) if values else found

    def of_type(self, name: object, schema: Mapping[str, Any], inside: tuple[str, ...]) -> Shape:
        if name == "object":
            return self.object(schema, inside)
        if name == "array":
            return self.list(schema, inside)
        return _TYPES.get(str(name), UNKNOWN)

    def object(self, schema: Mapping[str, Any], inside: tuple[str, ...]) -> Shape:
        listed = schema.get("properties")
        more = schema.get("additionalProperties")
        if not isinstance(listed, Mapping):
            listed = {}
        if not listed and more is not False:
            return MAP
        fields = {name: self.shape(each, inside) for name, each in listed.items()}
        return object_of(fields, is_open=more is not None and more is not False)

    def list(self, schema: Mapping[str, Any], inside: tuple[str, ...]) -> Shape:
        items = schema.get("items")
        first = items if isinstance(items, list) else _sequence(schema.get("prefixItems"))
        rest = schema.get("additionalItems") if isinstance(items, list) else items
        members = [self.shape(each, inside) for each in first]
        if rest is not False:
            members.append(self.shape(rest, inside))
        return list_of(either(*members))


def _implied(schema: Mapping[str, Any]) -> str | None:
    """The type of a schema without `type`, guessed from its keywords: nearly all such schemas mean that type."""
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else None


def _sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _of_value(value: object) -> Shape:
    """The kind of a constant. A JSON number may reach a flow as an int or as a double."""
    kinds: dict[type, Shape] = {
        bool: BOOL,
        int: _TYPES["number"],
        float: _TYPES["number"],
        str: STRING,
        dict: MAP,
        list: LIST,
        type(None): NULL,
    }
    return kinds.get(type(value), UNKNOWN)


def _opened(shape: Shape) -> Shape:
    if isinstance(shape, OneOf):
        return either(*map(_opened, shape.members))
    return object_of(shape.fields, is_open=True) if isinstance(shape, Object) else shape


def _both(left: Shape, right: Shape) -> Shape:
    """The shape of a value that has both shapes, or UNKNOWN when they contradict each other."""
    return _meet(left, right) or UNKNOWN


def _meet(left: Shape, right: Shape) -> Shape | None:
    if UNKNOWN in (left, right):
        return right if left == UNKNOWN else left
    if isinstance(left, OneOf) or isinstance(right, OneOf):
        ones = left.members if isinstance(left, OneOf) else (left,)
        others = right.members if isinstance(right, OneOf) else (right,)
        found = [both for one in ones for other in others if (both := _meet(one, other)) is not None]
        return either(*found) if found else None
    return _meet_one(left, right) if left.kinds == right.kinds else None


def _meet_one(left: Shape, right: Shape) -> Shape:
    if isinstance(left, Object) and isinstance(right, Object):
        fields = {name: _field(name, left, right) for name in (*left.fields, *right.fields)}
        return object_of(fields, is_open=left.open or right.open)
    if isinstance(left, Items) and isinstance(right, Items):
        return list_of(_both(left.of, right.of))
    return right if isinstance(left, Kind) else left


def _field(name: str, left: Object, right: Object) -> Shape:
    return _both(left.fields.get(name, UNKNOWN), right.fields.get(name, UNKNOWN))
