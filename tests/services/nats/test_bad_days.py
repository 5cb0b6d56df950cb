"""The services on NATS on a bad day. What they do on a good one: test_providers."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from octo.core.errors import NotConnected, Transient
from octo.services import codes
from octo.services.nats import lane, opening, streams
from octo.services.nats.connection import Answer
from octo.services.nats.key_value import Entries
from octo.services.nats.leases import Holders
from octo.services.nats.queues import Lines
from octo.services.nats.topics import Logs
from octo.services.ports import Lagged

CHILD = """
import asyncio, sys
from octo.services.ports import Conflict, Lost
from octo.services.nats import address, opening
from octo.services.nats.key_value import Entries
from octo.services.nats.leases import Holders
from octo.services.nats.queues import Lines

async def send(opened, most):
    queues = Lines(opened)
    for number in range(int(most)):
        await queues.send("orders", number)
        print(number, flush=True)

async def take(opened, most):
    queues = Lines(opened)
    for _ in range(int(most)):
        for received in await queues.receive("orders", wait=30):
            print(received.value, flush=True)
            await queues.ack(received)

async def hold(opened, ttl):
    leases, entries, queues = Holders(opened), Entries(opened), Lines(opened)
    lease = await leases.acquire("leader", float(ttl))
    version = await entries.put("state", "owner", lease.token)
    (received,) = await queues.receive("orders", lease=float(ttl))
    print(lease.token, flush=True)
    sys.stdin.readline()
    for work in (
        leases.renew(lease, 60), queues.ack(received), queues.extend(received, 60), queues.reject(received, "late"),
        entries.put("state", "owner", "the old one", version=version), queues.nack(received), leases.release(lease),
    ):
        try:
            await work
        except (Conflict, Lost) as error:
            print(type(error).__name__, flush=True)
        else:
            print("done", flush=True)

async def main(url, what, argument):
    async with opening.opened(address.parse(url)) as opened:
        await globals()[what](opened, argument)

