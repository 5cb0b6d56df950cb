"""What every key-value service promises."""

from __future__ import annotations

import asyncio

from octo.core.errors import Permanent
from octo.services import codes
from octo.services.ports import Conflict, Entry, KeyValue
from octo.testing.services.suite import (
    BAD_NAMES,
    BAD_VALUES,
    NAMES,
    VALUES,
    Suite,
    all_refused,
    assert_same,
    fresh,
    refused,
)

KEY_VALUE: Suite[KeyValue] = Suite("key-value")


@KEY_VALUE.check
async def written_is_read(store: KeyValue, _: float) -> None:
    """`get` returns what `put` wrote, under the version that `put` returned; None for what is not there, or deleted."""
    space = fresh()
    assert await store.get(space, "a") is None
    version = await store.put(space, "a", "one")
    assert version > 0, "a version is positive"
    assert await store.get(space, "a") == Entry("one", version)
    assert await store.get(fresh(), "a") is None, "namespaces are apart"
    await store.delete(space, "a")
    assert await store.get(space, "a") is None
    await store.delete(space, "a")


@KEY_VALUE.check
async def versions_only_grow(store: KeyValue, second: float) -> None:
    """A key never has the same version twice, even if it was written, deleted, expired or counted in between."""
    space = fresh()
    versions = [await store.put(space, "a", 1), await store.put(space, "a", 1)]
    await store.delete(space, "a")
    versions.append(await store.put(space, "a", 1, ttl=second))
    await asyncio.sleep(1.5 * second)
    versions.append(await store.put(space, "a", 1, version=0))
    await store.increment(space, "a")
    entry = await store.get(space, "a")
    assert entry is not None
    versions.append(entry.version)
    assert versions == sorted(set(versions)), f"the versions were {versions}"


@KEY_VALUE.check
async def a_version_is_compared(store: KeyValue, _: float) -> None:
    """A write that names another version than the present one is refused, and changes nothing."""
    space = fresh()
    await refused(Conflict, store.put(space, "a", "lost", version=7))
    first = await store.put(space, "a", "one", version=0)
    await refused(Conflict, store.put(space, "a", "lost", version=0))
    second = await store.put(space, "a", "two", version=first)
    await refused(Conflict, store.put(space, "a", "lost", version=first))
    await refused(Conflict, store.delete(space, "a", version=first))
    assert await store.get(space, "a") == Entry("two", second)
    await store.delete(space, "a", version=second)
    await store.put(space, "a", "three", version=0)
    await refused(Conflict, store.put(space, "a", "lost", version=second))


@KEY_VALUE.check
async def one_of_many_creates(store: KeyValue, _: float) -> None:
    """Of many callers that create the same entry at once, one succeeds, and the entry has its value."""
    space = fresh()
    results = await asyncio.gather(
        *(store.put(space, "a", number, version=0) for number in range(30)), return_exceptions=True
    )
    won = [number for number, result in enumerate(results) if not isinstance(result, BaseException)]
    lost = [result for result in results if isinstance(result, Conflict)]
    assert (len(won), len(lost)) == (1, 29), f"{len(won)} succeeded, {len(lost)} met a conflict"
    entry = await store.get(space, "a")
    assert entry is not None
    assert entry.value == won[0]


@KEY_VALUE.check
async def no_write_over_a_version_is_lost(store: KeyValue, _: float) -> None:
    """If many callers read, change and write over the version that they read, and retry on a conflict, none is lost."""
    space = fresh()
    await store.put(space, "a", [])

    async def add(number: int) -> None:
        while True:
            entry = await store.get(space, "a")
            assert entry is not None
            assert isinstance(entry.value, list)
            await asyncio.sleep(0)
            try:
                await store.put(space, "a", [*entry.value, number], version=entry.version)
            except Conflict:
                continue
            else:
                return

    await asyncio.gather(*map(add, range(20)))
    entry = await store.get(space, "a")
    assert entry is not None
    assert sorted(entry.value) == list(range(20)), f"left is {entry.value}"  # type: ignore[call-overload]


@KEY_VALUE.check
async def entries_expire(store: KeyValue, second: float) -> None:
    """An entry exists until its time is over; then reading, creating and counting behave as if it had never existed."""
    space = fresh()
    for key in ("read", "created", "counted"):
        await store.put(space, key, 5, ttl=2 * second)
    await asyncio.sleep(second)
    assert await store.get(space, "read") is not None, "it is gone too early"
    await asyncio.sleep(1.5 * second)
    assert await store.get(space, "read") is None, "it is still there"
    assert (await store.list(space)).names == (), "it is still listed"
    assert await store.put(space, "created", 1, version=0)
    assert await store.increment(space, "counted") == 1


@KEY_VALUE.check
async def each_write_sets_the_end(store: KeyValue, second: float) -> None:
    """The last write decides when the entry expires: later, or never."""
    space = fresh()
    for key in ("longer", "for ever"):
        await store.put(space, key, 1, ttl=2 * second)
    await store.put(space, "for ever", 2)
    await asyncio.sleep(second)
    await store.put(space, "longer", 2, ttl=10 * second)
    await asyncio.sleep(2 * second)
    assert await store.get(space, "longer") is not None
    assert await store.get(space, "for ever") is not None


@KEY_VALUE.check
async def keys_are_listed_in_parts(store: KeyValue, _: float) -> None:
    """The pages of a listing follow one another in the order of code points, without a gap, and end."""
    space = fresh()
    keys = sorted([f"a{number}" for number in range(25)] + ["a", "b", "B", "é", "🦊"])
    for key in reversed(keys):
        await store.put(space, key, key)
    await store.put(fresh(), "a0 of others", 1)
    parts, after = [], ""
    while True:
        page = await store.list(space, after=after, most=7)
        parts.append(page.names)
        if not (after := page.after):
            break
    assert [len(part) for part in parts] == [7, 7, 7, 7, 2], f"the parts are {parts}"
    assert [key for part in parts for key in part] == keys
    assert (await store.list(space, "a1", most=11)) == (("a1", *(f"a1{number}" for number in range(10))), "")


