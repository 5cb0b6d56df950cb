"""delay waits, and does not begin a wait that cannot end in time."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.errors import Timeout
from octo.core.flow import Failure
from octo.core.message import Message
from octo.testing.clock import virtual
from octo.testing.harness import running

FLOW = """
flows:
  - name: f
    process:
      - {type: delay, for: %s}
      - {type: set-payload, value: now}
"""


@virtual(start="2026-01-01T00:00:00Z")
@pytest.mark.parametrize(("length", "ends"), [("2s", "00:00:02"), ("duration(body)", "00:01:30"), ("0s", "00:00:00")])
async def test_it_waits_and_the_message_goes_on(plugins, length, ends):
    async with running(FLOW % length, plugins) as app:
        assert str((await app.call("f", "90s")).body) == f"2026-01-01T{ends}Z"


async def test_no_wait_needs_no_event_loop_turn(plugins):
    async with running(FLOW % "'duration(\"-1s\")'", plugins) as app:
        assert isinstance(app.generation.flows["f"].call(Message()), Message)


@virtual(start="2026-01-01T00:00:00Z")
async def test_a_delay_beyond_the_deadline_fails_at_once_and_names_it(plugins):
    text = FLOW % "60s" + "    error: [{type: set-payload, value: '[now, vars.error.type, vars.error.message]'}]"
    async with running(text, plugins) as app:
        now, kind, message = (await app.call("f", timeout=30)).body

        assert (str(now), kind) == ("2026-01-01T00:00:00Z", "Timeout")
        assert 'after the deadline: flow "f" must finish within 30s, 30s are left' in message


@virtual()
async def test_it_can_be_cancelled(plugins):
    async with running(FLOW % "60s", plugins) as app, asyncio.TaskGroup() as group:
        call = group.create_task(app.call("f"))
        await asyncio.sleep(1)
        call.cancel()

    assert call.cancelled()
    assert asyncio.get_running_loop().time() < 60


@virtual()
async def test_a_value_that_is_no_time_is_an_error_of_the_block(plugins):
    async with running(FLOW % "body", plugins) as app:
        with pytest.raises(Failure, match="`body` must be a length of time") as caught:
            await app.call("f", 30)

    assert not isinstance(caught.value.cause, Timeout)
