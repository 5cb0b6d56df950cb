"""Of all candidates under one name at most one leads, and one does as soon as it can."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from octo.core.delivery import Idle
from octo.core.errors import Permanent, Transient
from octo.services.election import LOOK, campaign, in_turn
from octo.services.memory.leases import Holders
from octo.testing.clock import virtual


def now():
    return asyncio.get_running_loop().time()


@virtual()
async def test_the_first_leads_and_the_next_takes_over_at_once():
    """A leader that leaves releases its lease, so the next one need not wait for its end."""
    leases = Holders()
    async with campaign(leases, "cron") as second:
        async with campaign(leases, "other"):
            first = campaign(leases, "cron")
        await second.elected()
        async with first as late:
            await asyncio.sleep(100)
            assert (second.leads, late.leads) == (True, False)
            assert second.token > late.token == 0

    async with campaign(leases, "cron") as third:
        await third.elected()
        assert now() == 100
        assert third.token > second.token
    assert not second.leads


class Cut(Holders):
    """Leases that cannot be reached while `cut` is set."""

    cut = False
    hang = False

    async def _answer(self):
        if self.hang:
            await asyncio.Event().wait()
        if self.cut:
            raise Transient("no route to host")

    async def acquire(self, name, ttl, *, wait=0.0):
        await self._answer()
        return await super().acquire(name, ttl, wait=wait)

    async def renew(self, lease, ttl):
        await self._answer()
        await super().renew(lease, ttl)


@virtual()
async def test_a_leader_that_is_cut_off_stops_leading_before_the_next_begins():
    """It knows by itself when its lease is over, and leads again, with a new token, when it can."""
    leases = Cut()
    async with campaign(leases, "cron") as leader:
        first = await leader.elected()
        leases.cut = True
        await asyncio.sleep(14)
        assert leader.leads
        assert await Holders.acquire(leases, "cron", 1) is None
        await asyncio.sleep(1)
        assert not leader.leads
        other = await Holders.acquire(leases, "cron", 30)
        leases.cut = False
        await asyncio.sleep(25)
        assert not leader.leads
        assert await leader.elected() > other.token > first


@virtual()
async def test_a_short_cut_is_not_noticed():
    """The lease is renewed as soon as it can be, within its time."""
    leases = Cut()
    async with campaign(leases, "cron") as leader:
        token = await leader.elected()
        leases.cut = True
        await asyncio.sleep(13)
        leases.cut = False
        await asyncio.sleep(20)
        assert leader.leads
        assert leader.token == token


@virtual()
async def test_a_leader_whose_question_is_never_answered_stops_leading():
    """A call that never returns does not prolong the lease."""
    leases = Cut()
    async with campaign(leases, "cron") as leader:
        await leader.elected()
        leases.hang = True
        await asyncio.sleep(15)
        assert not leader.leads


@virtual()
async def test_never_two():
    """While leaders come and go at any time."""
    leases = Holders()
    led = set()

    async def live(number):
        await asyncio.sleep(number * 3)
        async with campaign(leases, "cron") as candidate:
            candidates.append(candidate)
            await candidate.elected()
            led.add(number)
            await asyncio.sleep(number)
        candidates.remove(candidate)

    async def watch():
        while len(led) < 10:
            assert sum(candidate.leads for candidate in candidates) <= 1
            await asyncio.sleep(0.5)

    candidates = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch())
        for number in range(10):
            tasks.create_task(live(number))


@virtual()
async def test_what_fails_inside_comes_out_as_it_is():
    """The error is neither wrapped nor swallowed; the lease is free again."""
    leases = Holders()

    async def fail():
        async with campaign(leases, "cron") as candidate:
            await candidate.elected()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await leases.acquire("cron", 1) is not None


@virtual()
async def test_a_name_that_is_none_ends_the_campaign():
    """It would never succeed."""

    async def stand():
        async with campaign(Holders(), "") as candidate:
            await candidate.elected()

    with pytest.raises(Permanent):
        await stand()


def numbered(closed):
    """A reader of numbers, one each second."""

    async def read(leads):
        number = 0
        try:
            while leads():
                await asyncio.sleep(1)
                yield (number := number + 1)
        finally:
            closed.append(number)

    return read


@virtual()
async def test_one_reads_at_a_time_and_who_waits_says_that_it_works():
    leases, closed = Holders(), []
    async with aclosing(in_turn(leases, "orders", numbered(closed))) as second:
        async with aclosing(in_turn(leases, "orders", numbered(closed))) as first:
            assert [await anext(first), await anext(first)] == [1, 2]
            began = now()
            assert isinstance(await anext(second), Idle)
            assert now() - began == LOOK
        assert closed == [2]
        assert await anext(second) == 1


@virtual()
async def test_who_leads_no_more_ends_its_reading_and_begins_again():
    leases, closed = Cut(), []
    async with aclosing(in_turn(leases, "orders", numbered(closed))) as found:
        assert await anext(found) == 1
        leases.cut = True
        while not isinstance(await anext(found), Idle):
            assert not closed
        assert len(closed) == 1
        leases.cut = False
        while isinstance(each := await anext(found), Idle):
            pass
        assert each == 1