@KEY_VALUE.check
async def a_prefix_is_no_pattern(store: KeyValue, _: float) -> None:
    """Keys that begin with the prefix are listed, whatever its characters mean in patterns."""
    space = fresh()
    for name in NAMES:
        await store.put(space, name, 1)
    for prefix in ("%", "_", "a%", "*", "a.*", ">", "[", "'", "é", "e", "\\", "a\\", "A"):
        expected = tuple(sorted(name for name in NAMES if name.startswith(prefix)))
        found = (await store.list(space, prefix, most=200)).names
        assert found == expected, f"{prefix!r} lists {found}"


@KEY_VALUE.check
async def what_stays_is_listed_once(store: KeyValue, _: float) -> None:
    """A key that exists during the whole listing is listed once, while others come and go."""
    space = fresh()
    goes, stays = ["k00", "k01", "k02"], [f"k{number:02}" for number in range(3, 20)]
    for key in goes + stays:
        await store.put(space, key, 1)
    seen: list[str] = []
    after = ""
    while True:
        page = await store.list(space, after=after, most=3)
        seen += page.names
        if not (after := page.after):
            break
        if goes:
            await store.put(space, f"new {goes[0]}", 1)
            await store.delete(space, goes.pop(0))
    assert [seen.count(key) for key in stays] == [1] * len(stays), f"seen were {seen}"


@KEY_VALUE.check
async def counters_count(store: KeyValue, second: float) -> None:
    """A counter begins at 0, goes up and down, and ends with the window that its first increment opened."""
    space = fresh()
    assert await store.increment(space, "a", ttl=2 * second) == 1
    assert await store.increment(space, "a", 10) == 11
    assert await store.increment(space, "a", -12) == -1
    entry = await store.get(space, "a")
    assert entry is not None
    assert_same(entry.value, -1)
    await asyncio.sleep(second)
    assert await store.increment(space, "a", 0, ttl=20 * second) == -1
    await asyncio.sleep(1.5 * second)
    assert await store.increment(space, "a") == 1, "the window did not end with its first increment"


@KEY_VALUE.check
async def no_increment_is_lost(store: KeyValue, _: float) -> None:
    """Of many increments at once, each returns a different sum."""
    space = fresh()
    sums = await asyncio.gather(*(store.increment(space, "a") for _ in range(50)))
    assert sorted(sums) == list(range(1, 51)), f"the sums are {sorted(sums)}"


@KEY_VALUE.check
async def only_numbers_count(store: KeyValue, _: float) -> None:
    """A value that is not a whole number of 64 bits is not counted, and stays as it is."""
    space = fresh()
    for value in ("1", 1.0, True, None, [1], 2**63):
        version = await store.put(space, "a", value)
        error = await refused(Permanent, store.increment(space, "a"))
        assert error.code == codes.NO_COUNTER
        entry = await store.get(space, "a")
        assert entry is not None
        assert_same(entry.value, value)
        assert entry.version == version
    await store.put(space, "a", 2**63 - 2)
    assert await store.increment(space, "a") == 2**63 - 1
    error = await refused(Permanent, store.increment(space, "a"))
    assert error.code == codes.NO_COUNTER
    assert await store.increment(space, "b", -(2**63)) == -(2**63)


@KEY_VALUE.check
async def keys_are_kept_apart(store: KeyValue, _: float) -> None:
    """Every key within the limits is distinct, however it looks, and is listed as it was written."""
    space = fresh()
    for name in NAMES:
        await store.put(space, name, f"value of {name}")
    for name in NAMES:
        entry = await store.get(space, name)
        assert entry is not None, f"{name!r} is not there"
        assert entry.value == f"value of {name}", f"{name!r} is {entry.value!r}"
    assert (await store.list(space, most=200)).names == tuple(sorted(NAMES))
    await store.delete(space, "*")
    await store.delete(space, "%")
    assert len((await store.list(space, most=200)).names) == len(NAMES) - 2


@KEY_VALUE.check
async def values_come_back(store: KeyValue, _: float) -> None:
    """Every value comes back equal and of the same types."""
    space = fresh()
    for number, value in enumerate(VALUES):
        await store.put(space, str(number), value)
    for number, value in enumerate(VALUES):
        entry = await store.get(space, str(number))
        assert entry is not None
        assert_same(entry.value, value)


@KEY_VALUE.check
async def beyond_the_limits_is_refused(store: KeyValue, _: float) -> None:
    """Names and values beyond the limits are refused, and nothing is written."""
    space = fresh()
    await all_refused(
        [
            *(lambda name=name: store.get(space, name) for name in BAD_NAMES),
            *(lambda name=name: store.put(space, name, 1) for name in BAD_NAMES),
            *(lambda name=name: store.increment(space, name) for name in BAD_NAMES),
            *(lambda name=name: store.put(name, "a", 1) for name in ("", "A", "a b", "a.b", "_a", "x" * 65, "é")),
            *(lambda value=value: store.put(space, "a", value) for value in BAD_VALUES),
            *(lambda ttl=ttl: store.put(space, "a", 1, ttl=ttl) for ttl in (0, -1, float("inf"), float("nan"))),
            lambda: store.increment(space, "a", ttl=-1),
            *(lambda most=most: store.list(space, most=most) for most in (0, -1, 1001)),
        ]
    )
    assert (await store.list(space)).names == ()
