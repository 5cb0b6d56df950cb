"""The JSON Schema of flow files, so that an editor completes and checks them while they are written.

It is made from the catalogue alone. What follows from `type` is chosen with `if`/`then`, which editors understand.
"""

from __future__ import annotations

from typing import Any

from octo.config.catalogue import Described, catalogue
from octo.config.flows import LEAST_BUFFER, LONGEST_DESCRIPTION, POOL, WORKERS
from octo.core.contract import Contract
from octo.core.plugins import Plugins
from octo.core.settings import field_docs

Schema = dict[str, Any]

__all__ = ["catalogue", "json_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLACEHOLDER: Schema = {"$ref": "#/$defs/Placeholder"}
_DURATION = r"^((\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+|0)$"
_TEXT: Schema = {"type": "string"}
_CHAIN: Schema = {"$ref": "#/$defs/Chain"}


def json_schema(plugins: Plugins) -> Schema:
    """JSON Schema 2020-12 of a whole flow file."""
    known = catalogue(plugins)
    connectors, blocks = known["connectors"], known["blocks"]
    return {
        "$schema": _DIALECT,
        "title": "Octo flow file",
        **_object(
            {
                "service": _object({"name": _TEXT, "environment": _TEXT}, doc="What this configuration is called."),
                "env": _list("Variable", "Environment variables that the configuration uses."),
                "connectors": _list("Connector", "Instances that own connections, listeners and sessions."),
                "processors": _list("Processor", "Reusable block definitions, for `ref`."),
                "flows": _list("Flow", "Chains of blocks that work on messages."),
                "resources": _resources(),
            }
        ),
        "$defs": {
            "Placeholder": {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"},
            "Duration": {"type": "string", "pattern": _DURATION, "examples": ["250ms", "30s", "1h30m"]},
            "Expression": {"type": ["string", "number", "boolean"], "format": "cel"},
            "Variable": _variable(),
            "Connector": _connector(connectors),
            "Processor": _processor(blocks),
            "Flow": _flow(),
            "Source": _source(connectors),
            "Chain": {"type": ["array", "null"], "items": {"$ref": "#/$defs/Block"}},
            "SubFlow": _object({"name": _TEXT, "process": _CHAIN}),
            "Block": _block(blocks),
            **{f"block.{each['type']}": _block_of(each) for each in blocks},
            **{f"settings.{each['type']}": _settings(_keys(each)) for each in blocks},
        },
    }


# --- the fixed parts ---------------------------------------------------------------------------------------------


def _object(properties: Schema, required: list[str] | None = None, doc: str = "") -> Schema:
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        found["required"] = required
    if doc:
        found["description"] = doc
    return found


def _list(of: str, doc: str) -> Schema:
    return {"type": ["array", "null"], "items": {"$ref": f"#/$defs/{of}"}, "description": doc}


def _resources() -> Schema:
    template = _object({"resource": _TEXT, "as": _TEXT}, ["resource"])
    env = {"type": "array", "items": _TEXT, "description": "`.env` files, later over earlier."}
    return _object({"env": env, "templates": {"type": "array", "items": template}})


_SECRET = {"type": "boolean", "description": "Keep its value out of logs and traces. Default: its name decides."}


def _variable() -> Schema:
    name = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
    default = {"type": ["string", "number", "boolean", "null"]}
    return _object({"name": name, "default": default, "required": {"type": "boolean"}, "secret": _SECRET}, ["name"])


_DESCRIPTION = "What the flow does, for people and for models that use it as a tool."
_MASK = "Names of fields whose values are left out of traces, wherever in a body or variable they stand."


def _contract() -> Schema:
    """`requires` and `ensures`, each a list of expressions or `{that, because}`."""
    clause = {"anyOf": [_TEXT, {"type": "boolean"}, _object({"that": _TEXT, "because": _TEXT}, ["that"])]}
    docs = field_docs(Contract)
    return {name: {"type": ["array", "null"], "items": clause, "description": docs[name]} for name in docs}


def _flow() -> Schema:
    count = {"anyOf": [{"type": "integer"}, _PLACEHOLDER]}
    found = _object(
        {
            "name": {"type": "string", "description": "What other flows and the command line call it by."},
            "description": {"type": ["string", "null"], "maxLength": LONGEST_DESCRIPTION, "description": _DESCRIPTION},
            "source": {"$ref": "#/$defs/Source"},
            "input": {"type": ["object", "null"], "description": "JSON Schema of the body, for checking expressions."},
            **_contract(),
            "mask": {"type": ["array", "null"], "items": _TEXT, "description": _MASK},
            "process": {**_CHAIN, "description": "The blocks that a message runs through."},
            "error": {**_CHAIN, "description": "Runs when a block fails; its outcome is the outcome of the flow."},
            "workers": {**count, "default": WORKERS, "description": "Messages worked on at once; 1 keeps their order."},
            "buffer": {**count, "default": LEAST_BUFFER, "description": "Messages that may wait for a worker."},
            "pool": {**count, "default": POOL, "description": "Branches that composites may run at once."},
        }
    )
    return {**found, "anyOf": [{"required": ["name"]}, {"required": ["source"]}]}


# --- what depends on a type --------------------------------------------------------------------------------------


def _typed(kinds: list[Described], properties: Schema, required: list[str]) -> Schema:
    """An object whose `type` is one of the kinds."""
    names = [each["type"] for each in kinds]
    docs = [each["doc"] for each in kinds]
    type_ = {"type": "string", "enum": names, "markdownEnumDescriptions": docs} if names else _TEXT
    return _object({**properties, "type": type_}, required)


def _when(name: str, then: Schema) -> Schema:
    return {"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": then}


def _connector(kinds: list[Described]) -> Schema:
    found = _typed(kinds, {"name": _TEXT, "settings": {"type": ["object", "null"]}}, ["name", "type"])
    return {**found, "allOf": [_when(each["type"], _with_settings(each["fields"])) for each in kinds]}


def _with_settings(fields: list[Described]) -> Schema:
    settings = _settings(fields)
    required = [field["name"] for field in fields if field["required"]]
    if not required:
        return {"properties": {"settings": {"anyOf": [settings, {"type": "null"}]}}}
    return {"properties": {"settings": {**settings, "required": required}}, "required": ["settings"]}


def _source(connectors: list[Described]) -> Schema:
    kinds: dict[str, list[Described]] = {}
    for each in connectors:
        for source in each["sources"]:
            kinds.setdefault(source["type"], []).append(source)
    firsts = [several[0] for several in kinds.values()]
    found = _typed(firsts, {"connector": _TEXT, "settings": {"type": ["object", "null"]}}, ["type"])
    choices = [
        _when(name, {"anyOf": [_with_settings(each["fields"]) for each in several]}) for name, several in kinds.items()
    ]
    return {**found, "allOf": choices}


def _processor(kinds: list[Described]) -> Schema:
    found = _typed(kinds, {"name": _TEXT, "settings": {"type": ["object", "null"]}}, ["name", "type"])
    choices = [
        _when(each["type"], {"properties": {"settings": {"$ref": f"#/$defs/settings.{each['type']}"}}})
        for each in kinds
    ]
    return {**found, "allOf": choices}


def _block(kinds: list[Described]) -> Schema:
    """Settings stand under `settings` or beside `type`; with `ref` some of them stand in the processor."""
    names = [each["type"] for each in kinds]
    docs = [each["doc"] for each in kinds]
    properties = {
        "type": {"type": "string", "enum": names, "markdownEnumDescriptions": docs},
        "ref": {"type": "string", "description": "Name of a processor that gives the type and the base settings."},
        "name": {"type": "string", "description": "What the block is called in errors, traces and addresses."},
        "settings": {"type": ["object", "null"]},
    }
    choices = [_when(each["type"], {"$ref": f"#/$defs/block.{each['type']}"}) for each in kinds]
    required = [{"required": ["type"]}, {"required": ["ref"]}]
    return {"type": "object", "properties": properties, "anyOf": required, "allOf": choices}


def _block_of(described: Described) -> Schema:
    keys = _keys(described)
    beside = {field["name"]: _described(field) for field in keys if field["name"] not in ("type", "ref", "name")}
    settings = {"anyOf": [{"$ref": f"#/$defs/settings.{described['type']}"}, {"type": "null"}]}
    found = _object({**beside, "type": True, "ref": _TEXT, "name": _TEXT, "settings": settings}, doc=described["doc"])
    required = [field["name"] for field in keys if field["required"]]
    if required:
        needs = [{"anyOf": [{"required": ["ref"]}, *_either(name)]} for name in required]
        found["allOf"] = needs
    return found


def _either(name: str) -> list[Schema]:
    inside = {"required": ["settings"], "properties": {"settings": {"type": "object", "required": [name]}}}
    return [inside] if name in ("type", "ref", "name") else [{"required": [name]}, inside]


def _keys(described: Described) -> list[Described]:
    """The fields of a block, and the key of its connector."""
    connector = described["connector"]
    if connector is None:
        return list(described["fields"])
    doc = f"Name of the `{connector['type']}` connector it works on."
    key = {"name": connector["key"], "type": "text", "doc": doc, "required": connector["required"]}
    return [key, *described["fields"]]


def _settings(fields: list[Described]) -> Schema:
    return _object({field["name"]: _described(field) for field in fields})


# --- fields ------------------------------------------------------------------------------------------------------


def _described(field: Described) -> Schema:
    found = dict(_value(field))
    if field.get("doc"):
        found["description"] = field["doc"]
    if field.get("default") is not None and not field.get("secret"):
        found["default"] = field["default"]
    return found


def _value(described: Described) -> Schema:
    """The schema of a value. What is not text may also be a `${PLACEHOLDER}`."""
    kind = described["type"]
    if kind in _SIMPLE:
        return {"anyOf": [_bounded(described, _SIMPLE[kind]), _PLACEHOLDER]}
    match kind:
        case "text":
            found = _bounded(described, {"type": "string"})
        case "choice":
            found = {"anyOf": [{"enum": described["choices"]}, _PLACEHOLDER]}
        case "expression":
            found = {"$ref": "#/$defs/Expression", "x-octo-result": described["result"]}
        case "flow":
            found = {"type": "string", "x-octo-ref": "flow"}
        case "steps":
            found = {"anyOf": [{"$ref": "#/$defs/SubFlow"}, _CHAIN]}
        case "list":
            found = _bounded(described, {"type": "array", "items": _value(described["items"])})
        case "map":
            found = {"type": "object", "additionalProperties": _value(described["items"])}
        case "object":
            required = [field["name"] for field in described["fields"] if field["required"]]
            found = _object({field["name"]: _described(field) for field in described["fields"]}, required)
        case _:
            found = {"anyOf": [_value(each) for each in described["of"]]} if "of" in described else {}
    return found


_SIMPLE: dict[str, Schema] = {
    "int": {"type": "integer"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "duration": {"anyOf": [{"$ref": "#/$defs/Duration"}, {"type": "integer", "minimum": 1_000_000}, {"const": 0}]},
}
_BOUNDS = {"minimum": "minimum", "above": "exclusiveMinimum", "maximum": "maximum", "below": "exclusiveMaximum"}
_SIZES = {"string": {"least": "minLength", "most": "maxLength"}, "array": {"least": "minItems", "most": "maxItems"}}


def _bounded(described: Described, schema: Schema) -> Schema:
    words = _SIZES.get(str(schema.get("type")), _BOUNDS)
    return {**schema, **{word: described[key] for key, word in words.items() if key in described}}
