"""A search finds the smallest message that shows a fault of a flow, and nothing if the flow has no fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from octo.config.load import load
from octo.core.errors import Position
from octo.debug import mocks
from octo.suite.case import Call, Case
from octo.suite.configs import Configs
from octo.suite.generate.search import search

LINES = """
    input:
      properties:
        lines:
          type: array
          items: {properties: {price: {type: integer, minimum: 0}, count: {type: integer}}, required: [price, count]}
      required: [lines]
"""


@pytest.fixture
def searched(tmp_path: Path, plugins):
    """Search the flow `f` of a configuration."""

    def run(text: str, **more):
        file = tmp_path / "flow.yaml"
        file.write_text(text)
        configs = Configs(lambda path, environ: load(path, plugins, environ))
        specs = {address: mocks.parse(spec, address) for address, spec in more.pop("mocks", {}).items()}
        case = Case("generated", file, file, "f", Position("", 1, 1), (Call("f"),), mocks=specs)
        return search(case, configs, **more)

    return run


def test_a_flow_that_keeps_its_promises_has_nothing_to_find(searched):
    found = searched(
        f"flows:\n  - name: f{LINES}"
        "    ensures: [body >= 0]\n"
        "    requires: ['body.lines.all(line, line.count >= 0)']\n"
        "    process: [{type: set-payload, value: 'body.lines.size()'}]\n",
        examples=50,
    )

    assert (found.finding, found.error) == (None, "")
    assert found.tried >= 40


def test_a_broken_promise_is_shown_by_the_smallest_message(searched):
    found = searched(
        f"flows:\n  - name: f{LINES}"
        "    ensures: ['body.all(total, total >= 0)']\n"
        "    process: [{type: set-payload, value: 'body.lines.map(line, line.price * line.count)'}]\n"
    ).finding

    assert found.body == {"lines": [{"price": 1, "count": -1}]}
    assert found.fault.kind == "ensures"
    assert found.fault.at.line == 9


def test_an_expression_that_cannot_be_evaluated_is_a_fault_of_the_flow(searched):
    found = searched(
        f"flows:\n  - name: f{LINES}    process: [{{type: set-payload, value: 'body.lines[0].price'}}]\n"
    ).finding

    assert found.body == {"lines": []}
    assert (found.fault.kind, found.fault.at.line) == ("fails", 9)
    assert "index 0 is out of bounds" in found.fault.text


def test_a_failure_that_is_recovered_is_none(searched):
    flow = (
        f"flows:\n  - name: f{LINES}    process: [{{type: set-payload, value: 'body.lines[0].price'}}]\n"
        "    error: [{type: set-payload, value: body}]\n"
    )

    assert searched(flow, examples=30).finding is None


def test_a_refusal_on_purpose_is_an_answer(searched):
    flow = "flows: [{name: f, process: [{type: log, name: charge}]}]"

    assert searched(flow, examples=10, mocks={"f.charge": {"error": "declined"}}).finding is None


def test_callers_must_keep_the_demands_of_the_flows_they_call(searched):
    found = searched(
        "flows:\n"
        "  - {name: f, input: {type: integer}, process: [{type: flow-ref, flow: g}]}\n"
        "  - {name: g, requires: [{that: body < 100, because: g counts on it}], process: []}\n"
    ).finding

    assert found.body == 100
    assert found.fault.text.endswith("which does not hold: g counts on it")


def test_demands_that_hardly_any_message_meets_are_said_to_be_so(searched):
    found = searched("flows: [{name: f, input: {type: integer}, requires: [body == 123456789], process: []}]")

    assert found.finding is None
    assert found.error.startswith("no message was found that fits `input` and meets `requires`")


def test_the_same_seed_finds_the_same(searched):
    flow = "flows: [{name: f, input: {type: string}, ensures: ['!body.contains(\"a\")'], process: []}]"

    assert searched(flow, seed=7).finding.body == searched(flow, seed=7).finding.body == "a"


def test_waiting_flows_are_searched_too(searched):
    found = searched(
        "flows:\n"
        "  - name: f\n"
        "    input: {type: integer}\n"
        "    ensures: [body < 10]\n"
        "    process: [{type: python, call: 'asyncio:sleep', with: {delay: '20', result: body}}]\n"
    ).finding

    assert found.body == 10


@pytest.mark.parametrize(
    ("pattern", "requires", "said"),
    [
        (r"^\p{Script=Greek}+$", "[]", "is not supported: the Unicode property"),
        ("^A$B", "[]", "no text was found that fits the pattern"),
        ("^A$B", "[body.code != null]", "no text was found that fits the pattern"),
        ("^[a-z]$", "['false']", "that fits `input` and meets `requires`"),
    ],
)
def test_a_pattern_that_no_text_can_be_made_for_is_named_with_its_place(searched, capsys, pattern, requires, said):
    found = searched(
        f"flows:\n  - name: f\n    input: {{required: [code], properties: {{code: {{pattern: '{pattern}'}}}}}}\n"
        f"    requires: {requires}\n    process: []\n",
        examples=10,
    )

    assert (found.finding, said in found.error) == (None, True), found.error
    assert capsys.readouterr().out == "", "the library speaks to its own users"
    if "requires" not in said:
        assert f"`{pattern}`" in found.error
        assert "flow.yaml:2:5, `input.properties.code.pattern`" in found.error


def test_an_input_that_contradicts_itself_is_told_apart(searched):
    found = searched("flows: [{name: f, input: {type: integer, minimum: 2, maximum: 1}, process: []}]", examples=10)

    assert found.error == "no message was found that fits `input`; does it contradict itself?"


def test_it_tells_how_far_it_is(searched):
    """The search that is over without a fault has tried as many as were asked for."""
    told: list[tuple[int, bool]] = []
    flow = "flows: [{name: f, input: {type: integer}, process: []}]"
    found = searched(flow, examples=5, tried=lambda *each: told.append(each))

    assert told == [(count, False) for count in range(1, found.tried + 1)]


def test_it_ends_with_the_smallest_message(searched):
    """Nothing is tried after it but what could be smaller still: a search takes seconds, not minutes."""
    known = "{type: string, minLength: 1}"
    found = searched(
        "flows:\n  - name: f\n    input:\n      required: [a, b, c, n]\n"
        f"      properties: {{a: {known}, b: {known}, c: {known}, n: {{type: integer}}}}\n"
        "    ensures: [body < 100]\n    process: [{type: set-payload, value: body.n}]\n"
    )

    assert found.finding.body == {"a": "0", "b": "0", "c": "0", "n": 100}
    assert found.tried < 200
