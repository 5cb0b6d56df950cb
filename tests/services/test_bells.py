"""Bells wake who listens, and leave nothing behind."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from octo.services.bells import Bells
from octo.testing.clock import settle, virtual


@virtual()
async def test_a_bell_wakes_all_who_listen_and_leaves_nothing_behind():
    """Listeners that were cancelled, or whose time is over, are forgotten too."""
    bells = Bells()
    bells.ring("nobody listens")
    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(bells.heard("a"))
        tasks.create_task(bells.heard("b", until=5.0))
        impatient = tasks.create_task(bells.heard("a"))
        await settle()
        impatient.cancel()
        with suppress(asyncio.CancelledError):
            await impatient
        bells.ring("a")

    assert asyncio.get_running_loop().time() == 5
    assert bells._ears == {}


@virtual()
async def test_all_can_be_woken_at_once():
    bells = Bells()
    async with asyncio.TaskGroup() as tasks:
        for name in ("a", "a", "b"):
            tasks.create_task(bells.heard(name))
        await settle()
        bells.ring_all()

    assert asyncio.get_running_loop().time() == 0


@virtual()
async def test_a_ring_between_two_waits_is_not_missed():
    """And counts once."""
    bells = Bells()
    with bells.listening("a") as ear:
        bells.ring("a")
        await ear.heard()
        assert asyncio.get_running_loop().time() == 0
        await ear.heard(until=5.0)

    assert asyncio.get_running_loop().time() == 5
    assert bells._ears == {}
