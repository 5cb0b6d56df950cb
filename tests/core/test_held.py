"""A task knows what it and its callers hold."""

from __future__ import annotations

import asyncio

from octo.core.held import holding, holds, leave


async def test_who_is_called_holds_what_the_caller_holds_until_it_leaves():
    async def seen():
        before = holds("a")
        leave()
        return before, holds("a")

    with holding("a"), holding("b"):
        async with asyncio.TaskGroup() as tasks:
            called = tasks.create_task(seen())
        assert called.result() == (True, False)
        assert (holds("a"), holds("b"), holds("c")) == (True, True, False)
    assert not holds("a")
