"""A lease is held for as long as the work takes, and the work ends with it."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.errors import Transient
from octo.services.leasing import held
from octo.services.ports import Lease, Lost
from octo.testing.clock import virtual


class Leases:
    """Counts; `fails` says what each renewal raises."""

    def __init__(self, *fails: Exception | None) -> None:
        self.fails = list(fails)
        self.renewed = 0
        self.released = 0

    async def renew(self, lease: Lease, ttl: float) -> None:
        self.renewed += 1
        if self.fails and (error := self.fails.pop(0)) is not None:
            raise error

    async def release(self, lease: Lease) -> None:
        self.released += 1


LEASE = Lease("a", 1)


@virtual()
async def test_it_is_renewed_while_the_work_goes_on_and_then_released():
    leases = Leases(Transient("away"), None)
    async with held(leases, LEASE, 30):
        await asyncio.sleep(100)

    assert (leases.renewed, leases.released) == (9, 1)


@virtual()
@pytest.mark.parametrize("errors", [[Lost("over")], [Transient("away")] * 3])
async def test_work_ends_when_the_lease_is_lost_or_cannot_be_renewed_in_time(errors):
    leases = Leases(*errors)
    with pytest.raises(type(errors[0])):
        async with held(leases, LEASE, 30):
            await asyncio.sleep(100)

    assert leases.released == 1
