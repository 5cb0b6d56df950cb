"""The size of a value is that of all its parts, and counting it comes to an end."""

import pytest

from octo.expr import cost as cost_module
from octo.expr.cost import ELEMENT, FREE, Cost, repeated, scan, size, weight
from octo.expr.limits import FUEL
from octo.expr.values import Exact, Optional, Uint


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize("value", ["x" * 1_600, b"x" * 1_600, Text("x" * 1_600), Optional("x" * 1_600), ["x" * 1_600]])
def test_characters_count_wherever_they_are(value):
    assert 100 <= size(value) <= 120


@pytest.mark.parametrize("value", [None, True, 1, Uint(1), 1.5, 2**63 - 1])
def test_a_value_of_one_size_costs_nothing_to_look_at(value):
    assert size(value) == 0


def test_elements_entries_and_keys_count():
    assert size([1] * 1_000) >= 1_000 * ELEMENT
    assert size({f"k{number}": 1 for number in range(1_000)}) >= 2_000 * ELEMENT
    assert size({"k" * 16_000: 1}) >= 1_000
    assert size([[[[1] * 1_000]]]) >= size([1] * 1_000)


def test_digits_count():
    assert size(10**4_000) > 400
    assert size(Exact("0." + "1" * 1_600)) > 100


def test_shared_parts_count_each_time_and_the_count_ends():
    value = []
    for _ in range(60):
        value = [value, value]
    assert FUEL < size(value) < FUEL + 1_000


def test_a_cost_is_base_and_reads_and_more():
    cost = Cost(base=10, reads=2, more=lambda *arguments: 100 * len(arguments))
    assert cost.before("x" * 16, [1] * 10) == 10 + 2 * (1 + size([1] * 10)) + 200
    assert Cost().after("abc") == weight("abc") == 3
    assert Cost(makes=5).after([1]) == 5 * size([1])
    assert FREE.is_free


def test_a_scan_looks_at_one_level():
    assert scan([[1] * 100]) == ELEMENT
    assert scan("x" * 160) == 10
    assert scan(1) == 0


def test_a_part_that_is_repeated_costs_its_size_each_time():
    value = {"a": [{"b": "x" * 1_600}]}
    assert repeated(7, value, "a", 0, "b") == 700
    assert repeated(7, value, "a") == 7 * size(value["a"])


@pytest.mark.parametrize("keys", [("b",), ("a", 1), ("a", "b"), ("a", 0, "b", "c")])
def test_a_part_that_is_not_there_costs_nothing(keys):
    assert repeated(7, {"a": [{"b": "x" * 1_600}]}, *keys) == 0


def test_a_part_that_no_round_takes_is_not_looked_at(monkeypatch):
    """Nobody would pay for the look."""
    looked = []
    monkeypatch.setattr(cost_module, "size", lambda value: looked.append(value) or 1)

    assert (repeated(0, {"a": [1]}, "a"), looked) == (0, [])
    assert (repeated(2, {"a": [1]}, "a"), looked) == (2, [[1]])
