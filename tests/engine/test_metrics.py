"""Every message is counted once, under the outcome it had; errors by the block they arose in."""

from __future__ import annotations

import asyncio

import pytest

from octo.config.load import parse
from octo.core.errors import Permanent, Timeout
from octo.core.flow import Drop, Failure, at_last
from octo.core.message import Message
from octo.engine.connections import Connections
from octo.engine.flow import FlowInlet
from octo.engine.generation import Generation
from octo.engine.metrics import BOUNDS, METRICS, MOST_ERRORS, Histogram, Metrics, quantile

FLOW = """
connectors: [{name: p, type: probe}]
flows:
  - name: orders
    process:
      - type: switch
        name: route
        cases:
          - {when: body == "drop", process: [{type: filter, expr: 'false'}]}
          - {when: body == "fail", process: [{type: fail, name: charge, connector: p}]}
          - {when: body == "wait", process: [{type: wait, connector: p}]}
"""


def of(metrics, name):
    """A metric's values by their labels."""
    return dict(metrics.snapshot()[name])


async def test_each_message_is_counted_under_its_outcome(plugins):
    metrics = Metrics()
    async with asyncio.TaskGroup() as tasks:
        generation = Generation(parse(FLOW, plugins, {}), Connections(tasks), metrics, tasks)
        await generation.open()
        inlet = FlowInlet(generation.flows["orders"])
        for body in ("fine", "fine", "drop"):
            await at_last(inlet.call(Message(body)))
        with pytest.raises(Failure):
            inlet.call(Message("fail"))
        waiting = tasks.create_task(at_last(inlet.call(Message("wait"))))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        with pytest.raises(Timeout):
            await at_last(inlet.call(Message("wait"), timeout=0.01))
        await generation.drain(1)

    assert of(metrics, "octo_flow_messages_total") == {
        ("orders", "completed"): 2,
        ("orders", "dropped"): 1,
        ("orders", "failed"): 2,
        ("orders", "cancelled"): 1,
    }
    assert of(metrics, "octo_flow_errors_total") == {
        ("orders", "orders.route[1].charge", "OCTO-R110"): 1,
        ("orders", "orders.route[2].wait", "OCTO-R121"): 1,
    }
    assert sum(of(metrics, "octo_flow_duration_seconds")[("orders",)]["counts"]) == 6


def test_durations_fall_into_buckets_and_are_summed():
    metrics = Metrics()
    for duration in (0.0001, 0.0002, 61.0):
        metrics.ended("f", Message(), Message(), duration)

    value = of(metrics, "octo_flow_duration_seconds")[("f",)]

    assert value["counts"] == [1, 1, *[0] * (len(BOUNDS) - 2), 1]
    assert value["sum"] == pytest.approx(61.0003)


def test_a_flow_is_shown_before_its_first_message():
    metrics = Metrics()

    metrics.expect(["f"])

    assert of(metrics, "octo_flow_messages_total")[("f", "completed")] == 0


def test_subscribers_of_the_bus_hear_everything_all_the_same():
    metrics, heard = Metrics(), []
    metrics.subscribe(heard.append)

    metrics.started("f", Message())
    metrics.ended("f", Message(), Drop("asked"), 0.1)

    assert [event.kind for event in heard] == ["started", "dropped"]
    assert of(metrics, "octo_flow_messages_total")[("f", "dropped")] == 1


def test_codes_that_a_block_makes_up_do_not_eat_memory():
    metrics = Metrics()
    for number in [*range(MOST_ERRORS + 10), 0]:
        failure = Failure(Permanent("x", code=f"MADE-{number}"), "b", "f.b", Message())
        metrics.ended("f", Message(), failure, 0.1)

    errors = of(metrics, "octo_flow_errors_total")

    assert len(errors) == MOST_ERRORS + 1
    assert errors["f", "", ""] == 10
    assert errors["f", "f.b", "MADE-0"] == 2
    assert of(metrics, "octo_flow_messages_total")[("f", "failed")] == MOST_ERRORS + 11


def test_a_snapshot_does_not_change_afterwards():
    metrics = Metrics()
    metrics.ended("f", Message(), Message(), 0.1)
    before = metrics.snapshot()

    metrics.ended("f", Message(), Message(), 0.1)

    assert dict(before["octo_flow_messages_total"])["f", "completed"] == 1
    assert sum(before["octo_flow_duration_seconds"][0][1]["counts"]) == 1


@pytest.mark.parametrize(("share", "expected"), [(0.0, None), (0.5, 0.0001), (1.0, 0.00025), (0.75, 0.000175)])
def test_a_quantile_is_estimated_within_its_bucket(share, expected):
    histogram = Histogram()
    for duration in (0.00005, 0.00005, 0.0002, 0.0002):
        histogram.add(duration)

    assert quantile(histogram.counts, share) == (None if expected is None else pytest.approx(expected))


def test_a_quantile_of_nothing_is_none_and_of_the_very_slow_the_last_bound():
    nothing, slow = Histogram(), Histogram()
    slow.add(1000.0)

    assert quantile(nothing.counts, 0.5) is None
    assert quantile(slow.counts, 0.5) == BOUNDS[-1]


def test_names_follow_the_conventions_of_prometheus():
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.help.endswith(".")


def test_messages_that_a_flow_had_no_room_for_are_counted_apart():
    """They never started, so they are no outcome."""
    metrics = Metrics()
    metrics.expect(["quiet"])
    for _ in range(3):
        metrics.refused("full")

    assert of(metrics, "octo_flow_refused_total") == {("quiet",): 0, ("full",): 3}
    assert set(of(metrics, "octo_flow_messages_total").values()) == {0}


async def test_a_stop_counts_as_completed(plugins):
    metrics = Metrics()
    text = "connectors: [{name: p, type: probe}]\nflows: [{name: f, process: [{type: stop, connector: p, value: '1'}]}]"
    async with asyncio.TaskGroup() as tasks:
        generation = Generation(parse(text, plugins, {}), Connections(tasks), metrics, tasks)
        await generation.open()
        FlowInlet(generation.flows["f"]).call(Message())
        await generation.drain(1)

    assert of(metrics, "octo_flow_messages_total")["f", "completed"] == 1
