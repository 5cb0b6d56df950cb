"""An address names one block, or the error lists what exists."""

from __future__ import annotations

import pytest

from octo.config.load import parse
from octo.config.walk import blocks_of, inside
from octo.debug.addresses import AddressError, resolve


def test_the_address_in_traces_and_errors_always_leads_back_to_its_block(config):
    every = [block for flow in config.flows.values() for block in blocks_of(flow)]

    assert [resolve(config, block.address) for block in every] == every


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("f.if", "f.check"),
        ("f.if[then].double", "f.check[then].double"),
        ("f.check[else].filter", "f.check[else].filter"),
        ("f.switch[0].charge", "f.switch[big].charge"),
        ("f.switch[big].note", "f.switch[big].charge"),
        ("f.switch[1].fail", "f.switch[1].charge"),
        ("f.switch[default].free", "f.switch[default].free"),
        ("f[error].set-payload", "f[error].saved"),
        ("g.set-variable#2", "g.set-variable#2"),
    ],
)
def test_a_block_answers_to_its_type_and_a_branch_to_its_index(config, address, found):
    assert resolve(config, address).address == found


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("h.start", 'no flow "h" (flows: f, g)'),
        ("start", 'begins with the name of the flow. Did you mean "f.start"?'),
        ("f.strat", 'no block "strat" in that chain (blocks: start, check, switch, sum). Did you mean "start"?'),
        ("f[error].x", 'no block "x" in that chain (blocks: saved)'),
        ("f.check[than].double", 'has no branch "than" (branches: then, else). Did you mean "then"?'),
        ("f.switch[2].charge", 'has no branch "2" (branches: big, 1, default)'),
        ("f.start[then].x", 'block "start" has no branches'),
        ("f.start.x", 'nothing can follow "start"'),
        ("f.check.double", "as in `check[then].BLOCK`"),
        ("f.check[then", "as in `check[then].BLOCK`"),
        ("f.check[then]", "add the name of a block after the branch (blocks: double, log)"),
        ("f", "as in `f.BLOCK` (blocks: start, check, switch, sum)"),
        ("f[error]", "as in `f[error].BLOCK` (blocks: saved)"),
        ("g[error].x", 'flow "g" has no error chain'),
        ("f..x", 'no block ""'),
        ("", 'no flow ""'),
    ],
)
def test_an_address_that_leads_nowhere_says_what_there_is(config, address, text):
    with pytest.raises(AddressError) as caught:
        resolve(config, address)

    assert text in str(caught.value)
    assert str(caught.value).startswith(f'"{address}": ')


TWINS = """
flows:
  - name: f
    process:
      - {type: log, name: first, message: '"a"'}
      - {type: log, name: second, message: '"b"'}
"""


def test_several_blocks_of_one_type_are_listed_with_their_lines(plugins):
    with pytest.raises(
        AddressError, match=r'2 blocks in that chain match "log": f.first \(line 5\), f.second \(line 6\)'
    ):
        resolve(parse(TWINS, plugins, {}), "f.log")


ODD = """
flows:
  - name: v1.orders
    process:
      - {type: log, name: 'a.b[c]', message: '"a"'}
      - type: switch
        cases: [{when: 'true', name: v1.2, process: [{type: log, message: '"b"'}]}]
"""


@pytest.mark.parametrize("address", ["v1.orders.a.b[c]", "v1.orders.switch[v1.2].log"])
def test_names_may_hold_dots_and_brackets(plugins, address):
    assert resolve(parse(ODD, plugins, {}), address).address == address


def test_inside_a_composite_are_the_blocks_of_all_its_branches(config):
    assert [block.label for block in inside(resolve(config, "f.switch"))] == ["charge", "charge", "free"]


def test_a_block_that_refers_to_a_processor_goes_by_its_name_too(plugins):
    config = parse(
        "processors: [{name: audit, type: log}]\nflows: [{name: f, process: [{ref: audit}, {type: log, name: other}]}]",
        plugins,
        {},
    )

    assert resolve(config, "f.audit").address == "f.log"
