"""The stand-in for a lost connector fails every call, and says why and since when."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.errors import Disconnected
from octo.engine.lost import Lost
from octo.testing.clock import virtual


@virtual(start="2026-01-01T00:00:00Z")
async def test_it_refuses_every_block_and_is_unhealthy():
    lost = Lost("mq", "reset by peer")
    assert str(lost).endswith("opened again: reset by peer")
    await asyncio.sleep(60)
    lost.reason = "connection refused"

    with pytest.raises(Disconnected) as refused:
        lost.refuse({}, "message", site=None)
    with pytest.raises(Disconnected) as unhealthy:
        await lost.health()

    text = "the connection has been lost since 2026-01-01T00:00:00Z and is being opened again: connection refused"
    assert str(unhealthy.value) == text
    assert str(refused.value) == f'connector "mq": {text}'
