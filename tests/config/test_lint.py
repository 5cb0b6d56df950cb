"""Checks that need the whole configuration."""

from __future__ import annotations

import pytest


def flows(**chains: str) -> str:
    return "flows:\n" + "".join(f"- {{name: {name}, process: [{chain}]}}\n" for name, chain in chains.items())


def call(name: str) -> str:
    return f"{{type: flow-ref, flow: {name}}}"


def test_an_unknown_flow(problems):
    assert problems(flows(main=call("orders2"), orders="")) == [
        "2:49 OCTO-C137 no flow is named `orders2` | did you mean `orders`?; known: `main`, `orders`"
    ]


def test_a_broken_flow_is_not_an_unknown_name(problems):
    assert len(problems(flows(a=call("b"), b="{type: lgo}"))) == 1


@pytest.mark.parametrize(
    ("chains", "cycle"),
    [
        ({"a": call("a")}, "a -> a"),
        ({"a": call("b"), "b": call("c"), "c": call("a")}, "a -> b -> c -> a"),
        ({"x": call("a"), "a": f"{{type: log}}, {call('b')}", "b": call("a")}, "a -> b -> a"),
        ({"a": "{type: flow-ref, flow: a, oneWay: true}"}, "a -> a"),
    ],
)
def test_calls_without_end(problems, chains: dict[str, str], cycle: str):
    (found,) = problems(flows(**chains))

    assert f"OCTO-C150 these flows call one another without end: {cycle}" in found


@pytest.mark.parametrize(
    "chain",
    [
        f"{{type: if, condition: body.x, then: [{call('a')}]}}",
        f"{{type: filter, expr: body.x}}, {call('a')}",
        f"{{type: switch, cases: [{{when: body.x, process: [{call('a')}]}}]}}",
    ],
)
def test_a_recursion_that_can_end_is_fine(config, chain: str):
    assert config(flows(a=chain)).warnings == ()


def test_an_unconditional_call_behind_a_branch_is_still_endless(problems):
    chain = f"{{type: if, condition: body.x, then: [{{type: log}}]}}, {call('a')}"

    assert "OCTO-C150" in problems(flows(a=chain))[0]


def test_sources_that_clash(problems):
    text = """\
    connectors: [{name: one, type: http}, {name: two, type: http, settings: {port: 1}}]
    flows:
    - {name: a, source: {connector: one, type: http, settings: {path: /x}}}
    - {name: b, source: {connector: two, type: http, settings: {path: /x}}}
    - {name: c, source: {connector: one, type: http, settings: {path: /x}}}
    """

    assert problems(text) == [
        (
            "5:21 OCTO-C151 the sources of `a` and `c` clash: both serve `/x` | the other one, of the flow `a`, is at "
            "flow.yaml:3:21"
        )
    ]


def test_sources_of_a_default_instance_clash_too(problems):
    text = """\
    flows:
    - {name: a, source: {type: http, settings: {path: /x}}}
    - {name: b, source: {type: http, settings: {path: /x}}}
    """

    assert "OCTO-C151" in problems(text)[0]


def test_a_processor_nobody_uses(config):
    (warning,) = config("processors: [{name: p, type: log}]").warnings

    assert warning.code == "OCTO-C122"


def test_a_long_chain_of_calls_is_no_cycle(config):
    chains = {f"f{number}": call(f"f{number + 1}") for number in range(500)}

    assert len(config(flows(**chains, f500="")).flows) == 501


def test_two_cycles_are_both_found(problems):
    found = problems(flows(a=call("b"), b=f"{call('a')}, {call('c')}", c=call("d"), d=call("c")))

    assert [each.partition("end: ")[2].partition(" |")[0] for each in found] == ["a -> b -> a", "c -> d -> c"]
