"""Who listens hears of each deployment that may have changed."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from octo_platform.deploy.local.changes import Changes


async def test_several_changes_of_one_deployment_are_told_once():
    changes = Changes()
    async with aclosing(changes.listen()) as first, aclosing(changes.listen()) as second:
        waiting = [asyncio.ensure_future(anext(each)) for each in (first, second)]  # noqa: TID251
        await asyncio.sleep(0)
        for each in ("a", "b", "a"):
            changes.tell(each)
        assert [await each for each in waiting] == ["a", "a"]
        assert [await anext(first), await anext(second)] == ["b", "b"]
        changes.tell("c")
        assert await anext(first) == "c"
