"""Servers and streams that cannot be used, and what the error says."""

from __future__ import annotations

import pytest

from octo.core.errors import OctoError, Permanent
from octo.services import codes
from octo.services.container import Services, Unavailable
from octo.services.nats import link, opening, streams
from octo.services.nats.address import parse
from octo.services.nats.key_value import Entries
from octo.services.nats.leases import Holders
from octo.services.nats.queues import Lines
from octo.services.nats.topics import Logs
from octo.services.places import openers
from octo.testing.nats import Nats


class Small(Nats):
    def settings(self):
        return super().settings().replace("max_payload: 8MB\n", "")


class Plain(Nats):
    def settings(self):
        return "max_payload: 8MB\n"


class Guarded(Nats):
    def settings(self):
        return f'{super().settings()}authorization {{ user: octo, password: "p@ss,w0rd" }}\n'


async def refusal(url):
    with pytest.raises(Unavailable) as caught:
        async with Services(openers(url)) as services:
            await services.open(["queues"])
    assert caught.value.code == codes.NOT_STARTED
    return str(caught.value)


async def test_a_server_whose_messages_are_too_small_is_refused():
    with Small.started() as server:
        assert "a value may need 4,194,304: write `max_payload: 8MB` in its file" in await refusal(server.url)


async def test_a_server_without_jetstream_is_refused():
    with Plain.started() as server:
        assert "the server has no JetStream: start it with `-js`" in await refusal(server.url)


async def test_who_may_not_log_in_is_told_and_the_password_is_not():
    with Guarded.started() as server:
        assert "Authorization Violation" in await refusal(server.url)
        told = await refusal(f"nats://octo:hunter2@{server.address}")
        assert "Authorization Violation" in told
        assert "hunter2" not in told

        async with Services(openers(f"nats://octo:p%40ss%2Cw0rd@{server.address}")) as services:
            await services.open(["queues"])


async def test_a_server_that_speaks_no_tls_is_refused_before_it_hears_the_password(nats):
    assert "it does not speak TLS" in await refusal(f"tls://octo:hunter2@{nats.address}")


async def test_nobody_there():
    told = await refusal("nats://127.0.0.1:1%2C127.0.0.1:2")
    assert "cannot connect to NATS at 127.0.0.1:1,127.0.0.1:2/octo: Connection refused" in told


@pytest.mark.parametrize(
    ("version", "is_refused"),
    [("2.10.26", True), ("2.9.10", True), ("2.11.11", True), ("2.12.0", False), ("3.0", False)],
)
def test_versions(version, is_refused):
    class Connection:
        info = {"version": version, "jetstream": True, "max_payload": 8 << 20}

    address = parse("nats://host")
    if is_refused:
        with pytest.raises(Permanent, match=rf"the server has version {version}; services need 2\.12 or newer"):
            streams.check(address, Connection())
    else:
        streams.check(address, Connection())


async def test_a_stream_of_something_else_is_left_alone(nats, fresh_nats):
    async with opening.opened(fresh_nats) as opened:
        await opened.link.api("STREAM.CREATE.other_keys", name="other_keys", subjects=["other.>"])

        assert "the stream 'other_keys' is of something else" in await refusal(f"{nats.url}/other")


async def test_a_stream_of_a_newer_octo_is_left_alone(nats, fresh_nats):
    async with opening.opened(fresh_nats) as opened:
        name = opened.stream(streams.QUEUES)
        config = (await opened.link.look(name))["config"]
        await opened.link.api(f"STREAM.UPDATE.{name}", **{**config, "metadata": {"octo": "2"}})

        assert "was written by a newer Octo: its version is 2" in await refusal(f"{nats.url}/{fresh_nats.prefix}")


async def test_streams_that_vanish_come_again_and_tokens_and_versions_still_grow(fresh_nats, until):
    """Somebody has removed them, or the server has lost its disk."""
    async with opening.opened(fresh_nats, poll=0.1) as opened:
        leases, entries = Holders(opened), Entries(opened)
        token, version = (await leases.acquire("leader", 600)).token, await entries.put("a", "k", 1)
        for kind in (streams.KEYS, streams.QUEUES, streams.TOPICS):
            await opened.link.api(f"STREAM.DELETE.{opened.stream(kind)}")

        async def is_back():
            try:
                await Lines(opened).send("orders", 1)
                await Logs(opened).publish("topic", 1)
                await leases.acquire("another", 600)
                return await entries.put("a", "k", 1) > version
            except OctoError:
                return False

        await until(is_back)
        assert (await leases.acquire("leader", 600, wait=60)).token > token


def test_what_counts_as_a_sign_of_life_comes_often():
    assert link.POLL + link.ANSWER <= 5
