"""A set of CEL values knows its members by CEL equality."""

import math

import pytest

from octo.expr.limits import Exhausted
from octo.expr.members import Members


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


def test_searching_comes_to_an_end():
    members = Members()
    with pytest.raises(Exhausted):
        all(members.add([number]) for number in range(3000))
