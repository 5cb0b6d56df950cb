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


@pytest.mark.parametrize(
    ("processor", "code"),
    [
        ("type: set-payload, settings: {value: '1 +'}", "OCTO-E101"),
        ("type: set-payload, settings: {valeu: '1'}", "OCTO-C111"),
        ("type: no-such", "OCTO-C130"),
    ],
)
def test_what_is_wrong_with_a_processor_that_nothing_uses_is_a_warning(config, problems, processor, code):
    """What never runs stops nothing."""
    unused = f"processors: [{{name: p, {processor}}}]\nflows: [{{name: f, process: []}}]"

    assert sorted(each.code for each in config(unused).warnings) == sorted(["OCTO-C122", code])
    assert code in problems(unused.replace("process: []", "process: [{ref: p}]"))[0]
