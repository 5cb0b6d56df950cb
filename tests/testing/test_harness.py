"""The harness runs a configuration inside a test."""

from __future__ import annotations

from octo.testing.harness import running

FLOW = "flows: [{name: double, process: [{type: set-payload, value: body * 2}]}]"


async def test_calls_and_events(plugins):
    async with running(FLOW, plugins) as app:
        assert (await app.call("double", 21)).body == 42
        assert app.kinds("double") == ["started", "completed"]
        assert app.kinds("other") == []
