"""An API that answers what a test says."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from octo.vendors.api import calling
from octo.vendors.settings import Called
from tests.connectors.http_client.conftest import certificate
from tests.connectors.standins import Vendor

__all__ = ["certificate"]


class Echo(Vendor):
    def answer(self, asked):
        return 200, {"path": asked.path}


@pytest.fixture
async def server():
    async with Echo().served() as server:
        yield server


@pytest.fixture
def calls(server):
    """Opens the API with settings; it notes its pauses instead of making them."""

    @asynccontextmanager
    async def opened(base=None, **settings):
        headers = {"Authorization": "Bearer key-0123456789abcdef"}
        async with calling("Acme", base or server.url, headers, Called.model_validate(settings)) as api:
            api.pauses = []

            async def sleep(seconds):
                api.pauses.append(seconds)

            api.sleep = sleep
            api.backoff = api.backoff._replace(chance=lambda: 0.0)
            yield api

    return opened
