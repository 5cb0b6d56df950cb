"""A declared `input:` followed through chains: what can never work is found when the flow is built."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Annotated, Any

import pytest

from octo.builtin import BLOCKS, CONNECTORS
from octo.config.documents import Config
from octo.config.load import parse
from octo.core.block import block
from octo.core.errors import ConfigError
from octo.core.expressions import Expr, Names
from octo.core.plugins import Plugins
from octo.core.settings import Settings
from octo.core.sockets import Steps

ROOT = Path(__file__).parents[2]

INPUT = """\
- name: main
  input:
    type: object
    properties:
      id: {type: string}
      amount: {type: number}
      customer: {properties: {name: {type: string}}}
      lines: {items: {properties: {sku: {type: string}, price: {type: number}}}}
  process:
"""


class Ask(Settings):
    question: Expr[object]
    """What to ask."""
    answer: Annotated[Expr[object], Names("body")] | None = None
    """What to make of what came back; there `body` is the response."""


@block("ask")
def ask(settings: Ask, message):
    """Ask another system."""
    return message


class Retry(Settings):
    until: Expr[bool]
    """Evaluated on what the chain left."""
    process: Steps
    """What is repeated."""


@block("retry")
def retry(settings: Retry, message):
    """Run a chain until it is good."""
    return message


class Price(Settings):
    of: Expr[object]
    """What is priced."""

    def shape_after(self, before: Any) -> Any:
        before.of(self.of)
        return before.with_var("seen", before.body).with_body()


@block("price")
def price(settings: Price, message):
    """A block that says what it does to shapes."""
    return message


class Forget(Settings):
    def shape_after(self, before: Any) -> Any:
        return before.unknown()


@block("forget")
def forget(settings: Forget, message):
    """A block after which nothing is known."""
    return message


PLUGINS = Plugins(
    CONNECTORS, {**BLOCKS, **{name: f"{__name__}:{name}" for name in ("ask", "retry", "price", "forget")}}
)


def configured(chain: str, more: str = "") -> Config:
    return parse(
        f"flows:\n{INPUT}{textwrap.indent(textwrap.dedent(chain), '  ')}\n{textwrap.dedent(more)}", PLUGINS, {}
    )


def problems(chain: str, more: str = "") -> list[str]:
    """What is wrong: the name of each missing field, and the message of anything else."""
    try:
        configured(chain, more)
    except ConfigError as error:
        return [_missed(each.message) for each in error.problems]
    return []


def _missed(message: str) -> str:
    _, found, field = message.partition(" has no field ")
    return field.strip("`") if found else message


# --- what is followed --------------------------------------------------------------------------------------------

# Each case is a chain on the input above; after its name come the fields that are reported missing in it.
FOLLOWED = """
== fields of the input:
- {type: filter, expr: body.id == body.customer.name}

== a misspelt one: idd
- {type: filter, expr: body.idd == 1}

== every expression of a block that says nothing: idd
- {type: python, call: os.path:basename, with: {p: body.idd}}

== after a block that says nothing:
- {type: python, call: os.path:basename, with: {p: body.id}}
- {type: filter, expr: body.x == vars.y.z}

== a block that says what it does: idd idx
- {type: price, of: body.idd}
- {type: filter, expr: body.anything == vars.seen.idx}

== a block that says it may do anything:
- {type: set-variable, settings: {name: c, value: body.customer}}
- {type: forget}
- {type: filter, expr: body.x == vars.c.nam}

== the body that is set: id
- {type: set-payload, value: body.customer}
- {type: filter, expr: body.name == body.id}

== the body that is made: b
- {type: set-payload, value: '{"a": body.lines.map(l, l.sku)}'}
- {type: filter, expr: body.a == body.b}

== a raw body:
- {type: set-payload, rawBody: true, contentType: a/b, value: body.id}
- {type: filter, expr: body.rawData == body.x}

