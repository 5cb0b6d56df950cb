"""lock lets one message at a time through, in all processes that share the services."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from octo.core.errors import Timeout, Transient
from octo.core.flow import Failure
from octo.services.container import MEMORY, Services
from octo.services.embedded import in_file
from octo.services.memory import leases
from octo.services.ports import Lost
from octo.testing import running
from octo.testing.clock import settle, virtual

FLOW = """
connectors: [{name: p, type: probe}]
flows:
  - {name: f, process: [{type: lock, key: body.k, MORE process: [{type: wait, connector: p}, LAST]}]}
"""


def flow(more="", last="{type: note, connector: p, value: body.n}"):
    return FLOW.replace("MORE", more).replace("LAST", last)


@virtual()
async def test_one_at_a_time_for_each_key(plugins):
    async with running(flow(), plugins) as app, asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(app.call("f", {"k": key, "n": n})) for key in "ab" for n in range(5)]
        await settle()
        probe = app.connector("p")
        assert probe.waiting == 2
        probe.gate("go").set()

    assert len(probe.notes) == len(calls) == 10


@virtual()
async def test_who_waits_too_long_fails_and_may_try_again(plugins):
    async with running(flow("wait: 5s,"), plugins) as app, asyncio.TaskGroup() as tasks:
        tasks.create_task(app.call("f", {"k": "a", "n": 1}))
        await settle()
        with pytest.raises(Failure, match="the lock 'a' was not free within 5s") as caught:
            await app.call("f", {"k": "a", "n": 2})
        app.connector("p").gate("go").set()

    assert isinstance(caught.value.cause, Timeout)


@virtual()
async def test_it_is_held_for_as_long_as_the_chain_takes(plugins):
    """Ten times as long as its lease."""
    async with running(flow("wait: 0s, lease: 6s,"), plugins) as app, asyncio.TaskGroup() as tasks:
        tasks.create_task(app.call("f", {"k": "a", "n": 1}))
        await asyncio.sleep(60)
        with pytest.raises(Failure):
            await app.call("f", {"k": "a", "n": 2})
        app.connector("p").gate("go").set()


@virtual()
async def test_it_is_free_after_the_chain_however_that_ends(plugins):
    """Else the second message of each would wait in vain."""
    for last, ends in (("{type: fail, connector: p}", "as ordered"), ("{type: filter, expr: 'false'}", "Drop")):
        async with running(flow("wait: 0s,", last), plugins) as app:
            app.connector("p").gate("go").set()
            found = [await ending_of(app.call("f", {"k": "a", "n": n})) for n in range(3)]
        assert all(ends in each for each in found), found


async def ending_of(call):
    try:
        return repr(await call)
    except Failure as failure:
        return str(failure)


@virtual()
async def test_a_later_holder_has_a_greater_token(plugins):
    more = "tokenVar: token,"
    last = "{type: note, connector: p, value: vars.token}"
    async with running(flow(more, last), plugins) as app:
        app.connector("p").gate("go").set()
        for _ in range(3):
            await app.call("f", {"k": "a"})

    first, second, third = app.connector("p").notes
    assert first < second < third


@virtual()
async def test_two_processes_share_it(plugins, tmp_path):
    one, two = (Services(in_file(tmp_path / "octo.db")) for _ in range(2))
    async with (
        one,
        two,
        running(flow("wait: 0s,"), plugins, services=one) as app,
        running(flow("wait: 0s,"), plugins, services=two) as other,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(app.call("f", {"k": "a", "n": 1}))
        await asyncio.sleep(1)
        with pytest.raises(Failure, match="not free"):
            await other.call("f", {"k": "a", "n": 2})
        app.connector("p").gate("go").set()


class Failing:
    """Leases whose renewals fail with what the test says."""

    def __init__(self, leases, errors):
        self.leases = leases
        self.errors = errors
        self.acquire, self.release = leases.acquire, leases.release

    async def renew(self, lease, ttl):
        if self.errors and (error := self.errors.pop(0)):
            raise error
        await self.leases.renew(lease, ttl)


def failing(*errors):
    @asynccontextmanager
    async def opened():
        async with leases.opened() as given:
            yield Failing(given, list(errors))

    return Services({**MEMORY, "leases": opened})


@virtual()
async def test_a_chain_that_has_lost_its_lock_is_cancelled(plugins):
    async with failing(Lost("gone")) as services, running(flow("lease: 6s,"), plugins, services=services) as app:
        with pytest.raises(Failure) as caught:
            await app.call("f", {"k": "a", "n": 1})

    assert isinstance(caught.value.cause, Lost)
    assert app.connector("p").notes == []


@virtual()
async def test_a_service_that_is_away_for_a_moment_is_tried_again(plugins):
    services = failing(Transient("away"))
    async with services, running(flow("lease: 6s,"), plugins, services=services) as app, asyncio.TaskGroup() as tasks:
        calling = tasks.create_task(app.call("f", {"k": "a", "n": 1}))
        await asyncio.sleep(30)
        app.connector("p").gate("go").set()

    assert calling.result().body == {"k": "a", "n": 1}


@virtual()
async def test_a_service_that_stays_away_ends_the_chain_before_another_may_have_the_lock(plugins):
    async with (
        failing(*[Transient("away")] * 9) as services,
        running(flow("lease: 6s,"), plugins, services=services) as app,
    ):
        with pytest.raises(Failure, match="away"):
            await app.call("f", {"k": "a", "n": 1})

        assert asyncio.get_running_loop().time() < 6


NESTED = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - {type: lock, key: '"a"', process: [INNER, {type: note, connector: p, value: '"outer"'}]}
  - {name: g, process: [{type: lock, key: body.k, wait: 1h, process: [{type: note, connector: p, value: '"inner"'}]}]}
"""
IN_CHAIN = "{type: lock, key: body.k, wait: 1h, process: [{type: note, connector: p, value: '\"inner\"'}]}"


@virtual()
@pytest.mark.parametrize("inner", [IN_CHAIN, "{type: flow-ref, flow: g}"])
async def test_a_lock_inside_of_itself_fails_at_once(plugins, inner):
    """It could never get what the outer one holds. With another key it is another lock."""
    async with running(NESTED.replace("INNER", inner), plugins) as app:
        with pytest.raises(Failure, match="holds the lock 'a' already, and would wait for itself") as caught:
            await app.call("f", {"k": "a"})
        assert (caught.value.cause.code, asyncio.get_running_loop().time()) == ("OCTO-R113", 0)
        await app.call("f", {"k": "b"})
        await app.call("g", {"k": "a"})

    assert app.connector("p").notes == ["inner", "outer", "inner"]


@virtual()
async def test_who_is_sent_a_message_from_inside_may_wait(plugins):
    """The lock is free once its holder, who does not wait for the other, has finished."""
    async with running(NESTED.replace("INNER", "{type: flow-ref, flow: g, oneWay: true}"), plugins) as app:
        await app.call("f", {"k": "a"})
        await asyncio.sleep(1)

    assert app.connector("p").notes == ["outer", "inner"]
