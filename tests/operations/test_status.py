"""The status combines facts and metrics, flow by flow."""

from __future__ import annotations

from octo.operations.status import Values, report


async def test_figures_stand_beside_their_flow(made, histogram):
    state = made(
        octo_flow_messages_total=[(("orders", "completed"), 3), (("orders", "failed"), 1)],
        octo_flow_duration_seconds=[(("orders",), histogram(0, 0, 0, 6))],
        octo_flow_in_flight=[(("orders",), 2)],
        octo_flow_workers=[(("orders",), 8)],
        process_resident_memory_bytes=[((), 1024)],
    )

    document = report(await state.facts(), await state.snapshot(), ["draining"])

    assert (document["ready"], document["reasons"], document["memory"]) == (False, ["draining"], 1024)
    assert document["uptime"] == 14.3
    [flow] = document["flows"]
    assert (flow["completed"], flow["failed"], flow["dropped"]) == (3, 1, 0)
    assert (flow["in_flight"], flow["workers"]) == (2, 8)
    assert flow["p50"] == 6.67e-05
    assert flow["p99"] == 0.0098


async def test_a_flow_that_has_not_run_has_no_latency(made):
    [flow] = report(await made().facts(), {}, [])["flows"]

    assert flow["p50"] is flow["p99"] is None
    assert flow["completed"] == 0


def test_values_are_found_by_labels_of_either_kind():
    values = Values({"x": [(["a", "b"], 1), (("c", "d"), 2)]})

    assert (values.of("x", "a", "b"), values.of("x", "c", "d"), values.of("x", "no")) == (1, 2, 0)
    assert values.all("x") == {("a", "b"): 1, ("c", "d"): 2}
