"""The services in the data plane on a bad day. What they do on a good one: test_providers."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from contextlib import closing, suppress

import pytest

from octo.core.errors import NotConnected, Permanent, Transient
from octo.services import codes
from octo.services.platform import errors, link, store
from octo.services.platform.address import Address
from octo.services.platform.key_value import Entries
from octo.services.platform.leases import Holders
from octo.services.platform.queues import Lines
from octo.services.platform.topics import Logs
from octo.services.values import Damaged
from tests.services.platform.scene import started

CHILD = """
import asyncio, sys
from octo.services.ports import Conflict, Lost
from octo.services.platform import store
from octo.services.platform.address import Address
from octo.services.platform.key_value import Entries
from octo.services.platform.leases import Holders
from octo.services.platform.queues import Lines

async def send(opened, most):
    queues = Lines(opened)
    async def one(number):
        await queues.send("orders", number)
        print(number, flush=True)
    for start in range(0, int(most), 10):
        await asyncio.gather(*map(one, range(start, start + 10)))

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

async def main(url, token, what, argument):
    async with store.opened(Address(url, token)) as opened:
        await globals()[what](opened, argument)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory, free_port):
    """A platform of these tests alone: they kill it."""
    with started(tmp_path_factory.mktemp("platform"), (free_port(), free_port())) as found:
        yield found


@pytest.fixture
def address(platform, request):
    """Of a deployment of this test alone."""
    return platform.deployed(slug(request))


def slug(request):
    return f"d{abs(hash(request.node.name)) % 10**9}"


