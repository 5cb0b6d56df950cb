"""octo cluster shows who uses the same services, what they lead, and that a rolling upgrade is under way."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from octo.connectors.cron.ledger import Ledger
from octo.core.source import Outlet
from octo.services.container import Services
from octo.services.members import NAMESPACE
from octo.services.places import openers

MEMBER = {
    "host": "web-1",
    "pid": 4711,
    "process": 0,
    "admin": "127.0.0.1:39999",
    "octo": "0.1.0",
    "phase": "running",
    "started": "2026-01-01T00:00:00.000Z",
    "service": "shop",
    "config": "aaa",
    "flows": 3,
    "leads": {},
}


@pytest.fixture
def place(tmp_path):
    return f"sqlite:{tmp_path}/octo.db"


def fill(place, *told):
    async def work():
        async with Services(openers(place)) as services:
            await services.open(["key-value"])
            for number, each in enumerate(told):
                await services.opened["key-value"].put(NAMESPACE, str(number), {"id": f"m{number}", **MEMBER, **each})

    asyncio.run(work())


def test_members_their_leases_and_their_versions(cli, place):
    fill(place, {"leads": {"events orders for audit": 12}}, {"config": "bbb", "phase": "draining", "process": 1})
    result = cli("cluster", "--services", place)
    assert result.exit_code == 0
    shown = re.sub(r"\d+d", "9d", result.stdout)
    assert [line.split() for line in shown.splitlines()] == [
        ["member", "service", "config", "octo", "host", "pid", "up", "operations"],
        ["m0", "shop", "aaa", "0.1.0", "web-1", "4711", "9d", "127.0.0.1:39999"],
        ["m1", "shop", "bbb", "0.1.0", "web-1", "4711/1", "9d", "draining", "127.0.0.1:39999"],
        [],
        ["member", "leads", "token"],
        ["m0", "events", "orders", "for", "audit", "12"],
        [],
        ["shop", "runs", "in", "2", "versions:", "1", "member", "with", "aaa,", "1", "member", "with", "bbb"],
    ]


def test_a_member_that_was_killed_is_silent_until_it_is_none(cli, place):
    """Else it would be told as one that leads, for as long as its entry is kept."""
    now = datetime.now(UTC)
    heard, killed = (now - timedelta(seconds=seconds) for seconds in (11, 22))
    fill(place, {"seen": heard.isoformat()}, {"seen": killed.isoformat()})

    _, first, second = cli("cluster", "--services", place).stdout.splitlines()
    assert "silent" not in first
    assert re.search(r"silent 2[2-9]s", second)


def test_json_has_the_same(cli, place):
    async def tick():
        async with Services(openers(place)) as services:
            await services.open(["key-value"])
            ledger = Ledger(services.opened["key-value"], Outlet("nightly", "clock", "shop"), "m0")
            known = await ledger.read()
            await ledger.write(known, tick=known.last.replace(year=2026, month=1, day=1, hour=6, minute=0, second=0))

    asyncio.run(tick())
    fill(place, {})
    found = json.loads(cli("cluster", "--services", place, "--json").stdout)
    assert [each["id"] for each in found["members"]] == ["m0"]
    assert found["versions"] == {"shop": {"aaa": 1}}
    (tick,) = found["ticks"]
    assert (tick["flow"], tick["by"], tick["tick"][:19]) == ("nightly", "m0", "2026-01-01T06:00:00")


def test_without_members_it_says_so_and_makes_nothing(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = cli("cluster")
    assert (result.exit_code, result.stdout) == (0, "no members: no `octo run` uses these services now\n")
    assert "these are sqlite:octo-store/octo.db; --services names others" in result.stderr
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("verb", [["cluster"], ["dlq", "list", "--queue", "q"]])
def test_a_store_that_somebody_named_must_be_there(cli, tmp_path, verb):
    """On a bad day a wrong path must not look like good news."""
    file = tmp_path / "none" / "octo.db"
    result = cli(*verb, "--services", f"sqlite:{file}")
    assert result.exit_code == 2
    assert f"there is no store '{file}'" in result.stderr
    assert [*tmp_path.iterdir()] == []


def test_services_in_memory_have_no_cluster(cli):
    result = cli("cluster", "--services", "memory:")
    assert result.exit_code == 2
    assert "services in memory are those of one process" in result.stderr


def test_a_server_that_is_away_is_named_without_its_password(cli, free_port):
    result = cli("cluster", "--services", f"postgresql://octo:correct-horse@127.0.0.1:{free_port()}/x")
    assert result.exit_code == 1
    assert "cannot connect to PostgreSQL at 127.0.0.1" in result.stderr
    assert "correct-horse" not in result.output


def test_what_a_member_says_reaches_no_terminal(cli, place):
    fill(place, {"host": "\x1b[2Jweb", "leads": {"\x1b]0;x": 1}})
    assert "\x1b" not in cli("cluster", "--services", place).stdout
