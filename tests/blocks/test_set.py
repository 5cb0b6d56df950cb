"""set-payload, set-variable, delete-variable and multi-transform return new messages and change none."""

from __future__ import annotations

import pytest

from octo.config.load import parse
from octo.core import codec
from octo.core.errors import ConfigError
from octo.core.flow import Failure
from octo.core.message import Message
from octo.expr.values import SECOND, Duration, Timestamp
from octo.testing.harness import running

FLOWS = """
env: [{name: REGION, default: north}]
flows:
  - name: payload
    process: [{type: set-payload, settings: {value: '{"name": body.name, "region": env.REGION, "id": eventID}'}}]
  - name: raw
    process: [{type: set-payload, rawBody: true, contentType: text/plain, value: body}]
  - name: latin
    process: [{type: set-payload, rawBody: true, contentType: text/plain; charset=iso-8859-1, value: body}]
  - name: kinds
    process:
      - type: set-payload
        value: '[b"octo", timestamp("2026-01-02T03:04:05Z"), duration("90s"), 7u, 1.5, optional.of(1), optional.none()]'
  - name: vars
    process:
      - {type: set-variable, settings: {name: X-Tenant, value: '"acme"'}}
      - {type: set-variable, settings: {name: copy, value: 'vars["X-Tenant"]'}}
      - {type: delete-variable, settings: {name: X-Tenant}}
      - {type: delete-variable, settings: {name: never-was}}
  - name: steps
    process:
      - type: multi-transform
        transforms:
          - {setVar: n, value: body + 1}
          - {setBody: vars.n * 10}
          - {setVar: n, value: body + vars.n}
  - name: scalar
    process: [{type: set-payload, value: 42}]
"""


@pytest.fixture
async def app(plugins):
    async with running(FLOWS, plugins) as app:
        yield app


async def test_set_payload_sees_body_env_and_ids(app):
    outcome = await app.call("payload", {"name": "Ada"})

    assert outcome.body == {"name": "Ada", "region": "north", "id": outcome.event_id}


async def test_values_are_kept_and_what_only_cel_knows_becomes_one(app):
    outcome = await app.call("kinds")

    assert codec.write(outcome.body) == b'["b2N0bw==","2026-01-02T03:04:05Z","90s",7,1.5,1,null]'
    assert outcome.body[:3] == [b"octo", Timestamp(1_767_323_045 * SECOND), Duration(90 * SECOND)]


@pytest.mark.parametrize("value", ["hello", b"\xff"])
async def test_raw_body_is_marked_and_must_be_text_or_bytes(app, value):
    outcome = await app.call("raw", value)

    assert outcome.raw
    assert outcome.body == {"contentType": "text/plain", "rawData": value}
    with pytest.raises(Failure, match="value must be a string or bytes"):
        await app.call("raw", 1)


async def test_a_raw_text_must_fit_its_charset(app):
    """The block that made the value fails, with its address, and not the code that writes it."""
    assert (await app.call("latin", "K\u00e4se")).body["rawData"] == "K\u00e4se"
    with pytest.raises(Failure, match="cannot be written as iso-8859-1"):
        await app.call("latin", "5 \u20ac")


async def test_variables_are_set_and_deleted(app):
    given = {"kept": 1}
    outcome = await app.call("vars", None, given)

    assert outcome.vars == {"kept": 1, "copy": "acme"}
    assert given == {"kept": 1}


async def test_transform_steps_see_what_came_before(app):
    outcome = await app.call("steps", 1)

    assert (outcome.body, outcome.vars) == (20, {"n": 22})


async def test_a_bare_scalar_is_an_expression_too(app):
    assert (await app.call("scalar")).body == 42


@pytest.mark.parametrize(
    ("block", "says"),
    [
        (
            '{type: set-payload, value: body, rawBody: true, contentType: "text/x\\r\\nX-Evil: 1"}',
            "no line breaks or control characters",
        ),
        (
            "{type: set-payload, value: body, rawBody: true, contentType: text/x; charset=no}",
            "charset 'no' is not known",
        ),
        ("{type: set-payload, value: body, rawBody: true}", "belong together"),
        ("{type: set-payload, value: body, contentType: text/plain}", "belong together"),
        ("{type: set-variable, name: v, settings: {name: '', value: '1'}}", "must not be empty"),
        ("{type: multi-transform, transforms: [{setBody: '1', value: '1'}]}", "either"),
        ("{type: multi-transform, transforms: []}", "must not be empty"),
        ("{type: multi-transform, transforms: [{setVar: x}]}", "either"),
        ("{type: multi-transform, transforms: [{setBody: '1', setVar: x, value: '1'}]}", "either"),
        ("{type: set-variable, value: '1'}", "name"),
    ],
)
def test_wrong_settings_are_found_at_build(plugins, block, says):
    with pytest.raises(ConfigError, match=says):
        parse(f"flows: [{{name: f, process: [{block}]}}]", plugins, {})


def test_messages_are_values():
    before = Message({"a": 1}, {"v": 1})
    after = before.with_body(2).with_var("w", 2)

    assert (before.body, before.vars) == ({"a": 1}, {"v": 1})
    assert (after.body, after.vars, after.event_id) == (2, {"v": 1, "w": 2}, before.event_id)
    assert before.rekeyed().event_id != before.event_id


async def test_a_step_of_the_same_text_as_one_before_is_told_from_it():
    """Both ask for `body.a`, and only the second one finds none."""
    text = """\
flows:
  - name: f
    process:
      - type: multi-transform
        transforms:
          - setBody: body.a
          - setBody: body.a
"""
    async with running(text) as app:
        with pytest.raises(Failure, match="multi-transform step 1: ") as caught:
            await app.call("f", {"a": {"b": 1}})

    assert (caught.value.at.line, caught.value.at.column) == (7, 27)
