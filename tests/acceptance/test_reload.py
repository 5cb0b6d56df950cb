"""Edits under load: nothing is lost, bad edits change nothing, unchanged connectors stay open."""

from __future__ import annotations

import asyncio
import time

import aiohttp

FLOW = """
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: hello
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process:
      - type: {block}
        value: '{{"answer": {number}}}'
"""
EDITS = 50
RATE = 200


def text(port, number, block="set-payload"):
    return FLOW.format(port=port, number=number, block=block)


async def load(port, done, seen, failures):
    """Send requests at a fixed rate, each in its own task, until `done`."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as session, asyncio.TaskGroup() as group:

        async def one():
            try:
                async with session.get(f"http://127.0.0.1:{port}/") as response:
                    seen.add((await response.json())["answer"])
                    if response.status != 200:
                        failures.append(response.status)
            except (aiohttp.ClientError, TimeoutError, KeyError, ValueError) as error:
                failures.append(repr(error))

        while not done.is_set():
            group.create_task(one())
            await asyncio.sleep(1 / RATE)


async def test_50_edits_half_of_them_invalid_fail_no_request(octo, port, tmp_path, save):
    path = tmp_path / "flow.yaml"
    path.write_text(text(port, 0))
    process = octo("run", "--config", str(path), "--watch")
    done, seen, failures = asyncio.Event(), set(), []
    async with asyncio.TaskGroup() as group:
        group.create_task(load(port, done, seen, failures))
        for number in range(1, EDITS + 1):
            bad = number % 2 == 0
            save(path, text(port, number, "set-paylod" if bad else "set-payload"))
            said, times = ("running flows are unchanged", number // 2) if bad else ("runtime ready", number // 2 + 2)
            await asyncio.to_thread(process.wait_for, said, times)
            if not bad:
                await until_seen(seen, number)
        done.set()

    assert failures == []
    assert process.stop() == 0
    assert seen == {0, *range(1, EDITS + 1, 2)}
    refusals = [line for line in process.lines if "flow.yaml:7:15" in line]
    assert len(refusals) == EDITS // 2
    assert "set-paylod" in refusals[0]
    assert "set-payload" in process.log


async def until_seen(seen, number):
    end = time.monotonic() + 30
    while number not in seen:
        assert time.monotonic() < end
        await asyncio.sleep(0.005)
