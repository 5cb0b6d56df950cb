"""A group holds each numbered message once, and lists the bodies in the places of their numbers."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, strategies as st

from octo.blocks import groups
from octo.blocks.groups import ATTEMPTS, Group, Groups, State
from octo.core.message import Message
from octo.services.memory import key_value, leases
from octo.services.ports import Conflict, Entry
from octo.testing.clock import virtual


@given(st.lists(st.tuples(st.integers(0, 6), st.integers())))
def test_each_number_has_one_place_and_the_last_body_counts(arrivals):
    group = Group("g")
    for index, body in arrivals:
        group = group.with_item("g", index, body, Message(body))

    last = dict(arrivals)
    assert group.count == len(last)
    assert group.listed() == [last.get(place) for place in range(max(last, default=-1) + 1)]


@given(st.lists(st.integers()))
def test_without_numbers_the_order_is_that_of_arrival(bodies):
    group = Group("k")
    for body in bodies:
        group = group.with_item("", -1, body, Message(body, correlation_id=f"c{body}"))

    assert (group.listed(), group.count) == (bodies, len(bodies))
    assert group.correlation == (f"c{bodies[0]}" if bodies else "")


@given(st.lists(st.integers(0, 30), unique=True))
def test_numbers_are_kept_in_few_ranges(indexes):
    group = Group("k")
    for index in indexes:
        assert not group.has("g", index)
        group = group.with_value("g", index, None, Message())

    assert {index for index in range(-1, 40) if group.has("g", index)} == set(indexes)
    assert group.count == len(indexes)
    gaps = sum(index - 1 not in indexes for index in indexes)
    assert len(group.seen.get("g", ())) == 2 * gaps
    assert group.origins == ({"g"} if indexes else set())


def test_a_state_is_the_same_after_it_was_stored():
    open_, done = Group("k").with_item("g", 0, {"a": b"\0"}, Message()), Group("k", reason="size")
    state = State(open_, (done,), 7)

    assert State.of(Entry(state.value(), 7)) == state
    assert State.of(None) == State()


@virtual()
async def test_a_write_that_is_always_too_late_ends():
    async with key_value.opened() as store, leases.opened() as held:
        found = Groups(store, held, "place")
        changes = []

        def change(state):
            changes.append(state.version)
            return State(Group("k"), (), 99)

        with pytest.raises(Conflict):
            await found.changed(found.name("k"), change)
        assert len(changes) == ATTEMPTS
        assert asyncio.get_running_loop().time() < 1


async def test_names_are_those_of_the_place():
    async with key_value.opened() as store, leases.opened() as held:
        one, other = Groups(store, held, "a"), Groups(store, held, "ab")
        for number in range(5):
            await one.write(one.name(str(number)), State(Group(str(number))))
        await other.write(other.name("x"), State(Group("x")))
        assert len(await one.names()) == 5
        assert len(await one.names(3)) == 3
        assert await other.names() == [other.name("x")]
    assert groups.NAMESPACE != groups.ENDED
