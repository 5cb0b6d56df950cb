"""circuit-breaker does not ask what has failed again and again."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from octo.core.errors import Overloaded, Transient
from octo.core.flow import Failure
from octo.testing import running
from octo.testing.clock import settle, virtual

FLOW = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - type: circuit-breaker
        failures: 3
        openFor: 30s
        MORE
        process:
          - {type: note, connector: p, value: body.how}
          - type: switch
            cases:
              - {when: body.how == "wait", process: [{type: wait, connector: p}]}
              - {when: body.how == "transient", process: [{type: fail, connector: p, how: transient}]}
              - {when: body.how == "permanent", process: [{type: fail, connector: p}]}
"""


def flow(more=""):
    return FLOW.replace("MORE", more)


async def ask(app, how, **more):
    """How a call ended: `ok`, `open`, or the kind of its error."""
    try:
        await app.call("f", {"how": how, **more})
    except Failure as failure:
        is_open = isinstance(failure.cause, Overloaded)
        return "open" if is_open else type(failure.cause).__name__
    return "ok"


@virtual()
async def test_it_opens_after_failures_in_a_row_and_tries_again_later(plugins):
    async with running(flow(), plugins) as app:
        assert [await ask(app, "transient") for _ in range(5)] == ["Transient"] * 3 + ["open"] * 2
        assert len(app.connector("p").notes) == 3
        await asyncio.sleep(31)
        assert await ask(app, "transient") == "Transient"
        assert await ask(app, "ok") == "open"
        await asyncio.sleep(31)
        assert [await ask(app, "ok") for _ in range(2)] == ["ok", "ok"]
        assert [await ask(app, "transient") for _ in range(4)] == ["Transient"] * 3 + ["open"]


@pytest.mark.parametrize("between", ["ok", "permanent"])
@virtual()
async def test_an_answer_of_any_kind_begins_the_count_anew(plugins, between):
    """A system that refuses a request is not down."""
    async with running(flow(), plugins) as app:
        found = [await ask(app, how) for _ in range(3) for how in ("transient", "transient", between)]

    assert "open" not in found


@virtual()
async def test_one_message_tries_it_and_the_others_fail_meanwhile(plugins):
    async with running(flow(), plugins) as app, asyncio.TaskGroup() as tasks:
        for _ in range(3):
            await ask(app, "transient")
        await asyncio.sleep(31)
        trial = tasks.create_task(ask(app, "wait"))
        await settle()
        assert await ask(app, "ok") == "open"
        app.connector("p").gate("go").set()
        assert await trial == "ok"
        assert await ask(app, "ok") == "ok"


@virtual()
async def test_a_trial_that_is_cancelled_leaves_the_next_one_to_try(plugins):
    async with running(flow(), plugins) as app, asyncio.TaskGroup() as tasks:
        for _ in range(3):
            await ask(app, "transient")
        await asyncio.sleep(31)
        trial = tasks.create_task(ask(app, "wait"))
        await settle()
        trial.cancel()
        await settle()
        assert await ask(app, "ok") == "ok"


@virtual()
async def test_an_answer_to_an_older_call_does_not_close_it(plugins):
    async with running(flow(), plugins) as app, asyncio.TaskGroup() as tasks:
        older = tasks.create_task(ask(app, "wait"))
        await settle()
        for _ in range(3):
            await ask(app, "transient")
        app.connector("p").gate("go").set()
        assert await older == "ok"
        assert await ask(app, "ok") == "open"


@virtual()
async def test_keys_have_breakers_of_their_own(plugins):
    async with running(flow("key: body.k"), plugins) as app:
        for _ in range(3):
            await ask(app, "transient", k="a")
        assert (await ask(app, "ok", k="a"), await ask(app, "ok", k="b")) == ("open", "ok")


@virtual()
async def test_it_says_when_to_come_back(plugins):
    async with running(flow(), plugins) as app:
        for _ in range(3):
            with suppress(Failure):
                await app.call("f", {"how": "transient"})
        await asyncio.sleep(10)
        with pytest.raises(Failure, match="is open after 3 failures in a row") as caught:
            await app.call("f", {"how": "ok"})

    assert isinstance(caught.value.cause, Transient)
    assert caught.value.cause.retry_after == 20
