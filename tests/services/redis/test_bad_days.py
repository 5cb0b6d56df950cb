"""The services in Redis on a bad day. What they do on a good one: test_providers."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial

import pytest

from octo.core.errors import NotConnected, Transient
from octo.services import codes
from octo.services.ports import Lagged
from octo.services.redis import state, store, sweep
from octo.services.redis.address import parse
from octo.services.redis.key_value import Entries
from octo.services.redis.leases import Holders
from octo.services.redis.queues import Lines
from octo.services.redis.topics import Logs
from octo.services.values import Damaged
from octo.testing.redis import Redis

CHILD = """
import asyncio, sys
from octo.services.ports import Conflict, Lost
from octo.services.redis import address, store
from octo.services.redis.key_value import Entries
from octo.services.redis.leases import Holders
from octo.services.redis.queues import Lines

async def send(opened, most):
    queues = Lines(opened)
    async def one(number):
        await queues.send("orders", number)
        print(number, flush=True)
    for start in range(0, int(most), 10):
        await asyncio.gather(*map(one, range(start, start + 10)))

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
    async with store.opened(address.parse(url)) as opened:
        await globals()[what](opened, argument)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def child(redis, fresh_redis):
    """Start a process that does something with the services of this test."""

    def start(what, argument):
        url = f"{redis.url}?prefix={fresh_redis.prefix}"
        command = [sys.executable, "-c", CHILD, url, what, str(argument)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    return start


@pytest.fixture
async def opened(fresh_redis):
    async with store.opened(fresh_redis) as opened:
        yield opened


async def everything(queues):
    """All values in the queue, in its order."""
    found = []
    while received := await queues.receive("orders", most=1000, lease=600):
        found += [each.value for each in received]
    return found


async def until(condition):
    """Return when the condition holds; the limit is far beyond what it takes."""
    async with asyncio.timeout(60):
        while not await condition():
            await asyncio.sleep(0.02)


def keys(redis, address):
    """What is in the store, without its prefix."""
    listed = redis.ask("EVAL", f"return redis.call('KEYS', '{address.prefix}:*')", "0").decode().split("\r\n")
    return sorted(each.removeprefix(f"{address.prefix}:") for each in listed if each.startswith(address.prefix))


# --- several processes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [1, 37, 200])
def test_what_was_sent_is_there_after_a_kill_and_in_order(child, fresh_redis, after):
    """All that was acknowledged, and at most the ten messages in flight more, each once."""
    with child("send", 1_000_000) as process:
        sent = [int(process.stdout.readline()) for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        sent += map(int, process.stdout.read().split())

    async def there():
        async with store.opened(fresh_redis) as opened:
            return await everything(Lines(opened))

    found = asyncio.run(there())

    assert set(sent) <= set(found)
    assert found == list(range(len(found)))
    assert len(found) - len(sent) <= 10


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


async def test_a_notice_wakes_who_waits_in_another_process(fresh_redis):
    """Nobody looks by himself here: a message, a reply, a lease and an event are told."""
    quiet = {"poll": 600}
    async with store.opened(fresh_redis, **quiet) as here, store.opened(fresh_redis, **quiet) as there:
        lease = await Holders(here).acquire("leader", 600)
        async with asyncio.timeout(60), Logs(there).subscribe("topic") as subscription, asyncio.TaskGroup() as tasks:
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


# --- the caller --------------------------------------------------------------------------------------------------


async def test_a_receiver_that_is_cancelled_has_taken_nothing(opened):
    """Not even when the message was given to it already; it is the first attempt for the next."""
    queues = Lines(opened)
    await queues.send("orders", 1)
    async with asyncio.TaskGroup() as tasks:
        receiving = tasks.create_task(queues.receive("orders", lease=600))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        receiving.cancel()

    (received,) = await queues.receive("orders", wait=30)
    assert (received.value, received.attempt) == (1, 1)


async def test_a_message_that_cannot_be_given_back_leaves_the_store_as_good_as_before(opened):
    async def away():
        raise Transient("the server is away")

    opened.spawn(away())
    await asyncio.sleep(0)
    assert await Entries(opened).increment("a", "count") == 1


async def test_calls_that_are_cancelled_leave_the_store_as_good_as_before(opened):
    entries = Entries(opened)
    for steps in range(12):
        async with asyncio.TaskGroup() as tasks:
            calls = [tasks.create_task(entries.put("a", str(number), number)) for number in range(20)]
            for _ in range(steps):
                await asyncio.sleep(0)
            for call in calls[::2]:
                call.cancel()

    assert await entries.increment("a", "count") == 1


async def test_many_large_messages_are_taken_in_parts(opened):
    """One receiver does not hold up the server for all that there is."""
    queues = Lines(opened)
    await asyncio.gather(*(queues.send("orders", [number, "x" * 1_000_000]) for number in range(20)))

    first = await queues.receive("orders", most=1000)
    assert len(first) < 12
    while some := await queues.receive("orders", most=1000):
        first += some
    assert [each.value[0] for each in first] == list(range(20))


# --- the clock and the numbers of the server -----------------------------------------------------------------------


def set_back(redis, address, hours):
    """What a clock that is set back by so many hours leaves: a last number that lies ahead of it."""
    ahead = f"local key = '{address.prefix}:store' local t = redis.call('TIME') "
    redis.ask("EVAL", f"{ahead} return redis.call('HSET', key, 'last', t[1] * 1000000 + {hours} * 3600000000)", "0")


async def test_a_clock_that_goes_back_holds_nothing_up(redis, fresh_redis, opened):
    """Leases, delays and times to live that begin before and after it last as long as they should."""
    set_back(redis, fresh_redis, 1)
    await Holders(opened).acquire("leader", 0.5)
    await Lines(opened).send("orders", 1, delay=0.5)
    await Entries(opened).put("a", "k", 1, ttl=0.5)
    set_back(redis, fresh_redis, 2)

    assert await Holders(opened).acquire("leader", 60, wait=30) is not None
    assert len(await Lines(opened).receive("orders", wait=30)) == 1
    assert await Entries(opened).get("a", "k") is None


async def test_a_server_that_lost_its_last_writes_gives_no_number_twice(redis, fresh_redis, opened, caplog):
    """Tokens and versions grow on, and the log says what happened."""
    lease = await Holders(opened).acquire("leader", 600)
    version = await Entries(opened).put("a", "k", 1)
    redis.ask("HSET", f"{fresh_redis.prefix}:store", "last", "7")
    redis.ask("DEL", f"{fresh_redis.prefix}:lease:leader")
    redis.ask("DEL", f"{fresh_redis.prefix}:entry:a:k")

    assert (await Holders(opened).acquire("leader", 600)).token > lease.token
    assert await Entries(opened).put("a", "k", 2, version=0) > version


@pytest.mark.parametrize(
    ("command", "told"),
    [(("HSET", "last", "7"), "has lost its last writes"), (("DEL",), "has lost all that it held")],
)
async def test_what_the_server_lost_is_told(redis, fresh_redis, caplog, command, told):
    async with store.opened(fresh_redis, poll=600) as opened:
        memory = state.Memory(fresh_redis)
        await memory.compare(opened)
        await memory.compare(opened)
        assert [record.message for record in caplog.records if "lost" in record.message] == []
        redis.ask(command[0], f"{fresh_redis.prefix}:store", *command[1:])
        await memory.compare(opened)

    assert [record.message for record in caplog.records if told in record.message] == [f"services: the server {told}"]


async def test_who_had_seen_more_events_than_the_server_has_left_misses_none_of_the_new(redis, fresh_redis, opened):
    async with asyncio.timeout(60), Logs(opened).subscribe("topic") as subscription:
        for number in range(5):
            await Logs(opened).publish("topic", number)
            await anext(subscription)
        redis.ask("SET", f"{fresh_redis.prefix}:topic:topic", "3")
        redis.ask("DEL", f"{fresh_redis.prefix}:events:topic")
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(anext(subscription))
            await asyncio.sleep(0.2)
            await Logs(opened).publish("topic", "new")

    assert reading.result().value == "new"


async def test_what_is_published_right_after_the_server_has_lost_all_comes_and_is_committed(redis, fresh_redis, opened):
    """Also if the subscriber had no time to notice. It is told that events are gone, and is still remembered."""
    async with asyncio.timeout(60), Logs(opened).subscribe("topic", durable="d") as subscription:
        for number in range(5):
            await Logs(opened).publish("topic", number)
            await subscription.commit(await anext(subscription))
        for key in ("store", "topic:topic", "events:topic", "subscribers:topic"):
            redis.ask("DEL", f"{fresh_redis.prefix}:{key}")
        await Logs(opened).publish("topic", "new")
        with pytest.raises(Lagged, match="are gone"):
            await anext(subscription)
        assert (await anext(subscription)).value == "new"

    async with asyncio.timeout(60), Logs(opened).subscribe("topic", durable="d") as subscription:
        assert (await anext(subscription)).value == "new"


# --- nothing grows -----------------------------------------------------------------------------------------------


async def test_what_is_over_is_swept_away(redis, fresh_redis, opened):
    """Entries, leases, keys of messages and replies that nobody reads."""
    await Entries(opened).put("a", "gone", 1, ttl=0.01)
    await Entries(opened).put("a:b".replace(":", "-"), "k:1", 1, ttl=0.01)
    await Holders(opened).acquire("leader", 0.01)
    await Holders(opened).acquire("held", 600)
    await asyncio.sleep(0.05)
    await sweep.sweep(opened)

    assert keys(redis, fresh_redis) == ["ends", "lease:held", "store"]


async def test_events_that_nobody_needs_are_swept_away(redis, fresh_redis, opened):
    """Those that a durable subscriber has not seen stay."""
    topics = Logs(opened)
    async with topics.subscribe("kept", durable="d") as subscription:
        for number in range(3):
            await topics.publish("kept", number)
            await topics.publish("old", number)
        await subscription.commit(await anext(subscription))
    for topic in ("kept", "old"):
        redis.ask("ZADD", f"{fresh_redis.prefix}:ends", "0", f"{fresh_redis.prefix}:events:{topic}")
    await sweep.sweep(opened)

    left = [redis.ask("XLEN", f"{fresh_redis.prefix}:events:{topic}") for topic in ("kept", "old")]
    assert left == [b":2\r\n", b":0\r\n"]
    async with asyncio.timeout(60), topics.subscribe("old") as subscription:
        await topics.publish("old", "new")
        assert (await anext(subscription)).value == "new"


async def test_a_topic_keeps_what_a_subscriber_may_still_want(redis, fresh_redis, opened):
    for start in range(0, 3000, 500):
        await asyncio.gather(*(Logs(opened).publish("topic", number) for number in range(start, start + 500)))

    kept = int(redis.ask("XLEN", f"{fresh_redis.prefix}:events:topic")[1:])
    assert 1000 <= kept <= 1000 + 256


async def test_a_message_that_is_gone_from_under_us_is_damage(redis, fresh_redis, opened):
    """Never a shorter queue without a word."""
    await Lines(opened).send("orders", 1)
    (name,) = (each for each in keys(redis, fresh_redis) if each.startswith("message:"))
    redis.ask("DEL", f"{fresh_redis.prefix}:{name}")

    with pytest.raises(Damaged):
        await Lines(opened).receive("orders")


# --- the server --------------------------------------------------------------------------------------------------


async def test_a_server_that_forgot_the_scripts_learns_them_again(redis, opened):
    await Entries(opened).put("a", "k", 1)
    redis.ask("SCRIPT", "FLUSH")

    sums = await asyncio.gather(*(Entries(opened).increment("a", "n") for _ in range(20)))
    assert sums == list(range(1, 21))


async def test_a_server_that_is_restarted_loses_nothing(redis, fresh_redis, caplog):
    """Calls fail while it is down, at once; then all goes on by itself, also for who waited."""
    async with store.opened(fresh_redis, poll=0.1) as opened, asyncio.timeout(120):
        queues, entries = Lines(opened), Entries(opened)
        await entries.put("a", "k", "before")
        await queues.send("orders", "before")
        lease = await Holders(opened).acquire("leader", 600)
        async with Logs(opened).subscribe("topic", durable="d") as subscription:
            waiting = asyncio.gather(
                queues.receive("nothing comes", wait=600), anext(subscription), return_exceptions=True
            )
            await asyncio.sleep(0.1)
            redis.kill()
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
                redis.start()
            await until(lambda: _is_well(opened))

            assert (await entries.get("a", "k")).value == "before"
            await Holders(opened).renew(lease, 600)
            await queues.send("orders", "after")
            assert [each.value for each in await queues.receive("orders", most=5)] == ["before", "after"]
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


async def test_a_black_hole_holds_nobody_for_ever(redis, fresh_redis):
    """Every method of every service raises `Transient` in time, health turns red; and all is well after it."""
    async with store.opened(fresh_redis, patience=2, poll=0.1, answer=0.3) as opened, asyncio.timeout(120):
        queues, entries, leases, topics = Lines(opened), Entries(opened), Holders(opened), Logs(opened)
        lease = await leases.acquire("leader", 600)
        for number in range(5):
            await queues.send("orders", number)
        lent = await queues.receive("orders", most=5, lease=600)
        async with topics.subscribe("topic", durable="d") as subscription:
            await topics.publish("topic", 1)
            event = await anext(subscription)
            redis.pause()
            try:
                calls = (
                    *(entries.get("a", "k"), entries.put("a", "k", 1), entries.delete("a", "k"), entries.list("a")),
                    *(entries.put("a", "k", 1, version=1), entries.increment("a", "count")),
                    *(leases.acquire("other", 60), leases.acquire("leader", 60, wait=60)),
                    *(leases.renew(lease, 60), leases.release(lease)),
                    *(queues.send("orders", 9), queues.send("orders", 9, key="k"), queues.count("orders")),
                    *(queues.receive("orders"), queues.receive("orders", wait=60), queues.browse("orders")),
                    *(queues.ack(lent[0]), queues.nack(lent[1]), queues.reject(lent[2], "no")),
                    *(queues.extend(lent[3], 9), queues.request("orders", 1, timeout=60)),
                    *(topics.publish("topic", 2), topics.forget("topic", "x")),
                    *(anext(subscription), subscription.commit(event), _subscribed(topics)),
                )
                found = await asyncio.gather(*calls, return_exceptions=True)
                assert [type(each) for each in found if not isinstance(each, Transient)] == []
                await until(lambda: _is_ill(opened))
            finally:
                redis.resume()
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


async def test_a_service_cannot_start_while_the_server_does_not_answer(redis, fresh_redis):
    """The error comes in time, and says where."""
    redis.pause()
    try:
        with pytest.raises(Transient, match=r"cannot connect to Redis at 127\.0\.0\.1"):
            async with store.opened(replace(fresh_redis, connect=0.3)):
                pass
    finally:
        redis.resume()


async def test_tls_that_nobody_speaks_there_is_suggested(fresh_redis):
    """Redis waits for the rest of what it takes for a command, so nothing but time tells."""
    with pytest.raises(NotConnected, match=r"no answer in time; does it speak TLS at this port\?"):
        async with store.opened(replace(fresh_redis, tls=True, connect=0.3)):
            pass


async def test_a_service_cannot_start_without_a_server(fresh_redis, free_port):
    with pytest.raises(NotConnected, match="Connection refused"):
        async with store.opened(replace(fresh_redis, port=free_port())):
            pass


async def test_closing_does_not_wait_for_a_server_that_does_not_answer(redis, fresh_redis):
    try:
        async with asyncio.timeout(60), store.opened(fresh_redis, patience=2, poll=0.1, answer=0.3) as opened:
            await Entries(opened).put("a", "k", 1)
            redis.pause()
    finally:
        redis.resume()


async def test_connections_that_were_closed_are_opened_again(redis, fresh_redis):
    """No call fails for it, and who waits is woken again."""
    async with store.opened(fresh_redis, poll=600) as opened, asyncio.timeout(60):
        for number in range(5):
            async with asyncio.TaskGroup() as tasks:
                receiving = tasks.create_task(Lines(opened).receive("orders", wait=600))
                await asyncio.sleep(0.1)
                redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                redis.ask("CLIENT", "KILL", "TYPE", "pubsub")
                await until(partial(_sent, Lines(opened), number))
                results = await asyncio.gather(receiving, return_exceptions=True)
            found = results[0] if not isinstance(results[0], Transient) else await Lines(opened).receive("orders")
            assert [each.value for each in found] == [number]
            await Lines(opened).ack(found[0])


async def _sent(queues, number):
    try:
        await queues.send("orders", number, key=str(number))
    except Transient:
        return False
    return True


async def test_a_crash_in_the_middle_of_writing_loses_nothing_that_was_acknowledged():
    """The server is killed again and again while many write to it."""
    with Redis.started() as server:
        address, acknowledged, number = parse(server.url), [], 0
        async with store.opened(address, poll=0.1) as opened, asyncio.timeout(120):
            queues = Lines(opened)

            async def write():
                nonlocal number
                while True:
                    number += 1
                    mine = number
                    try:
                        await queues.send("orders", mine)
                    except Transient:
                        await asyncio.sleep(0.01)
                    else:
                        acknowledged.append(mine)

            for _ in range(5):
                before = len(acknowledged)
                async with asyncio.TaskGroup() as tasks:
                    writers = [tasks.create_task(write()) for _ in range(8)]
                    while len(acknowledged) < before + 200:
                        await asyncio.sleep(0.01)
                    await asyncio.to_thread(server.kill)
                    for each in writers:
                        each.cancel()
                await asyncio.to_thread(server.start)
                await until(lambda: _is_well(opened))
            found = await everything(queues)

    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found))
