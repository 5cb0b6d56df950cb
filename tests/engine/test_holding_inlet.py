"""Who hands a message to a flow with a journal gets its outcome, and then it is forgotten."""

from __future__ import annotations

import pytest

from octo.core.errors import Permanent
from octo.core.flow import Failure
from octo.services.container import MEMORY, Services
from octo.testing.clock import virtual
from tests.engine.lives import LINE, Effects, life


@virtual()
async def test_without_a_crash_each_block_runs_once_and_nothing_is_left():
    effects = Effects()
    async with Services(MEMORY) as services, life(LINE, effects, services) as process:
        assert (await process.call()).vars["last"].startswith("three")
        assert await process.kept() == []
    assert [name[:5] for name in effects.names] == ["one", "two", "three"]


@virtual()
async def test_a_message_that_fails_is_forgotten_and_its_caller_hears():
    effects = Effects()
    effects.failing["two"] = Permanent("no")
    async with Services(MEMORY) as services, life(LINE, effects, services) as process:
        with pytest.raises(Failure, match="no"):
            await process.call()
        assert await process.kept() == []
