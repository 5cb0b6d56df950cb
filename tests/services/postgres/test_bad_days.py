"""The services in PostgreSQL on a bad day. What they do on a good one: test_providers."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from octo.core.errors import NotConnected, OctoError, Transient
from octo.services import codes
from octo.services.postgres import clock, links, store, sweep
from octo.services.postgres.key_value import Entries
from octo.services.postgres.leases import Holders
from octo.services.postgres.queues import Lines
from octo.services.postgres.topics import Logs

CHILD = """
import asyncio, json, sys
from octo.services.ports import Conflict, Lost
from octo.services.postgres import address, store
from octo.services.postgres.key_value import Entries
from octo.services.postgres.leases import Holders
from octo.services.postgres.queues import Lines

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

async def main(url, schema, what, argument):
    async with store.opened(address.parse(f"{url}?schema={schema}")) as opened:
        await globals()[what](opened, argument)

asyncio.run(main(*sys.argv[1:]))
"""

AN_HOUR_SLOW = "import time\nreal = time.time\ntime.time = lambda: real() - 3600\n"


@pytest.fixture
def child(postgres_url, fresh):
    """Start a process that does something with the services of this test."""

    def start(what, argument, before=""):
        command = [sys.executable, "-c", before + CHILD, postgres_url, fresh.schema, what, str(argument)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    return start


@pytest.fixture
async def opened(fresh):
    async with store.opened(fresh) as opened:
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


# --- several processes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [1, 37, 200])
def test_what_was_sent_is_there_after_a_kill_and_in_order(child, fresh, after):
    """All that was acknowledged, and at most the ten messages in flight more, each once."""
    with child("send", 1_000_000) as process:
        sent = [int(process.stdout.readline()) for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        sent += map(int, process.stdout.read().split())

    async def there():
        async with store.opened(fresh) as opened:
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


async def test_a_notice_wakes_who_waits_in_another_process(fresh):
    """Nobody looks by himself here: a message, a reply, a lease and an event are told."""
    async with store.opened(fresh, poll=600) as here, store.opened(fresh, poll=600) as there, asyncio.timeout(60):
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


async def test_versions_grow_while_others_create_and_delete(fresh):
    """The version of a key never goes back, whoever writes it and whoever looks."""
    async with store.opened(fresh) as one, store.opened(fresh) as two:
        written, read, writing = [], [], 4

        async def write(entries):
            nonlocal writing
            for _ in range(50):
                written.append(await entries.put("a", "k", "x"))
                await entries.delete("a", "k")
            writing -= 1

        async def look(entries):
            while writing:
                if entry := await entries.get("a", "k"):
                    read.append(entry.version)

        await asyncio.gather(look(Entries(one)), *(write(Entries(each)) for each in (one, two, one, two)))

    assert len(set(written)) == 200
    assert read == sorted(read)


async def test_processes_that_publish_to_the_same_topics_do_not_block_each_other(fresh):
    async with store.opened(fresh) as one, store.opened(fresh) as two, Logs(one).subscribe("a") as subscription:
        names = ("a", "b", "c")
        await asyncio.gather(
            *(Logs(each).publish(name, name) for each in (one, two) for name in names * 20),
            *(Logs(each).publish(name, name) for each in (two, one) for name in names[::-1] * 20),
        )
        events = [await anext(subscription) for _ in range(80)]

    assert [int(event.cursor) for event in events] == list(range(1, 81))


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
    """Wherever they were: waiting for a connection, or for the answer."""
    entries = Entries(opened)
    for steps in range(12):
        async with asyncio.TaskGroup() as tasks:
            calls = [tasks.create_task(entries.put("a", str(number), number)) for number in range(20)]
            for _ in range(steps):
                await asyncio.sleep(0)
            for call in calls[::2]:
                call.cancel()

    assert await entries.increment("a", "count") == 1
    assert await asyncio.gather(*(entries.increment("b", "count") for _ in range(20))) is not None


async def test_many_receivers_are_served_in_one_trip(opened):
    """A hundred that wait for one queue cost one statement, and each gets one."""
    queues, statements = Lines(opened), []
    for number in range(100):
        await queues.send("orders", number)
    rows = opened.rows

    async def counted(query, *arguments):
        statements.append(query)
        return await rows(query, *arguments)

    opened.rows = counted
    found = await asyncio.gather(*(queues.receive("orders") for _ in range(100)))
    taken = len(statements)
    await asyncio.gather(*(queues.ack(received) for each in found for received in each))
    opened.rows = rows

    assert [received.value for each in found for received in each] == list(range(100))
    assert max(taken, len(statements) - taken) <= 2


# --- the clock of the server -------------------------------------------------------------------------------------


async def set_back(opened, hours):
    """What a clock that is set back by so many hours leaves: times that lie ahead of it."""
    for table, column in (*clock.TIMES, ("octo_store", "latest")):
        await opened.rows(f"UPDATE {table} SET {column} = {column} + {hours} * interval '1h'")


async def test_a_clock_that_goes_back_holds_nothing_up(opened):
    """Leases, delays and times to live last as long as they were, whoever notices it, and however many do."""
    await Holders(opened).acquire("leader", 0.5)
    await Lines(opened).send("orders", 1, delay=0.5)
    await Entries(opened).put("a", "k", 1, ttl=0.5)
    await Entries(opened).put("a", "stays", 1, ttl=600)
    await set_back(opened, 1)
    await asyncio.gather(*(clock.keep(opened) for _ in range(3)))

    assert await Holders(opened).acquire("leader", 60, wait=30) is not None
    assert len(await Lines(opened).receive("orders", wait=30)) == 1
    await until(lambda: _is_gone(Entries(opened)))
    assert await Entries(opened).get("a", "stays") is not None


async def _is_gone(entries):
    return await entries.get("a", "k") is None


async def test_a_clock_that_goes_on_moves_nothing(opened):
    lease = await Holders(opened).acquire("leader", 600)
    before = await opened.rows("SELECT until FROM leases")
    for _ in range(3):
        await clock.keep(opened)

    assert await opened.rows("SELECT until FROM leases") == before
    await Holders(opened).renew(lease, 600)


# --- nothing grows -----------------------------------------------------------------------------------------------


async def test_what_is_over_is_removed(opened):
    entries, queues, topics = Entries(opened), Lines(opened), Logs(opened)
    for number in range(20):
        await entries.put("a", str(number), number, ttl=0.01)
        await queues.send("orders", number, key=str(number))
        await topics.publish(f"topic {number}", number)
        await Holders(opened).acquire(str(number), 0.01)
    await entries.put("a", "stays", 1)
    with pytest.raises(OctoError):
        await queues.request("asked", 1, timeout=0.01)
    for table in ("sent", "replies", "events"):
        await opened.rows(f"UPDATE {table} SET until = now() - interval '1s'")
    async with topics.subscribe("topic", durable="d"):
        await topics.publish("topic", "needed")
    await opened.rows("UPDATE events SET until = now() - interval '1s'")
    await asyncio.sleep(0.02)
    await sweep.sweep(opened)

    tables = ("entries", "leases", "sent", "replies", "events")
    left = [(await opened.rows(f"SELECT count(*) FROM {table}"))[0][0] for table in tables]
    assert left == [1, 0, 0, 0, 1]


async def test_a_sweep_takes_a_few_rows_at_a_time(opened, monkeypatch):
    """And leaves what another transaction holds."""
    monkeypatch.setattr(sweep, "AT_ONCE", 3)
    for number in range(10):
        await Entries(opened).put("a", str(number), number, ttl=0.001)
    await asyncio.sleep(0.01)
    await sweep.sweep(opened)

    assert await opened.rows("SELECT key FROM entries") == []


async def test_a_topic_keeps_what_a_subscriber_may_still_want(opened):
    for start in range(0, 3000, 500):
        await asyncio.gather(*(Logs(opened).publish("topic", number) for number in range(start, start + 500)))

    ((kept,),) = await opened.rows("SELECT count(*) FROM events")
    assert 1000 <= kept <= 1000 + 256 + 500


async def test_a_subscriber_reads_a_few_large_events_at_a_time(opened):
    """And gets all of them."""
    topics = Logs(opened)
    async with topics.subscribe("topic") as subscription:
        for number in range(12):
            await topics.publish("topic", [number, "x" * 1_000_000])
        first = await anext(subscription)
        held = len(subscription._read)
        numbers = [first.value[0], *[(await anext(subscription)).value[0] for _ in range(11)]]

    assert held < 6
    assert numbers == list(range(12))


# --- the server --------------------------------------------------------------------------------------------------


async def test_a_server_that_is_restarted_loses_nothing(postgres, fresh, caplog):
    """Calls fail while it is down, at once; then all goes on by itself, also for who waited."""
    async with store.opened(fresh, poll=0.1) as opened, asyncio.timeout(120):
        queues, entries = Lines(opened), Entries(opened)
        await entries.put("a", "k", "before")
        await queues.send("orders", "before")
        lease = await Holders(opened).acquire("leader", 600)
        async with Logs(opened).subscribe("topic", durable="d") as subscription:
            waiting = asyncio.gather(
                queues.receive("nothing comes", wait=600), anext(subscription), return_exceptions=True
            )
            await asyncio.sleep(0.1)
            postgres.stop("immediate")
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
                postgres.start()
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


async def test_a_black_hole_holds_nobody_for_ever(postgres, fresh):
    """Every method of every service raises `Transient` in time, health turns red; and all is well after it."""
    async with store.opened(fresh, patience=2, poll=0.1, answer=0.3) as opened, asyncio.timeout(120):
        queues, entries, leases, topics = Lines(opened), Entries(opened), Holders(opened), Logs(opened)
        lease = await leases.acquire("leader", 600)
        for number in range(5):
            await queues.send("orders", number)
        lent = await queues.receive("orders", most=5, lease=600)
        async with topics.subscribe("topic", durable="d") as subscription:
            await topics.publish("topic", 1)
            event = await anext(subscription)
            postgres.pause()
            try:
                calls = (
                    *(entries.get("a", "k"), entries.put("a", "k", 1), entries.delete("a", "k"), entries.list("a")),
                    *(entries.put("a", "k", 1, version=1), entries.increment("a", "count")),
                    *(leases.acquire("other", 60), leases.acquire("leader", 60, wait=60)),
                    *(leases.renew(lease, 60), leases.release(lease)),
                    *(queues.send("orders", 9), queues.send("orders", 9, key="k"), queues.count("orders")),
                    *(queues.receive("orders"), queues.receive("orders", wait=60)),
                    *(
                        queues.ack(lent[0]),
                        queues.nack(lent[1]),
                        queues.reject(lent[2], "no"),
                        queues.extend(lent[3], 9),
                    ),
                    *(queues.request("orders", 1, timeout=60), topics.publish("topic", 2), topics.forget("topic", "x")),
                    *(anext(subscription), subscription.commit(event), _subscribed(topics)),
                )
                found = await asyncio.gather(*calls, return_exceptions=True)
                assert [type(each) for each in found if not isinstance(each, Transient)] == []
                await until(lambda: _is_ill(opened))
            finally:
                postgres.resume()
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


async def test_a_service_cannot_start_while_the_server_does_not_answer(postgres, fresh):
    """The error comes in time, and says where."""
    postgres.pause()
    try:
        with pytest.raises(Transient, match=r"cannot connect to PostgreSQL at 127\.0\.0\.1"):
            async with store.opened(replace(fresh, connect=0.3)):
                pass
    finally:
        postgres.resume()


async def test_closing_does_not_wait_for_a_server_that_does_not_answer(postgres, fresh):
    try:
        async with asyncio.timeout(60), store.opened(fresh, patience=2, poll=0.1, answer=0.3) as opened:
            await Entries(opened).put("a", "k", 1)
            postgres.pause()
    finally:
        postgres.resume()


async def test_who_waits_is_woken_although_the_connections_that_listen_were_lost(fresh):
    """A notice may be lost with them; who waits looks by himself once they are open again, and then is told again."""
    async with store.opened(fresh, poll=600) as here, store.opened(fresh, poll=600) as there, asyncio.timeout(60):
        for number in range(3):
            async with asyncio.TaskGroup() as tasks:
                receiving = tasks.create_task(Lines(there).receive("orders", wait=600))
                await asyncio.sleep(0.2)
                ended = await here.rows(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                    "AND application_name = 'octo' AND (query LIKE 'LISTEN%' OR query LIKE 'SELECT pg_notify%')"
                )
                await Lines(here).send("orders", number)

            assert ended
            (received,) = receiving.result()
            assert received.value == number
            await Lines(there).ack(received)
            await until(lambda: _is_well(here))
            await until(lambda: _is_well(there))


class Firewall:
    """A way to the server. One that forgets lets new connections through, and no byte of those before."""

    def __init__(self, port):
        self._port = port
        self._age = 0
        self._tasks = set()

    def forget(self):
        self._age += 1

    async def serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await asyncio.gather(self._carry(reader, back, self._age), self._carry(there, writer, self._age))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for each in (back, writer):
                each.transport.abort()

    async def _carry(self, source, target, age):
        while data := await source.read(65536):
            if age == self._age:
                target.write(data)
        await asyncio.Event().wait()  # not even the end comes through

    async def end(self):
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def firewall(postgres):
    firewall = Firewall(postgres.port)
    listening = await asyncio.start_server(firewall.serve, "127.0.0.1", 0)
    firewall.port = listening.sockets[0].getsockname()[1]
    yield firewall
    listening.close()
    await firewall.end()


@pytest.mark.parametrize("poll", [0.1, 600], ids=["found by a sign of life", "found by a call"])
async def test_connections_that_died_without_a_sign_are_given_up_together(postgres, firewall, fresh, poll):
    """One call fails at most, not one for each connection of the pool."""
    address = replace(fresh, dsn=fresh.dsn.replace(f":{postgres.port}/", f":{firewall.port}/"))
    async with store.opened(address, patience=2, poll=poll, answer=0.3) as opened, asyncio.timeout(60):
        await asyncio.gather(*(opened.rows("SELECT pg_sleep(0.1)") for _ in range(8)))
        firewall.forget()
        if poll < 1:
            await until(lambda: _is_ill(opened))
            await until(lambda: _is_well(opened))
        else:
            with pytest.raises(Transient, match="no answer in time"):
                await Entries(opened).get("a", "k")

        for number in range(20):
            await Entries(opened).put("a", "k", number)


async def test_a_statement_that_takes_too_long_ends(fresh):
    """Here another transaction holds the lock of the row."""
    async with store.opened(fresh, patience=1) as opened, asyncio.timeout(60):
        entries = Entries(opened)
        await entries.put("a", "k", 1)
        async with links.single(fresh) as other, other.transaction():
            await other.execute(f"UPDATE {fresh.schema}.entries SET count = 2")
            with pytest.raises(Transient):
                await entries.put("a", "k", 3)
        await until(lambda: _is_written(entries))


async def _is_written(entries):
    try:
        return bool(await entries.put("a", "k", 4))
    except Transient:
        return False


async def test_a_full_disk_is_told(opened):
    """A tablespace without room is hard to have; what the server says then is not."""
    error = await _failure(opened, "DO $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$")

    assert (error.code, "the disk of PostgreSQL at 127.0.0.1" in str(error)) == (codes.FULL, True)


async def test_a_server_that_became_a_standby_is_left(opened):
    """Every connection is opened anew, and finds the one that can be written to."""
    before = await opened.rows("SELECT pg_backend_pid()")
    await _failure(opened, "DO $$ BEGIN RAISE EXCEPTION 'read-only' USING ERRCODE = '25006'; END $$")

    assert await opened.rows("SELECT pg_backend_pid()") != before


async def _failure(opened, statement):
    with pytest.raises(Transient) as caught:
        await opened.rows(statement)
    return caught.value
