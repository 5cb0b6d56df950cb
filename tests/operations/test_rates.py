"""Rates are the growth between two snapshots, per second."""

from __future__ import annotations

import pytest

from octo.operations.rates import Pace, Rates

PLACE = ("f", "f.a", "log")


def snapshot(completed, failed, durations):
    return {
        "octo_flow_messages_total": [(("f", "completed"), completed), (("f", "failed"), failed)],
        "octo_flow_duration_seconds": [(("f",), durations)],
        "octo_flow_in_flight": [(("f",), 2)],
        "octo_flow_workers": [(("f",), 4)],
        "octo_flow_waiting": [(("f",), 3)],
        "octo_flow_buffer": [(("f",), 9)],
        "octo_block_messages_total": [((*PLACE, "completed"), completed)],
        "octo_block_duration_seconds": [(PLACE, durations)],
    }


def test_a_flow_and_its_blocks(histogram):
    rates = Rates(snapshot(10, 0, histogram(0, 0)), snapshot(14, 2, histogram(0, 0, 1)), 2.0)

    [flow] = rates.flows()
    [block] = rates.blocks()

    assert flow.pace == pytest.approx(Pace(3.0, 1.0, 0.000175, 0.0002485))
    assert (flow.in_flight, flow.workers, flow.waiting, flow.buffer) == (2, 4, 3, 9)
    assert (block.path, block.type, block.pace.rate) == ("f.a", "log", 2.0)


def test_nothing_in_between_has_no_latency(histogram):
    same = snapshot(10, 0, histogram(0, 0))

    [flow] = Rates(same, same, 1.0).flows()

    assert flow.pace == Pace(0.0, 0.0, None, None)


def test_a_flow_that_is_new_counts_from_zero(histogram):
    [flow] = Rates({}, snapshot(3, 0, histogram(0, 0, 0)), 1.0).flows()

    assert flow.pace.rate == 3.0


def test_a_restart_in_between_gives_no_negative_rates(histogram):
    [flow] = Rates(snapshot(1000, 9, histogram(0, 0, 0)), snapshot(5, 0, histogram(1)), 1.0).flows()

    assert (flow.pace.rate, flow.pace.errors) == (5.0, 0.0)
    assert flow.pace.p50 is not None


def test_errors_are_told_by_code_and_block_the_most_frequent_first():
    before = {"octo_flow_errors_total": [(("f", "f.a", "OCTO-1"), 10), (("f", "f.b", "OCTO-2"), 3)]}
    after = {
        "octo_flow_errors_total": [
            (["f", "f.a", "OCTO-1"], 10),
            (["f", "f.b", "OCTO-2"], 5),
            (["g", "g.c", "OCTO-1"], 99),
            (["g", "", ""], 11),
        ]
    }

    found = Rates(before, after, 2.0).errors()

    assert found == [
        ("g", "g.c", "OCTO-1", 49.5, 99),
        ("g", "", "", 5.5, 11),
        ("f", "f.b", "OCTO-2", 1.0, 5),
        ("f", "f.a", "OCTO-1", 0.0, 10),
    ]
