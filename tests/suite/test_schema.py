"""The schema for editors accepts what the reader of test files accepts."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from octo.config.catalogue import catalogue
from octo.config.report import Report
from octo.config.substitute import literal
from octo.config.yaml import read
from octo.core.settings import field_docs
from octo.suite.schema import FORMAT, json_schema

ROOT = Path(__file__).parents[2]
GOOD = sorted((ROOT / "samples").glob("*_test.yaml"))


@pytest.fixture(scope="module")
def schema(plugins):
    found = json_schema(catalogue(plugins))
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def parsed(path: Path) -> object:
    file = read(path.read_bytes(), str(path), Report())
    assert file is not None
    return literal(file).value


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_the_tests_of_the_samples_are_valid(schema, path):
    jsonschema.validate(parsed(path), schema)


WRONG = [
    "{cases: [{name: a}]}",
    "{flow: f, cases: [{name: a, inputs: {}}]}",
    "{flow: f, cases: [{name: a, mocks: {f.b: {default: {body: 1, error: x}}}}]}",
    "{flow: f, cases: [{name: a, mocks: {f.b: {cases: [{body: 1}]}}}]}",
    "{flow: f, cases: [{name: a, spies: {f.b: {count: -1}}}]}",
    "{flow: f, cases: [{name: a, stubs: {s: {nonsense: 1}}}]}",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_refused_is_invalid(schema, text):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), schema)


@pytest.mark.parametrize("model", FORMAT, ids=lambda model: model.__name__)
def test_every_key_says_what_it_does(model):
    assert model.model_fields.keys() == field_docs(model).keys() & model.model_fields.keys()


def test_every_stub_is_in_it(schema, plugins):
    names = {each["type"] for each in catalogue(plugins)["connectors"] if each["stub"]}

    assert {"http", "http-client", "database", "cron"} <= names
    assert len(schema["properties"]["stubs"]["additionalProperties"]["anyOf"]) == len(names) + 1
