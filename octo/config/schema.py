"""The JSON Schema of flow files, with which an editor completes and checks them while an author writes.

It is made from the catalogue (`octo.config.catalogue`) as data: no component is imported. `if`/`then`, which editors
understand, selects the settings of a `type`.
"""

from __future__ import annotations

from typing import Any

Described = dict[str, Any]
Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLACEHOLDER: Schema = {"$ref": "#/$defs/Placeholder"}
DURATION: Schema = {
    "type": "string",
    "pattern": r"^((\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+|0)$",
    "examples": ["250ms", "30s", "1h30m"],
}
EXPRESSION: Schema = {"type": ["string", "number", "boolean"], "format": "cel"}
_TEXT: Schema = {"type": "string"}
_CHAIN: Schema = {"$ref": "#/$defs/Chain"}


def json_schema(known: Described) -> Schema:
    """JSON Schema 2020-12 of a whole flow file, for the components of a catalogue."""
    connectors, blocks = known["connectors"], known["blocks"]
    return {
        "$schema": DIALECT,
        "title": "Octo flow file",
        **_object(
            {
                "service": _object({"name": _TEXT, "environment": _TEXT}, doc="The name of this configuration."),
                "env": _list("Variable", "Environment variables that the configuration uses."),
                "connectors": _list("Connector", "Instances that own connections, listeners and sessions."),
                "processors": _list("Processor", "Reusable block definitions, for `ref`."),
                "flows": _list("Flow", "Chains of blocks that work on messages."),
                "resources": _resources(),
            }
        ),
        "$defs": {
            "Placeholder": {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^{}]*)?\}"},
            "Duration": DURATION,
            "Expression": EXPRESSION,
            "Variable": object_of(known["env"], literal=True),
            "Connector": _connector(connectors),
            "Processor": _processor(blocks),
            "Flow": _flow(known["flow"]),
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
    escape = {"enum": ["html", "none"], "description": "How values are written; by default the file's name decides."}
    template = _object({"resource": _TEXT, "as": _TEXT, "escape": escape}, ["resource"])
    env = {"type": "array", "items": _TEXT, "description": "`.env` files; a later one overrides the earlier ones."}
    return _object({"env": env, "templates": {"type": "array", "items": template}})


def _flow(fields: list[Described]) -> Schema:
    found = _object({field["name"]: _emptiable(field) for field in fields})
    return {**found, "anyOf": [{"required": ["name"]}, {"required": ["source"]}]}


def _emptiable(field: Described) -> Schema:
    """A key of a flow. A list may be null while its author has not written it yet; a chain may always be null."""
    found = described(field)
    if field["type"] == "chain" or not (field["null"] or field["type"] == "list"):
        return found
    beside: Schema = {key: found.pop(key) for key in ("description", "default") if key in found}
    return {"anyOf": [found, {"type": "null"}], **beside}


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
    """Settings are written under `settings` or beside `type`; with `ref` the processor may have some of them."""
    names = [each["type"] for each in kinds]
    docs = [each["doc"] for each in kinds]
    properties = {
        "type": {"type": "string", "enum": names, "markdownEnumDescriptions": docs},
        "ref": {"type": "string", "description": "Name of a processor that gives the type and the base settings."},
        "name": {"type": "string", "description": "Name of the block in errors, traces and addresses."},
        "settings": {"type": ["object", "null"]},
    }
    choices = [_when(each["type"], {"$ref": f"#/$defs/block.{each['type']}"}) for each in kinds]
    required = [{"required": ["type"]}, {"required": ["ref"]}]
    return {"type": "object", "properties": properties, "anyOf": required, "allOf": choices}


def _block_of(block: Described) -> Schema:
    keys = _keys(block)
    beside = {field["name"]: described(field) for field in keys if field["name"] not in ("type", "ref", "name")}
    settings = {"anyOf": [{"$ref": f"#/$defs/settings.{block['type']}"}, {"type": "null"}]}
    found = _object({**beside, "type": True, "ref": _TEXT, "name": _TEXT, "settings": settings}, doc=block["doc"])
    required = [field["name"] for field in keys if field["required"]]
    if required:
        needs = [{"anyOf": [{"required": ["ref"]}, *_either(name)]} for name in required]
        found["allOf"] = needs
    return found


