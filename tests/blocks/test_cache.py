"""cache-scope runs its chain once per key; invalidate-cache forgets."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.errors import Transient
from octo.core.flow import Drop, Failure
from octo.services.container import MEMORY, Services
from octo.testing import running
from octo.testing.clock import settle, virtual

CHAIN = "{type: wait, connector: p}, {type: note, connector: p, value: body.n}, {type: set-payload, value: body.n}"
FLOW = """
connectors: [{name: p, type: probe}]
flows:
  - {name: f, process: [{type: cache-scope, key: body.k, TTL body: [CHAIN]}]}
  - {name: g, process: [{type: invalidate-cache, key: body.k}]}
"""


def flow(chain=CHAIN, ttl=""):
    return FLOW.replace("CHAIN", chain).replace("TTL", ttl)


async def called(app, n, key="a"):
    app.connector("p").gate("go").set()
    return (await app.call("f", {"k": key, "n": n})).body


@virtual()
async def test_the_chain_runs_once_per_key_and_its_variables_are_not_kept(plugins):
    chain = CHAIN + ", {type: set-variable, settings: {name: v, value: '1'}}"
    async with running(flow(chain), plugins) as app:
        app.connector("p").gate("go").set()
        first = await app.call("f", {"k": "a", "n": 1})
        again = await app.call("f", {"k": "a", "n": 2}, {"mine": "m"})
        assert await called(app, 3, "b") == 3
        assert app.connector("p").notes == [1, 3]

    assert (first.body, first.vars) == (1, {"v": 1})
    assert (again.body, again.vars) == (1, {"mine": "m"})


@pytest.mark.parametrize(("ttl", "after", "found"), [("", 59, 1), ("", 61, 2), ("ttl: 0,", 10**6, 1)])
@virtual()
async def test_an_answer_is_used_for_a_time(plugins, ttl, after, found):
    async with running(flow(ttl=ttl), plugins) as app:
        await called(app, 1)
        await asyncio.sleep(after)
        assert await called(app, 2) == found


@virtual()
async def test_an_answer_can_be_forgotten(plugins):
    async with running(flow(), plugins) as app:
        await called(app, 1)
        assert (await app.call("g", {"k": "a"})).body == {"k": "a"}
        assert await called(app, 2) == 2


@virtual()
async def test_messages_that_come_meanwhile_wait_for_the_answer(plugins):
    async with running(flow(), plugins) as app, asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(app.call("f", {"k": "a", "n": n})) for n in range(20)]
        await settle()
        probe = app.connector("p")
        assert (probe.waiting, probe.notes) == (1, [])
        probe.gate("go").set()

    assert {call.result().body for call in calls} == {0}
    assert probe.notes == [0]


@pytest.mark.parametrize("end", ["{type: fail, connector: p}", "{type: filter, expr: 'false'}"])
@virtual()
async def test_without_an_answer_those_who_waited_run_the_chain_themselves(plugins, end):
    """All at once, as without a cache; and nothing is kept."""
    chain = f"{{type: wait, connector: p}}, {{type: note, connector: p, value: body.n}}, {end}"
    async with running(flow(chain), plugins) as app, asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(outcome(app, n)) for n in range(5)]
        await settle()
        app.connector("p").gate("go").set()

    assert all(isinstance(call.result(), Drop | Failure) for call in calls)
    assert sorted(app.connector("p").notes) == [0, 1, 2, 3, 4]


async def outcome(app, n):
    try:
        return await app.call("f", {"k": "a", "n": n})
    except Failure as failure:
        return failure


@virtual()
async def test_one_that_is_cancelled_leaves_the_others(plugins):
    async with running(flow(), plugins) as app, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(app.call("f", {"k": "a", "n": 1}))
        await settle()
        second = tasks.create_task(app.call("f", {"k": "a", "n": 2}))
        await settle()
        first.cancel()
        await settle()
        app.connector("p").gate("go").set()

    assert second.result().body == 2


@virtual()
async def test_an_answer_that_is_forgotten_while_its_chain_runs_is_not_kept(plugins):
    """Also if the chain is run by those who waited in vain."""
    async with running(flow(), plugins) as app, asyncio.TaskGroup() as tasks:
        old = tasks.create_task(app.call("f", {"k": "a", "n": 1}))
        await settle()
        await app.call("g", {"k": "a"})
        new = tasks.create_task(app.call("f", {"k": "a", "n": 2}))
        await settle()
        assert app.connector("p").waiting == 2
        assert await called(app, 3) == 2

    assert (old.result().body, new.result().body) == (1, 2)


INSIDE = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - {type: cache-scope, key: body.outer, body: [{type: wait, connector: p}, {type: flow-ref, flow: g}]}
  - name: g
    process:
      - type: fork
        join: first
        branches:
          - [{type: cache-scope, key: body.inner, body: [{type: set-payload, value: body.n}]}]
"""


@virtual()
async def test_a_chain_does_not_wait_for_itself(plugins):
    async with running(INSIDE, plugins) as app:
        app.connector("p").gate("go").set()
        assert (await app.call("f", {"outer": "a", "inner": "a", "n": 1})).body == 1


@virtual()
async def test_two_chains_do_not_wait_for_each_other(plugins):
    async with running(INSIDE, plugins) as app, asyncio.TaskGroup() as tasks:
        calls = [
            tasks.create_task(app.call("f", {"outer": outer, "inner": inner, "n": inner}))
            for outer, inner in ("ab", "bc", "ca")
        ]
        await settle()
        app.connector("p").gate("go").set()

    assert [call.done() for call in calls] == [True] * 3


class Broken:
    async def get(self, *_, **__):
        raise Transient("away")

    put = get


@virtual()
async def test_a_store_that_does_not_work_fails_nothing(plugins, caplog):

    services = Services({**MEMORY, "key-value": lambda: entered(Broken())})
    async with services, running(flow(), plugins, services=services) as app:
        assert [await called(app, n) for n in (1, 2)] == [1, 2]

    assert "the cache does not work" in caplog.text


class entered:  # noqa: N801  read as a function
    def __init__(self, value):
        self.value = value

    async def __aenter__(self):
        return self.value

    async def __aexit__(self, *_):
        pass


@virtual()
async def test_raw_content_stays_raw(plugins):
    chain = "{type: set-payload, value: '\"<p>\"', rawBody: true, contentType: text/html}"
    async with running(flow(chain), plugins) as app:
        found = [await app.call("f", {"k": "a"}) for _ in range(2)]

    assert [(each.raw, each.body["rawData"]) for each in found] == [(True, "<p>")] * 2
