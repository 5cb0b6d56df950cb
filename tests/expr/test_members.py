"""A set of CEL values knows its members by CEL equality."""

import math

import pytest

from octo.expr import members as of_values
from octo.expr.addresses import IP
from octo.expr.limits import Exhausted
from octo.expr.members import Members
from octo.expr.values import Exact


def key_of(value):
    return of_values._key(value, [1_000])


def ip(number):
    return IP(6, number)


def test_equal_values_are_one_member():
    members = Members([1, "a", [1], {"k": 1}])
    assert 1.0 in members
    assert [1.0] in members
    assert {"k": 1.0} in members
    assert not members.add("a")
    assert members.add("b")


def test_a_bool_is_no_number_and_nan_is_nothing():
    members = Members([1, math.nan])
    assert True not in members
    assert not members.__contains__(math.nan)
    assert members.add(True)
    assert members.add(math.nan)


def test_parts_are_compared_as_values_are():
    members = Members([[1, True], {"a": [1.0]}, [2**70], [math.nan]])
    assert [1.0, True] in members
    assert [1, 1] not in members
    assert {"a": [1]} in members
    assert {"a": [True]} not in members
    assert [2.0**70] in members
    assert members.add([math.nan])


def test_numbers_beyond_64_bits_are_compared_exactly():
    members = Members([2**70, -(2.0**80), math.inf, Exact("1e400")])
    assert 2.0**70 in members
    assert 2**70 + 1 not in members
    assert -(2**80) in members
    assert not members.add(math.inf)


@pytest.mark.parametrize("wrap", [lambda n: n, lambda n: [n], lambda n: {"k": n}, lambda n: ip(n % 2**128)])
def test_values_with_one_hash_in_python_are_found_without_a_search(wrap):
    """Integers k * (2**61 - 1) all hash alike: 20,000 of them took 15 seconds."""
    values = [wrap(number * (2**61 - 1)) for number in range(8, 3_000)]
    keys = list(map(key_of, values))
    assert len(set(map(hash, keys))) > 2_990


def test_shared_parts_come_to_an_end():
    value = []
    for _ in range(60):
        value = [value, value]
    with pytest.raises(Exhausted):
        Members([value])
