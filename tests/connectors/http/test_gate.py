"""One route cannot take the places of the others, whether its requests hang or its clients are slow."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from octo.connectors.http.gate import SLOW, Gate
from octo.connectors.http.limit import TimeLimit
from octo.testing.clock import virtual

HEAD = b" HTTP/1.1\r\nHost: x\r\n"


def filled(gate, share):
    """Let requests of the route in until no more are admitted; return how many run then."""
    while gate.admits(share):
        gate.enter(share)
    return share.busy


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 40, 1024])
def test_a_single_route_may_use_the_whole_limit(limit):
    gate = Gate(limit)
    assert filled(gate, gate.join(TimeLimit(1))) == limit


def test_each_route_is_sure_of_a_part_of_the_reserve():
    """Three routes of which two hang: the third still has its part of the quarter, and the limit holds."""
    gate = Gate(120)
    first, second, third = (gate.join(TimeLimit(1)) for _ in range(3))

    assert (filled(gate, first), filled(gate, second), filled(gate, third)) == (100, 10, 10)
    assert gate.busy == 120


def test_a_request_that_ends_makes_room():
    gate = Gate(8)
    hanging, other = gate.join(TimeLimit(1)), gate.join(TimeLimit(1))
    filled(gate, hanging), filled(gate, other)
    gate.leave(other)

    assert not gate.admits(hanging)
    assert gate.admits(other)


def test_the_requests_of_a_route_that_is_gone_still_count():
    """As after a reload, until they have ended; what the others are sure of stays free for them."""
    gate = Gate(8)
    gone, new = gate.join(TimeLimit(1)), gate.join(TimeLimit(1))
    assert filled(gate, gone) == 7
    gate.part(gone)

    assert filled(gate, new) == 1
    for _ in range(7):
        gate.leave(gone)
    assert filled(gate, new) == 8


@virtual()
async def test_a_slow_body_gives_way_to_a_new_one():
    """The oldest of the route that has most; one that has just begun is left alone."""
    gate = Gate(3)
    crowd, other = gate.join(TimeLimit(60)), gate.join(TimeLimit(60))
    ended = []

    async def receive(name, share):
        assert gate.begin_reading(share)
        try:
            await share.reading.of(asyncio.Event().wait())
        except TimeoutError:
            ended.append(name)
        finally:
            gate.end_reading(share)

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(receive(*each)) for each in (("other", other), ("crowd", crowd), ("crowd, later", crowd))
        ]
        await asyncio.sleep(SLOW / 2)
        assert not gate.begin_reading(crowd)
        await asyncio.sleep(SLOW)
        tasks.append(group.create_task(receive("new", other)))
        await asyncio.sleep(0.1)
        assert ended == ["crowd"]
        assert gate.sending == 3
        for each in tasks:
            each.cancel()
    assert gate.sending == 0
    await gate.emptied()


async def test_requests_that_hang_leave_room_for_other_routes(serve):
    """On the same connector, far beyond its limit."""
    release = asyncio.Event()

    async def hold(message):
        await release.wait()
        return message

    async with serve(maxConcurrentRequests=20) as site, AsyncExitStack() as routes:
        await routes.enter_async_context(site.route(hold, path="/hang"))
        await routes.enter_async_context(site.route(path="/well"))
        group = await routes.enter_async_context(asyncio.TaskGroup())
        asking = [group.create_task(site.ask("GET", "/hang")) for _ in range(40)]
        while sum(each.done() for each in asking) < 23:
            await asyncio.sleep(0)
        answers = [(await site.ask(*each))[0] for each in [("GET", "/well"), ("POST", "/well")] * 9]
        release.set()
        statuses = [(await each)[0] for each in asking]

    assert answers == [200] * 18
    assert sorted(statuses) == [200] * 17 + [503] * 23


async def test_clients_that_send_their_body_slowly_leave_room_for_requests(serve, monkeypatch):
    """Also for bodies: more of them than there is room for at once. The slowest is told 408."""
    monkeypatch.setattr("octo.connectors.http.gate.SLOW", 0.0)
    async with serve(maxConcurrentRequests=4) as site, site.route(), AsyncExitStack() as clients:
        slow = []
        for _ in range(4):
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            clients.callback(writer.close)
            writer.write(b"POST /" + HEAD + b"Content-Length: 10\r\n\r\n1")
            slow.append(reader)
        while site.http._gate.sending < 4:
            await asyncio.sleep(0)
        answers = [(await site.ask("GET"))[0], *[(await site.ask("POST", data=b"1"))[0] for _ in range(3)]]
        told = await slow[0].readline()
        assert site.http._gate.sending == 3

    assert answers == [200] * 4
    assert told == b"HTTP/1.1 408 Request Timeout\r\n"
