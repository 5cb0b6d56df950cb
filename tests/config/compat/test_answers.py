"""Uses of a `rest` answer as a text are found, and only those."""

from __future__ import annotations

import pytest

from octo.builtin import plugins
from octo.config.compat.answers import texts
from octo.config.compat.seen import Seen
from octo.config.load import parse

FLOW = """\
connectors: [{name: api, type: http-client, settings: {baseURL: 'http://a.example'}}]
flows:
- name: f
  process: [BEFORE
    {type: set-variable, name: v, settings: {name: v, value: 'EXPRESSION'}}]
"""
ASK = "{type: rest, connector: api},"


def places(text: str) -> list[str]:
    seen = Seen(parse(text, plugins(), {}), [])
    return [f"{at.line}:{at.column}" for at in texts(seen)]


def used(expression: str, before: str = ASK) -> bool:
    return bool(places(FLOW.replace("BEFORE", before).replace("EXPRESSION", expression)))


@pytest.mark.parametrize(
    "expression",
    [
        '"got " + body',
        'body + "!"',
        'body == "ok"',
        '"ok" != body',
        'body.contains("x")',
        'body.startsWith("<")',
        'vars.a ? body.trim() : ""',
        "string(body)",
        "int(body)",
        "fromYaml(body)",
        '[1].map(i, "n" + body)',
    ],
)
def test_a_use_as_a_text(expression):
    assert used(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "body",
        "body.a",
        'body.a + "x"',
        'body["a"].contains("x")',
        "body.size()",
        "body == null",
        "body == vars.a",
        "body.map(x, x.a)",
        '"got " + body.rawData',
        '"a" + "b"',
        "toJson(body)",
    ],
)
def test_what_may_be_meant_for_json(expression):
    assert not used(expression)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("", False),
        (f"{ASK} {{type: set-payload, value: '1'}},", False),
        (f"{ASK} {{type: log}},", True),
        (f"{{type: if, condition: vars.a, then: [{ASK}]}},", True),
        (f"{{type: if, condition: vars.a, then: [{ASK} {{type: set-payload, value: '1'}}]}},", False),
        (f"{{type: handle-errors, process: [{ASK}], error: [{{type: log}}]}},", True),
        (f"{{type: set-payload, value: '1'}}, {ASK}", True),
    ],
)
def test_the_body_is_an_answer_until_a_block_replaces_it(before, expected):
    assert used('"got " + body', before) is expected


def test_blocks_inside_of_others_are_looked_at_too():
    inside = "{type: if, condition: 'true', then: [{type: log, message: '\"got \" + body'}]},"

    assert places(FLOW.replace("BEFORE", f"{ASK} {inside}").replace("EXPRESSION", "1")) == ["4:109"]
