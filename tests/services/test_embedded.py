"""The embedded store on a bad day. What its services do: test_providers."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import re
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from octo.core.errors import OctoError, Permanent, Transient
from octo.services import codes, values
from octo.services.embedded import schema, store
from octo.services.embedded.key_value import Entries
from octo.services.embedded.leases import Holders
from octo.services.embedded.queues import Lines
from octo.services.embedded.topics import AGE, Logs
from octo.services.ports import Lost
from octo.services.values import Damaged
from octo.testing.clock import run, shift_wall, virtual

CHILD = """
import asyncio, sys
from pathlib import Path
from octo.services.embedded import schema, store
from octo.services.embedded.queues import Lines

async def main(path, most):
    async with store.opened(Path(path)) as opened:
        queues = Lines(opened)
        async def send(number):
            await queues.send("orders", number)
            print(number, flush=True)
        for start in range(0, most, 10):
            async with asyncio.TaskGroup() as tasks:
                for number in range(start, start + 10):
                    tasks.create_task(send(number))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store" / "octo.db"


def child(path, most):
    return subprocess.Popen([sys.executable, "-c", CHILD, str(path), str(most)], stdout=subprocess.PIPE, text=True)


def killed(path, after):
    """The numbers that a process had sent when it was killed after about so many of them."""
    with child(path, 1_000_000) as process:
        sent = [int(process.stdout.readline()) for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        sent += map(int, process.stdout.read().split())
    return sent


async def everything(path):
    """All values in the queue, in its order."""
    async with store.opened(path) as opened:
        queues, found = Lines(opened), []
        while received := await queues.receive("orders", most=1000, lease=600):
            found += [each.value for each in received]
    return found


# --- what was acknowledged is there ------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [1, 37, 200])
def test_what_was_sent_is_there_after_a_kill_and_in_order(path, after):
    """All that was acknowledged, and at most the ten messages in flight more, each once."""
    sent = killed(path, after)

    found = asyncio.run(everything(path))

    assert set(sent) <= set(found)
    assert found == list(range(len(found)))
    assert len(found) - len(sent) <= 10


def test_only_its_owner_reads_the_store(path):
    run(everything(path))

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@virtual()
async def test_what_is_asked_for_at_once_is_one_transaction(path):
    """A hundred sends pay for two writes of the disk at most: the first alone, the others together."""
    async with store.opened(path) as opened:
        transactions = []
        transaction = opened._transaction
        opened._transaction = lambda works, *time: transactions.append(len(works)) or transaction(works, *time)
        await asyncio.gather(*(Lines(opened).send("orders", number) for number in range(100)))

    assert transactions[:2] == [1, 99]


@virtual()
async def test_one_that_is_refused_leaves_the_others_of_its_transaction(path):
    async with store.opened(path) as opened:
        entries = Entries(opened)
        await entries.put("a", "k", "text")
        results = await asyncio.gather(
            entries.put("a", "before", 1), entries.increment("a", "k"), entries.put("a", "after", 2),
            return_exceptions=True,
        )  # fmt: skip

        assert [type(each) for each in results] == [int, Permanent, int]
        assert (await entries.list("a")).names == ("after", "before", "k")


@virtual()
async def test_one_with_a_bug_leaves_the_others_of_its_transaction(path):
    """A thousand other messages are in the same transaction."""

    def bug(connection, _):
        connection.execute("INSERT INTO topics VALUES ('half', 1)")
        raise ValueError("a bug")

    async with store.opened(path) as opened:
        queues, before = Lines(opened), opened.ask(lambda *_: None)
        found = await asyncio.gather(
            before, queues.send("q", 1), opened.do(bug), queues.send("q", 2), return_exceptions=True
        )
        assert [type(each) for each in found] == [type(None), str, ValueError, str]
        assert await queues.count("q") == 2
        assert await opened.do(lambda connection, _: connection.execute("SELECT * FROM topics").fetchall()) == []


@virtual()
async def test_a_folder_that_cannot_be_looked_into_may_come_back(path, monkeypatch):
    """A mount that is stale for a moment: the message is tried again, and is no dead letter."""
    async with store.opened(path) as opened:
        queues = Lines(opened)
        with monkeypatch.context() as patched:
            patched.setattr(Path, "stat", refused)
            with pytest.raises(Transient, match="cannot be reached: Stale file handle"):
                await queues.send("q", 1)
        await queues.send("q", 2)
        assert await queues.count("q") == 1


def refused(_):
    raise OSError(errno.ESTALE, "Stale file handle")


@virtual()
async def test_a_receiver_that_is_cancelled_has_taken_nothing(path):
    """Not even when the message was given to it already; it is the first attempt for the next."""
    async with store.opened(path) as opened:
        queues = Lines(opened)
        await queues.send("orders", 1)
        async with asyncio.TaskGroup() as tasks:
            receiving = tasks.create_task(queues.receive("orders", lease=600))
            await asyncio.sleep(0)
            receiving.cancel()

        (received,) = await queues.receive("orders", wait=5)

    assert (received.value, received.attempt) == (1, 1)


@virtual()
async def test_what_is_sent_while_a_receiver_looks_wakes_it(path):
    """Both are parts of one transaction: the look finds nothing, and the ring comes before the wait."""
    async with store.opened(path) as opened:
        queues, topics, leases = Lines(opened), Logs(opened), Holders(opened)
        await queues.receive("other", wait=1)  # by now the store has looked at what other processes have written
        held = await leases.acquire("leader", 600)
        async with topics.subscribe("news") as subscription:
            began = asyncio.get_running_loop().time()
            for look, change in (
                (lambda: queues.receive("orders", wait=20), lambda: queues.send("orders", 1)),
                (lambda: anext(subscription), lambda: topics.publish("news", 1)),
                (lambda: leases.acquire("leader", 60, wait=20), lambda: leases.release(held)),
            ):
                # The first keeps the store at work, so that the other two come together.
                await asyncio.gather(queues.count("other"), look(), change())

    assert asyncio.get_running_loop().time() == began


# --- several processes -------------------------------------------------------------------------------------------


async def test_a_message_of_another_process_wakes_a_receiver(path):
    async with store.opened(path) as opened, asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        receiving = tasks.create_task(Lines(opened).receive("orders", most=1, wait=30))
        with child(path, 10) as process:
            (received,) = await receiving
            await asyncio.to_thread(process.wait)

    assert received.value == 0


async def test_two_stores_share_one_file(path):
    """Every message goes to one of them, and a lease has one holder."""
    async with store.opened(path) as one, store.opened(path) as two:
        await asyncio.gather(*(Lines(one).send("orders", number) for number in range(50)))
        taken = await asyncio.gather(*(Lines(each).receive("orders", most=30) for each in (one, two)))
        leases = await asyncio.gather(*(Holders(each).acquire("leader", 60) for each in (one, two)))

    assert sorted(each.value for found in taken for each in found) == list(range(50))
    assert [each is None for each in leases].count(True) == 1


# --- the clock ---------------------------------------------------------------------------------------------------


@virtual()
async def test_a_clock_that_goes_back_holds_nothing_up(path):
    """Leases, delays and times to live stay as long as they were."""
    async with store.opened(path) as opened:
        leases, queues, entries = Holders(opened), Lines(opened), Entries(opened)
        lease = await leases.acquire("leader", 60)
        await queues.send("orders", 1, delay=60)
        await entries.put("a", "k", 1, ttl=60)
        shift_wall(-3600)
        await asyncio.sleep(30)
        assert await leases.acquire("leader", 60) is None
        assert await queues.receive("orders") == []
        assert await entries.get("a", "k") is not None
        await asyncio.sleep(31)

        assert await leases.acquire("leader", 60) is not None
        assert len(await queues.receive("orders")) == 1
        assert await entries.get("a", "k") is None
        with pytest.raises(Lost):
            await leases.renew(lease, 60)


@virtual()
async def test_messages_keep_their_order_when_the_clock_goes_back(path):
    async with store.opened(path) as opened:
        queues = Lines(opened)
        for number in range(3):
            await queues.send("orders", number)
            shift_wall(-3600)

        assert [each.value for each in await queues.receive("orders", most=5)] == [0, 1, 2]


# --- nothing grows -----------------------------------------------------------------------------------------------


def rows(path, table):
    with sqlite3.connect(path) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


@virtual()
async def test_what_is_over_is_removed(path):
    async with store.opened(path) as opened:
        entries, queues, topics = Entries(opened), Lines(opened), Logs(opened)
        for number in range(20):
            await entries.put("a", str(number), number, ttl=10)
            await queues.send("orders", number, key=str(number))
            await topics.publish(f"topic {number}", number)
        with suppress(OctoError):
            await queues.request("asked", 1, timeout=1)
        await asyncio.sleep(AGE + 1)
        await entries.put("a", "last", 1)
        await queues.send("orders", 1, key="last")
        await topics.publish("last", 1)
        with suppress(OctoError):
            await queues.request("asked", 1, timeout=1)

        assert [rows(path, table) for table in ("entries", "sent", "events", "replies")] == [1, 1, 1, 1]


# --- damage ------------------------------------------------------------------------------------------------------


async def filled(path):
    async with store.opened(path) as opened:
        await Entries(opened).put("a", "k", {"text": "x" * 3000})
        for number in range(400):
            await Lines(opened).send("orders", f"order {number} " + "y" * 200)


async def content(path):
    async with store.opened(path) as opened:
        entry = await Entries(opened).get("a", "k")
        queues, found = Lines(opened), []
        for received in await queues.receive("orders", most=1000):
            found.append((received.id, received.value, received.attempt))
            await queues.nack(received)
    return entry, [each[:2] for each in found]


def test_a_flipped_byte_is_found_or_does_no_harm(path):
    """In no place of the file does it make the store silently shorter, or change what is in it."""
    run(filled(path))
    whole, data = run(content(path)), bytearray(path.read_bytes())
    chosen = random.Random(7)
    refused = 0
    for at in chosen.sample(range(len(data)), 40):
        damaged = bytearray(data)
        damaged[at] ^= 1 << chosen.randrange(8)
        for each in path.parent.iterdir():
            each.unlink()
        path.write_bytes(damaged)
        try:
            found = run(content(path))
        except OctoError:
            refused += 1
        else:
            assert found == whole, f"byte {at}"

    assert refused > 10


@pytest.mark.parametrize("bit", [0, 7])
@pytest.mark.parametrize("kept", ["ordering", "id", "reason"])
def test_a_changed_text_of_a_dead_letter_is_found(path, kept, bit):
    """Wherever it stands, and also if it is no text any more (bit 7), which SQLite does not mind."""

    async def fill():
        async with store.opened(path) as opened:
            queues = Lines(opened)
            id_ = await queues.send("jobs", 1, order="ordering key")
            (received,) = await queues.receive("jobs")
            await queues.reject(received, "some reason")
            return {"ordering": "ordering key", "id": id_, "reason": "some reason"}[kept].encode()

    text = run(fill())
    data = path.read_bytes()
    places = [found.start() for found in re.finditer(re.escape(text), data)]
    assert places
    for at in places:
        for each in path.parent.iterdir():
            each.unlink()
        damaged = bytearray(data)
        damaged[at] ^= 1 << bit
        path.write_bytes(damaged)
        with pytest.raises(Permanent) as caught:
            run(content(path))
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.7, 0.9])
def test_a_file_that_is_cut_off_is_refused(path, share):
    run(filled(path))
    os.truncate(path, int(path.stat().st_size * share))

    with pytest.raises(Permanent) as caught:
        run(content(path))

    assert str(path) in str(caught.value)


