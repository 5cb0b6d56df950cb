"""Within it, modules of a folder are only read; outside, and in other tasks, nothing is."""

from __future__ import annotations

import asyncio
from pathlib import Path

from octo.core.unrun import folder, only_read


def test_it_holds_within_and_ends_with_it():
    assert folder() is None
    with only_read(Path("a")):
        assert folder() == Path("a")
        with only_read(Path("b")):
            assert folder() == Path("b")
        assert folder() == Path("a")
    assert folder() is None


async def test_other_tasks_do_not_see_it():
    seen = []

    async def look():
        seen.append(folder())

    task = asyncio.get_running_loop().create_task(look())
    with only_read(Path("a")):
        await task
    assert seen == [None]
