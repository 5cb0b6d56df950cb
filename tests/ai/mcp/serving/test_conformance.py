"""The conformance suite of MCP, its server half, against flows: behind `mcp-router`, and published by `octo mcp`.

Every scenario that a revision requires passes, but those that ask for what a server may leave out; here is why.
"""

from __future__ import annotations

import asyncio
import re
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from octo.testing import running

ROOT = Path(__file__).parents[4]
SCRIPT = ROOT / "scripts" / "mcp-conformance.sh"
pytestmark = pytest.mark.usefixtures("mcp_packages")
FLOWS = Path(__file__).parent / "conformance.yaml"

LOGGING = "the capability `logging` is not offered: revision 2026-07-28 deprecates it"
SUBSCRIBING = "the capability `resources.subscribe` is not offered: what flows serve does not tell when it changes"
ONE_RESPONSE = "a request has one response: no stream carries progress or a question in between"
TOOLS_ALONE = "flows are published as tools, not as resources or prompts"
NO_TASKS = "the extension `tasks` is not offered: a request has one response, and no process waits for the next"
APART = "the test of tasks runs it, with flows that take long"
NO_NEED = "no flow needs a client that knows tasks: for others it is waited for"
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
        **dict.fromkeys(TASK_SCENARIOS, NO_TASKS),
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
        **dict.fromkeys(TASK_SCENARIOS, APART),
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


TASKS_PASSED = {
    "tasks-lifecycle": 9,
    "tasks-capability-negotiation": 5,
    "tasks-wire-fields": 4,
    "tasks-request-state-removal": 3,
    "tasks-mrtr-input": 4,
    "tasks-request-headers": 5,
    "tasks-dispatch-and-envelope": 9,
    "tasks-mrtr-composition": 2,
}
"""The checks of the extension `tasks`. The one other scenario does not apply: `NO_NEED`."""


async def results(url: str, revision: str) -> dict[str, tuple[int, int]]:
    """The checks of each scenario that passed and failed."""
    command = [str(SCRIPT), "server", "--url", url, "--requirements", revision]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
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
    names = set(re.findall(r"^  - name: (?!server$)(\w+)$", FLOWS.read_text(), re.MULTILINE)) - SLOW
    url = published(octo, names)

    judge("octo mcp", revision, await results(url, revision))


SLOW = {
    "greet",
    "slow_compute",
    "failing_job",
    "protocol_error_job",
    "confirm_delete",
    "multi_input",
    "test_tool_with_task",
}


def published(octo, names: set[str], *more: str) -> str:
    process = octo("mcp", str(FLOWS), "--flows", ",".join(sorted(names)), "--http", "0", *more, ready=False)
    process.wait_for("serving at http")
    return re.search(r"serving at (\S+)", process.log)[1]


async def test_calls_that_take_long_become_tasks(octo):
    """The scenarios wait most of the time, so they run side by side."""
    url = published(octo, SLOW, "--task-after", "800ms", "--timeout", "5m")
    turns = asyncio.Semaphore(4)

    async def checks(name: str) -> int:
        async with turns:
            process = await asyncio.create_subprocess_exec(
                str(SCRIPT), "server", "--url", url, "--scenario", name, stdout=PIPE, stderr=STDOUT
            )
            said, _ = await process.communicate()
        passed, of, failed = re.search(r"^Passed: (\d+)/(\d+), (\d+) failed", said.decode(), re.MULTILINE).groups()
        assert (passed, failed) == (of, "0"), said.decode()
        return int(passed)

    async with asyncio.TaskGroup() as group:
        found = {name: group.create_task(checks(name)) for name in TASKS_PASSED}

    assert {name: task.result() for name, task in found.items()} == TASKS_PASSED
