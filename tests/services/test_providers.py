"""Every provider keeps what its port promises: one suite over all of them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from octo.services import files
from octo.services.embedded import store
from octo.services.embedded.key_value import Entries
from octo.services.embedded.leases import Holders
from octo.services.embedded.queues import Lines
from octo.services.embedded.topics import Logs
from octo.services.memory import key_value, leases, queues, resources, secrets, topics
from octo.services.nats import (
    key_value as nats_key_value,
    leases as nats_leases,
    opening as nats_opening,
    queues as nats_queues,
    topics as nats_topics,
)
from octo.services.platform import (
    key_value as platform_key_value,
    leases as platform_leases,
    queues as platform_queues,
    store as platform_store,
    topics as platform_topics,
)
from octo.services.postgres import (
    key_value as postgres_key_value,
    leases as postgres_leases,
    queues as postgres_queues,
    store as postgres_store,
    topics as postgres_topics,
)
from octo.services.redis import (
    key_value as redis_key_value,
    leases as redis_leases,
    queues as redis_queues,
    store as redis_store,
    topics as redis_topics,
)
from octo.services.secrets import keys, store as secret_stores
from octo.services.secrets.encrypted import Encrypted
from octo.services.secrets.environment import Variables
from octo.services.secrets.mounted import Mounted
from octo.testing import clock
from octo.testing.services import KEY_VALUE, LEASES, QUEUES, RESOURCES, SECRETS, TOPICS
from octo.testing.services.resources import CONTENT as RESOURCES_CONTENT
from octo.testing.services.secrets import CONTENT as SECRETS_CONTENT


def embedded(provider):
    """An opener of the provider, in a store of its own."""

    @asynccontextmanager
    async def opened():
        with TemporaryDirectory() as folder:
            async with store.opened(Path(folder) / "octo.db") as opened:
                yield provider(opened)

    return opened


def in_files(provider, content):
    """An opener of the provider, on a folder with this content."""

    @asynccontextmanager
    async def opened():
        with TemporaryDirectory() as folder:
            for name, data in content.items():
                path = Path(folder, name)
                path.parent.mkdir(exist_ok=True, parents=True)
                path.write_bytes(data.encode() if isinstance(data, str) else data)
            async with provider(Path(folder)) as opened:
                yield opened

    return opened


def mounted(folder):
    return secret_stores.opened(Mounted(folder))


def environment():
    return secret_stores.opened(Variables("APP_", {f"APP_{name}": text for name, text in SECRETS_CONTENT.items()}))


@asynccontextmanager
async def encrypted():
    with TemporaryDirectory() as folder:
        store = Encrypted(Path(folder) / "secrets.json", {keys.VARIABLE: keys.made(date(2026, 1, 1))})
        for name, text in SECRETS_CONTENT.items():
            store.set(name, text)
        async with secret_stores.opened(store) as opened:
            yield opened


PROVIDERS = [
    ("embedded", KEY_VALUE, embedded(Entries)),
    ("embedded", LEASES, embedded(Holders)),
    ("embedded", QUEUES, embedded(Lines)),
    ("embedded", TOPICS, embedded(Logs)),
    ("encrypted", SECRETS, encrypted),
    ("environment", SECRETS, environment),
    ("files", RESOURCES, in_files(files.opened, RESOURCES_CONTENT)),
    ("files", SECRETS, in_files(mounted, SECRETS_CONTENT)),
    ("memory", KEY_VALUE, key_value.opened),
    ("memory", LEASES, leases.opened),
    ("memory", QUEUES, queues.opened),
    ("memory", RESOURCES, partial(resources.opened, RESOURCES_CONTENT)),
    ("memory", SECRETS, partial(secrets.opened, SECRETS_CONTENT)),
    ("memory", TOPICS, topics.opened),
]


@pytest.mark.parametrize(
    ("suite", "check", "opened"),
    [
        pytest.param(suite, check, opened, id=f"{name}-{suite.port}-{check.__name__}")
        for name, suite, opened in PROVIDERS
        for check in suite.checks
    ],
)
def test_a_provider_keeps_its_promises(suite, check, opened):
    """Each check of the port's suite holds."""
    clock.run(suite.run_one(check, opened))


