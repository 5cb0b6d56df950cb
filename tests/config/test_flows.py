"""Flows and processors."""

from __future__ import annotations

import pytest

from octo.core.language import FlowSettings


@pytest.mark.parametrize("key", sorted(FlowSettings.model_fields.keys() - {"name", "process"}))
def test_what_belongs_to_a_flow_is_refused_in_a_chain(problems, key: str):
    """A chain inside a block has only a name and blocks; all other keys belong to a flow."""
    (found,) = problems(f"flows: [{{name: f, process: [{{type: if, condition: 'true', then: {{{key}: 1}}}}]}}]")

    assert f"`{key}` belongs to a flow" in found


def test_defaults(config):
    flow = config("flows: [{name: f}]").flows["f"]

    assert (flow.workers, flow.buffer, flow.pool) == (256, 256, 64)
    assert flow.process == ()
    assert flow.error is None
    assert flow.source is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("workers: 1", (1, 64, 64)),
        ("workers: 100", (100, 100, 64)),
        ("workers: 0, buffer: -1, pool: 0", (256, 256, 64)),
        ("workers: 2, buffer: 3, pool: 4", (2, 3, 4)),
    ],
)
def test_sizes(config, text: str, expected: tuple[int, ...]):
    flow = config(f"flows: [{{name: f, {text}}}]").flows["f"]

    assert (flow.workers, flow.buffer, flow.pool) == expected


def test_a_sourced_flow_needs_no_name(config):
    found = config("flows: [{name: a}, {source: {type: http, settings: {path: /a}}}]")

    assert list(found.flows) == ["a", "flow-2"]


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        ("3", "1:9 OCTO-C110 a flow must be a mapping, found a whole number"),
        ("{process: []}", "1:9 OCTO-C112 `name` of a flow without a source is missing"),
        ("{name: f, proces: []}", "1:19 OCTO-C111 a flow has no key `proces` | did you mean `process`?"),
        ("{name: f, inputs: {}}", "1:19 OCTO-C111 a flow has no key `inputs` | did you mean `input`?"),
        ("{name: f, process: {type: log}}", "1:28 OCTO-C110 `process` must be a list, found a mapping"),
        ("{name: f, workers: many}", "1:28 OCTO-C113 `workers` must be a whole number, found text"),
        ("{name: f, workers: 1.5}", "1:28 OCTO-C113 `workers` must be a whole number, found a number"),
        ("{name: f, workers: true}", "1:28 OCTO-C113 `workers` must be a whole number, found `true`"),
        ("{name: f}, {name: f}", "1:27 OCTO-C120 the flow `f` is defined twice | the first one is at flow.yaml:1:9"),
        ("{name: f, description: [a]}", "1:32 OCTO-C110 `description` must be text, found a list"),
        (
            f"{{name: f, description: {'x' * 1001}}}",
            "1:32 OCTO-C113 `description` has 1,001 characters; at most 1,000 are allowed",
        ),
        ("{name: f, descripton: x}", "1:19 OCTO-C111 a flow has no key `descripton` | did you mean `description`?"),
        ("{name: true}", "1:16 OCTO-C110 `name` must be text, found `true` | put it in quotes"),
    ],
)
def test_what_is_wrong_with_a_flow(problems, flow: str, expected: str):
    (found,) = problems(f"flows: [{flow}]")

    assert found.startswith(expected)


@pytest.mark.parametrize(
    ("processor", "expected"),
    [
        ("3", "1:14 OCTO-C110 a processor must be a mapping"),
        ("{type: log}", "1:14 OCTO-C112 `name` of a processor is missing"),
        ("{name: p}", "1:14 OCTO-C112 `type` of a processor is missing"),
        ("{name: p, type: lgo}", "1:30 OCTO-C130 no block type `lgo` | did you mean `log`?"),
        ("{name: p, type: log, level: info}", "1:35 OCTO-C111 a processor has no key `level`"),
        ("{name: p, type: log, settings: 3}", "1:45 OCTO-C110 `settings` must be a mapping"),
        ("{name: p, type: log}, {name: p, type: log}", "1:43 OCTO-C120 the processor `p` is defined twice"),
    ],
)
def test_what_is_wrong_with_a_processor(problems, processor: str, expected: str):
    (found,) = problems(f"processors: [{processor}]\nflows: [{{name: f, process: [{{ref: p}}]}}]")[:1]

    assert found.startswith(expected)


def test_a_contract_is_a_list_of_clauses_with_or_without_a_reason(config):
    text = "requires: [body.x > 0, {that: body.y, because: y is set}], ensures: [body.x == input.body.x]"
    contract = config(f"flows: [{{name: f, {text}}}]").flows["f"].contract

    clauses = [(each.that.text, each.because) for each in contract.requires]
    assert clauses == [("body.x > 0", ""), ("body.y", "y is set")]
    assert (contract.requires[0].that.at.column, contract.requires[1].that.at.column) == (30, 49)
    assert contract.ensures[0].that({"x": 1}, {}, {"body": {"x": 1}, "vars": {}}) is True