@pytest.fixture
def child(address):
    """Start a process that does something with the services of this test."""

    def start(what, argument):
        command = [sys.executable, "-c", CHILD, address.url, address.token, what, str(argument)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    return start


@pytest.fixture
async def opened(address):
    async with store.opened(address) as found:
        yield found


async def everything(queues):
    """All values in the queue, in its order."""
    found = []
    while received := await queues.receive("orders", most=1000, lease=600):
        found += [each.value for each in received]
    return found


# --- the platform goes -------------------------------------------------------------------------------------------


async def test_what_was_sent_is_there_after_the_platform_was_killed(platform, child, opened):
    """All that was acknowledged, and at most the ten messages in flight more, each once and in order."""
    with child("send", 1_000_000) as process:
        sent = [int(await asyncio.to_thread(process.stdout.readline)) for _ in range(50)]
        await asyncio.to_thread(platform.kill)
        sent += map(int, (await asyncio.to_thread(process.communicate))[0].split())
    await asyncio.to_thread(platform.start)

    found = await everything(Lines(opened))
    assert set(sent) <= set(found)
    assert found == list(range(len(found)))
    assert len(found) - len(sent) <= 10


@pytest.fixture
async def patient(address):
    """A store whose calls may take long: on a busy machine a start takes its time."""
    async with store.opened(address, patience=120) as found:
        yield found


async def test_a_restart_costs_a_pause(platform, patient):
    """Calls that come meanwhile are carried out afterwards; what waits goes on waiting, and gets what comes then."""
    opened = patient
    entries, queues, leases, topics = Entries(opened), Lines(opened), Holders(opened), Logs(opened)
    await entries.put("state", "a", 1)
    held = await leases.acquire("l", 600)
    async with asyncio.TaskGroup() as tasks, topics.subscribe("t") as subscription:
        waits = [
            tasks.create_task(queues.receive("orders", wait=120)),
            tasks.create_task(leases.acquire("l", 600, wait=120)),
            tasks.create_task(anext(subscription)),
        ]
        await asyncio.sleep(0.5)
        await asyncio.to_thread(platform.kill)
        restarted = tasks.create_task(asyncio.to_thread(platform.start))
        assert (await entries.get("state", "a")).value == 1
        assert await entries.increment("state", "a") == 2
        await queues.send("orders", "after")
        await topics.publish("t", "after")
        await leases.release(held)
        await restarted
        received, lease, event = await asyncio.gather(*waits)
        assert ([each.value for each in received], event.value) == (["after"], "after")
        assert lease.token > held.token


async def test_tokens_and_versions_grow_over_a_restart(platform, opened):
    entries, leases = Entries(opened), Holders(opened)
    version, lease = await entries.put("state", "a", 1), await leases.acquire("l", 0.1)
    await entries.delete("state", "a")
    await asyncio.to_thread(platform.kill)
    await asyncio.to_thread(platform.start)
    assert await entries.put("state", "a", 1, version=0) > version
    assert (await leases.acquire("l", 60, wait=60)).token > lease.token


async def test_a_platform_that_is_away_is_told_by_calls_and_health(platform, address, until):
    """Within the patience; and when it is back, all goes on."""
    async with store.opened(address, patience=1.0, poll=0.1, answer=1.0) as opened:
        entries = Entries(opened)
        await asyncio.to_thread(platform.kill)
        for work in (entries.get("a", "a"), entries.put("a", "a", 1), Lines(opened).receive("q", wait=60)):
            with pytest.raises(NotConnected, match="cannot connect to the platform at 127") as caught:
                await work
            assert caught.value.code == codes.SERVER

        async def is_sick():
            try:
                await entries.health()
            except Transient:
                return True
            return False

        await until(is_sick)
        await asyncio.to_thread(platform.start)
        async with asyncio.timeout(60):
            while await is_sick():
                await asyncio.sleep(0.05)
        await entries.put("a", "a", 1)


async def test_a_platform_that_does_not_answer_holds_nobody_up(platform, address):
    """A frozen process, as behind a network that swallows packets: calls end within their patience."""
    async with store.opened(address, patience=0.5) as opened:
        await Entries(opened).put("a", "a", 1)
        platform.freeze()
        try:
            for work in (Entries(opened).put("a", "a", 2), Lines(opened).send("q", 1), Holders(opened).acquire("l", 9)):
                with pytest.raises(Transient, match="no answer in time") as caught:
                    await work
                assert caught.value.code == codes.SERVER
        finally:
            platform.freeze(thaw=True)
    async with store.opened(address) as opened:
        assert (await Entries(opened).get("a", "a")).value in (1, 2)


# --- the deployment goes -----------------------------------------------------------------------------------------


async def test_a_token_that_was_taken_away_opens_nothing(platform, address, opened, request):
    """The error says so; it may pass, since nobody can know whether the platform is the right one."""
    entries = Entries(opened)
    await entries.put("a", "a", 1)
    await asyncio.to_thread(platform.remove, slug(request))
    for work in (entries.get("a", "a"), entries.put("a", "a", 2), Lines(opened).receive("q", wait=30)):
        with pytest.raises(Transient, match="does not know the token") as caught:
            await work
        assert caught.value.code == codes.SERVER
    with pytest.raises(Transient, match="does not know the token"):
        async with store.opened(address):
            pass


async def test_another_deployment_sees_nothing(platform, opened):
    other = platform.deployed("another")
    await Entries(opened).put("a", "a", "mine")
    await Lines(opened).send("orders", "mine")
    async with store.opened(other) as theirs:
        assert await Entries(theirs).get("a", "a") is None
        assert await Lines(theirs).receive("orders") == []


# --- several processes -------------------------------------------------------------------------------------------


async def test_a_message_that_a_killed_process_had_comes_back(child, opened):
    queues = Lines(opened)
    await queues.send("orders", 1)
    with child("hold", 2.0) as process:
        await asyncio.to_thread(process.stdout.readline)
        process.kill()
    (received,) = await queues.receive("orders", wait=60)
    assert (received.value, received.attempt) == (1, 2)


async def test_a_process_that_was_stopped_can_hurt_nobody(child, opened):
    """It wakes up after its lease, its message and its version have gone to others."""
    queues, leases, entries = Lines(opened), Holders(opened), Entries(opened)
    await queues.send("orders", "work")
    with child("hold", 2.0) as process:
        token = int(await asyncio.to_thread(process.stdout.readline))
        process.send_signal(signal.SIGSTOP)
        lease = await leases.acquire("leader", 600, wait=60)
        await entries.put("state", "owner", lease.token)
        (received,) = await queues.receive("orders", lease=600, wait=60)
        process.send_signal(signal.SIGCONT)
        output, _ = await asyncio.to_thread(process.communicate, "\n")
    assert lease.token > token
    assert output.split() == ["Lost", "Lost", "Lost", "Lost", "Conflict", "done", "done"]
    await leases.renew(lease, 600)
    await queues.ack(received)
    assert (await entries.get("state", "owner")).value == lease.token


# --- many tasks, and values of any kind --------------------------------------------------------------------------


async def test_many_tasks_at_once(patient):
    """A thousand callers: none is refused, and none is lost."""
    entries, queues = Entries(patient), Lines(patient)
    async with asyncio.TaskGroup() as tasks:
        counts = [tasks.create_task(entries.increment("a", "n")) for _ in range(300)]
        sent = [tasks.create_task(queues.send("orders", number)) for number in range(1000)]
    assert sorted(each.result() for each in counts) == list(range(1, 301))
    assert len({each.result() for each in sent}) == 1000
    received = await queues.receive("orders", most=1000)
    await asyncio.gather(*map(queues.ack, received))
    assert [each.value for each in received] == list(range(1000))
    assert await queues.count("orders") == 0


async def test_who_is_cancelled_has_taken_nothing(opened):
    """However far the call has come."""
    queues = Lines(opened)
    for number in range(20):
        await queues.send("orders", number)
    for number in range(20):
        async with asyncio.TaskGroup() as tasks:
            taking = tasks.create_task(queues.receive("orders", lease=600, wait=number % 2))
            await asyncio.sleep(number * 0.002)
            taking.cancel()
        if not taking.cancelled():
            for each in taking.result():
                await queues.nack(each)

    async with asyncio.timeout(60):
        found = []
        while len(found) < 20:
            found += await queues.receive("orders", most=20, lease=600, wait=1)
    assert sorted(each.value for each in found) == list(range(20))


async def test_a_value_that_others_wrote_is_not_taken_for_ours(opened):
    entries = Entries(opened)
    await entries.put("a", "a", "x")
    for wrong in (b"", b"x", b"=", b"=xxxx1", b"z", b"z" + bytes(8), b"z" + b"\0" * 7 + b"\x05abcde"):
        await opened.call("PUT", "/kv/entry", {"namespace": "a", "key": "a"}, wrong)
        with pytest.raises(Damaged):
            await entries.get("a", "a")


async def test_a_full_store_is_told(opened):
    """As something that may pass: others may make room."""
    entries = Entries(opened)

    async def fill():
        for number in range(100):
            await entries.put("a", str(number), random.randbytes(1_000_000))

    with pytest.raises(Transient, match="at most 67,108,864 bytes") as caught:
        await fill()
    assert caught.value.code == codes.FULL


# --- another server ----------------------------------------------------------------------------------------------


@pytest.fixture
async def server(port):
    """A server that answers whatever it is told to, at any path."""
    answers = []

    async def serve(reader, writer):
        with suppress(asyncio.IncompleteReadError), closing(writer):
            while await reader.readuntil(b"\r\n\r\n"):
                status, kind, body = answers[0] if len(answers) == 1 else answers.pop(0)
                head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)

    async with await asyncio.start_server(serve, "127.0.0.1", port):
        yield Address(f"http://127.0.0.1:{port}", "octod_x"), answers


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (404, b"<html>", "has no data plane that this Octo knows"),
        (404, b'{"code": "not-found", "title": "no"}', "has no data plane that this Octo knows"),
        (200, b'{"version": 2, "features": []}', "has version 2 of the data plane, not 1"),
        (200, b'{"version": 1, "features": ["key-value", "leases"]}', "does not offer queues, resources, topics"),
    ],
)
async def test_a_platform_that_lacks_something_is_refused(server, status, body, told):
    address, answers = server
    answers.append((status, "application/json", body))
    with pytest.raises(Permanent, match=told) as caught:
        async with store.opened(address):
            pass
    assert caught.value.code == codes.LACKING


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"1", b'{"code": 1}', b"[" * 100_000, b"\xff"])
def test_what_is_no_problem_is_one_too(body):
    found = errors.problem(502, body)
    assert (found.code, found.text) == ("", "HTTP 502")
    assert isinstance(errors.refused("x", found), Transient)


