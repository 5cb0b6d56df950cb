"""Real servers for the tests of services; each test process has its own."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from urllib.parse import quote

import asyncpg
import pytest

from octo.core.message import new_id
from octo.services.nats import address as nats_address
from octo.services.postgres import address
from octo.services.redis.address import parse as redis_address
from octo.testing.nats import Nats
from octo.testing.postgres import PASSWORD, Postgres
from octo.testing.redis import Redis
from octo.testing.servers import Missing
from tests.services.platform.scene import started


@pytest.fixture(scope="session")
def postgres():
    try:
        with Postgres.started() as server:
            yield server
    except Missing as error:
        pytest.fail(str(error))


@pytest.fixture(scope="session")
def postgres_url(postgres):
    return f"postgresql://octo:{quote(PASSWORD, safe='')}@{postgres.address}/postgres"


@pytest.fixture(scope="session")
def database(postgres_url):
    """The address of services that tests share."""
    return address.parse(postgres_url)


@pytest.fixture
def fresh(database):
    """The address of services of this test alone."""
    return replace(database, schema=f"t{new_id()[:20]}")


@pytest.fixture(scope="session")
def redis():
    try:
        with Redis.started() as server:
            yield server
    except Missing as error:
        pytest.fail(str(error))


@pytest.fixture(scope="session")
def nats():
    try:
        with Nats.started() as server:
            yield server
    except Missing as error:
        pytest.fail(str(error))


@pytest.fixture(scope="session")
def redis_place(redis):
    """The address of services that tests share."""
    return redis_address(redis.url)


@pytest.fixture
def fresh_redis(redis_place):
    """The address of services of this test alone."""
    return replace(redis_place, prefix=f"t{new_id()[:20]}")


@pytest.fixture(scope="session")
def jetstream(nats):
    """The address of services on NATS that tests share."""
    return nats_address.parse(nats.url)


@pytest.fixture
def fresh_nats(jetstream):
    """The address of services on NATS of this test alone."""
    return replace(jetstream, prefix=f"t{new_id()[:20]}")


async def execute(url, statement):
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def platforms(postgres_url, tmp_path_factory, free_port):
    """A platform on each database, started when it is first asked for; returns what a deployment on it is given."""
    with ExitStack() as stack:

        @cache
        def place(kind):
            folder = tmp_path_factory.mktemp(kind)
            database = ""
            if kind == "postgres":  # one of its own: the services in PostgreSQL have tables there, too
                asyncio.run(execute(postgres_url, "CREATE DATABASE platform"))
                database = f"{postgres_url.rpartition('/')[0]}/platform"
            platform = stack.enter_context(started(folder, (free_port(), free_port()), database))
            return platform.deployed("conformance")

        yield place


@pytest.fixture
def until():
    """Return when the condition holds; the limit is far beyond what it takes."""

    async def wait(condition):
        async with asyncio.timeout(60):
            while not await condition():
                await asyncio.sleep(0.02)

    return wait