@pytest.mark.parametrize("cut", ["half", "flip", "gone"])
def test_a_damaged_log_of_a_killed_process_is_refused(path, cut):
    """SQLite itself would open it, and have fewer messages than were acknowledged."""
    killed(path, 50)
    log = path.with_name("octo.db-wal")
    data = bytearray(log.read_bytes())
    if cut == "half":
        os.truncate(log, len(data) // 2)
    elif cut == "flip":
        data[len(data) // 2] ^= 1
        log.write_bytes(data)
    else:
        log.unlink()

    with pytest.raises(Damaged) as caught:
        asyncio.run(everything(path))

    assert (caught.value.code, str(path) in str(caught.value)) == (codes.DAMAGED, True)


def test_what_is_no_store_is_refused(path):
    """A text, a database of something else, a folder, a file of a newer Octo."""
    path.parent.mkdir()
    path.write_text("hello " * 1000)
    with pytest.raises(Damaged, match="not a database"):
        run(everything(path))
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (name)")
    with pytest.raises(Permanent, match="something else"):
        run(everything(path))
    with pytest.raises(Permanent, match="cannot be opened"):
        run(everything(path.parent))
    newer = path.with_name("newer.db")
    run(everything(newer))
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(Permanent, match="newer Octo"):
        run(everything(newer))


async def _health(service):
    """The code of what the service says of itself; it writes a little to find out whether it can again."""
    try:
        await service.health()
    except OctoError as error:
        return error.code
    return ""


@virtual()
async def test_a_full_disk_makes_health_red_until_there_is_room(path):
    async with store.opened(path) as opened:
        queues = Lines(opened)
        await queues.send("orders", "first")
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name("octo.db-wal").stat().st_size, hard))
        try:
            with pytest.raises(Transient):
                await queues.send("orders", "x")
            assert [await _health(queues) for _ in range(2)] == ["OCTO-P115"] * 2
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
        assert await _health(queues) == ""
        assert await queues.count("orders") == 1


