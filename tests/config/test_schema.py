"""The JSON Schema accepts what the loader accepts, and refuses the mistakes that an editor can find."""

from __future__ import annotations

import json
import textwrap

import pytest
import yaml
from jsonschema import Draft202012Validator

from octo.config.catalogue import catalogue
from octo.config.load import parse
from octo.config.schema import json_schema
from octo.config.shipped import shipped
from octo.core.errors import ConfigError

VALID = """\
service: {name: shop, environment: test}
env: [{name: PORT, default: 8080}, {name: KEY, required: true}]
connectors:
- {name: web, type: http, settings: {port: "${PORT}", headers: {a: b}, tls: {cert: x}}}
- {name: web2, type: http}
- {name: db, type: database, settings: {dsn: "x://"}}
processors:
- {name: audit, type: log, settings: {level: warn}}
flows:
- name: main
  description: Serves the page.
  workers: ${PORT}
  input: {type: object, properties: {a: {type: string}}}
  source: {connector: web, type: http, settings: {path: /a, timeout: 3s, methods: [GET]}}
  process:
  - ref: audit
  - {ref: audit, type: log, message: body.a}
  - {type: log, settings: {message: '"x"'}}
  - {type: sql, connector: db, query: select 1, args: [body.a, 1, true]}
  - {type: sql, settings: {connector: db, query: select 1}}
  - {type: set-variable, name: label, settings: {name: a, value: 1}}
  - type: if
    condition: true
    then: [{type: log}]
    else: {name: other, process: [{type: flow-ref, flow: other, oneWay: true}]}
  - type: switch
    settings:
      cases: [{when: body.x, name: a, process: [{type: log}]}]
      default: {process: }
  - {type: fork, branches: [[{type: log}], {name: a, process: []}]}
  - {type: send, auth: {kind: bearer, token: x}, limit: none}
  error: [{type: log}]
- {name: other, process: }
- {source: {type: cron, settings: {schedule: "* * * * * *", payload: now}}}
"""

INVALID = {
    "unknown section": "flow: []",
    "section is no list": "flows: {}",
    "connector of an unknown type": "connectors: [{name: a, type: nope}]",
    "connector without a name": "connectors: [{type: http}]",
    "connector with an unknown key": "connectors: [{name: a, type: http, setings: {}}]",
    "connector with an unknown setting": "connectors: [{name: a, type: http, settings: {prot: 1}}]",
    "setting of the wrong kind": "connectors: [{name: a, type: http, settings: {port: x}}]",
    "not a duration": "flows: [{name: a, source: {type: http, settings: {path: /, timeout: soon}}}]",
    "duration without a unit": "flows: [{name: a, source: {type: http, settings: {path: /, timeout: 30}}}]",
    "setting out of range": "connectors: [{name: a, type: http, settings: {port: 70000}}]",
    "nested setting missing": "connectors: [{name: a, type: http, settings: {tls: {key: x}}}]",
    "required setting missing": "connectors: [{name: a, type: database}]",
    "flow without name and source": "flows: [{process: []}]",
    "description that is no text": "flows: [{name: a, description: [x]}]",
    "flow with an unknown key": "flows: [{name: a, input: 1}]",
    "source of an unknown type": "flows: [{name: a, source: {type: nope}}]",
    "source without its settings": "flows: [{name: a, source: {type: http}}]",
    "source with an unknown setting": "flows: [{name: a, source: {type: http, settings: {path: /, x: 1}}}]",
    "block of an unknown type": "flows: [{name: a, process: [{type: nope}]}]",
    "block without a type": "flows: [{name: a, process: [{name: x}]}]",
    "block with an unknown key": "flows: [{name: a, process: [{type: log, lvel: info}]}]",
    "block with an unknown setting": "flows: [{name: a, process: [{type: log, settings: {lvel: info}}]}]",
    "block with a bad choice": "flows: [{name: a, process: [{type: log, level: loud}]}]",
    "block without a required key": "flows: [{name: a, process: [{type: set-payload}]}]",
    "label instead of a setting": "flows: [{name: a, process: [{type: set-variable, name: x, value: '1'}]}]",
    "block without its connector": "flows: [{name: a, process: [{type: sql, query: q}]}]",
    "empty list": "flows: [{name: a, process: [{type: switch, cases: []}]}]",
    "sub-flow with workers": "flows: [{name: a, process: [{type: if, condition: 'true', then: {workers: 1}}]}]",
    "wrong block deep inside": "flows: [{name: a, process: [{type: if, condition: 'true', then: [{type: nope}]}]}]",
    "processor with an unknown setting": """\
        processors: [{name: a, type: log, settings: {x: 1}}]
        flows: [{name: f, process: [{ref: a}]}]
        """,
    "variable with an unknown key": "env: [{name: A, defualt: x}]",
}


@pytest.fixture(scope="module")
def schema(plugins):
    return json_schema(catalogue(plugins))


@pytest.fixture(scope="module")
def validator(schema):
    return Draft202012Validator(schema)


def test_it_is_a_schema(schema):
    Draft202012Validator.check_schema(schema)
    json.dumps(schema)


def test_what_the_loader_accepts_is_valid(validator, plugins):
    parse(VALID, plugins, {"KEY": "1"})

    assert [each.message for each in validator.iter_errors(yaml.safe_load(VALID))] == []


@pytest.mark.parametrize("name", INVALID)
def test_what_is_wrong_is_invalid(validator, plugins, name: str):
    """The loader refuses it too."""
    text = textwrap.dedent(INVALID[name])

    assert not validator.is_valid(yaml.safe_load(text))
    with pytest.raises(ConfigError):
        parse(text, plugins, {})


def test_an_empty_file_is_valid_apart_from_being_nothing(validator):
    assert validator.is_valid({})


def test_the_built_in_components_have_a_schema():
    schema = json_schema(shipped())

    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid(
        {"flows": [{"name": "f", "process": [{"type": "set-payload", "value": "body"}, {"type": "log"}]}]}
    )


def test_descriptions_reach_the_editor(schema):
    block = schema["$defs"]["block.log"]

    assert block["description"] == "Log a line."
    assert block["properties"]["level"]["description"] == "How much it matters."
    assert block["properties"]["level"]["default"] == "info"
    assert "log" in schema["$defs"]["Block"]["properties"]["type"]["enum"]
