"""What docs/flow-language.md shows of blocks does what it says."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import pytest

from octo.builtin import plugins
from octo.config.load import load
from octo.suite import Configs, plan, run_case

ROOT = Path(__file__).parents[2]

FLOW = """
connectors:
{connectors}
flows:
  - name: f
    process:
{chain}
"""
ANSWERS = {
    "prices": [{"path": "/prices/*", "body": 12}, {"path": "/today", "delay": "1s", "body": "today's"}],
    "stock": [{"error": "connect"}],
    "crm": [{"path": "/customers/c1", "body": {"name": "Ann"}}],
    "bank": [{"times": 1, "error": "broken"}, {"body": {"receipt": "r1"}}],
}
SHOWN = {
    "validate": [({"amount": 0, "currency": "GBP"}, {"error": "validation_failed"}), ({"amount": 1}, {"error": "v"})],
    "fork": [({"sku": "a"}, {"price": 12, "stock": None})],
    "enrich": [({"customerId": "c1"}, {"customerId": "c1"})],
    "delay": [({"due": "2026-01-01T00:00:09Z"}, {"due": "2026-01-01T00:00:09Z"})],
    "timeout": [({}, "today's")],
    "retry": [({"amount": 1}, {"receipt": "r1"})],
}
"""What the last example of a section answers to a body; of a refusal only that it is one."""


@pytest.mark.parametrize("section", SHOWN)
def test_blocks_of_the_flow_language_do_as_shown(section: str, tmp_path: Path):
    text = (ROOT / "docs" / "flow-language.md").read_text().partition(f"\n### {section}\n")[2].partition("\n### ")[0]
    chain = textwrap.indent(re.findall(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)[-1], " " * 6)
    connectors = "".join(
        f"  - {{name: {name}, type: http-client, settings: {{baseURL: http://x, retry: {{maxAttempts: 1}}}}}}\n"
        for name in ANSWERS
    )
    (tmp_path / "order.schema.json").write_text('{"required": ["currency"]}')
    (tmp_path / "flow.yaml").write_text(FLOW.format(connectors=connectors, chain=chain))
    cases = [{"name": str(body), "input": {"data": body}, "expect": _expected(end)} for body, end in SHOWN[section]]
    stubs = {name: {"answers": answers} for name, answers in ANSWERS.items() if name in chain}
    suite = {"flow": "f", "clock": "2026-01-01T00:00:00Z", "stubs": stubs, "cases": cases}
    (tmp_path / "flow_test.yaml").write_text(json.dumps(suite))

    configs = Configs(lambda path, environ: load(path, plugins(), environ))
    outcomes = [run_case(case, configs) for case in plan([tmp_path / "flow_test.yaml"], configs).cases]

    assert [(each.status, each.failures) for each in outcomes] == [("passed", ())] * len(cases)


def _expected(end: object) -> dict[str, object]:
    is_refused = isinstance(end, dict) and "error" in end
    return {"that": ['body.error == "validation_failed"', "vars.httpStatus == 400"]} if is_refused else {"body": end}
