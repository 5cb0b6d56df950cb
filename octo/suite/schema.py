"""The JSON Schema of test files, so that an editor completes and checks them while they are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from octo.core.connector import StubType
from octo.core.plugins import Plugins
from octo.core.settings import Settings, field_docs
from octo.suite.format import CallEntry, CaseEntry, Expect, Input, Record, Spy, SuiteFile, Wanted

Schema = dict[str, Any]

FORMAT = (SuiteFile, CaseEntry, CallEntry, Input, Expect, Wanted, Spy, Record)
"""The models of a test file, outermost first."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(plugins: Plugins) -> Schema:
    """JSON Schema 2020-12 of a whole test file, with the stubs and triggers of the known connectors."""
    stubs = [stub for _, stub in stubbed(plugins)]
    given = [*(stub.settings for stub in stubs), *(stub.trigger for stub in stubs if stub.trigger is not None)]
    models: list[type[BaseModel]] = [*FORMAT, *given]
    names, found = models_json_schema([(model, "validation") for model in models])
    definitions: Schema = found["$defs"]
    references = {model: names[model, "validation"]["$ref"].removeprefix("#/$defs/") for model in models}
    for model, name in references.items():
        _document(model, definitions[name])
    _connect(definitions, references, stubs)
    top = definitions.pop(references[SuiteFile])
    definitions["Mock"], definitions["MockCase"] = _MOCK, _CASE
    return {"$schema": _DIALECT, "title": "Octo test file", **top, "$defs": definitions}


def stubbed(plugins: Plugins) -> Iterable[tuple[str, StubType]]:
    """The connector types that have a stub."""
    for name in plugins.connector_names():
        type_ = plugins.connector(name)
        if type_ is not None and type_.stub is not None:
            yield name, type_.stub


def _document(model: type[BaseModel], schema: Schema) -> None:
    """The docstrings of the fields, in the place of pydantic's titles."""
    schema.pop("title", None)
    docs = field_docs(model)
    for name, info in model.model_fields.items():
        found = schema["properties"][info.alias or name]
        found.pop("title", None)
        if name in docs:
            found["description"] = " ".join(docs[name].split())


def _connect(definitions: Schema, references: dict[Any, str], stubs: list[StubType]) -> None:
    """What depends on the connectors and blocks: mocks, stubs and triggers."""
    mocks = _or_null({"$ref": "#/$defs/Mock"})
    stand_ins = _or_null(*_references(references, (stub.settings for stub in stubs)))
    triggers = _or_null(*_references(references, (stub.trigger for stub in stubs)))
    for model in (SuiteFile, CaseEntry, CallEntry):
        properties = definitions[references[model]]["properties"]
        for key, value in (("mocks", mocks), ("stubs", stand_ins)):
            if key in properties:
                properties[key]["additionalProperties"] = value
        if "trigger" in properties:
            properties["trigger"] = {**triggers, "description": properties["trigger"]["description"]}


def _references(names: dict[Any, str], models: Iterable[type[Settings] | None]) -> list[Schema]:
    return [{"$ref": f"#/$defs/{names[model]}"} for model in models if model is not None]


def _or_null(*choices: Schema) -> Schema:
    return {"anyOf": [*choices, {"type": "null"}]}


_ANSWERS: Schema = {
    "body": {"description": "The body that the block leaves; null is a value."},
    "vars": {"type": "object", "description": "Variables that the block sets, beside a `body`."},
    "error": {"type": "string", "description": "The block fails with this text."},
    "drop": {"const": True, "description": "The block drops the message."},
}
_ONE: Schema = {"oneOf": [{"required": ["body"]}, {"required": ["error"]}, {"required": ["drop"]}]}
_WHEN: Schema = {"type": ["string", "boolean"], "format": "cel", "description": "When this case answers."}
_ANSWER: Schema = {"type": "object", "properties": _ANSWERS, "additionalProperties": False, **_ONE}
_CASE: Schema = {**_ANSWER, "properties": {"when": _WHEN, **_ANSWERS}, "required": ["when"]}
_FULL: Schema = {
    "type": "object",
    "properties": {"cases": {"type": "array", "items": {"$ref": "#/$defs/MockCase"}}, "default": _ANSWER},
    "additionalProperties": False,
    "anyOf": [{"required": ["cases"]}, {"required": ["default"]}],
}
_MOCK: Schema = {"anyOf": [_FULL, _ANSWER]}
