"""When a client goes away, the work for it is cancelled."""

from __future__ import annotations

import asyncio

from octo.connectors.http.gate import Gate
from octo.connectors.http.limit import TimeLimit
from octo.core.flow import Drop
from octo.testing.clock import settle, virtual


async def leave(site, entered: asyncio.Event) -> None:
    """Send a request and close the connection once the flow is at work."""
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await entered.wait()
    writer.close()
    await writer.wait_closed()


async def test_disconnect_cancels_waiting_work(site):
    """The flow is cancelled, its cleanup runs, and the server goes on."""
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def work(message):
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # cleanup may wait too
            cancelled.set()
            raise

    async with site.route(work):
        await leave(site, entered)
        await asyncio.wait_for(cancelled.wait(), 20)
    async with site.route(lambda message: Drop()):
        assert (await site.ask())[0] == 204


async def test_disconnect_reaches_work_in_task_groups_and_timeouts(site):
    """The work goes on in the task in which it began, because these belong to it."""
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def part():
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def work(message):
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            tasks.create_task(part())
        return message

    async with site.route(work):
        await leave(site, entered)
        await asyncio.wait_for(cancelled.wait(), 20)


async def test_timeouts_of_blocks_work_as_ever(site):
    """A block may bound a wait of its own and go on."""

    async def work(message):
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            return message.with_body("in time")

    async with site.route(work):
        assert (await site.ask())[2] == '"in time"'


async def test_closing_waits_for_requests_under_way(serve):
    """Stop accepting, answer what was accepted, then close."""
    entered, release = asyncio.Event(), asyncio.Event()

    async def work(message):
        entered.set()
        await release.wait()
        return message.with_body("done")

    async with asyncio.TaskGroup() as tasks:
        async with serve() as site:
            port = site.port
            async with site.route(work):
                request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
                answer = tasks.create_task(site.raw(request))
                await entered.wait()
            # The route is gone, the request is not; the connector closes while it is answered.
            asyncio.get_running_loop().call_later(0.05, release.set)

        assert (await answer).endswith(b'"done"')
    try:
        await asyncio.open_connection("127.0.0.1", port)
        raise AssertionError("still listening")
    except ConnectionRefusedError:
        pass


@virtual()
async def test_closing_waits_for_the_last_request():
    """Not only for the first one that ends."""
    gate = Gate(9)
    share = gate.join(TimeLimit(1))
    gate.enter(share), gate.enter(share)
    async with asyncio.TaskGroup() as tasks:
        closing = tasks.create_task(gate.emptied())
        await settle()
        gate.leave(share)
        await settle()
        assert not closing.done()
        gate.leave(share)


async def test_a_request_that_is_cut_off_is_told_so(site):
    """Whatever cancels the work, its client gets a 503 and can go on using the connection."""
    entered = asyncio.Event()
    tasks = []

    async def work(message):
        tasks.append(asyncio.current_task())
        entered.set()
        await asyncio.Event().wait()

    async with site.route(work), asyncio.TaskGroup() as group:
        asking = group.create_task(site.ask())
        await entered.wait()
        tasks[0].cancel()
        status, headers, text = await asking

    assert (status, headers["retry-after"]) == (503, "1")
    assert text == '{"error":"server is shutting down"}'