async def test_who_is_busy_is_asked_again(server):
    address, answers = server
    busy = (503, "application/problem+json", b'{"code": "busy", "title": "Too much is under way"}')
    fine = (
        200,
        "application/json",
        b'{"version": 1, "features": ["key-value","leases","queues","resources","topics"]}',
    )
    answers += [busy, busy, fine]
    async with store.opened(address):
        pass
    answers[:] = [busy]
    with pytest.raises(Transient, match="Too much is under way"):
        async with store.opened(address, patience=0.3):
            pass


async def test_a_proxy_with_nobody_behind_it_is_asked_again(server):
    """503 from something in between says that nothing was done; 502 does not, and is no platform that is too old."""
    address, answers = server
    answers += [(503, "text/html", b"<html>"), (502, "text/html", b"<html>")]
    with pytest.raises(Transient, match="did not do it: HTTP 502") as caught:
        async with store.opened(address):
            pass
    assert caught.value.code == codes.SERVER


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"\xff"])
async def test_an_answer_of_something_else_is_no_bug(server, body):
    address, answers = server
    fine = (
        200,
        "application/json",
        b'{"version": 1, "features": ["key-value","leases","queues","resources","topics"]}',
    )
    answers += [fine, (200, "text/html", body)]
    async with store.opened(address, poll=600) as opened:
        works = Lines(opened).send("q", 1), Lines(opened).receive("q"), Entries(opened).list("a")
        for work in (*works, Holders(opened).acquire("l", 9), Lines(opened).count("q")):
            with pytest.raises(Transient, match="cannot be read") as caught:
                await work
            assert caught.value.code == codes.SERVER


async def test_an_answer_without_end_is_cut_off(server, monkeypatch):
    monkeypatch.setattr(link, "MOST", 1000)
    address, answers = server
    answers.append((200, "text/plain", bytes(2000)))
    with pytest.raises(Transient, match="answered more than 1,000 bytes"):
        async with store.opened(address, patience=0.3):
            pass
