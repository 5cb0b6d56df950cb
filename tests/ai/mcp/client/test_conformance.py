"""The conformance suite of MCP, its client half, against the connector.

Every scenario that a revision requires passes. Those of extensions that are not offered fail; here is why.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest
from mcp_scenarios import serve

ROOT = Path(__file__).parents[4]
SCRIPT = ROOT / "scripts" / "mcp-conformance.sh"
pytestmark = pytest.mark.usefixtures("mcp_packages")
RELAY = Path(__file__).parent / "relay.py"

NOT_OFFERED = {
    "auth/enterprise-managed-authorization": "extension: tokens of a user who has signed in elsewhere; a flow has none",
    "auth/dpop": "extension: the SDK cannot bind tokens to a key",
    "auth/dpop-nonce": "extension: as above",
    "auth/wif-jwt-bearer": "extension: the SDK has no such grant; a workload's token can be the `key`'s stead",
}
PASSED = {"2025-11-25": (21, 265), "2026-07-28": (35, 448)}
"""Scenarios that pass, and the checks in them."""


async def results(tmp_path, *which):
    """The checks of each scenario that passed and failed."""
    socket = tmp_path / "relay"
    async with await asyncio.start_unix_server(serve, socket):
        command = f"{sys.executable} -I -S {RELAY} {socket}"
        process = await asyncio.create_subprocess_exec(
            *(SCRIPT, "client", "--command", command, "--output-dir", tmp_path / "results", *which),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
    (tmp_path / "said").write_bytes(said)
    lines = re.findall(r"^[✓✗] ([\w/-]+): (\d+) passed, (\d+) failed", said.decode(), re.MULTILINE)
    return {name: (int(passed), int(failed)) for name, passed, failed in lines}


@pytest.mark.parametrize("revision", ["2026-07-28", "2025-11-25"])
async def test_all_that_a_revision_requires_passes(revision, tmp_path):
    found = await results(tmp_path, "--requirements", revision)

    assert {name for name, (_, failures) in found.items() if failures} == set(NOT_OFFERED), found
    passed = {name: checks for name, (checks, failures) in found.items() if not failures}
    assert (len(passed), sum(passed.values())) == PASSED[revision], passed


async def test_servers_from_before_there_was_metadata_are_authorized_too(tmp_path):
    """Those of 2025-03-26."""
    found = await results(tmp_path, "--suite", "backcompat")

    assert {name: failures for name, (_, failures) in found.items()} == {
        "auth/2025-03-26-oauth-metadata-backcompat": 0,
        "auth/2025-03-26-oauth-endpoint-fallback": 0,
    }
