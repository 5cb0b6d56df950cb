"""The catalogue: every connector and block as data, for forms, reference pages and the JSON Schema.

A field has `name`, `doc`, `required`, `default` (unless required) and a type. A type is `type` with more beside it:
`text`, `int`, `number`, `bool`, `duration`, `choice` (`choices`), `expression` (`result`), `steps` (a chain of
blocks), `flow` (the name of one), `list` and `map` (`items`), `object` (`fields`), `any` (perhaps `of` several).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import NoneType
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from octo.config.model import Kind, field_kinds, result_of
from octo.core.block import BlockType
from octo.core.connector import ConnectorType
from octo.core.expressions import Expr, Names
from octo.core.plugins import Plugins
from octo.core.settings import Secret, field_docs
from octo.core.sockets import FlowRef, Steps
from octo.core.source import SourceType

Described = dict[str, Any]

_PLAIN: dict[type, str] = {
    str: "text",
    Path: "text",
    int: "int",
    float: "number",
    bool: "bool",
    timedelta: "duration",
    Steps: "steps",
    FlowRef: "flow",
}
_BOUNDS = {"ge": "minimum", "gt": "above", "le": "maximum", "lt": "below", "min_length": "least", "max_length": "most"}
_UNITS = ((3600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1000, "ms"), (1, "us"))


def catalogue(plugins: Plugins) -> Described:
    """Everything that an author can write a `type:` of. Imports every plug-in."""
    connectors = (plugins.connector(name) for name in plugins.connector_names())
    blocks = (plugins.block(name) for name in plugins.block_names())
    return {
        "connectors": [_connector(each) for each in connectors if each is not None],
        "blocks": [_block(each) for each in blocks if each is not None],
    }


def _connector(type_: ConnectorType) -> Described:
    return {
        "type": type_.name,
        "doc": type_.doc,
        "fields": fields(type_.settings),
        "sources": [_source(each) for each in type_.sources.values()],
        "blocks": sorted(type_.blocks),
    }


def _source(type_: SourceType) -> Described:
    return {"type": type_.name, "doc": type_.doc, "push": type_.is_push, "fields": fields(type_.settings)}


def _block(type_: BlockType) -> Described:
    described = fields(type_.settings)
    return {
        "type": type_.name,
        "doc": type_.doc,
        "connector": None
        if type_.connector is None
        else {"type": type_.connector, "key": type_.key, "required": not type_.default},
        "fields": described,
        "slots": [slot for field in described for slot in _slots(field, field["name"])],
    }


def _slots(described: Described, name: str) -> list[str]:
    """Where chains stand: `then`, `branches[]`, `cases[].process`."""
    kind = described["type"]
    if kind == "steps":
        return [name]
    if kind in ("list", "map"):
        return _slots(described["items"], f"{name}[]")
    if kind == "object":
        return [slot for field in described["fields"] for slot in _slots(field, f"{name}.{field['name']}")]
    return []


# --- fields and their types --------------------------------------------------------------------------------------


def fields(model: type[BaseModel]) -> list[Described]:
    docs = field_docs(model)
    return [_field(info.alias or name, info, docs.get(name, "")) for name, info in model.model_fields.items()]


def _field(name: str, info: FieldInfo, doc: str) -> Described:
    described = {"name": name, "doc": doc, **_type(field_kinds(info))}
    described["required"] = info.is_required()
    described["secret"] = _holds(described, "secret")
    described["expression"] = described["type"] == "expression"
    if not info.is_required():
        described["default"] = _default(info.get_default(call_default_factory=True, validated_data={}))
    return described


def _holds(described: Described, flag: str) -> bool:
    return bool(described.get(flag)) or any(_holds(each, flag) for each in described.get("of", ()))


def _type(found: list[Kind]) -> Described:
    options = [each for each in found if each.type is not NoneType]
    if len(options) > 1:
        return {"type": "any", "of": [_kind(each) for each in options]}
    return _kind(options[0]) if options else {"type": "any"}


def _kind(kind: Kind) -> Described:
    if kind.is_a(Expr):
        return _expression(kind)
    if kind.is_a(Secret):
        return {"type": "text", "secret": True}
    if kind.type is Literal:
        return {"type": "choice", "choices": list(kind.arguments)}
    if kind.type in _PLAIN:
        return {"type": _PLAIN[kind.type], **_bounds(kind.notes)}
    return _composed(kind)


def _composed(kind: Kind) -> Described:
    if kind.model is not None:
        return {"type": "object", "fields": fields(kind.model)}
    if kind.is_a(Mapping):
        return {"type": "map", "items": _type(kind.items)}
    if kind.is_a(Sequence, set, frozenset):
        return {"type": "list", "items": _type(kind.items), **_bounds(kind.notes)}
    return {"type": "any"}


def _expression(kind: Kind) -> Described:
    names = next((list(each.names) for each in kind.notes if isinstance(each, Names)), None)
    result = _kind(Kind(result_of(kind)))["type"]
    return {"type": "expression", "result": result, **({"names": names} if names else {})}


def _bounds(metadata: Sequence[Any]) -> Described:
    found = {}
    for each in metadata:
        for name, said in _BOUNDS.items():
            value = getattr(each, name, None)
            if value is not None:
                found[said] = value
    return found


def _default(value: Any) -> Any:
    """The default as an author would write it. A secret has none to show, a chain is empty."""
    if isinstance(value, BaseModel):
        return {info.alias or name: _default(getattr(value, name)) for name, info in type(value).model_fields.items()}
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, Expr):
        return value.text
    if isinstance(value, Mapping):
        return {str(key): _default(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_default(each) for each in value]
    return value if isinstance(value, str | int | float | bool) else None


def duration(value: timedelta) -> str:
    """Go's notation: `1h30m`, `250ms`."""
    rest, text = value // timedelta(microseconds=1), ""
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"