asyncio.run(main(*sys.argv[1:]))
"""

AN_HOUR_SLOW = "import time\nreal = time.time\ntime.time = lambda: real() - 3600\n"


@pytest.fixture
def child(nats, fresh_nats):
    """Start a process that does something with the services of this test."""

    def start(what, argument, before=""):
        command = [sys.executable, "-c", before + CHILD, f"{nats.url}/{fresh_nats.prefix}", what, str(argument)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    return start


@pytest.fixture
async def opened(fresh_nats):
    async with opening.opened(fresh_nats) as opened:
        yield opened


async def everything(queues):
    """All values in the queue, in its order."""
    found = []
    while received := await queues.receive("orders", most=1000, lease=600):
        found += [each.value for each in received]
    return found


# --- several processes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [1, 37, 200])
def test_what_was_sent_is_there_after_a_kill_and_in_order(child, fresh_nats, after):
    """All that was acknowledged, and at most the one in flight more, each once."""
    with child("send", 1_000_000) as process:
        sent = [int(process.stdout.readline()) for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        sent += map(int, process.stdout.read().split())

    async def there():
        async with opening.opened(fresh_nats) as opened:
            return await everything(Lines(opened))

    found = asyncio.run(there())

    assert found == list(range(len(found)))
    assert len(found) - len(sent) in {0, 1}


async def test_a_message_that_a_killed_process_had_comes_back(child, opened):
    queues = Lines(opened)
    await queues.send("orders", 1)
    with child("hold", 1.0) as process:
        await asyncio.to_thread(process.stdout.readline)
        process.kill()

    (received,) = await queues.receive("orders", wait=30)
    assert (received.value, received.attempt) == (1, 2)


async def test_processes_share_a_queue(child, opened):
    """Each message goes to one of them, and a message wakes a receiver that waits in another process."""
    with child("take", 20) as one, child("take", 20) as two:
        for number in range(40):
            await Lines(opened).send("orders", number)
        found = [await asyncio.to_thread(each.communicate) for each in (one, two)]

    seen = [int(line) for out, _ in found for line in out.split()]
    assert sorted(seen) == list(range(40))
    assert await Lines(opened).count("orders") == 0


async def test_who_waits_in_another_process_is_woken(fresh_nats):
    """Nobody looks by himself here: a message, a reply, a lease and an event are told."""
    async with (
        opening.opened(fresh_nats, poll=600) as here,
        opening.opened(fresh_nats, poll=600) as there,
        asyncio.timeout(60),
    ):
        lease = await Holders(here).acquire("leader", 600)
        async with Logs(there).subscribe("topic") as subscription, asyncio.TaskGroup() as tasks:
            receiving = tasks.create_task(Lines(there).receive("orders", wait=600))
            acquiring = tasks.create_task(Holders(there).acquire("leader", 600, wait=600))
            reading = tasks.create_task(anext(subscription))
            await asyncio.sleep(0.2)
            asking = tasks.create_task(Lines(here).request("orders", 1, timeout=600))
            await Holders(here).release(lease)
            await Logs(here).publish("topic", 2)
            (received,) = await receiving
            await Lines(there).ack(received, 3)

            assert await asking == 3
            assert (await acquiring).token > lease.token
            assert (await reading).value == 2


async def test_one_that_was_stopped_and_wakes_up_cannot_write(child, opened):
    """Neither with its lease, nor with its message, nor over the version that it knew."""
    leases, queues, entries = Holders(opened), Lines(opened), Entries(opened)
    await queues.send("orders", 1)
    with child("hold", 1.0) as process:
        old = int(await asyncio.to_thread(process.stdout.readline))
        process.send_signal(signal.SIGSTOP)
        lease = await leases.acquire("leader", 60, wait=30)
        (received,) = await queues.receive("orders", lease=60, wait=30)
        await entries.put("state", "owner", lease.token)
        process.send_signal(signal.SIGCONT)
        out, _ = await asyncio.to_thread(process.communicate, "go on\n")

    assert lease.token > old
    assert out.split() == ["Lost", "Lost", "Lost", "Lost", "Conflict", "done", "done"]
    await leases.renew(lease, 60)
    await queues.ack(received)
    assert (await entries.get("state", "owner")).value == lease.token


async def test_clocks_of_clients_do_not_matter(child, opened):
    """The lease of a process whose clock is an hour slow is held as long as any other."""
    await Lines(opened).send("orders", 1)
    with child("hold", 60, before=AN_HOUR_SLOW) as process:
        await asyncio.to_thread(process.stdout.readline)

        assert await Holders(opened).acquire("leader", 60) is None
        assert await Lines(opened).receive("orders") == []
        out, _ = await asyncio.to_thread(process.communicate, "go on\n")

    assert out.split()[:2] == ["done", "done"]


# --- the caller --------------------------------------------------------------------------------------------------


async def test_what_was_sent_is_there_although_the_server_has_not_told_its_consumer_yet(opened, monkeypatch):
    """A loaded server acknowledges a message, and for a moment says of a queue that it is empty."""
    queues, real, missed = Lines(opened), lane.Lane._pull, []

    async def pull(self, most, look):
        if missed:
            return await real(self, most, look)
        missed.append(most)
        return Answer()

    await queues.receive("orders")
    await queues.send("orders", 1)
    monkeypatch.setattr(lane.Lane, "_pull", pull)
    (received,) = await queues.receive("orders")
    assert (received.value, missed) == (1, [1])


async def test_a_receiver_that_is_cancelled_has_taken_nothing(opened):
    """Not even when the message was given to it already; it is the first attempt for the next."""
    queues = Lines(opened)
    await queues.receive("orders")
    for steps in range(30):
        sent = await queues.send("orders", steps)
        async with asyncio.TaskGroup() as tasks:
            receiving = tasks.create_task(queues.receive("orders", lease=600))
            for _ in range(steps):
                await asyncio.sleep(0)
            receiving.cancel()

        (received,) = await queues.receive("orders", wait=30) if receiving.cancelled() else receiving.result()
        assert (received.id, received.attempt) == (sent, 1)
        await queues.ack(received)


async def test_a_message_that_cannot_be_given_back_leaves_the_store_as_good_as_before(opened):
    async def away():
        raise Transient("the server is away")

    opened.spawn(away())
    await asyncio.sleep(0)
    assert await Entries(opened).increment("a", "count") == 1


async def test_what_nobody_takes_is_given_back_before_the_store_is_closed(fresh_nats):
    async with opening.opened(fresh_nats) as opened:
        queues = Lines(opened)
        await queues.send("orders", 1)
        (received,) = await queues.receive("orders", lease=600)
        opened.spawn(queues.nack(received))

    async with opening.opened(fresh_nats) as opened:
        (received,) = await Lines(opened).receive("orders", wait=30)
        assert received.value == 1


async def test_a_receiver_that_stopped_waiting_takes_nothing_later(opened):
    queues = Lines(opened)
    async with asyncio.TaskGroup() as tasks:
        receiving = tasks.create_task(queues.receive("orders", lease=600, wait=600))
        await asyncio.sleep(0.3)
        receiving.cancel()
    await queues.send("orders", 1)

    (received,) = await queues.receive("orders", wait=30)
    assert (received.value, received.attempt) == (1, 1)


async def test_a_key_is_remembered_after_the_message_is_done_and_by_another_process(fresh_nats):
    """Also when the server was restarted meanwhile: test_a_server_that_is_restarted_loses_nothing."""
    async with opening.opened(fresh_nats) as here, opening.opened(fresh_nats) as there:
        first = await Lines(here).send("orders", 1, key="k")
        assert await Lines(there).send("orders", 2, key="k") == first
        (received,) = await Lines(there).receive("orders")
        await Lines(there).reject(received, "no")
        assert await Lines(here).send("orders", 3, key="k") == first
        (received,) = await Lines(here).receive("orders", dead=True)
        await Lines(here).ack(received)

        assert await Lines(there).send("orders", 4, key="k") == first
        assert await Lines(here).count("orders") == 0


async def test_attempts_are_counted_whatever_happened(opened, until):
    """Given back at once, given back for later, held too long, and looked at between."""
    queues = Lines(opened)
    await queues.send("orders", 1)
    for attempt, end in enumerate(("nack", "nack later", "nothing", "nack"), 1):
        (received,) = await queues.receive("orders", lease=0.5 if end == "nothing" else 60, wait=30)
        assert received.attempt == attempt
        (seen,) = (await queues.browse("orders")).messages
        assert seen.attempt == attempt
        if end != "nothing":
            await queues.nack(received, delay=0.3 if "later" in end else 0)
    await queues.reject((await queues.receive("orders", wait=30))[0], "no")

    assert (await queues.receive("orders", dead=True))[0].attempt == 1


# --- what others did ---------------------------------------------------------------------------------------------


async def test_what_others_wrote_goes_among_the_dead_letters(opened):
    """Messages of other programs on our subjects hold up nothing, and can be looked at."""
    queues, link = Lines(opened), opened.link
    strange = (b"", b"garbage", b'{"due": "x"}\n', b"\n1234{}", b'{"attempt": 3}\n\xff')
    for number, data in enumerate(strange):
        await link.ask(opened.subject("queue", "orders", f"foreign{number}", "-"), data)
    await queues.send("orders", "ours")
    (received,) = await queues.receive("orders", most=10, wait=30)

    assert received.value == "ours"
    dead = (await queues.browse("orders", dead=True)).messages
    assert len(dead) == len(strange)
    assert {"not as it was written" in each.reason for each in dead} == {True}
    assert b"garbage" in [each.value for each in dead]
    for each in await queues.receive("orders", most=10, dead=True):
        await queues.ack(each)
    assert await queues.count("orders", dead=True) == 0


async def test_a_consumer_that_was_removed_is_made_again(opened):
    """Also while a receiver waits."""
    queues = Lines(opened)
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        receiving = tasks.create_task(queues.receive("orders", wait=600))
        await asyncio.sleep(0.3)
        await opened.link.api(f"CONSUMER.DELETE.{opened.stream(streams.QUEUES)}.queue-orders")
        await queues.send("orders", 1)

    assert [each.value for each in receiving.result()] == [1]


async def test_a_pull_that_the_server_refuses_is_an_error_in_time(opened, monkeypatch):
    monkeypatch.setattr(lane, "_MOST_PULLS", 1)
    queues = Lines(opened)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(queues.receive("orders", wait=600))
        await asyncio.sleep(0.3)
        with pytest.raises(Transient, match="Exceeded MaxWaiting"):
            await queues.receive("orders", wait=600)
        waiting.cancel()


# --- nothing grows -----------------------------------------------------------------------------------------------


async def test_what_is_over_is_removed(opened, until):
    entries, queues = Entries(opened), Lines(opened)
    for number in range(5):
        await entries.put("a", str(number), number, ttl=0.01)
        await Holders(opened).acquire(str(number), 0.01)
        await entries.put("a", f"gone {number}", number)
        await entries.delete("a", f"gone {number}")
        await queues.ack((await _sent(queues, number))[0])

    async def is_empty():
        found = [await opened.link.look(opened.stream(kind)) for kind in (streams.KEYS, streams.QUEUES)]
        return [each["state"]["messages"] for each in found] == [0, 0]

    await until(is_empty)


async def _sent(queues, number):
    await queues.send("orders", number)
    return await queues.receive("orders", wait=30)


async def test_a_topic_keeps_no_more_than_a_subscriber_may_be_behind(opened):
    assert (await opened.link.look(opened.stream(streams.TOPICS)))["config"]["max_msgs_per_subject"] > 10_000


async def test_a_subscriber_that_did_not_look_for_an_hour_is_told(opened, monkeypatch):
    """Events may be gone that it has not seen: `sweep`. A durable one needs no such warning: they are kept for it."""
    topics = Logs(opened)
    async with topics.subscribe("topic") as slow, topics.subscribe("topic", durable="d") as durable:
        await topics.publish("topic", 1)
        now = opened.now
        monkeypatch.setattr(opened, "now", lambda: now() + 3601)
        with pytest.raises(Lagged):
            await anext(slow)
        assert (await anext(durable)).value == 1
        await topics.publish("topic", 2)
        assert (await anext(slow)).value == 1
        assert (await anext(slow)).value == 2


# --- the server --------------------------------------------------------------------------------------------------


async def test_a_server_that_is_restarted_loses_nothing(nats, fresh_nats, caplog, until):
    """Calls fail while it is down, at once; then all goes on by itself, also for who waited."""
    async with opening.opened(fresh_nats, poll=0.1) as opened, asyncio.timeout(120):
        queues, entries = Lines(opened), Entries(opened)
        version = await entries.put("a", "k", "before")
        await queues.send("orders", "before")
        keyed = await queues.send("keyed", 1, key="k")
        await queues.ack((await queues.receive("keyed"))[0])
        lease = await Holders(opened).acquire("leader", 600)
        async with Logs(opened).subscribe("topic", durable="d") as subscription:
            waiting = asyncio.gather(
                queues.receive("nothing comes", wait=600), anext(subscription), return_exceptions=True
            )
            await asyncio.sleep(0.1)
            nats.kill()
            try:
                for call in (entries.get("a", "k"), queues.send("orders", "lost"), Holders(opened).renew(lease, 60)):
                    with pytest.raises(Transient) as caught:
                        await call
                    assert caught.value.code == codes.SERVER
                assert all(isinstance(each, Transient) for each in await waiting)
                with pytest.raises(NotConnected):
                    await entries.get("a", "k")
                await until(lambda: _is_ill(opened))
            finally:
                nats.start()
            await until(lambda: _is_well(opened))

            assert (await entries.get("a", "k")) == ("before", version)
            await Holders(opened).renew(lease, 600)
            await queues.send("orders", "after")
            assert [each.value for each in await queues.receive("orders", most=5)] == ["before", "after"]
            assert await queues.send("keyed", 2, key="k") == keyed
            assert await queues.count("keyed") == 0
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(anext(subscription))
                await Logs(opened).publish("topic", "after")
            assert reading.result().value == "after"

    told = [record.message for record in caplog.records if record.name == "octo.services"]
    assert told == ["services: the server does not answer", "services: the server answers again"]


async def _is_ill(opened):
    return not await _is_well(opened)


async def _is_well(opened):
    try:
        await opened.health()
    except Transient:
        return False
    return True


async def test_a_black_hole_holds_nobody_for_ever(nats, fresh_nats, until):
    """Every method of every service raises `Transient` in time, health turns red; and all is well after it."""
    async with opening.opened(fresh_nats, patience=2, poll=0.1, answer=0.5) as opened, asyncio.timeout(120):
        queues, entries, leases, topics = Lines(opened), Entries(opened), Holders(opened), Logs(opened)
        lease = await leases.acquire("leader", 600)
        for number in range(5):
            await queues.send("orders", number)
        lent = await queues.receive("orders", most=5, lease=600)
        async with topics.subscribe("topic", durable="d") as subscription:
            await topics.publish("topic", 1)
            event = await anext(subscription)
            nats.pause()
            try:
                calls = (
                    *(entries.get("a", "k"), entries.put("a", "k", 1), entries.delete("a", "k"), entries.list("a")),
                    *(entries.put("a", "k", 1, version=1), entries.increment("a", "count")),
                    *(leases.acquire("other", 60), leases.acquire("leader", 60, wait=60)),
                    *(leases.renew(lease, 60), leases.release(lease)),
                    *(queues.send("orders", 9), queues.send("orders", 9, key="k"), queues.count("orders")),
                    *(queues.receive("orders"), queues.receive("orders", wait=60), queues.browse("orders")),
                    *(queues.ack(lent[0]), queues.nack(lent[1]), queues.nack(lent[1], delay=1)),
                    *(queues.reject(lent[2], "no"), queues.extend(lent[3], 9)),
                    *(queues.request("orders", 1, timeout=60), topics.publish("topic", 2), topics.forget("topic", "x")),
                    *(anext(subscription), subscription.commit(event), _subscribed(topics)),
                )
                found = await asyncio.gather(*calls, return_exceptions=True)
                assert [type(each) for each in found if not isinstance(each, Transient)] == []
                await until(lambda: _is_ill(opened))
            finally:
                nats.resume()
            await until(lambda: _is_well(opened))

            await entries.put("a", "after", 1)
            await queues.extend(lent[4], 600)
            await queues.ack(lent[4])
            await topics.publish("topic", "after")
            while (await anext(subscription)).value != "after":
                pass


async def _subscribed(topics):
    async with topics.subscribe("topic", durable="x"):
        pass


async def test_a_service_cannot_start_while_the_server_does_not_answer(nats, fresh_nats):
    """The error comes in time, and says where."""
    nats.pause()
    try:
        with pytest.raises(Transient, match=r"cannot connect to NATS at 127\.0\.0\.1"):
            async with opening.opened(replace(fresh_nats, connect=0.3)):
                pass
    finally:
        nats.resume()


async def test_closing_does_not_wait_for_a_server_that_does_not_answer(nats, fresh_nats):
    try:
        async with asyncio.timeout(60), opening.opened(fresh_nats, patience=2, poll=0.1, answer=0.3) as opened:
            await Entries(opened).put("a", "k", 1)
            nats.pause()
    finally:
        nats.resume()


async def test_another_server_of_the_list_is_taken(nats, fresh_nats):
    """The first is not there."""
    address = replace(fresh_nats, servers=("127.0.0.1:1", *fresh_nats.servers))
    for _ in range(4):
        async with opening.opened(address) as opened:
            await Entries(opened).put("a", "k", 1)
