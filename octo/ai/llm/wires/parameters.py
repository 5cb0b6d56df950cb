"""The schema of a tool's arguments in a form that every provider takes.

Schemas come from authors and servers, and one that a provider refuses ends every call of the model. What is taken out
here is still checked when the tool is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

JsonSchema = Mapping[str, Any]
_CHOICES = ("anyOf", "oneOf")
_FOLDED = (*_CHOICES, "allOf", "$ref", "not", "enum", "if", "then", "else")
_VALUES = ("const", "default", "enum", "examples")
"""Keywords whose values are no schemas."""


def parameters(schema: JsonSchema) -> dict[str, Any]:
    """The schema with `properties`, with nothing to choose from at its top, and with `items` in each array."""
    properties, required = _folded(schema, schema, set())
    kept = {key: each for key, each in schema.items() if key not in _FOLDED}
    found: dict[str, Any] = {**kept, "type": "object", "properties": properties}
    found.pop("required", None)
    if required:
        found["required"] = required
    completed: dict[str, Any] = _completed(found)
    return completed


def _folded(schema: JsonSchema, root: JsonSchema, seen: set[int]) -> tuple[dict[str, Any], list[str]]:
    """The properties of the schema and of all that it refers to or offers at its top, and those that are required.

    seen: what was looked at, as a schema may contain itself.
    """
    if id(schema) in seen:
        return {}, []
    seen.add(id(schema))
    properties, required = dict(_map(schema, "properties")), [*_list(schema, "required")]
    both = [*_list(schema, "allOf"), *([target] if (target := _target(schema, root)) is not None else [])]
    for each in _schemas(both):
        more, needed = _folded(each, root, seen)
        properties = {**more, **properties}
        required += [name for name in needed if name not in required]
    for word in _CHOICES:
        found = [_folded(each, root, seen) for each in _schemas(_list(schema, word))]
        for more, _ in found:
            properties = {**more, **properties}
        required += [
            name
            for name in (found[0][1] if found else ())
            if name not in required and all(name in needed for _, needed in found)
        ]
    return properties, required


def _target(schema: JsonSchema, root: JsonSchema) -> object:
    """The definition that the schema refers to."""
    prefix, _, name = str(schema.get("$ref", "")).rpartition("/")
    return _map(root, prefix.removeprefix("#/")).get(name) if prefix in ("#/$defs", "#/definitions") else None


def _schemas(found: list[Any]) -> list[JsonSchema]:
    return [each for each in found if isinstance(each, Mapping)]


def _map(schema: JsonSchema, key: str) -> Mapping[str, Any]:
    found = schema.get(key)
    return found if isinstance(found, Mapping) else {}


def _list(schema: JsonSchema, key: str) -> list[Any]:
    found = schema.get(key)
    return found if isinstance(found, list) else []


def _completed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_completed(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {key: each if key in _VALUES else _completed(each) for key, each in schema.items()}
    kind = found.get("type")
    if (kind == "array" or (isinstance(kind, list) and "array" in kind)) and "items" not in found:
        found["items"] = {}
    return found