@virtual()
@pytest.mark.parametrize("name", ["octo.db", "octo.db-wal"])
@pytest.mark.parametrize("how", ["removed", "replaced"])
async def test_a_file_that_goes_away_while_it_is_in_use_is_noticed(path, name, how):
    """What is written into it would be gone with the process. An old snapshot must not take its place unnoticed."""
    async with store.opened(path) as opened:
        queues = Lines(opened)
        await queues.send("orders", "first")
        file = path.with_name(name)
        data = file.read_bytes()
        file.unlink()
        if how == "replaced":
            file.write_bytes(data)
        for _ in range(2):
            with pytest.raises(Damaged, match=f"'{name}' was removed or replaced while it was in use"):
                await queues.send("orders", "lost")
        assert await _health(queues) == "OCTO-P114"


def test_what_is_no_file_is_no_store(path):
    path.parent.mkdir()
    os.mkfifo(path)

    with pytest.raises(Permanent, match=r"no regular file\. Name a file on a local disk"):
        run(everything(path))


@virtual()
async def test_a_full_disk_refuses_and_loses_nothing(path):
    """Sends fail until there is room again; what was there before is there, and what was refused is not."""
    async with store.opened(path) as opened:
        queues = Lines(opened)
        await queues.send("orders", "first")
        (pages,) = opened._connection.execute("PRAGMA page_count").fetchone()
        opened._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        sending = (queues.send("orders", str(number) * 5000) for number in range(100))
        with pytest.raises(Transient) as caught:
            await asyncio.gather(*sending)
        opened._connection.execute("PRAGMA max_page_count = 100000")
        await queues.send("orders", "last")
        found = [each.value for each in await queues.receive("orders", most=1000)]

    assert caught.value.code == codes.FULL
    assert (found[0], found[-1]) == ("first", "last")


