"""What can be wrong with a test file, for `octo explain`. Mistakes of shape have the codes of configurations."""

from __future__ import annotations

from octo.core.errors import Explanation

EXPLANATIONS: dict[str, Explanation] = {}


def _code(code: str, title: str, meaning: str, wrong: str = "", right: str = "") -> str:
    examples = f"\n\n  wrong: {wrong}\n  right: {right}" if wrong else ""
    EXPLANATIONS[code] = Explanation(title, meaning + examples)
    return code


NOTHING = _code(
    "OCTO-T101",
    "No tests found",
    "`octo test` takes a folder that holds `*_test.yaml` files, a flow file that has a `NAME_test.yaml` beside it, or "
    "a test file. A test file without cases tests nothing either.",
    "octo test flows/orders.yaml  (and there is no flows/orders_test.yaml)",
    "octo test flows/orders_test.yaml",
)
SAME_NAME = _code(
    "OCTO-T102",
    "Two cases have one name",
    "The name of a case is unique in its file: reports, `-k` and whoever reads a failure go by it.",
)
INPUT = _code(
    "OCTO-T103",
    "No such input",
    "`input:` is a message, `{data, vars}`, or the name of one under the file's `inputs:`.",
    "input: smal",
    "input: small  (and inputs: {small: {data: {id: 1}}})",
)
EXPECT = _code(
    "OCTO-T104",
    "An expectation contradicts itself",
    "A flow ends in one way: it completes (`body`, `vars`, `that`), drops the message (`dropped: true`) or fails "
    "(`error: TEXT`). A record of a spy says one of `output`, `dropped` and `error`. `reply` is what the outside sees "
    "of a `trigger`, so it needs one.",
    "expect: {error: declined, body: {id: 1}}",
    "expect: {error: declined}",
)
SPY = _code(
    "OCTO-T105",
    "A spy that cannot be right",
    "`records` describes the first crossings, so there cannot be more of them than `count` says.",
    "{count: 1, records: [{}, {}]}",
    "{count: 2, records: [{}, {}]}",
)
FLOW = _code(
    "OCTO-T106",
    "No such flow to test",
    "`flow:` of a test file, or of a call, names a flow of the configuration that is tested.",
)
STUB = _code(
    "OCTO-T107",
    "No such stub",
    "`stubs:` goes by the names of connectors, and stands in only for types that have a stub.",
    "stubs: {http-client: {answers: []}}",
    "stubs: {payments: {answers: []}}  (and connectors: [{name: payments, type: http-client}])",
)
TRIGGER = _code(
    "OCTO-T108",
    "Cannot be triggered",
    "`trigger:` makes the source of the called flow bring a message. The flow needs a source, and the source's "
    "connector a stub that can be triggered. A connector that only feeds flows gets its stub by itself, if the stub "
    "needs no settings; any other must stand under `stubs:`.",
)
CALLS = _code(
    "OCTO-T109",
    "One message in several ways",
    "A case is one call (`input` or `trigger`, and `expect`), or several under `calls:`, each with its own. A call has "
    "`input` or `trigger`, not both, and an `expect` only where a flow is called.",
    "{name: x, input: a, calls: [{input: b}]}",
    "{name: x, calls: [{input: a}, {input: b}]}",
)
CLOCK = _code(
    "OCTO-T110",
    "No such clock",
    "`clock:` is `real`, `virtual`, or the moment at which virtual time begins, with its offset from UTC. Time that is "
    "given to a case must be more than nothing.",
    "clock: tomorrow",
    'clock: "2026-03-29T00:30:00Z"',
)
