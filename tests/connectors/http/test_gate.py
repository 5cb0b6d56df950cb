"""One route cannot take the places of the others, whether its requests hang or its clients are slow."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress

import pytest

from octo.connectors.http.gate import MOST_TAKING, SLOW, Gate
from octo.connectors.http.limit import TimeLimit
from octo.connectors.http.sending import send
from octo.core.content import raw
from octo.core.message import Message
from octo.core.spool import Spool
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


async def test_clients_that_take_their_response_slowly_leave_room_for_requests(serve, monkeypatch):
    """The one that is waited for longest is closed; the others get theirs, and so does the new one."""
    monkeypatch.setattr("octo.connectors.http.gate.SLOW", 0.0)
    spool = Spool(0)
    spool.write(bytes(size := 20_000_000))
    large, small = Message(raw(spool.finish(), "x/y"), {}, raw=True), Message("ok")

    async with serve(maxConcurrentRequests=4) as site, AsyncExitStack() as clients:
        await clients.enter_async_context(site.route(lambda _: large, path="/large"))
        await clients.enter_async_context(site.route(lambda _: small, path="/small"))
        slow = []
        for number in range(1, 5):
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            clients.callback(writer.close)
            writer.write(b"GET /large" + HEAD + b"\r\n")
            slow.append(reader)
            while len(site.http._gate.taking) < number:
                await asyncio.sleep(0)
        answer = await site.ask(path="/small")
        cut = b""
        with suppress(ConnectionError):
            cut = await slow[0].read()
        rest = await slow[1].readuntil(b"\r\n\r\n") + await slow[1].readexactly(size)
        assert site.http._gate.busy == 2

    assert answer[0] == 200
    assert len(cut) < size
    assert len(rest) > size


@virtual()
async def test_a_client_that_takes_nothing_is_not_waited_for_without_end():
    """Its connection is closed: a response that was begun cannot become an error."""
    gate = Gate(1)
    stream = Stuck()
    await send(Call(stream), 200, [], iter([b"123", b"456"]), 6, gate.taking)

    assert stream.told == [b"123", "abort"]
    assert asyncio.get_running_loop().time() >= MOST_TAKING


class Stuck:
    """A client that takes nothing."""

    is_open = is_full = True

    def __init__(self):
        self.told = []

    def send(self, data):
        self.told.append(data)

    async def room(self):
        await asyncio.Event().wait()

    def abort(self):
        self.told.append("abort")


class Call:
    def __init__(self, stream):
        self.stream = lambda _status, _headers: stream
