"""Complaints about settings: the right place, the right words, no part of a secret."""

from __future__ import annotations

import re

import pytest

from octo.builtin import plugins as builtin
from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.core.secrets import masked

JARGON = re.compile(r"pydantic|validation|Input should|https?://|type=|extra_forbidden|\bdict\b|\bstr\b")


def block(text: str) -> str:
    return f"flows: [{{name: f, process: [{text}]}}]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "{type: log, level: wran}",
            "1:48 OCTO-C114 `level`: must be `debug` or `info` or `warn` or `error`, found `wran`",
        ),
        ("{type: log, level: [info]}", "1:48 OCTO-C114 `level`: must be `debug` or"),
        ("{type: log, lvel: warn}", "1:41 OCTO-C111 the `log` block has no key `lvel` | did you mean `level`?"),
        ("{type: log, message: [1]}", "1:50 OCTO-C113 `message`: expected a CEL expression as text, found a list"),
        ("{type: switch, cases: []}", "1:51 OCTO-C113 `cases`: must not be empty"),
        ("{type: switch, cases: [{process: []}]}", "1:52 OCTO-C112 `when` in `cases[0]` is missing"),
        (
            "{type: switch, cases: [{when: 'true', procss: []}]}",
            "1:67 OCTO-C111 `cases[0]` of the `switch` block has no",
        ),
        ("{type: switch, cases: [3]}", "1:52 OCTO-C113 `cases[0]`: expected a mapping, found a whole number"),
        ("{type: flow-ref, flow: ''}", "1:52 OCTO-C113 `flow`: must not be empty"),
        ("{type: flow-ref, flow: f, oneWay: perhaps}", "`oneWay`: expected `true` or `false`, found text"),
        (
            "{type: send, headers: [a]}",
            "1:51 OCTO-C113 `headers`: expected a mapping, found a list | write `key: value`",
        ),
        ("{type: send, headers: {a: boody}}", "1:55 OCTO-E102 `a`: undeclared name 'boody' | Did you mean 'body'?"),
        ("{type: send, limit: many}", "1:49 OCTO-C113 `limit`: expected a whole number, found text"),
        ("{type: send, auth: {kind: bearer}}", "`token` in `auth` is missing | add `token: ...` (The token)"),
        ("{type: send, auth: {kind: basic, user: a, retries: x}}", "`retries`: expected a whole number, found text"),
        ("{type: send, auth: 3}", "1:48 OCTO-C113 `auth`: expected a mapping, found a whole number"),
        ("{type: set-payload, value: '1 +'}", "OCTO-E101 `value`: "),
        ("{type: filter, expr: '1'}", "`expr`: the value must be a bool, this is always an int"),
    ],
)
def test_words_and_places(problems, text: str, expected: str):
    found = problems(block(text))

    assert any(expected in each for each in found), found
    assert not JARGON.search(" ".join(found))


def test_a_misspelt_key_is_not_missing_too(problems):
    (found,) = problems(block("{type: set-payload, vlaue: '1'}"))

    assert "did you mean `value`?" in found


def test_one_complaint_for_a_value_that_fits_no_member_of_a_union(problems):
    assert len(problems(block("{type: send, auth: {kind: basic, user: a, retries: x}}"))) == 1
    assert len(problems(block("{type: send, limit: many}"))) == 1


def test_an_expression_in_a_block_scalar(problems):
    text = """\
    flows:
    - name: f
      process:
      - type: set-payload
        value: |
          {"a": body.a,
           "b": boody.b}
    """

    assert problems(text) == ["7:13 OCTO-E102 `value`: undeclared name 'boody' | Did you mean 'body'?"]


def test_a_secret_of_the_wrong_kind(problems):
    text = "connectors: [{name: d, type: database, settings: {dsn: 12345678}}]"

    assert problems(text) == ["1:56 OCTO-C113 `dsn`: expected text, found a whole number | put it in quotes"]


def test_a_component_speaks_for_itself(problems):
    text = "flows: [{name: f, source: {type: cron, settings: {schedule: daily}}}]"

    assert problems(text) == ["1:61 OCTO-C113 `schedule`: the schedule 'daily' needs six fields"]


def test_durations(problems):
    text = "flows: [{name: f, source: {type: http, settings: {path: /a, timeout: %s}}}]"

    assert "`timeout`: a duration without a unit; write 30s for seconds" in problems(text % "30")[0]
    assert "`timeout`: not a duration; write e.g. 250ms, 30s or 1h30m" in problems(text % "soon")[0]
    assert "`timeout`: expected a duration such as `250ms`" in problems(text % "[1]")[0]


@pytest.mark.parametrize(
    ("type_", "url", "told"),
    [
        ("nats", "http://localhost:4222", "`url` is no address of NATS; write e.g. `nats://host:4222`"),
        ("nats", "nats://localhost:99999", "`url` is no address of NATS; write e.g. `nats://host:4222`"),
        ("mqtt", "localhost", "`url` is no address of a broker; write e.g. `mqtt://host:1883`"),
        ("redis", "localhost:6379", "`url` is no address of Redis or Valkey; write e.g. `redis://host:6379/0`"),
        ("amqp", "localhost:5672", "`url` is no address of AMQP; write e.g. `amqp://user:password@host:5672/vhost`"),
    ],
)
def test_a_wrong_address_is_told_what_a_right_one_is(type_: str, url: str, told: str):
    """Also where the wrong one, which may have a password, and the right one have words in common."""
    with pytest.raises(ConfigError) as caught:
        parse(f'connectors: [{{name: x, type: {type_}, settings: {{url: "{url}"}}}}]', builtin(), {})

    (found,) = caught.value.problems
    assert told in masked(found.message)
