"""The conformance suite of MCP, its server half, against flows: behind `mcp-router`, and published by `octo mcp`.

Every scenario that a revision requires passes, but those that ask for what a server may leave out; here is why.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from octo.testing import running

ROOT = Path(__file__).parents[4]
SCRIPT = ROOT / "scripts" / "mcp-conformance.sh"
FLOWS = Path(__file__).parent / "conformance.yaml"

LOGGING = "the capability `logging` is not offered: revision 2026-07-28 deprecates it"
SUBSCRIBING = "the capability `resources.subscribe` is not offered: what flows serve does not tell when it changes"
ONE_RESPONSE = "a request has one response: no stream carries progress or a question in between"
TOOLS_ALONE = "flows are published as tools, not as resources or prompts"
TASKS = "the extension `tasks` is not offered"
RESUMING = "no stream can be resumed; the suite does not require it"

TASK_SCENARIOS = (
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
)
RESOURCES_AND_PROMPTS = (
    "completion-complete",
    "resources-list",
    "resources-read-text",
    "resources-read-binary",
    "resources-templates-read",
    "prompts-list",
    "prompts-get-simple",
    "prompts-get-with-args",
    "prompts-get-embedded-resource",
    "prompts-get-with-image",
)
LOGS = ("logging-set-level", "tools-call-with-logging")
SUBSCRIPTIONS = ("resources-subscribe", "resources-unsubscribe")
QUESTIONS = (
    "tools-call-sampling",
    "tools-call-elicitation",
    "elicitation-sep1034-defaults",
    "elicitation-sep1330-enums",
)

DO_NOT_APPLY = {
    ("mcp-router", "2026-07-28"): {
        "tools-call-with-progress": ONE_RESPONSE,
        **dict.fromkeys(TASK_SCENARIOS, TASKS),
    },
    ("mcp-router", "2025-11-25"): {
        "tools-call-with-progress": ONE_RESPONSE,
        **dict.fromkeys(QUESTIONS, ONE_RESPONSE),
        **dict.fromkeys(LOGS, LOGGING),
        **dict.fromkeys(SUBSCRIPTIONS, SUBSCRIBING),
    },
    ("octo mcp", "2026-07-28"): {
        **dict.fromkeys(RESOURCES_AND_PROMPTS, TOOLS_ALONE),
        "caching": TOOLS_ALONE,
        "input-required-result-non-tool-request": TOOLS_ALONE,
        **dict.fromkeys(TASK_SCENARIOS, TASKS),
    },
    ("octo mcp", "2025-11-25"): {
        **dict.fromkeys(RESOURCES_AND_PROMPTS, TOOLS_ALONE),
        **dict.fromkeys(LOGS, LOGGING),
        **dict.fromkeys(SUBSCRIPTIONS, TOOLS_ALONE),
        "server-sse-polling": RESUMING,
    },
}

PASSED = {
    ("mcp-router", "2026-07-28"): (39, 145),
    ("mcp-router", "2025-11-25"): (21, 49),
    ("octo mcp", "2026-07-28"): (28, 114),
    ("octo mcp", "2025-11-25"): (18, 53),
}
"""Scenarios that pass, and the checks in them. One that finds no session has nothing to check, and is not counted."""


@cache
def suite() -> Path:
    done = subprocess.run([SCRIPT, "--where"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"NOT TESTED, for want of the network: the conformance suite of MCP ({done.stderr.strip()[-200:]})")
    return Path(done.stdout.strip())


async def results(url: str, revision: str) -> dict[str, tuple[int, int]]:
    """The checks of each scenario that passed and failed."""
    suite()
    command = [str(SCRIPT), "server", "--url", url, "--requirements", revision]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    lines = re.findall(r"^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed", said.decode(), re.MULTILINE)
    return {name: (int(passed), int(failed)) for name, passed, failed in lines}


def judge(server: str, revision: str, found: dict[str, tuple[int, int]]) -> None:
    excused = DO_NOT_APPLY[server, revision]
    failed = {name for name, (_, failures) in found.items() if failures}
    assert failed == set(excused), found
    passed = {name: checks for name, (checks, failures) in found.items() if not failures and checks}
    assert (len(passed), sum(passed.values())) == PASSED[server, revision], passed


@pytest.mark.parametrize("revision", ["2026-07-28", "2025-11-25"])
async def test_a_router_passes_all_that_applies(revision):
    async with running(FLOWS) as app:
        found = await results(f"{app.connector('web').url}/mcp", revision)

    judge("mcp-router", revision, found)


@pytest.mark.parametrize("revision", ["2026-07-28", "2025-11-25"])
async def test_published_flows_pass_all_that_applies(octo, revision):
    names = re.findall(r"^  - name: (?!server$)(\w+)$", FLOWS.read_text(), re.MULTILINE)
    process = octo("mcp", str(FLOWS), "--flows", ",".join(names), "--http", "0", ready=False)
    process.wait_for("serving at http")
    url = re.search(r"serving at (\S+)", process.log)[1]

    judge("octo mcp", revision, await results(url, revision))
