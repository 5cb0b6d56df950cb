"""Flows that call in a circle: refused if no message can leave it, else a warning if they send."""

from __future__ import annotations

import pytest

from octo.builtin import plugins as builtin
from octo.config.load import parse
from octo.core.errors import ConfigError


def flows(**chains: str) -> str:
    return "flows:\n" + "".join(f"- {{name: {name}, process: [{chain}]}}\n" for name, chain in chains.items())


def call(name: str) -> str:
    return f"{{type: flow-ref, flow: {name}}}"


def send(name: str) -> str:
    return f"{{type: flow-ref, flow: {name}, oneWay: true}}"


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


def test_a_long_chain_of_calls_is_no_cycle(config):
    chains = {f"f{number}": call(f"f{number + 1}") for number in range(500)}

    assert len(config(flows(**chains, f500="")).flows) == 501


def test_two_cycles_are_both_found(problems):
    found = problems(flows(a=call("b"), b=f"{call('a')}, {call('c')}", c=call("d"), d=call("c")))

    assert [each.partition("end: ")[2].partition(" |")[0] for each in found] == ["a -> b -> a", "c -> d -> c"]


@pytest.mark.parametrize(
    "chain",
    [
        f"{{type: fork, branches: [[{{type: log}}], [{call('a')}]]}}",
        f"{{type: handle-errors, process: [{send('a')}], error: [{{type: log}}]}}",
    ],
)
def test_chains_that_always_run_are_looked_into(problems, chain: str):
    assert "OCTO-C150 these flows call one another without end: a -> a" in problems(flows(a=chain))[0]


def test_what_follows_a_chain_that_may_stop_is_not_certain(config):
    chain = f"{{type: handle-errors, process: [{{type: filter, expr: body.x}}], error: [{{type: log}}]}}, {call('a')}"
    assert config(flows(a=chain)).warnings == ()


@pytest.mark.parametrize(
    ("text", "circle"),
    [
        (flows(a=f"{{type: if, condition: body.x, then: [{send('a')}]}}"), "a -> a"),
        (flows(a=f"{{type: filter, expr: body.x}}, {send('b')}", b=call("c"), c=call("a")), "a -> b -> c -> a"),
        (f"flows: [{{name: a, process: [{{type: log}}], error: [{send('a')}]}}]", "a -> a"),
        (
            (
                f"flows: [{{name: a, process: [{call('b')}]}}, "
                f"{{name: b, process: [{{type: log}}], error: [{send('a')}]}}]"
            ),
            "b -> a -> b",
        ),
        (
            flows(a=f"{{type: handle-errors, process: [{{type: log}}], error: [{send('a')}]}}"),
            "a -> a",
        ),
    ],
)
def test_messages_that_may_go_round_are_warned_of_once(config, text: str, circle: str):
    (warning,) = config(text).warnings

    assert warning.code == "OCTO-C156"
    assert warning.message == f"messages may be sent round without end: {circle}"
    assert "counter" in warning.hint


def test_the_warning_is_at_the_call_that_sends(config):
    (warning,) = config(flows(a=call("b"), b=f"{{type: filter, expr: body.x}}, {send('a')}")).warnings
    assert (warning.at.line, warning.at.column) == (3, 76)


def test_what_is_refused_is_not_warned_of_too(problems):
    (problem,) = problems(flows(a=f"{send('a')}, {{type: if, condition: body.x, then: [{send('a')}]}}"))
    assert "OCTO-C150" in problem


def test_a_flow_that_is_sent_messages_and_leads_back_to_nobody_is_fine(config):
    assert config(flows(a=f"{send('b')}, {call('b')}", b=send("c"), c="{type: log}")).warnings == ()


@pytest.mark.parametrize("more", ["schema: {type: object}", "rules: [{expr: body.x}]"])
@pytest.mark.parametrize("reject", ["", ", onReject: [{type: set-payload, value: '1'}]"])
def test_a_block_that_says_that_it_may_stop_ends_a_recursion(more, reject):
    parse(flows(a=f"{{type: validate, {more}{reject}}}, {call('a')}"), builtin(), {})


def taking(letters: dict[str, str]) -> str:
    """Flows that each take the queue of their name."""
    head = "connectors: [{name: q, type: queue}]\nflows:\n"
    source = "source: {{connector: q, type: queue, settings: {{subject: {}}}}}"
    return head + "".join(
        f"- {{name: {name}, {source.format(name)}, deadLetter: {to}}}\n" for name, to in letters.items()
    )


@pytest.mark.parametrize(
    ("letters", "told"),
    [
        ({"f": "{queue: f}"}, "the flow `f` cannot take its own dead letters | name another queue"),
        ({"f": "{flow: f}"}, "the flow `f` cannot take its own dead letters | name another flow"),
        ({"f": "{queue: g}", "g": "{queue: f}"}, "they go f -> g -> f | name another queue"),
        ({"f": "{queue: g}", "g": "{flow: f}"}, "they go f -> g -> f | name another queue"),
    ],
)
def test_dead_letters_never_come_back_to_their_flow(letters: dict[str, str], told: str):
    """The second time such a letter would count as kept already, and the message would be lost."""
    with pytest.raises(ConfigError) as caught:
        parse(taking(letters), builtin(), {})

    (found,) = caught.value.problems
    assert told in f"{found.message} | {found.hint}"


def test_dead_letters_may_go_from_flow_to_flow():
    parse(taking({"f": "{queue: g}", "g": "{queue: lost}"}), builtin(), {})
