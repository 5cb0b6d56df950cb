"""A wait that would never end is known before it begins; one that may end is not refused."""

from __future__ import annotations

from octo.engine.deadlock import Permit, awaiting, is_endless


class Pair:
    """A flow with two permits."""

    def __init__(self):
        self.lent = set()

    @property
    def has_free(self):
        return len(self.lent) < 2

    def lend(self, *awaits):
        permit = Permit()
        permit.awaits.extend(awaits)
        self.lent.add(permit)
        return permit


def test_a_flow_with_a_free_permit_or_a_working_one_moves():
    flow = Pair()
    own = flow.lend()
    assert not is_endless(flow, [own])
    flow.lend()
    assert not is_endless(flow, [own])


def test_the_last_permit_that_waits_for_its_own_flow_closes_the_ring():
    flow = Pair()
    first, second = flow.lend(), flow.lend()
    with awaiting(flow, [first]):
        assert is_endless(flow, [second])
    assert not is_endless(flow, [second])


def test_a_ring_may_lead_through_several_flows():
    one, two, three = Pair(), Pair(), Pair()
    one.lend(two), one.lend(two)
    two.lend(three), two.lend(three)
    three.lend(one)
    last = three.lend()
    assert is_endless(one, [last])
    one.lent.pop()
    assert not is_endless(one, [last])


def test_a_message_that_waits_in_two_branches_goes_on_only_if_both_do():
    full, free = Pair(), Pair()
    last = full.lend()
    full.lend(full, free)
    assert is_endless(full, [last])


def test_flows_outside_of_the_ring_may_wait_for_it():
    inside, outside = Pair(), Pair()
    inside.lend(), inside.lend()
    outside.lend(inside), outside.lend(inside)
    assert not is_endless(outside, [])