== a variable that is set: nam
- {type: set-variable, settings: {name: X-Y, value: body.customer}}
- {type: filter, expr: 'vars["X-Y"].nam == vars["X-Y"].name'}

== a variable that others set:
- {type: filter, expr: vars.customer.nam == vars.method}

== a variable that is gone:
- {type: set-variable, settings: {name: c, value: body.customer}}
- {type: delete-variable, settings: {name: c}}
- {type: filter, expr: vars.c.nam == 1}

== a placeholder for what may come:
- {type: set-variable, settings: {name: found, value: 'null'}}
- {type: filter, expr: vars.found == null || vars.found.id == 1}

== several steps in one block: nam id
- type: multi-transform
  transforms:
  - {setVar: c, value: body.customer}
  - {setBody: '{"n": vars.c.name, "m": vars.c.nam}'}
- {type: filter, expr: body.n == body.id}

== a field that was asked for:
- {type: filter, expr: has(body.coupon)}
- {type: filter, expr: body.coupon.code == 1}

== if: idd
- {type: if, condition: body.idd == 1, then: []}

== if without else:
- {type: if, condition: 'true', then: [{type: set-payload, value: '{"a": 1}'}]}
- {type: filter, expr: body.a == body.id}

== if with else: id
- type: if
  condition: 'true'
  then: [{type: set-payload, value: '{"a": 1}'}]
  else: [{type: set-payload, value: '{"b": 1}'}]
- {type: filter, expr: body.a == 1 || body.b == 1 || body.id == 1}

== a branch for a field that may be there:
- type: if
  condition: has(body.coupon)
  then: [{type: set-payload, value: body.coupon.code}]

== switch: idd custmer
- type: switch
  cases:
  - {when: body.idd == 1, process: [{type: set-payload, value: '{"a": 1}'}]}
  - {when: 'true', process: [{type: set-payload, value: body.custmer}]}
- {type: filter, expr: body.a == body.b}

== switch with default: b
- type: switch
  cases:
  - {when: body.id == "x", process: [{type: set-payload, value: '{"a": 1}'}]}
  default: [{type: set-payload, value: '{"c": 1}'}]
- {type: filter, expr: body.a == 1 || body.c == 1 || body.b == 1}

== fork leaves the message as it was: idd a
- type: fork
  branches:
  - [{type: set-payload, value: '{"a": body.idd}'}]
- {type: filter, expr: body.id == body.a}

== handle-errors: idd d
- type: handle-errors
  process: [{type: set-payload, value: '{"a": body.idd}'}]
  error: [{type: set-payload, value: '{"b": vars.error.message, "c": body.whatever}'}]
- {type: filter, expr: body.a == 1 || body.b == 1 || body.d == 1}

== handle-errors with rollback: idd
- type: handle-errors
  rollback: true
  process: []
  error: [{type: set-payload, value: '{"b": body.idd, "c": vars.error.x}'}]

== the elements of foreach: lins skuu
- {type: foreach, items: body.lins, body: []}
- type: foreach
  items: body.lines
  as: line
  body: [{type: filter, expr: vars.line.sku == vars.line.skuu}]

== the variable of foreach is gone afterwards: idd
- {type: foreach, items: body.lines, body: []}
- {type: filter, expr: body.idd == vars.item.x}

== foreach as map: t
- type: foreach
  items: body.lines
  mode: map
  body: [{type: set-payload, value: '{"s": vars.item.sku}'}]
- {type: filter, expr: 'body[0].s == body[0].t'}

== what an earlier turn leaves is there for the next: summ y
- type: foreach
  items: body.lines
  body:
  - type: if
    condition: vars.first
    then: [{type: set-payload, value: '{"sum": 1}'}]
    else: [{type: set-payload, value: '{"sum": body.sum, "x": body.summ}'}]
- {type: filter, expr: body.sum == body.y}

== of a loop that never settles nothing is known:
- type: foreach
  items: body.lines
  body: [{type: set-payload, value: '{"deeper": body}'}]
