"""A function that blocks the event loop is named by real processes: in the log, in the metrics, by `/readyz`."""

from __future__ import annotations

import asyncio
import re

import pytest

FLOW = """
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: orders
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process: [{{type: python, name: charge, call: "shop:charge"}}]
"""
SHOP = """
import asyncio
import time


async def charge(body):
    await asyncio.sleep(0)
    return pause(2.5)


def pause(seconds):
    time.sleep(seconds)  # as a client without `async` would, when the other side does not answer
    return seconds
"""
PLACE = re.compile(r'flow "orders", block "orders\.charge", pause \(shop\.py:12\)')


@pytest.fixture
def shop(tmp_path, port):
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "flow.yaml").write_text(FLOW.format(port=port))
    return str(tmp_path / "flow.yaml")


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_a_function_that_blocks_the_loop_is_named(octo, shop, port, free_port, http, processes):
    ops = free_port()
    running = octo("run", shop, f"--admin-addr=127.0.0.1:{ops}", "--processes", processes)
    assert (await asyncio.to_thread(http, f"http://127.0.0.1:{port}/"))[0] == 200
    running.wait_for("the event loop turns again")

    status, reasons = await asyncio.to_thread(http, f"http://127.0.0.1:{ops}/readyz")
    assert status == 503
    assert "the event loop stood still for" in reasons
    assert PLACE.search(reasons)

    _, metrics = await asyncio.to_thread(http, f"http://127.0.0.1:{ops}/metrics")
    assert re.search(r"octo_event_loop_stalls_total 1(\.0)?\n", metrics)
    assert float(re.search(r"^octo_event_loop_stalled_seconds_total (\S+)", metrics, re.MULTILINE)[1]) > 1

    [begun] = [line for line in running.lines if "the event loop stands still" in line]
    for known in ("orders.charge", "pause (shop.py:12)", "flow.yaml:6:15"):
        assert known in begun
