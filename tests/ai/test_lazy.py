"""What is imported when: a flow without models imports none of them, and a message finds all that it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAIN = """
connectors: [{name: web, type: http}]
flows:
  - name: f
    process:
      - {type: if, condition: 'true', then: {process: [{type: set-payload, value: '1 + 1'}]}}
      - {type: log}
  - {name: served, source: {connector: web, type: http, settings: {path: /}}, process: [{type: flow-ref, flow: f}]}
"""
INVOKE = """
import contextlib, json, sys
from octo.cli import octo
with contextlib.suppress(SystemExit):
    octo(sys.argv[1:])
kinds = (
    "octo.ai", "pydantic_ai", "anthropic", "openai", "google", "genai_prices", "httpx", "httpx2",
    "mcp", "octo.connectors.vector_sqlite", "apsw", "sqlite_vec",
)
found = [each for each in sys.modules if each.startswith(tuple(f"{kind}." for kind in kinds)) or each in kinds]
print(json.dumps(found), file=sys.stderr)
"""


@pytest.mark.parametrize("verb", [["invoke", "--flow", "f", "--config"], ["check"]], ids=lambda verb: verb[0])
def test_a_flow_without_models_imports_none_of_them(verb, tmp_path):
    """Nor what MCP, vector stores and their providers bring along."""
    path = tmp_path / "flow.yaml"
    path.write_text(PLAIN)

    done = subprocess.run(
        [sys.executable, "-c", INVOKE, *verb, str(path)], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert json.loads(done.stderr.splitlines()[-1]) == []
    assert done.stdout.strip() in ("2", f"{path}: ok, 2 flows, 2 connectors")


STARTED = """
import asyncio, json, sys
from octo.testing.harness import running

async def main():
    async with running("connectors: [{name: llm, type: llm-openai, settings: {apiKey: x}}]\\nflows: [" + FLOW + "]"):
        print(json.dumps([each in sys.modules for each in ("jsonschema", "jsonschema_rs", "pydantic_ai")]))

FLOW = "{name: f, process: [{type: ai-prompt, connector: llm, prompt: P.}]}"
asyncio.run(main())
"""


def test_what_answers_are_checked_with_is_imported_when_a_connector_starts():
    """The libraries take longer than many a message."""
    done = subprocess.run(
        [sys.executable, "-c", STARTED],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )

    assert json.loads(done.stdout) == [True, True, True]
