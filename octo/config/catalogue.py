"""The catalogue: everything that an author can write, as plain data that is read without importing any of it.

Forms, completion, the JSON Schemas and the reference page are made from it, here and in programs that know Octo by
this data alone. `octo.config.shipped` reads the catalogue of the built-in components, a file of the package.

    version     the version of this form; it grows when a reader of the old form would misread the new one
    octo        the version of Octo that wrote it
    flow, env   the fields of a flow and of a variable
    connectors  type, family ("" for one that is alone), doc, fields, blocks (names), sources, stub and trigger (each
                doc and fields, or null)
    sources     type, doc, fields, push, once, silence (a duration, or null); guarantee: what it promises, or null if
                its settings decide; promises: all that it may promise, see `octo.core.promise`; sets: the variables of
                its messages, as fields, or null if it does not declare them; naming: whether its settings name more of
                them
    blocks      type, doc, fields, connector (or null: type, which may be that of a family, such as `llm`; of, the types
                that suit; key, required), slots (where chains may be), tail (whether it takes the rest of its flow, so
                that it stands directly in the flow), promises ([] unless it changes something outside)

A field has `name`, `label`, `doc`, `group` (`common` or `advanced`), `examples` (if it has some), `required`,
`default` (unless required), `secret`, `expression`, `null` (whether null is a value; in flow files null means that
nothing is written) and a type. A type is `type` with more beside it: `text`, `int`, `number`, `bool`, `duration`,
`time`, `choice` (`choices`), `expression` (`result`, `names`), `steps` (a chain of blocks, or `{name, process}`),
`chain` (a list of blocks), `source`, `flow` (the name of one), `list` and `map` (`items`), `object` (`fields`; `short`:
it may be written as the value of that field), `any` (perhaps `of` several). Numbers may have `minimum`, `above`,
`maximum` and `below`; texts and lists `least` and `most`, for their length; texts a `pattern`. A text that names a
connector has its type or family as `connector`.

A field with an address to which connections are opened has `reaches`: the `ports` of schemes; the scheme of a `bare`
address, "" if there is none; its `home`, the address where nothing is written, if that is not the default; `when`: the
`setting` beside it that must be (`is`) one of some values, null for one without a value; null if the address is always
used. A field with a port to listen at has `listens`: the `variable` of the environment and the `default` where nothing
is written, the field of the `host`, and what is listened at (`all`) where that says nothing.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, WithJsonSchema
from pydantic.fields import FieldInfo

from octo import __version__
from octo.config.model import Kind, field_kinds, result_of
from octo.core.block import BlockType
from octo.core.connector import ConnectorType
from octo.core.expressions import Expr, Names
from octo.core.language import Chain, FlowSettings, Source, VariableSettings
from octo.core.plugins import Plugins
from octo.core.promise import Guaranteeing
from octo.core.settings import Group, Listens, Reaches, Secret, Settings, Short, field_docs
from octo.core.sockets import ConnectorRef, FlowRef, Of, Steps
from octo.core.source import Naming, SourceType

T = TypeVar("T")

VERSION = 1

Described = dict[str, Any]

_PLAIN: dict[type, str] = {
    str: "text",
    Path: "text",
    int: "int",
    float: "number",
    bool: "bool",
    timedelta: "duration",
    datetime: "time",
    Chain: "chain",
    Source: "source",
    Steps: "steps",
    FlowRef: "flow",
}
_JSON_TYPES = {"string": "text", "integer": "int", "number": "number", "boolean": "bool"}
_WORD = re.compile("[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_ACRONYMS = frozenset(("ca", "cel", "cors", "dsn", "http", "id", "json", "sql", "tls", "ttl", "url"))
_BOUNDS = {
    "ge": "minimum",
    "gt": "above",
    "le": "maximum",
    "lt": "below",
    "min_length": "least",
    "max_length": "most",
    "pattern": "pattern",
}
_UNITS = ((3600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1000, "ms"), (1, "us"))


def catalogue(plugins: Plugins, *, unloadable: Callable[[str, Exception], object] | None = None) -> Described:
    """The catalogue of all plug-ins. Imports every one of them.

    unloadable: called with the name of each that cannot be imported, and the error; the catalogue leaves them out.
        Without it the error is raised.
    """
    connectors = list(_loaded(plugins.connector, plugins.connector_names(), unloadable))
    blocks = list(_loaded(plugins.block, plugins.block_names(), unloadable))
    return {
        "version": VERSION,
        "octo": __version__,
        "flow": fields(FlowSettings),
        "env": fields(VariableSettings),
        "connectors": [_connector(each, blocks) for each in connectors],
        "blocks": [_block(each, connectors) for each in blocks],
    }


def _loaded(
    load: Callable[[str], T | None], names: list[str], unloadable: Callable[[str, Exception], object] | None
) -> Iterator[T]:
    for name in names:
        try:
            found = load(name)
        except Exception as error:
            if unloadable is None:
                raise
            unloadable(name, error)
            continue
        if found is not None:
            yield found


def _connector(type_: ConnectorType, blocks: Sequence[BlockType]) -> Described:
    stub = type_.stub
    return {
        "type": type_.name,
        "family": type_.family,
        "doc": type_.doc,
        "fields": fields(type_.settings),
        "sources": [_source(each) for each in type_.sources.values()],
        "blocks": sorted(each.name for each in blocks if each.connector is not None and type_.is_a(each.connector)),
        "stub": _written(stub.settings) if stub else None,
        "trigger": _written(stub.trigger) if stub and stub.trigger else None,
    }


def _written(model: type[Settings]) -> Described:
    return {"doc": inspect.cleandoc(model.__doc__ or ""), "fields": fields(model)}


def _source(type_: SourceType) -> Described:
    return {
        "type": type_.name,
        "doc": type_.doc,
        "push": type_.is_push,
        "once": type_.once,
        "guarantee": None if issubclass(type_.settings, Guaranteeing) else type_.promises[0].guarantee,
        "promises": [each.as_json() for each in type_.promises],
        "silence": None if type_.silence is None else duration(type_.silence),
        "sets": None if type_.sets is None else fields(type_.sets),
        "naming": issubclass(type_.settings, Naming),
        "fields": fields(type_.settings),
    }


def _block(type_: BlockType, connectors: Sequence[ConnectorType]) -> Described:
    suited = [each.name for each in connectors if type_.connector is not None and each.is_a(type_.connector)]
    described = fields(type_.settings)
    return {
        "type": type_.name,
        "doc": type_.doc,
        "connector": None
        if type_.connector is None
        else {"type": type_.connector, "of": suited, "key": type_.key, "required": not type_.default},
        "promises": [each.as_json() for each in type_.promises],
        "fields": described,
        "slots": [slot for field in described for slot in _slots(field, field["name"])],
        "tail": type_.takes_tail,
    }


def _slots(described: Described, name: str) -> list[str]:
    """Where chains may be: `then`, `branches[]`, `cases[].process`."""
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
    found = field_kinds(info)
    group = next((each.name for each in info.metadata if isinstance(each, Group)), "common")
    described: Described = {"name": name, "label": info.title or label(name), "doc": doc, "group": group}
    if info.examples:
        described["examples"] = info.examples
    described |= _marked(info)
    described |= _type(found)
    described["required"] = info.is_required()
    described["secret"] = _holds(described, "secret")
    described["expression"] = described["type"] == "expression"
    described["null"] = any(each.type is NoneType for each in found)
    if not info.is_required():
        described["default"] = _default(info.get_default(call_default_factory=True, validated_data={}))
    return described


def _marked(info: FieldInfo) -> Described:
    """What a setting says of connections: where they lead, or where they come in."""
    found: Described = {}
    for each in info.metadata:
        if isinstance(each, Reaches):
            when = None if each.when is None else {"setting": each.when[0], "is": list(each.when[1])}
            found["reaches"] = {"ports": dict(each.ports), "bare": each.bare, "home": each.home, "when": when}
        elif isinstance(each, Listens):
            host, everywhere = each.host
            found["listens"] = {"variable": each.variable, "default": each.default, "host": host, "all": everywhere}
    return found


def label(name: str) -> str:
    """The label of a field in a form: `maxOpenConns` is "Max open conns", `baseURL` is "Base URL"."""
    words = (word if word.isupper() else word.lower() for word in _WORD.findall(name))
    text = " ".join(word.upper() if word in _ACRONYMS else word for word in words)
    return text[:1].upper() + text[1:]


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
    if kind.is_a(Secret, ConnectorRef):
        return {"type": "text", **_meant(kind)}
    accepted = _accepted(kind)
    if len(accepted) > 1:
        return {"type": "any", "of": accepted}
    if kind.type is Literal:
        return {"type": "choice", "choices": list(kind.arguments)}
    if kind.type in _PLAIN:
        return {"type": _PLAIN[kind.type], **_bounds(kind.notes)}
    return accepted[0] if accepted else _composed(kind)


def _meant(kind: Kind) -> Described:
    """What a text stands for: a secret, or a connector of a type or family."""
    if kind.is_a(Secret):
        return {"secret": True}
    return {"connector": next((each.family for each in kind.notes if isinstance(each, Of)), "")}


def _accepted(kind: Kind) -> list[Described]:
    """The types in which a value may be written, if its JSON Schema says: a text as a number, a path as a text."""
    said = next((each.json_schema for each in kind.notes if isinstance(each, WithJsonSchema)), None) or {}
    types = said.get("type", [])
    return [{"type": _JSON_TYPES[each]} for each in ([types] if isinstance(types, str) else types)]


def _composed(kind: Kind) -> Described:
    if kind.model is not None:
        short = next((each.field for each in kind.notes if isinstance(each, Short)), None)
        return {"type": "object", "fields": fields(kind.model), **({"short": short} if short else {})}
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
    """The default as an author would write it. The default of a secret is never shown; a chain is empty."""
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