- {type: filter, expr: body.deeper.deeper == body.nope}

== what a called flow leaves, or drops: mde
- {type: flow-ref, flow: makes}
- {type: filter, expr: body.made == 1 || body.id == 1 || body.mde == 1}

== what a flow is told: made
- {type: flow-ref, flow: makes, oneWay: true}
- {type: filter, expr: body.id == body.made}

== what a called flow recovers to: x
- {type: flow-ref, flow: recovers}
- {type: filter, expr: body.made == 1 || body.saved == 1 || body.x == 1}

== a called flow that calls back:
- {type: flow-ref, flow: returns}
- {type: filter, expr: body.x == 1}
"""

OTHERS = """
- name: makes
  process: [{type: set-payload, value: '{"made": 1}'}]
- name: recovers
  process: [{type: set-payload, value: '{"made": 1}'}]
  error: [{type: set-payload, value: '{"saved": 1}'}]
- name: returns
  process: [{type: if, condition: 'true', then: [{type: flow-ref, flow: main}]}]
"""

CASES = {name: text for name, _, text in (each.partition("\n") for each in FOLLOWED.split("\n== ")[1:])}


@pytest.mark.parametrize("case", CASES)
def test_what_is_followed(case: str):
    """Every certain mistake is reported, and nothing else."""
    _, _, missed = case.partition(":")

    assert missed.split() == problems(CASES[case], OTHERS)


def test_the_kinds_of_elements_are_followed():
    (found,) = problems("""
        - type: foreach
          items: body.lines
          mode: map
          body: [{type: set-payload, value: vars.item.price}]
        - {type: filter, expr: 'body[0].x == 1'}
    """)

    assert found == "`expr`: `body[0]` is a number or null: it has no fields"


def test_a_contract_is_judged_by_the_shapes_before_and_after():
    text = """
        flows:
          - name: f
            input: {type: object, properties: {amount: {type: number}}}
            requires: [body.amout > 0]
            ensures: [body.total > 0, body.sum > 0, input.body.amont > 0]
            process: [{type: set-payload, value: '{"total": body.amount}'}]
    """
    with pytest.raises(ConfigError) as error:
        parse(textwrap.dedent(text), PLUGINS, {})

    assert [_missed(each.message) for each in error.value.problems] == ["amout", "sum", "amont"]


# --- what is left alone ------------------------------------------------------------------------------------------


def test_without_an_input_nothing_is_followed():
    parse("flows: [{name: a, process: [{type: set-payload, value: '{}'}, {type: filter, expr: body.x}]}]", PLUGINS, {})


def test_the_flow_keeps_its_schema():
    flow = configured("- {type: filter, expr: body.id == 1}").flows["main"]

    assert flow.input is not None
    assert flow.input["type"] == "object"


def test_other_names_are_not_a_message():
    assert problems("- {type: ask, question: body.idd, answer: body.status}") == ["idd"]


def test_a_composite_that_says_nothing_is_entered_with_nothing_known():
    inner = "[{type: set-payload, value: body.x}, {type: filter, expr: body.y == 1}]"
    chain = f"- {{type: retry, until: body.done, process: {inner}}}"

    assert problems(chain) == []


def test_a_chain_with_a_block_that_could_not_be_read_is_not_judged():
    """The author sees only the cause."""
    chain = "- {type: set-payload, valu: '1'}\n- {type: filter, expr: body.a == 1}"

    assert problems(chain) == ["the `set-payload` block has no key `valu`"]


def test_an_error_chain_begins_with_nothing_known():
    text = (
        f"flows:\n{INPUT}  - {{type: filter, expr: 'true'}}\n  error:\n  - {{type: filter, expr: body.x == vars.y.z}}\n"
    )

    parse(text, PLUGINS, {})


FED = """\
flows:
- name: fed
  source: {type: http, settings: {path: "/a/{id}", headers: [X-Count], rawBodyVar: raw}}
  input: {type: object}
  process:
  - {type: set-payload, value: CHECKED}
