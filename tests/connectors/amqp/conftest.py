"""A real RabbitMQ, one for each test process, and a client of its own that looks into it."""

from __future__ import annotations

import asyncio
import subprocess
from contextlib import asynccontextmanager, suppress

import aio_pika
import pytest
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError, QueueEmpty
from aiormq.exceptions import ConnectionInternalError

from octo.builtin import plugins as builtin_plugins
from octo.core.message import new_id
from octo.testing import running as running_at_once
from octo.testing.probe import history, probe_plugins
from octo.testing.rabbitmq import RabbitMQ
from octo.testing.servers import Missing, free_port

PATIENCE = 60.0
"""Seconds until a test gives up. Generous: it never decides how long a passing test takes."""


class Encrypted(RabbitMQ):
    """It also listens with TLS."""

    def __init__(self, folder):
        super().__init__(folder)
        self.encrypted = free_port()
        self.certificate = folder / "cert.pem"
        command = (
            "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=rabbit -addext subjectAltName=IP:127.0.0.1"
        )
        paths = ["-keyout", str(folder / "key.pem"), "-out", str(self.certificate)]
        subprocess.run([*command.split(), *paths], check=True, capture_output=True)

    def configuration(self):
        return (
            super().configuration()
            + f"listeners.ssl.1 = 127.0.0.1:{self.encrypted}\n"
            + f"ssl_options.certfile = {self.certificate}\nssl_options.keyfile = {self.folder}/key.pem\n"
        )


@pytest.fixture(scope="session")
def rabbit():
    try:
        with Encrypted.started() as server:
            yield server
    except Missing as error:
        pytest.fail(str(error))


class Side:
    """What other programs do: publish into a queue, and look what it holds."""

    def __init__(self, url):
        self.url = url
        self.name = f"q{new_id()[:12]}"

    @asynccontextmanager
    async def channel(self):
        async with await aio_pika.connect(self.url) as connection, connection.channel() as channel:
            yield channel

    async def declare(self, name=None, *, kind="classic", durable=True, **arguments):
        given = {name.replace("_", "-"): value for name, value in arguments.items()}
        async with self.channel() as channel:
            await channel.declare_queue(name or self.name, durable=durable, arguments={"x-queue-type": kind, **given})

    async def publish(self, body, queue=None, exchange="", **properties):
        data = body if isinstance(body, bytes) else body.encode()
        async with self.channel() as channel:
            target = await channel.get_exchange(exchange, ensure=False)
            message = aio_pika.Message(data, **{"content_type": "application/json", **properties})
            while True:
                with suppress(DeliveryError):  # a quorum queue that was just made may refuse
                    await target.publish(message, queue or self.name, mandatory=not exchange)
                    return

    async def get(self, queue=None):
        """The next message of the queue, which is then gone; None if there is none."""
        async with self.channel() as channel:
            try:
                message = await (await channel.get_queue(queue or self.name)).get(timeout=PATIENCE)
            except (QueueEmpty, ChannelNotFoundEntity, ConnectionInternalError):  # the last: it is being made
                return None
            await message.ack()
            return message

    async def count(self, queue=None):
        """How many messages are ready in the queue; None without a queue."""
        async with self.channel() as channel:
            try:
                found = await channel.declare_queue(queue or self.name, passive=True)
            except ChannelNotFoundEntity:
                return None
            return found.declaration_result.message_count

    async def delete(self, queue=None):
        async with self.channel() as channel:
            await channel.queue_delete(queue or self.name)


@pytest.fixture
def side(rabbit):
    return Side(rabbit.url)


async def until(condition):
    """Return what the condition returns once that is true. It may be a coroutine function."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.01)


@pytest.fixture
def plugins():
    history.clear()
    return probe_plugins(builtin_plugins())


@pytest.fixture
def running(rabbit, plugins):
    @asynccontextmanager
    async def run(text, **more):
        async with running_at_once(text, plugins, {"AMQP": rabbit.url}, **more) as app:
            yield app

    return run
