"""Only the blocks that were asked for are measured."""

from __future__ import annotations

import asyncio

import pytest

from octo.config.load import parse
from octo.core.flow import Failure, at_last
from octo.core.message import Message
from octo.engine.service import Service
from octo.operations.blocks import BlockMetrics
from octo.testing.harness import running
from octo.testing.probe import probes

FLOW = """
connectors: [{name: p, type: probe}]
flows:
  - name: a.b
    process:
      - {type: set-payload, name: first, value: body}
      - type: if
        name: odd
        condition: body == "fail"
        then: {process: [{type: fail, connector: p}]}
        else: {process: [{type: wait, connector: p}, {type: filter, expr: body == "keep"}]}
"""


def messages(metrics):
    """Return how many messages each block has finished; zeros are left out."""
    return {labels: count for labels, count in metrics.snapshot()["octo_block_messages_total"] if count}


async def test_every_block_is_counted_under_its_own_address_and_outcome(plugins):
    metrics = BlockMetrics(["*"])
    async with running(FLOW, plugins, observer=metrics) as app:
        probes["probe"].gate("go").set()
        for body in ("keep", "drop"):
            await app.call("a.b", body)
        with pytest.raises(Failure):
            await app.call("a.b", "fail")

    assert messages(metrics) == {
        ("a.b", "a.b.first", "set-payload", "completed"): 3,
        ("a.b", "a.b.odd", "if", "completed"): 1,
        ("a.b", "a.b.odd", "if", "dropped"): 1,
        ("a.b", "a.b.odd", "if", "failed"): 1,
        ("a.b", "a.b.odd[then].fail", "fail", "failed"): 1,
        ("a.b", "a.b.odd[else].wait", "wait", "completed"): 2,
        ("a.b", "a.b.odd[else].filter", "filter", "completed"): 1,
        ("a.b", "a.b.odd[else].filter", "filter", "dropped"): 1,
    }
    durations = dict(metrics.snapshot()["octo_block_duration_seconds"])
    assert sum(durations["a.b", "a.b.odd", "if"]["counts"]) == 3


async def test_a_block_that_is_cancelled_while_it_waits_is_counted_as_failed(plugins):
    metrics = BlockMetrics(["a.b.odd[else].wait"])
    async with running(FLOW, plugins, observer=metrics) as app:
        call = asyncio.get_running_loop().create_task(app.call("a.b", "x"))
        while not probes["probe"].waiting:
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])

    assert messages(metrics) == {("a.b", "a.b.odd[else].wait", "wait", "failed"): 1}


async def test_only_the_named_blocks_are_counted(plugins):
    metrics = BlockMetrics(["a.b.first", "a.b.nowhere"])
    async with running(FLOW, plugins, observer=metrics) as app:
        with pytest.raises(Failure):
            await app.call("a.b", "fail")

    assert messages(metrics) == {("a.b", "a.b.first", "set-payload", "completed"): 1}


async def test_an_address_without_a_block_is_warned_about(plugins, caplog):
    BlockMetrics(["a.b.frist", "a.b.odd[then].fail", "*"]).check(parse(FLOW, plugins, {}))

    [record] = caplog.records
    assert record.fields == {"address": "a.b.frist", "nearest": "a.b.first"}


async def test_a_reload_does_not_set_counts_back(plugins, tmp_path):
    metrics = BlockMetrics(["*"])
    stop = asyncio.Event()
    config = "flows: [{name: f, process: [{type: set-payload, value: '1'}]}]"
    service = Service(lambda: parse(config, plugins, {}), observer=metrics)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.run(stop))
        while service.current is None:
            await asyncio.sleep(0)
        await at_last(service.current.flows["f"].call(Message()))
        await service.observe(metrics)
        await at_last(service.current.flows["f"].call(Message()))
        stop.set()

    assert messages(metrics) == {("f", "f.set-payload", "set-payload", "completed"): 2}