SECOND = 0.4
"""Real seconds: the server's clock counts."""

ON_POSTGRES = [
    (KEY_VALUE, postgres_key_value.Entries),
    (LEASES, postgres_leases.Holders),
    (QUEUES, postgres_queues.Lines),
    (TOPICS, postgres_topics.Logs),
]


@pytest.mark.parametrize(
    ("suite", "check", "provider"),
    [
        pytest.param(suite, check, provider, id=f"postgres-{suite.port}-{check.__name__}")
        for suite, provider in ON_POSTGRES
        for check in suite.checks
    ],
)
def test_postgres_keeps_its_promises(suite, check, provider, database):
    """The same on a real server; the checks share its tables."""

    @asynccontextmanager
    async def opened():
        async with postgres_store.opened(database) as opened:
            yield provider(opened)

    asyncio.run(suite.run_one(check, opened, second=SECOND))


ON_REDIS = [
    (KEY_VALUE, redis_key_value.Entries),
    (LEASES, redis_leases.Holders),
    (QUEUES, redis_queues.Lines),
    (TOPICS, redis_topics.Logs),
]


@pytest.mark.parametrize(
    ("suite", "check", "provider"),
    [
        pytest.param(suite, check, provider, id=f"redis-{suite.port}-{check.__name__}")
        for suite, provider in ON_REDIS
        for check in suite.checks
    ],
)
def test_redis_keeps_its_promises(suite, check, provider, redis_place):
    """The same on a real server; the checks share its keys."""

    @asynccontextmanager
    async def opened():
        async with redis_store.opened(redis_place) as opened:
            yield provider(opened)

    asyncio.run(suite.run_one(check, opened, second=SECOND))


ON_NATS = [
    (KEY_VALUE, nats_key_value.Entries),
    (LEASES, nats_leases.Holders),
    (QUEUES, nats_queues.Lines),
    (TOPICS, nats_topics.Logs),
]


@pytest.mark.parametrize(
    ("suite", "check", "provider"),
    [
        pytest.param(suite, check, provider, id=f"nats-{suite.port}-{check.__name__}")
        for suite, provider in ON_NATS
        for check in suite.checks
    ],
)
def test_nats_keeps_its_promises(suite, check, provider, jetstream):
    """The same on a real server; the checks share its streams."""

    @asynccontextmanager
    async def opened():
        async with nats_opening.opened(jetstream) as opened:
            yield provider(opened)

    asyncio.run(suite.run_one(check, opened, second=SECOND))


FAR = 1.5
"""Real seconds, for calls that take longer: HTTP, and a commit for each."""

ON_PLATFORM = [
    (KEY_VALUE, platform_key_value.Entries),
    (LEASES, platform_leases.Holders),
    (QUEUES, platform_queues.Lines),
    (TOPICS, platform_topics.Logs),
]


@pytest.mark.timeout(600)  # thousands of calls one after the other, on a machine that may be busy
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
@pytest.mark.parametrize(
    ("suite", "check", "provider"),
    [
        pytest.param(suite, check, provider, id=f"platform-{suite.port}-{check.__name__}")
        for suite, provider in ON_PLATFORM
        for check in suite.checks
    ],
)
def test_the_platform_keeps_its_promises(suite, check, provider, database, platforms):
    """The same in a real process of the platform, on both databases; the checks share a deployment's store."""
    address = platforms(database)

    @asynccontextmanager
    async def opened():
        async with platform_store.opened(address) as opened:
            yield provider(opened)

    asyncio.run(suite.run_one(check, opened, second=FAR))
