"""Every provider keeps what its port promises: one suite over all of them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from octo.services.embedded import store
from octo.services.embedded.key_value import Entries
from octo.services.embedded.leases import Holders
from octo.services.embedded.queues import Lines
from octo.services.embedded.topics import Logs
from octo.services.memory import key_value, leases, queues, resources, secrets, topics
from octo.services.postgres import (
    key_value as postgres_key_value,
    leases as postgres_leases,
    queues as postgres_queues,
    store as postgres_store,
    topics as postgres_topics,
)
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


PROVIDERS = [
    ("embedded", KEY_VALUE, embedded(Entries)),
    ("embedded", LEASES, embedded(Holders)),
    ("embedded", QUEUES, embedded(Lines)),
    ("embedded", TOPICS, embedded(Logs)),
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
