"""A database that goes away for some time takes nothing with it: the platform goes on once it is back."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import quote

import pytest

from octo.testing.postgres import PASSWORD, Postgres
from tests.platform.asking import FLOW, deployment, integration, shop, until


@pytest.fixture
def server():
    with Postgres.started() as server:
        yield server


@pytest.fixture
def place(server):
    return f"postgresql://octo:{quote(PASSWORD, safe='')}@{server.address}/postgres"


class Told(logging.Handler):
    """Tells when a message was logged."""

    def __init__(self, message):
        super().__init__()
        self.message = message
        self.event = asyncio.Event()

    def emit(self, record):
        if record.getMessage() == self.message:
            self.event.set()


async def test_deploys_after_the_database_was_away(client, reconciling, server):
    """Requests meanwhile are refused with a code that says to try again, and nothing ends."""
    told = Told("the database cannot be asked")
    logger = logging.getLogger("octo.platform.reconciler")
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    logger.addHandler(told)
    try:
        await asyncio.to_thread(server.kill)
        answer = await client.get("/workspaces/shop/integrations")
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        await told.event.wait()
        told.event.clear()
        await told.event.wait()  # also when no connection of before is left
    finally:
        logger.removeHandler(told)
    await asyncio.to_thread(server.start)

    await deployment(client)
    await until(client, phase="running", observedGeneration=1)