"""
CALLER = "- {name: caller, process: [{type: flow-ref, flow: fed}]}\n"


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("vars.id + 1", True),
        ("vars['X-Count'] * 2", True),
        ("vars.method.size() + 1", False),
        ("vars.method.name", True),
        ("vars.query.page", False),
        ("vars.raw + 1", False),
        ("vars.set_by_somebody + 1", False),
    ],
)
def test_the_variables_of_the_source_are_known(expression: str, wrong: bool):
    text = FED.replace("CHECKED", f'"{expression}"')
    if not wrong:
        parse(text, PLUGINS, {})
        return
    with pytest.raises(ConfigError):
        parse(text, PLUGINS, {})


def test_a_flow_that_others_call_too_may_be_given_other_variables():
    parse(FED.replace("CHECKED", "vars.id + 1") + CALLER, PLUGINS, {})


def test_what_the_environment_put_in_is_not_shown():
    text = f"env: [{{name: FIELD}}]\nflows:\n{INPUT}  - {{type: filter, expr: 'body.${{FIELD}} == 1'}}\n"

    with pytest.raises(ConfigError) as caught:
        parse(text, PLUGINS, {"FIELD": "hidden"})

    (problem,) = caught.value.problems
    assert problem.code == "OCTO-C160"
    assert "hidden" not in str(problem)
    assert "${FIELD}" in problem.message


def test_deep_loops_take_no_time():
    """The work grows linearly with the depth, not exponentially."""
    chain = "- {type: set-payload, value: '{\"a\": body}'}"
    for _ in range(20):
        chain = f"- type: foreach\n  items: '[1]'\n  body:\n{textwrap.indent(chain, '  ')}"

    assert problems(chain) == []


def test_long_ways_of_calls_end():
    more = "".join(f"- {{name: f{n}, process: [{{type: flow-ref, flow: f{n + 1}}}]}}\n" for n in range(300))

    assert problems("- {type: flow-ref, flow: f0}", f"{more}- {{name: f300}}") == []


def test_what_nobody_declares_costs_nothing():
    """Shapes are imported for a flow with an `input:`, not for others."""
    code = (
        "import sys; from octo.builtin import plugins; from octo.config.load import parse\n"
        "parse('flows: [{name: a, process: [{type: set-payload, value: body}]}]', plugins(), {})\n"
        "sys.exit(any(name in sys.modules for name in ('octo.config.inference', 'octo.expr.shape')))"
    )

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_what_comes_to_each_block(tmp_path):
    """For those who write it: also where nothing is declared, and around a block that is still wrong."""
    from octo.builtin import plugins
    from octo.config.inference import known_at
    from octo.config.outline import read
    from octo.config.report import Report
    from octo.expr.shape.values import described

    path = tmp_path / "flow.yaml"
    path.write_text(
        textwrap.dedent("""
        flows:
          - name: orders
            process:
              - {type: set-variable, name: one, settings: {name: total, value: 1 + 1}}
              - {type: set-payload, name: two, value: '{"a": vars.total, "b": "x"'}
              - {type: set-payload, name: three, value: body.}
              - type: if
                name: four
                condition: "true"
                then: {process: [{type: log, name: five}]}
            error:
              - {type: log, name: six}
              - {type: log, name: seven}
        """)
    )
    report = Report()
    found = read(path, plugins(), {}, report)
    assert found.context is not None
    known = known_at(found.context, found.flows)

    assert report.problems
    totals = {name: described(each.vars["total"]) if "total" in each.vars else "" for name, each in known.items()}
    assert totals == {
        "orders.one": "",
        "orders.two": "an int",
        "orders.three": "an int",
        "orders.four": "an int",
        "orders.four[then].five": "an int",
        "orders[error].six": "",
        "orders[error].seven": "",
    }
