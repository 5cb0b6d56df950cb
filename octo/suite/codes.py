"""What can be wrong with a test file, for `octo explain`. Unknown keys and wrong types have configuration codes."""

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
    "`octo test` takes a folder with `*_test.yaml` files, a flow file that has a `NAME_test.yaml` beside it, or a test "
    "file. A test file needs at least one case.",
    "octo test flows/orders.yaml  (and there is no flows/orders_test.yaml)",
    "octo test flows/orders_test.yaml",
)
SAME_NAME = _code(
    "OCTO-T102",
    "Two cases have the same name",
    "The name of a case must be unique in its file: reports and `-k` identify the case by it.",
)
INPUT = _code(
    "OCTO-T103",
    "No such input",
    "`input:` is a message, `{data, vars}`, or the name of a message under the file's `inputs:`.",
    "input: smal",
    "input: small  (and inputs: {small: {data: {id: 1}}})",
)
EXPECT = _code(
    "OCTO-T104",
    "An expectation contradicts itself",
    "A flow ends in one way: it completes (`body`, `vars`, `that`), drops the message (`dropped: true`) or fails "
    "(`error: TEXT`). A record of a spy has one of `output`, `dropped` and `error`. `reply` is what the sender of a "
    "`trigger` gets back, so it needs a `trigger`.",
    "expect: {error: declined, body: {id: 1}}",
    "expect: {error: declined}",
)
SPY = _code(
    "OCTO-T105",
    "A spy that cannot be right",
    "`records` describes the first crossings, so there can be at most `count` of them.",
    "{count: 1, records: [{}, {}]}",
    "{count: 2, records: [{}, {}]}",
)
FLOW = _code(
    "OCTO-T106",
    "No such flow to test",
    "`flow:` of a test file, or of a call, must name a flow of the configuration that is tested.",
)
STUB = _code(
    "OCTO-T107",
    "No such stub",
    "The keys of `stubs:` are names of connectors, and the type of the connector must have a stub.",
    "stubs: {http-client: {answers: []}}",
    "stubs: {payments: {answers: []}}  (and connectors: [{name: payments, type: http-client}])",
)
TRIGGER = _code(
    "OCTO-T108",
    "Cannot be triggered",
    "`trigger:` makes the source of the called flow deliver a message. The flow needs a source, and the connector of "
    "the source needs a stub that can be triggered. A connector that only feeds flows gets its stub automatically if "
    "the stub needs no settings; write any other stub under `stubs:`.",
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
    "`clock:` is `real`, `virtual`, or the moment at which virtual time begins, with its offset from UTC. A `timeout` "
    "must be more than 0.",
    "clock: tomorrow",
    'clock: "2026-03-29T00:30:00Z"',
)
STUBS = _code(
    "OCTO-T111",
    "No such stubs to run with",
    "`--stubs FILE` takes the `stubs:` that a test file sets for all its cases, `--stubs 'FILE::CASE'` also those of "
    "one case, by its name or a part that no other case has in its name. There must be some: mocks, which replace "
    "blocks, are for tests only.",
    "octo run shop.yaml --stubs shop_test.yaml  (and only its cases have stubs)",
    "octo run shop.yaml --stubs 'shop_test.yaml::the bank is away'",
)
