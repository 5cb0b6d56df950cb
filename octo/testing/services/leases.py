"""What every service of leases promises."""

from __future__ import annotations

import asyncio

from octo.services.ports import Lease, Leases, Lost
from octo.testing.services.suite import BAD_NAMES, NAMES, Suite, all_refused, fresh, refused

LEASES: Suite[Leases] = Suite("leases")


async def _taken(leases: Leases, name: str, ttl: float, wait: float = 0.0) -> Lease:
    lease = await leases.acquire(name, ttl, wait=wait)
    assert lease is not None, "the lease is free, and was not given"
    return lease


@LEASES.check
async def one_at_a_time(leases: Leases, second: float) -> None:
    """While a caller holds a lease, no other gets it; once it is released, the next one does."""
    name = fresh()
    lease = await _taken(leases, name, 60 * second)
    assert lease.name == name
    assert await leases.acquire(name, 60 * second) is None
    await _taken(leases, fresh(), second)
    await leases.release(lease)
    await _taken(leases, name, second)


@LEASES.check
async def one_of_many_gets_it(leases: Leases, second: float) -> None:
    """Of many callers that ask at once, one gets the lease."""
    name = fresh()
    found = await asyncio.gather(*(leases.acquire(name, 60 * second) for _ in range(30)))
    assert sum(lease is not None for lease in found) == 1


@LEASES.check
async def a_lease_ends(leases: Leases, second: float) -> None:
    """A lease is held for its time and free afterwards; renewing it then fails, even if no other caller has it."""
    name = fresh()
    lease = await _taken(leases, name, 2 * second)
    await asyncio.sleep(second)
    assert await leases.acquire(name, second) is None, "it was given away too early"
    await asyncio.sleep(1.5 * second)
    await refused(Lost, leases.renew(lease, second))
    await _taken(leases, name, second)


@LEASES.check
async def a_renewed_lease_goes_on(leases: Leases, second: float) -> None:
    """A renewed lease is held for the new time, longer or shorter, from when it was renewed."""
    name, other = fresh(), fresh()
    lease, short = await _taken(leases, name, 2 * second), await _taken(leases, other, 60 * second)
    await leases.renew(short, second)
    for _ in range(3):
        await asyncio.sleep(second)
        await leases.renew(lease, 2 * second)
    assert await leases.acquire(name, second) is None
    await _taken(leases, other, second)


@LEASES.check
async def tokens_only_grow(leases: Leases, second: float) -> None:
    """Each lease of a name has a greater token than all before it, released or expired; renewing keeps the token."""
    name = fresh()
    tokens = []
    for _ in range(3):
        lease = await _taken(leases, name, second)
        tokens.append(lease.token)
        await leases.renew(lease, second)
        await leases.release(lease)
        tokens.append((await _taken(leases, name, second)).token)
        await asyncio.sleep(1.5 * second)
    assert tokens == sorted(set(tokens)), f"the tokens were {tokens}"


@LEASES.check
async def who_lost_it_cannot_hurt(leases: Leases, second: float) -> None:
    """A holder that wakes up late can neither renew nor release the lease of the next holder."""
    name = fresh()
    late = await _taken(leases, name, second)
    await asyncio.sleep(1.5 * second)
    held = await _taken(leases, name, 60 * second)
    await refused(Lost, leases.renew(late, second))
    await leases.release(late)
    assert await leases.acquire(name, second) is None
    await leases.renew(held, second)


@LEASES.check
async def waiting_ends_with_the_lease(leases: Leases, second: float) -> None:
    """A waiting caller gets the lease when it is released or expires, or None if its time to wait is over first."""
    name = fresh()
    lease = await _taken(leases, name, 60 * second)
    assert await leases.acquire(name, second, wait=second) is None
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(_taken(leases, name, second, wait=30 * second))
        await asyncio.sleep(second)
        assert not waiting.done(), "it was given twice"
        await leases.release(lease)
    assert waiting.result().token > lease.token
    await _taken(leases, name, second, wait=30 * second)


@LEASES.check
async def who_stops_waiting_takes_nothing(leases: Leases, second: float) -> None:
    """A waiter that is cancelled does not get the lease later."""
    name = fresh()
    lease = await _taken(leases, name, 60 * second)
    try:
        async with asyncio.timeout(second):
            await leases.acquire(name, 600 * second, wait=300 * second)
    except TimeoutError:
        pass
    await leases.release(lease)
    await _taken(leases, name, second, wait=5 * second)


@LEASES.check
async def never_two_at_once(leases: Leases, second: float) -> None:
    """Of many callers that take turns, only one holds the lease at a time, and each gets its turn."""
    name = fresh()
    inside, turns = 0, 0

    async def work() -> None:
        nonlocal inside, turns
        lease = await _taken(leases, name, 60 * second, wait=120 * second)
        inside += 1
        assert inside == 1, "two hold it at once"
        await asyncio.sleep(0)
        inside -= 1
        turns += 1
        await leases.release(lease)

    await asyncio.gather(*(work() for _ in range(20)))
    assert turns == 20


@LEASES.check
async def names_are_kept_apart(leases: Leases, second: float) -> None:
    """Every name within the limits is distinct, however it looks."""
    mark = fresh()
    names = [name if len(name.encode()) > 400 else mark + name for name in NAMES]
    held = [await _taken(leases, name, 60 * second) for name in names]
    assert len(held) == len(NAMES)
    for lease in held:
        await leases.release(lease)


@LEASES.check
async def beyond_the_limits_is_refused(leases: Leases, second: float) -> None:
    """Names and times beyond the limits are refused."""
    name = fresh()
    await all_refused(
        [
            *(lambda bad=bad: leases.acquire(bad, second) for bad in BAD_NAMES),
            *(lambda ttl=ttl: leases.acquire(name, ttl) for ttl in (0, -1, float("inf"), float("nan"))),
            *(lambda wait=wait: leases.acquire(name, second, wait=wait) for wait in (-1, float("inf"), float("nan"))),
        ]
    )
    await _taken(leases, name, second)
