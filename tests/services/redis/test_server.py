"""A server that cannot keep what services promise is refused; one that may lose something is named in the log."""

from __future__ import annotations

from dataclasses import replace

import pytest

from octo.core.errors import Permanent, Transient
from octo.services import codes
from octo.services.redis import store
from octo.services.redis.address import parse
from octo.services.redis.key_value import Entries
from octo.services.redis.queues import Lines
from octo.testing.redis import PASSWORD, Redis


@pytest.fixture
def server():
    """A server of this test alone, started with these settings."""
    with Redis.started() as server:

        def again(**settings):
            server.stop()
            server.settings = {name.replace("_", "-"): value for name, value in settings.items()}
            server.start()
            return parse(server.url)

        again.server = server
        yield again


async def opening(address):
    async with store.opened(address):
        pass


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"cluster_enabled": "yes"}, "a node of a cluster"),
        ({"maxmemory": "100mb", "maxmemory_policy": "allkeys-lru"}, "use `noeviction`"),
    ],
)
async def test_a_server_that_cannot_keep_promises_is_refused(server, settings, why):
    with pytest.raises(Permanent, match=why) as caught:
        await opening(server(**settings))

    assert caught.value.code == codes.NOT_STARTED


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, []),
        ({"maxmemory": "100mb"}, []),
        ({"maxmemory": "100mb", "maxmemory_policy": "volatile-lru"}, []),
        ({"appendonly": "no"}, ["`appendonly no`"]),
        ({"appendfsync": "everysec"}, ["`appendfsync everysec`"]),
        ({"appendfsync": "no", "maxmemory_policy": "allkeys-lru"}, ["`appendfsync no`", "`maxmemory-policy"]),
    ],
)
async def test_what_may_be_lost_is_said_once(server, settings, why, caplog):
    await opening(server(**settings))

    told = [record.fields["why"] for record in caplog.records if "may lose" in record.message]
    assert len(told) == len(why)
    assert all(text.startswith(begin) for text, begin in zip(told, why, strict=True))


async def test_nothing_has_a_time_to_live_that_an_eviction_could_take(redis, fresh_redis):
    async with store.opened(fresh_redis) as opened:
        await Entries(opened).put("a", "k", 1, ttl=600)
        await Lines(opened).send("orders", 1, key="k")

    keys = redis.ask("EVAL", f"return redis.call('KEYS', '{fresh_redis.prefix}:*')", "0")
    names = [each.decode() for each in keys.split(b"\r\n") if each.startswith(fresh_redis.prefix.encode())]
    assert len(names) >= 8
    assert {redis.ask("TTL", name) for name in names} == {b":-1\r\n"}


async def test_a_wrong_password_is_told_and_not_shown(server):
    address = server(requirepass=PASSWORD)
    for given in (address, replace(address, password="hunter2")):
        with pytest.raises(Transient, match="refuses the user or the password") as caught:
            await opening(given)
        assert "hunter2" not in str(caught.value)
    await opening(replace(address, password=PASSWORD))


async def test_a_user_needs_few_rights(server, caplog):
    address = server()
    rights = ("on", ">hunter2", "~octo:*", "&octo:bells", "+@all", "-@admin", "-@dangerous")
    server.server.ask("ACL", "SETUSER", "octo", *rights)
    async with store.opened(replace(address, user="octo", password="hunter2"), poll=0.1) as opened:
        await Lines(opened).send("orders", 1)
        assert len(await Lines(opened).receive("orders")) == 1
    assert [record.fields["why"][:24] for record in caplog.records] == ["the user may not call IN"]


async def test_a_right_that_is_missing_is_told(server):
    address = server()
    server.server.ask("ACL", "SETUSER", "octo", "on", ">hunter2", "~other:*", "&*", "+@all")
    with pytest.raises(Transient, match=r"can.t access|lacks a right"):
        await opening(replace(address, user="octo", password="hunter2"))


async def test_a_memory_that_is_full_refuses_and_loses_nothing(server):
    address = server(maxmemory="5mb")
    async with store.opened(address) as opened:
        queues, sent, refused = Lines(opened), 0, None
        while refused is None:
            try:
                await queues.send("orders", "x" * 100_000)
                sent += 1
            except Transient as error:
                refused = error
        assert (refused.code, "its memory is full" in str(refused)) == (codes.FULL, True)
        server.server.ask("CONFIG", "SET", "maxmemory", "0")
        assert await queues.count("orders") == sent
        assert len(await queues.receive("orders", most=1000)) == sent


async def test_a_server_that_became_a_replica_is_told_and_another_connection_is_tried(server):
    address = server()
    async with store.opened(address, poll=0.1) as opened:
        server.server.ask("REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(Transient, match="a replica"):
            await Entries(opened).put("a", "k", 1)
        server.server.ask("REPLICAOF", "NO", "ONE")
        await Entries(opened).put("a", "k", 2)


async def test_a_newer_octo_is_not_written_over(redis, fresh_redis):
    redis.ask("HSET", f"{fresh_redis.prefix}:store", "version", "99")

    with pytest.raises(Permanent, match="written by a newer Octo: their version is 99"):
        await opening(fresh_redis)
