"""One message of a thousand fails: it is kept with its cause, the others arrive, those of each customer in order.

After the fix a dry run shows that it would complete, and a replay completes it. On a store of this machine, and on a
real PostgreSQL.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from octo.core.message import Message
from octo.services.container import Services
from octo.services.places import openers
from octo.testing.postgres import PASSWORD, Postgres

FLOW = """
connectors: [{name: jobs, type: queue}]
flows:
  - name: ship
    source: {connector: jobs, type: queue, settings: {subject: orders}}
    process:
      - {type: set-payload, name: price, value: '{"id": body.id, "cents": CENTS}'}
      - {type: log, message: '"shipped " + string(body.id)'}
"""
PATIENCE = 60.0
BROKEN, FIXED = (FLOW.replace("CENTS", each) for each in ("body.amount * 100", "has(body.amount) ? body.amount : 0"))
COUNT, CUSTOMERS = 10_000, 100
POISON = range(537, COUNT, 1000)


@pytest.fixture(scope="module")
def postgres():
    with Postgres.started() as server:
        yield f"postgresql://octo:{quote(PASSWORD, safe='')}@{server.address}/postgres"


@pytest.fixture(params=["embedded", "postgres"])
def services(request, tmp_path):
    return request.getfixturevalue("postgres") if request.param == "postgres" else f"sqlite:{tmp_path / 'octo.db'}"


def send(url: str) -> None:
    async def work() -> None:
        async with Services(openers(url)) as services:
            await services.open(["queues"])
            queues = services.opened["queues"]
            for begin in range(0, COUNT, 1000):
                await asyncio.gather(*(_send(queues, number) for number in range(begin, begin + 1000)))

    asyncio.run(work())


async def _send(queues, number: int) -> None:
    """As `queue-dispatch` does with the customer as `orderingKey`."""
    body = {"id": number} | ({} if number in POISON else {"amount": 2})
    await queues.send("orders", Message(body).to_record(), order=f"customer {number % CUSTOMERS}")


def by_customer(numbers) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {customer: [] for customer in range(CUSTOMERS)}
    for number in numbers:
        found[number % CUSTOMERS].append(number)
    return found


def shipped(process) -> list[int]:
    return [int(each) for each in re.findall(r'msg="shipped (\d+)"', process.log)]


def wait(process, count: int) -> None:
    """Until so many are shipped, for as long as there is any progress."""
    seen, end = 0, time.monotonic() + PATIENCE
    while (found := len(shipped(process))) < count:
        seen, end = (found, time.monotonic() + PATIENCE) if found > seen else (seen, end)
        assert time.monotonic() < end, process.log[-3000:]
        time.sleep(0.2)


def listed(command, services: str):
    code, out, err = command("dlq", "list", "--services", services, "--format", "json")
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.timeout(900)  # ten thousand messages, on whatever machine
def test_one_in_a_thousand_is_kept_and_replayed_after_the_fix(octo, command, tmp_path, services, port):
    flow = tmp_path / "orders.yaml"
    flow.write_text(BROKEN)
    send(services)

    first = octo("run", "orders.yaml", "--services", services, "--admin-addr", f"127.0.0.1:{port}")
    wait(first, COUNT - len(POISON))
    first.wait_for('msg="dead letter kept"', len(POISON))
    told = httpx.get(f"http://127.0.0.1:{port}/letters").json()
    first.stop()
    healthy = [number for number in range(COUNT) if number not in POISON]
    assert by_customer(shipped(first)) == by_customer(healthy), "each customer's in order, and none is missing"

    found = listed(command, services)
    (group,) = found["groups"]
    assert (found["count"], group["block"], group["code"]) == (len(POISON), "ship.price", "OCTO-E201")
    assert "no such key: amount" in group["reason"]
    assert told == [group], "and the operations port says the same"
    _, shown, _ = command("dlq", "show", group["group"], "--services", services, "--format", "json")
    letters = [json.loads(line) for line in shown.splitlines()]
    assert sorted(each["message"]["body"]["id"] for each in letters) == list(POISON)
    assert {(each["letter"]["attempts"], each["letter"]["flow"]) for each in letters} == {(1, "ship")}

    dry = ("dlq", "replay", group["group"], "--dry-run", "--services", services)
    code, out, _ = command(*dry)
    assert (code, "10 messages would fail again" in out) == (1, True)
    flow.write_text(FIXED)
    code, out, _ = command(*dry)
    assert (code, "10 messages would complete" in out) == (0, True)
    assert listed(command, services) == found, "a dry run changes nothing"

    assert command("dlq", "replay", group["group"], "--services", services)[:2] == (0, "10 in the queue again\n")
    assert listed(command, services)["count"] == 0
    second = octo("run", "orders.yaml", "--services", services)
    wait(second, len(POISON))
    second.stop()
    assert by_customer(shipped(second)) == by_customer(POISON)
    assert all(each["id"] in second.log for each in letters), "each message keeps its id"


def test_a_replay_that_is_killed_loses_none_and_sends_none_twice(octo, command, tmp_path, services):
    """What it had taken is free again after its lease; until then the next replay says so."""
    (tmp_path / "orders.yaml").write_text(BROKEN)
    asyncio.run(bury(services))
    arguments = ("dlq", "replay", "--all", "-q", "killed", "--services", services)
    process = octo(*arguments, "--rate", "50/s", "--format", "json", ready=False)
    asyncio.run(sent(services, 10))
    process.stop(signal.SIGKILL)

    code, _, said = command(*arguments)
    assert code == 0
    left = asyncio.run(kept(services))
    assert left["dead"] <= 1, "a paced replay takes one at a time"
    assert ("another replay has 1 more letter" in said) is (left["dead"] == 1)
    # One that was sent, and whose letter the kill left behind, is in both.
    assert sorted({*left["sent"], *left["ids"]}) == list(range(200))
    assert len(left["sent"]) == len(set(left["sent"]))


async def bury(url: str) -> None:
    async with Services(openers(url)) as services:
        await services.open(["queues"])
        queues = services.opened["queues"]
        await asyncio.gather(*(queues.send("killed", Message(number).to_record()) for number in range(200)))
        for received in await queues.receive("killed", most=200):
            await queues.reject(received, "no")


async def sent(url: str, number: int) -> None:
    """Return once so many are in the queue again."""
    async with Services(openers(url)) as services:
        await services.open(["queues"])
        queues = services.opened["queues"]
        found = []
        while len(found) < number:
            found += await queues.receive("killed", most=1, wait=60.0)
        for each in found:
            await queues.nack(each)


async def kept(url: str) -> dict[str, Any]:
    async with Services(openers(url)) as services:
        await services.open(["queues"])
        queues = services.opened["queues"]
        there = (await queues.browse("killed", most=1000)).messages
        dead = (await queues.browse("killed", most=1000, dead=True)).messages
        ids = [each.value["body"] for each in dead]
        return {"sent": [each.value["body"] for each in there], "ids": ids, "dead": len(dead)}


# --- the page ----------------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs" / "dead-letters.md").read_text()
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def typed() -> list[tuple[str, str]]:
    """The commands of the page, each with the lines that are shown below it."""
    found: list[tuple[str, str]] = []
    for line in (line for block in BLOCK.findall(PAGE) for line in block.splitlines()):
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), ""))
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


def steady(text: str) -> str:
    """The output without times and ids."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    return re.sub(r"\b[0-9a-f]{32}\b", "ID", text)


def test_the_commands_of_the_page_do_what_it_shows(octo, tmp_path, port):
    """All of docs/dead-letters.md, typed in one folder beside one running Octo."""
    flow = re.search(r"```yaml\n# orders.yaml\n(.*?)```", PAGE, re.DOTALL)[1]
    (tmp_path / "orders.yaml").write_text(flow.replace("8080", str(port)))
    (run, _), *rest = typed()
    process = octo(*run.split()[1:])
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command, shown in rest:
        if command.startswith("octo dlq list"):
            process.wait_for("flow failed")
        line = command.replace("8080", str(port))
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == (1 if "would fail" in shown else 0), f"{line}\n{done.stdout}{done.stderr}"
        if shown:
            assert steady(done.stdout) == steady(shown), line
        if command.startswith("sed"):
            process.wait_for("runtime ready", 2)
    process.wait_for("shipped 2")
