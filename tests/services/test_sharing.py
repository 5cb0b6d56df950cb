"""One store under several services."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from octo.services.sharing import Shared


@pytest.fixture
def log():
    return []


@pytest.fixture
def openers(log):
    @asynccontextmanager
    async def opened():
        log.append("opened")
        yield "store"
        log.append("closed")

    shared = Shared(opened, lambda: {"queues": lambda store: f"queues of {store}", "leases": str.upper})
    return shared.openers(("queues", "leases"))


async def test_the_first_service_opens_the_store_and_the_last_closes_it(openers, log):
    async with AsyncExitStack() as stack:
        assert log == []
        assert await stack.enter_async_context(openers["queues"]()) == "queues of store"
        assert await stack.enter_async_context(openers["leases"]()) == "STORE"
        assert log == ["opened"]

    assert log == ["opened", "closed"]


async def test_it_is_opened_again_when_it_was_closed(openers, log):
    for _ in range(2):
        async with openers["queues"]():
            pass

    assert log == ["opened", "closed"] * 2