@asynccontextmanager
async def locked(path):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")
    connection.close()


async def test_a_file_that_another_process_holds_is_waited_for(path):
    async with store.opened(path) as opened, asyncio.TaskGroup() as tasks:
        async with locked(path):
            sending = tasks.create_task(Lines(opened).send("orders", 1))
            await asyncio.sleep(0.05)
            assert not sending.done()
        await sending
    assert await everything(path) == [1]


@virtual()
async def test_closing_waits_for_what_was_asked(path):
    async with asyncio.TaskGroup() as tasks, store.opened(path) as opened:
        for number in range(5):
            tasks.create_task(Lines(opened).send("orders", number))
        await asyncio.sleep(0)

    assert await everything(path) == [0, 1, 2, 3, 4]


def old(path):
    """A store as version 1 wrote it, with a message."""
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    for statement in schema.TABLES.split(";"):
        connection.execute(statement)
    connection.execute(
        "INSERT INTO messages (queue, id, value) VALUES ('orders', 'i', ?)", [values.sealed("old", "orders", "i")]
    )
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION}")
    connection.execute("PRAGMA user_version = 1")
    connection.close()


@virtual()
async def test_a_store_of_the_version_before_is_brought_up_to_date(path):
    """With what is in it; two processes that open it at once do it once."""
    old(path)
    async with store.opened(path) as opened, store.opened(path) as other:
        await Lines(opened).send("orders", "a", order="k")
        found = await Lines(other).receive("orders", most=10)

    assert [(each.value, each.order) for each in found] == [("old", ""), ("a", "k")]


@virtual()
async def test_a_process_of_the_version_before_makes_way_for_the_next_of_a_key(path):
    """It knows no ordering keys, removes a message, and the next one of its key may go."""
    async with store.opened(path) as opened:
        queues = Lines(opened)
        for number in range(3):
            await queues.send("orders", number, order="k")
        before = "UPDATE messages SET dead = 1, due = NULL, lent = NULL, attempt = 0 WHERE number = 1"
        for statement, next_ in ((before, 1), ("DELETE FROM messages WHERE number = 2", 2)):
            opened._connection.execute(statement)
            (found,) = await queues.receive("orders", most=10)
            assert found.value == next_
