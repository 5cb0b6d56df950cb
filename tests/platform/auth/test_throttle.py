"""Tries that fail wait longer and longer."""

from __future__ import annotations

import pytest

from octo_platform.auth.throttle import Throttle, network_of
from octo_platform.problem import Problem


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def throttle(clock):
    return Throttle(free=3, longest=60.0, most=10, clock=clock)


def wait_of(throttle, name="ann"):
    """Seconds until the next try; 0 if it was let through."""
    try:
        throttle.take(name)
    except Problem as problem:
        return int(problem.headers["Retry-After"])
    return 0


def test_each_wait_is_twice_the_one_before_up_to_the_longest(throttle, clock):
    waits = []
    for _ in range(11):
        throttle.take("ann")
        wait = wait_of(throttle) if len(waits) >= 3 else 0
        waits.append(wait)
        clock.now += wait
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_a_try_during_a_wait_makes_it_no_longer(throttle, clock):
    for _ in range(4):
        throttle.take("ann")
    assert [wait_of(throttle) for _ in range(5)] == [1] * 5
    clock.now += 1
    assert wait_of(throttle) == 0


def test_names_do_not_disturb_each_other(throttle):
    for _ in range(4):
        throttle.take("ann")
    assert (wait_of(throttle), wait_of(throttle, "bob")) == (1, 0)


def test_after_a_quiet_hour_all_is_forgotten(throttle, clock):
    for _ in range(4):
        throttle.take("ann")
    clock.now += 3601
    assert [wait_of(throttle) for _ in range(4)] == [0] * 4


def test_a_right_try_counts_no_more_but_those_before_it_do(throttle):
    for _ in range(3):
        throttle.take("ann")
    for _ in range(5):
        throttle.take("ann")
        throttle.give_back("ann")
    throttle.take("ann")
    assert wait_of(throttle) == 1


def test_it_remembers_only_so_many_names(throttle):
    for n in range(1000):
        throttle.take(f"name {n}" * 1000)
    assert len(throttle._tries) == 10


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_network_of_ipv6_is_one_client(address, network):
    assert network_of(address) == network
