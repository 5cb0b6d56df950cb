"""Settings validated against their model."""

from __future__ import annotations

import pytest

from octo.builtin import plugins as builtin
from octo.config.load import parse


def server(settings: str) -> str:
    return f"connectors: [{{name: w, type: http, settings: {settings}}}]"


def test_an_empty_key_counts_as_not_written(config):
    found = config(server("{port: , token: ~}"))

    assert found.connectors["w"].settings.port == 8080
    assert [each.code for each in found.warnings] == ["OCTO-C116", "OCTO-C116"]


def test_an_empty_unknown_key_is_still_unknown(problems):
    assert problems(server("{prot: }"))[0].startswith("1:47 OCTO-C111 the `http` connector has no key `prot` | did you")


def test_an_empty_required_key_is_missing(problems):
    text = "flows: [{name: f, process: [{type: set-payload, value: }]}]"

    assert problems(text) == ["1:49 OCTO-C112 `value` of the `set-payload` block is empty | give it a value"]


@pytest.mark.parametrize("value", ["true", "false"])
def test_a_truth_value_is_no_number(problems, value: str):
    assert problems(server(f"{{port: {value}}}")) == [f"1:53 OCTO-C113 `port`: expected a number, found `{value}`"]


def test_lax_texts(config):
    """Text is accepted for a number, because a placeholder is text; `yes` is accepted for a boolean."""
    text = "flows: [{name: f, process: [{type: flow-ref, flow: g, oneWay: yes}]}, {name: g}]"

    assert config(server("{port: '9090'}")).connectors["w"].settings.port == 9090
    assert config(text).flows["f"].process[0].settings.one_way is True


def test_expressions_know_their_place(chain):
    (block,) = chain("- {type: send, headers: {X-A: body.a, X-B: body.b}}")

    assert [(each.at.line, each.at.column) for each in block.settings.headers.values()] == [(5, 35), (5, 48)]


def test_a_division_that_drops_the_remainder_is_a_warning(config):
    head = "flows:\n- name: f\n  process:\n  - type: set-payload\n    value: |\n"
    text = f"{head}      [body.n / 2,\n       size(body.l) / 2]\n"

    (warning,) = config(text).warnings

    assert f"{warning.at.line}:{warning.at.column} {warning.code}" == "7:21 OCTO-C158"
    assert config(text.replace("size(body.l) / 2", "int(size(body.l) / 2)")).warnings == ()


def test_what_settings_advise_against_is_a_warning_at_its_place(config):
    (warning,) = config(server("{headers: {Server: octo}}")).warnings

    assert f"{warning.at.line}:{warning.at.column} {warning.code}" == "1:56 OCTO-C162"
    assert warning.message == "`headers`: it tells attackers what runs here"
    assert config(server("{headers: {}}")).warnings == ()


QUEUES = """\
connectors: [{name: q, type: queue}, {name: e, type: events}]
flows:
- {name: f, deadLetter: {queue: '"lost"'}, source: {connector: q, type: queue, settings: {subject: '"orders"'}}}
- {name: g, source: {connector: e, type: events, settings: {subject: orders}}, process: [%s]}
"""


def test_quotes_around_a_name_that_is_no_expression_are_told():
    """The source would wait at a queue that nobody sends to, and nothing else would say so."""
    block = """{type: queue-dispatch, subject: '"orders"'}"""
    found = parse(QUEUES % block, builtin(), {}).warnings

    assert [(each.code, each.message, each.hint) for each in found] == [
        ("OCTO-C164", f"`{key}` is no expression: the quotes are a part of the text", f"write `{name}` without them")
        for key, name in (("queue", "lost"), ("subject", "orders"))
    ]


def test_quotes_inside_of_a_text_are_a_part_of_it():
    block = """{type: object-write, key: '"a"', value: '"b"'}, {type: log, message: '"c"'}"""

    assert len(parse(QUEUES % block, builtin(), {}).warnings) == 2  # those of the sources
