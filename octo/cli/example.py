"""A short example of a connector, source or block, made from its part of the catalogue: what is required."""

from __future__ import annotations

import re
from typing import Any

Described = dict[str, Any]

_CHAIN = [{"type": "log", "settings": {"message": '"here"'}}]
_EXPRESSIONS = {
    "bool": "body.total > 100",
    "list": "body.items",
    "string": "body.name",
    "text": "body.name",
    "int": "size(body.items)",
    "map": "body",
}
_VALUES: dict[str, object] = {"duration": "30s", "int": 1, "number": 1, "bool": True, "flow": "other", "steps": _CHAIN}


def of_block(block: Described) -> object:
    """What stands in a chain."""
    used = block["connector"]
    named = {used["key"]: "example"} if used and used["required"] else {}
    settings = named | _settings(block["fields"])
    return [{"type": block["type"], "settings": settings} if settings else {"type": block["type"]}]


def of_source(source: Described) -> object:
    """A flow with this source."""
    settings = _settings(source["fields"])
    given = {"type": source["type"], "settings": settings} if settings else {"type": source["type"]}
    return {"flows": [{"name": "example", "source": given, "process": _CHAIN}]}


def of_connector(connector: Described) -> object:
    settings = _settings(connector["fields"])
    given = {"name": "example", "type": connector["type"]}
    secrets = [each["name"] for each in connector["fields"] if each["name"] in settings and each.get("secret")]
    env = {"env": [{"name": _variable(each), "secret": True, "default": "not-set"} for each in secrets]}
    return {**(env if secrets else {}), "connectors": [{**given, "settings": settings} if settings else given]}


def _settings(fields: list[Described]) -> Described:
    """The required settings; if there are none, the first common one that says something."""
    chosen = [each for each in fields if each["required"]]
    chosen = chosen or [each for each in fields if _says_something(each)][:1]
    return {each["name"]: _value(each) for each in chosen}


def _says_something(field: Described) -> bool:
    if field["group"] != "common":
        return False
    if field["type"] == "list":
        return bool(field.get("examples")) or bool(field["items"]["type"] == "object")
    return bool(field.get("examples")) or field["type"] == "expression"


def _variable(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


def _value(field: Described) -> object:
    kind = field["type"]
    if field.get("examples"):
        return field["examples"][0]
    if field.get("secret"):
        return f"${{{_variable(field['name'])}}}"
    match kind:
        case "expression":
            value: object = _EXPRESSIONS.get(field["result"], "body")
        case "choice":
            value = next((each for each in field["choices"] if each), "")
        case "list":
            value = [_value(field["items"])]
        case "map":
            value = {"name": _value(field["items"])}
        case "object":
            value = _settings(field["fields"])
        case "any" if field.get("of"):
            value = _value(field["of"][0])
        case _:
            value = _VALUES.get(kind, "total")
    return value