def test_a_flow_without_clauses_has_no_contract(config):
    assert config("flows: [{name: f}]").flows["f"].contract is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("requires: [body.]", "OCTO-E1"),
        ("requires: [input.body]", "undeclared name 'input'"),
        ("ensures: ['1']", "must be a bool"),
        ("ensures: [{tht: 'true'}]", "did you mean `that`"),
        ("requires: {}", "expected a list"),
    ],
)
def test_a_clause_is_checked_like_any_expression(problems, text: str, expected: str):
    assert expected in " ".join(problems(f"flows: [{{name: f, {text}}}]"))


def test_a_flow_says_what_it_does(config):
    """The description is the author's text without the blank lines around it; a flow need not have one."""
    flows = config("flows: [{name: f, description: '\n  Charges a card.\n'}, {name: g}]").flows

    assert (flows["f"].description, flows["g"].description) == ("Charges a card.", "")


def test_a_description_may_be_a_thousand_characters_long(config):
    """A longer one, which no model accepts as the description of a tool, is refused when the configuration is read."""
    assert len(config(f"flows: [{{name: f, description: {'é' * 1000}}}]").flows["f"].description) == 1000


def test_masked_fields_are_names(config):
    assert config("flows: [{name: f, mask: [card, pin]}]").flows["f"].mask == ("card", "pin")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("flows: [{name: f, process: [{type: log}], error: []}]", "1:50"),
        ("flows: [{name: f, process: [{type: handle-errors, process: [{type: log}], error: []}]}]", "1:82"),
        ("flows: [{name: f, process: [{type: handle-errors, process: [{type: log}], error: {process: []}}]}]", "1:82"),
        (
            "flows: [{name: f, process: [{type: handle-errors, process: [{type: log}], error: {name: x, process: }}]}]",
            "1:82",
        ),
        (
            (
                "flows: [{name: f, process: [{type: if, condition: body.x, then: "
                "[{type: handle-errors, settings: {process: [{type: log}], error: []}}]}]}]"
            ),
            "1:130",
        ),
    ],
)
def test_an_error_chain_without_blocks_is_refused(problems, text, place):
    """It would hide every error."""
    (problem,) = problems(text)
    assert problem.startswith(f"{place} OCTO-C157 `error` has no block, so it would hide every error | add a block")


def test_an_error_key_without_a_value_counts_as_not_written(config):
    found = config("flows:\n- name: f\n  process: [{type: log}]\n  error:\n")
    (warning,) = found.warnings
    assert (warning.code, str(warning.at)) == ("OCTO-C116", "flow.yaml:4:3")
    assert found.flows["f"].error is None


@pytest.mark.parametrize("chain", ["then: []", "then: [{type: log}], else: []"])
def test_other_chains_may_be_empty(config, chain):
    assert config(f"flows: [{{name: f, process: [{{type: if, condition: body.x, {chain}}}]}}]").warnings == ()


def test_a_name_may_be_a_number(config):
    found = config(
        "processors: [{name: 4, type: log}]\n"
        "flows: [{name: 7, process: [{type: log, name: 1}, {ref: 4}]}, {name: b, process: [{type: flow-ref, flow: 7}]}]"
    )

    assert list(found.flows) == ["7", "b"]
    assert [each.address for each in found.flows["7"].process] == ["7.1", "7.log"]


# --- dead letters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "kind", "target"),
    [("queue: lost", "queue", "lost"), ("file: lost.jsonl", "file", "lost.jsonl"), ("flow: g", "flow", "g")],
)
def test_dead_letters_go_to_one_place(config, written: str, kind: str, target: str):
    flow = config(f"flows: [{{name: f, deadLetter: {{{written}}}}}, {{name: g}}]").flows["f"]

    assert (flow.dead_letter.kind, flow.dead_letter.target) == (kind, target)


def test_without_a_word_about_dead_letters_the_source_decides(config):
    assert config("flows: [{name: f}]").flows["f"].dead_letter is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{}", "write exactly one of `queue`, `file` and `flow`"),
        ("{queue: a, file: b}", "write exactly one of `queue`, `file` and `flow`"),
        ("{queue: ''}", "`queue`: must not be empty"),
        ("{que: a}", "did you mean `queue`?"),
        ("{file: flow.yaml}", "letters are lines of JSON, and no YAML"),
        ("lost", "`deadLetter` must be a mapping, found text"),
        ("[lost]", "`deadLetter` must be a mapping, found a list"),
        ("{flow: gone}", "no flow is named `gone`"),
        ("{flow: f}", "the flow `f` cannot take its own dead letters"),
    ],
)
def test_another_place_for_dead_letters_is_refused(problems, written: str, expected: str):
    found = problems(f"flows: [{{name: f, deadLetter: {written}}}]")

    assert any(expected in each for each in found), found
