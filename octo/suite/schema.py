"""The JSON Schema of test files, with which an editor completes and checks them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from octo.config.schema import DIALECT, DURATION, EXPRESSION, Described, object_of
from octo.core.settings import field_docs
from octo.debug.mocks import KINDS
from octo.suite.format import CallEntry, CaseEntry, Expect, Input, Record, Spy, SuiteFile, Wanted

Schema = dict[str, Any]

FORMAT = (SuiteFile, CaseEntry, CallEntry, Input, Expect, Wanted, Spy, Record)
"""The models of a test file, outermost first."""


def json_schema(known: Described) -> Schema:
    """Return the JSON Schema 2020-12 of a test file, with the stubs and triggers of the connectors in a catalogue."""
    names, found = models_json_schema([(model, "validation") for model in FORMAT])
    definitions: Schema = found["$defs"]
    references = {model: names[model, "validation"]["$ref"].removeprefix("#/$defs/") for model in FORMAT}
    for model, name in references.items():
        _document(model, definitions[name])
    given = {key: dict(_given(known, key)) for key in ("stub", "trigger")}
    _connect(definitions, references, given)
    top = definitions.pop(references[SuiteFile])
    definitions |= {"Mock": _MOCK, "MockCase": _CASE, "Duration": DURATION, "Expression": EXPRESSION}
    for each in given.values():
        definitions |= each
    return {"$schema": DIALECT, "title": "Octo test file", **top, "$defs": definitions}


def _given(known: Described, key: str) -> Iterator[tuple[str, Schema]]:
    """Yield a name and the schema for each connector that has a stub, or a trigger (`key`)."""
    for each in known["connectors"]:
        if each[key] is not None:
            schema = object_of(each[key]["fields"], literal=True)
            yield f"{key}.{each['type']}", {**schema, "description": each[key]["doc"]}


def _document(model: type[BaseModel], schema: Schema) -> None:
    """Replace pydantic's titles by the docstrings of the fields."""
    schema.pop("title", None)
    docs = field_docs(model)
    for name, info in model.model_fields.items():
        found = schema["properties"][info.alias or name]
        found.pop("title", None)
        if name in docs:
            found["description"] = " ".join(docs[name].split())


def _connect(definitions: Schema, references: dict[Any, str], given: dict[str, Schema]) -> None:
    """Fill in what depends on the connectors and blocks: mocks, stubs and triggers."""
    mocks = _or_null({"$ref": "#/$defs/Mock"})
    stand_ins, triggers = (
        _or_null(*({"$ref": f"#/$defs/{name}"} for name in given[key])) for key in ("stub", "trigger")
    )
    for model in (SuiteFile, CaseEntry, CallEntry):
        properties = definitions[references[model]]["properties"]
        for key, value in (("mocks", mocks), ("stubs", stand_ins)):
            if key in properties:
                properties[key]["additionalProperties"] = value
        if "trigger" in properties:
            properties["trigger"] = {**triggers, "description": properties["trigger"]["description"]}


def _or_null(*choices: Schema) -> Schema:
    return {"anyOf": [*choices, {"type": "null"}]}


_ANSWERS: Schema = {
    "body": {"description": "The body that the block returns; null is a value."},
    "vars": {"type": "object", "description": "Variables that the block sets, beside a `body`."},
    "stop": {"type": "boolean", "description": "Beside a `body`: the flow ends with it."},
    "error": {
        "description": "The block fails with this text.",
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {
                    "message": {"type": "string", "description": "The text."},
                    "type": {"enum": list(KINDS), "description": "The kind of error. Default: Permanent."},
                    "code": {"type": "string", "description": "What `vars.error.code` is. Default: the kind's."},
                    "status": {"type": "integer", "description": "What `vars.error.status` is."},
                },
                "required": ["message"],
                "additionalProperties": False,
            },
        ],
    },
    "drop": {"const": True, "description": "The block drops the message."},
}
_ONE: Schema = {"oneOf": [{"required": ["body"]}, {"required": ["error"]}, {"required": ["drop"]}]}
_WHEN: Schema = {"type": ["string", "boolean"], "format": "cel", "description": "The case applies when this is true."}
_ANSWER: Schema = {"type": "object", "properties": _ANSWERS, "additionalProperties": False, **_ONE}
_CASE: Schema = {**_ANSWER, "properties": {"when": _WHEN, **_ANSWERS}, "required": ["when"]}
_FULL: Schema = {
    "type": "object",
    "properties": {"cases": {"type": "array", "items": {"$ref": "#/$defs/MockCase"}}, "default": _ANSWER},
    "additionalProperties": False,
    "anyOf": [{"required": ["cases"]}, {"required": ["default"]}],
}
_MOCK: Schema = {"anyOf": [_FULL, _ANSWER]}
