"""The CEL values that Python lacks behave as CEL defines."""

import pytest

from octo.expr import ExprError
from octo.expr.values import (
    MAX_TIMESTAMP,
    NONE,
    Duration,
    Optional,
    Timestamp,
    Type,
    Uint,
    find,
    item,
    kind_of,
    no_such_key,
    peek,
    position,
)


def test_a_key_is_found_by_value_and_a_bool_is_no_number():
    assert find({1: "a"}, 1.0) == find({1: "a"}, Uint(1)) == "a"
    assert find({True: "a"}, True) == "a"
    for container, key in (({True: "a"}, 1), ({1: "a"}, True), ({}, 0)):
        with pytest.raises(KeyError):
            find(container, key)


@pytest.mark.parametrize(("index", "expected"), [(1, 1), (Uint(1), 1), (1.0, 1)])
def test_an_index_may_be_any_whole_number(index, expected):
    assert position(index) == expected


@pytest.mark.parametrize("index", [1.5, "1", True, None])
def test_other_indexes_are_refused(index):
    with pytest.raises(ExprError, match="a list index is an int"):
        position(index)


def test_peeking_finds_nothing_where_looking_fails():
    assert peek({"a": 1}, "a").value == 1
    assert peek([7], 0).value == 7
    for container, key in (({}, "a"), ({}, []), ([7], 1), ([7], -1)):
        assert not peek(container, key).present
    assert peek(Optional({"a": 1}), "a").value == 1
    assert peek(NONE, "a") is NONE


def test_looking_in_vain_says_what_is_there():
    with pytest.raises(ExprError, match=r"no such key: zzz\. Keys are a"):
        item({"a": 1}, "zzz")
    with pytest.raises(ExprError, match="index 3 is out of bounds: the list has 1 element"):
        item([1], 3)
    with pytest.raises(ExprError, match="a list cannot be a map key"):
        item({}, [])
    with pytest.raises(ExprError, match="cannot index null"):
        item(None, 1)


def test_times_have_a_range_and_an_order_of_their_own():
    assert Timestamp(0) < Timestamp(1) <= Timestamp(1)
    assert Duration(2) > Duration(1) >= Duration(1)
    assert Timestamp(1) != Duration(1)
    with pytest.raises(TypeError):
        assert Timestamp(1) < Duration(2)
    with pytest.raises(ExprError, match="timestamp out of range"):
        Timestamp(MAX_TIMESTAMP + 1)
    with pytest.raises(ExprError, match="duration out of range"):
        Duration(2**63)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Timestamp(-1), "1969-12-31T23:59:59.999999999Z"),
        (Timestamp(-62_135_596_800 * 10**9), "0001-01-01T00:00:00Z"),
        (Duration(-1_500_000_000), "-1.5s"),
        (Duration(0), "0s"),
    ],
)
def test_times_are_written_to_the_nanosecond(value, text):
    assert str(value) == text


def test_kinds_are_those_of_the_class_or_of_what_it_extends():
    class Text(str):
        __slots__ = ()

    assert [kind_of(each) for each in (True, 1, Uint(1), 1.0, Text("x"), None, Type("int"), NONE)] == [
        *("bool", "int", "uint", "double", "string", "null", "type", "optional")
    ]
    assert kind_of({1}) == "Python set"


class Uncountable(dict):
    """A map that can be looked into, not searched."""

    def items(self):
        raise AssertionError

    __iter__ = keys = items


@pytest.mark.parametrize("key", [1, 0, True, False, Uint(1), 1.0])
def test_a_key_that_python_takes_for_another_is_found_without_a_search(key):
    container = Uncountable(dict.fromkeys(range(-100, 0)) | {key: "found"})
    assert find(container, key) == "found"


def test_the_hint_for_a_missing_key_is_made_when_it_is_read():
    """Most such errors in a loop are dropped, and the nearest of many keys takes long to find."""
    error = no_such_key("nmae", Uncountable(name=1))
    with pytest.raises(AssertionError):
        str(error)
    assert str(no_such_key("nmae", {"name": 1})) == "no such key: nmae. Did you mean 'name'? Keys are name"
