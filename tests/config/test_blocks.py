"""Chains: how a block is written, what its address is, what it takes from a processor."""

from __future__ import annotations

import pytest

from octo.core.sockets import Steps, sockets


def addresses(blocks) -> list[str]:
    """The address of every block, at any depth, in order."""
    found = []
    for block in blocks:
        found.append(block.address)
        for _, socket in sockets(block.settings):
            if isinstance(socket, Steps):
                found += addresses(socket.blocks)
    return found


@pytest.mark.parametrize(
    "text",
    ["- {type: log, settings: {level: warn}}", "- {type: log, level: warn}", "- {type: log, settings: , level: warn}"],
)
def test_both_spellings(chain, text: str):
    (block,) = chain(text)

    assert block.settings.level == "warn"
    assert block.type.name == "log"


def test_the_name_of_a_block_is_not_a_setting(chain):
    (block,) = chain("- {type: set-variable, name: label, settings: {name: total, value: '1'}}")

    assert block.label == "label"
    assert block.settings.name == "total"


def test_addresses(chain):
    found = chain(
        """\
        - type: if
          name: check
          condition: 'true'
          then:
          - type: log
          else:
            process: [{type: log, name: inner}]
        - type: switch
          settings:
            cases:
            - {when: 'true', name: first, process: [{type: log}]}
            - {when: 'true', process: [{type: log}]}
            default: [{type: log}]
        - type: fork
          branches:
          - {name: left, process: [{type: log}]}
          - process: [{type: log}]
          - [{type: log}]
          - {name: left, process: [{type: log}]}
        - type: handle-errors
          process: [{type: log}]
          error: [{type: log}]
        - type: log
        - type: log
        """
    )

    assert addresses(found) == [
        "f.check",
        "f.check[then].log",
        "f.check[else].inner",
        "f.switch",
        "f.switch[first].log",
        "f.switch[1].log",
        "f.switch[default].log",
        "f.fork",
        "f.fork[left].log",
        "f.fork[1].log",
        "f.fork[2].log",
        "f.fork[3].log",
        "f.handle-errors",
        "f.handle-errors[process].log",
        "f.handle-errors[error].log",
        "f.log",
        "f.log#2",
    ]


def test_the_error_chain_has_its_address(config):
    found = config("flows: [{name: f, process: [], error: [{type: log}]}, {name: g, error: }]")

    assert addresses(found.flows["f"].error) == ["f[error].log"]
    assert found.flows["g"].error is None  # not written: an empty chain would hide every error


def test_positions(chain):
    first, second = chain(
        "- type: log\n  message: |\n    body.a\n- {type: if, condition: body.x, then: [{type: log}]}\n"
    )

    assert (first.at.line, first.at.column) == (5, 7)
    assert (first.settings.message.at.line, first.settings.message.at.column) == (6, 16)
    assert (second.settings.then.blocks[0].at.line, second.settings.then.blocks[0].at.column) == (8, 44)


def test_a_processor_gives_settings_and_the_block_wins(config):
    found = config(
        """\
        processors:
        - {name: audit, type: log, settings: {level: warn, message: '"a"'}}
        flows:
        - name: f
          process:
          - {ref: audit, type: log, settings: {message: '"b"'}}
          - {ref: audit, name: named, level: error}
        """
    )

    first, second = found.flows["f"].process
    assert (first.label, first.settings.level, first.settings.message.text) == ("log", "warn", '"b"')
    assert (second.label, second.settings.level, second.settings.message.text) == ("named", "error", '"a"')


def test_a_problem_of_a_processor_is_shown_where_it_is_written(problems):
    text = """\
    processors:
    - {name: audit, type: log, settings: {level: loud}}
    flows: [{name: f, process: [{ref: audit}, {ref: audit}]}]
    """

    assert [each[:25] for each in problems(text)] == ["2:46 OCTO-C114 `level`: m"]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("3", "2:30 OCTO-C110 a block must be a mapping, found a whole number"),
        ("log", "2:30 OCTO-C110 a block must be a mapping, found text"),
        ("{}", "2:30 OCTO-C112 `type` of a block is missing"),
        ("{type: }", "2:31 OCTO-C112 `type` of a block is missing"),
        ("{type: 3}", "2:37 OCTO-C110 `type` must be text, found a whole number"),
        ("{tpye: log}", "2:31 OCTO-C111 a block has no key `tpye`"),
        ("{type: lgo}", "2:37 OCTO-C130 no block type `lgo` | did you mean `log`?"),
        ("{type: http}", "`http` is a connector; declare it under `connectors:`"),
        ("{log: hello}", "write `- type: log`, and its settings below `settings:`"),
        ("{type: audit}", "`audit` is a processor; write `ref: audit`"),
        ("{ref: audti}", "2:36 OCTO-C138 no processor is named `audti` | did you mean `audit`?"),
        ("{ref: audit, type: sql}", "OCTO-C139 the processor `audit` is of type `log`, not `sql`"),
        (
            "{type: log, level: info, settings: {level: warn}}",
            "2:42 OCTO-C115 `level` is written both beside `type` and under",
        ),
        ("{type: log, settings: [1]}", "2:52 OCTO-C110 `settings` must be a mapping, found a list"),
        ("{type: log, then: []}", "2:42 OCTO-C111 the `log` block has no key `then`"),
        ("{type: if, condition: 'true'}", "2:30 OCTO-C112 `then` of the `if` block is missing"),
        ("{type: if, condition: 'true', then: 3}", "OCTO-C117 `then`: expected a list of blocks, or a mapping"),
        ("{type: if, condition: 'true', then: {workers: 3}}", "2:67 OCTO-C117 `workers` belongs to a flow"),
        ("{type: if, condition: 'true', then: {proces: []}}", "2:67 OCTO-C117 unknown key `proces`"),
        ("{type: if, condition: 'true', then: [{type: lgo}]}", "2:74 OCTO-C130"),
        ("{type: if, then: [{type: lgo}]}", "2:55 OCTO-C130"),
        (
            "{type: set-variable, name: a, value: '1'}",
            "the `name` beside `type` belongs to the block itself; add `name` under",
        ),
        ("{type: fork, branches: {a: []}}", "OCTO-C113 `branches`: expected a list, found a mapping"),
    ],
)
def test_what_is_wrong_with_a_block(problems, block: str, expected: str):
    found = problems(f"processors: [{{name: audit, type: log}}]\nflows: [{{name: f, process:  [{block}]}}]\n")

    assert any(expected in each for each in found), found


def test_a_processor_holds_no_chains(problems):
    text = """\
    processors:
    - {name: p, type: if, settings: {condition: 'true', then: [{type: log}]}}
    flows: [{name: f, process: [{ref: p}]}]
    """

    assert problems(text) == [
        "2:53 OCTO-C117 a processor cannot hold the chain `then` | write it in the block that uses the processor"
    ]


def test_a_processor_of_a_composite_block(config):
    found = config(
        """\
        processors: [{name: p, type: if, settings: {condition: body.x}}]
        flows: [{name: f, process: [{ref: p, then: [{type: log}]}]}]
        """
    )

    assert addresses(found.flows["f"].process) == ["f.if", "f.if[then].log"]