def _either(name: str) -> list[Schema]:
    inside = {"required": ["settings"], "properties": {"settings": {"type": "object", "required": [name]}}}
    return [inside] if name in ("type", "ref", "name") else [{"required": [name]}, inside]


def _keys(block: Described) -> list[Described]:
    """The fields of a block, and the key of its connector."""
    connector = block["connector"]
    if connector is None:
        return list(block["fields"])
    doc = f"Name of the `{connector['type']}` connector that the block uses."
    key = {"name": connector["key"], "type": "text", "doc": doc, "required": connector["required"]}
    return [key, *block["fields"]]


def _settings(fields: list[Described]) -> Schema:
    return _object({field["name"]: described(field) for field in fields})


# --- fields ------------------------------------------------------------------------------------------------------


def object_of(fields: list[Described], *, literal: bool = False) -> Schema:
    """The schema of a mapping with these fields. literal: it has no `${PLACEHOLDER}`, and null is a value."""
    required = [field["name"] for field in fields if field["required"]]
    return _object({field["name"]: described(field, literal=literal) for field in fields}, required)


def described(field: Described, *, literal: bool = False) -> Schema:
    found = value(field, literal=literal)
    if literal and field.get("null"):
        found = {"anyOf": [found, {"type": "null"}]} if found else found
    if field.get("doc"):
        found["description"] = field["doc"]
    if field.get("default") is not None and not field.get("secret"):
        found["default"] = field["default"]
    if field.get("examples"):
        found["examples"] = field["examples"]
    return found


def value(of: Described, *, literal: bool = False) -> Schema:
    """The schema of a value, a new object each time. A value that is not text may also be a `${PLACEHOLDER}`."""
    kind = of["type"]
    if kind in _SIMPLE or kind == "choice":
        simple = {"enum": of["choices"]} if kind == "choice" else _bounded(of, _SIMPLE[kind])
        return simple if literal else {"anyOf": [simple, _PLACEHOLDER]}
    if kind == "expression":
        return {"$ref": "#/$defs/Expression", "x-octo-result": of["result"]}
    if kind in _FIXED:
        return _bounded(of, _FIXED[kind])
    return _composed(of, literal=literal)


def _composed(of: Described, *, literal: bool) -> Schema:
    match of["type"]:
        case "list":
            return _bounded(of, {"type": "array", "items": value(of["items"], literal=literal)})
        case "map":
            return {"type": "object", "additionalProperties": value(of["items"], literal=literal)}
        case "object":
            found = object_of(of["fields"], literal=literal)
            short = next((field for field in of["fields"] if field["name"] == of.get("short")), None)
            return {"anyOf": [value(short, literal=literal), found]} if short else found
        case _:
            return {"anyOf": [value(each, literal=literal) for each in of["of"]]} if "of" in of else {}


_SIMPLE: dict[str, Schema] = {
    "int": {"type": "integer"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "duration": {"anyOf": [{"$ref": "#/$defs/Duration"}, {"type": "integer", "minimum": 1_000_000}, {"const": 0}]},
}
_FIXED: dict[str, Schema] = {
    "text": {"type": "string"},
    "time": {"type": "string", "format": "date-time"},
    "flow": {"type": "string", "x-octo-ref": "flow"},
    "steps": {"anyOf": [{"$ref": "#/$defs/SubFlow"}, _CHAIN]},
    "chain": _CHAIN,
    "source": {"$ref": "#/$defs/Source"},
}
_BOUNDS = {"minimum": "minimum", "above": "exclusiveMinimum", "maximum": "maximum", "below": "exclusiveMaximum"}
_SIZES = {
    "string": {"least": "minLength", "most": "maxLength", "pattern": "pattern"},
    "array": {"least": "minItems", "most": "maxItems"},
}


def _bounded(of: Described, schema: Schema) -> Schema:
    words = _SIZES.get(str(schema.get("type")), _BOUNDS)
    return {**schema, **{word: of[key] for key, word in words.items() if key in of}}
