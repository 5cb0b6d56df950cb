"""The operators on values whose kinds are known only at run time."""

import math

import pytest

from octo.expr import ExprError, runtime
from octo.expr.values import Duration, Timestamp, Uint


@pytest.mark.parametrize(("left", "right", "quotient", "remainder"), [(7, 2, 3, 1), (-7, 2, -3, -1), (7, -2, -3, 1)])
def test_integers_are_divided_towards_zero(left, right, quotient, remainder):
    assert (runtime.divide_whole(left, right), runtime.modulo(left, right)) == (quotient, remainder)


def test_integers_that_may_come_from_json_divide_exactly():
    assert [runtime.divide(7, 2), runtime.divide(-7, 2), runtime.divide(6, 2)] == [3.5, -3.5, 3.0]
    assert [runtime.divide(7, 2.0), runtime.divide(7.0, 2)] == [3.5, 3.5]
    assert runtime.divide(Uint(7), Uint(2)) == 3
    with pytest.raises(ExprError, match="division by zero"):
        runtime.divide(7, 0)


def test_doubles_are_divided_as_ieee_has_it():
    assert runtime.divide(1.0, 0.0) == math.inf
    assert runtime.divide(-1.0, 0.0) == -math.inf
    assert runtime.divide(1.0, -0.0) == -math.inf
    assert math.isnan(runtime.divide(0.0, 0.0))


def test_kinds_of_numbers_mix_unless_strict():
    assert repr(runtime.add(1, 1.5)) == "2.5"
    assert runtime.add(Uint(1), 1) == 2
    assert type(runtime.add(Uint(1), Uint(1))) is Uint
    for left, right in ((1, 1.5), (Uint(1), 1)):
        with pytest.raises(ExprError, match="no such overload"):
            runtime.add_strict(left, right)


def test_times_are_added_and_subtracted():
    assert runtime.subtract(Timestamp(5), Timestamp(3)) == Duration(2)
    assert runtime.add(Duration(2), Timestamp(3)) == Timestamp(5)
    with pytest.raises(ExprError, match="no such overload: duration - timestamp"):
        runtime.subtract(Duration(2), Timestamp(3))


def test_what_is_equal_is_equal_across_numbers_and_never_an_error():
    assert runtime.equal([1, {"a": Uint(2)}], [1.0, {"a": 2}])
    assert not runtime.equal(True, 1)
    assert not runtime.equal([True], [1])
    assert not runtime.equal({1: 1}, {True: 1})
    assert not runtime.equal(math.nan, math.nan)
    assert not runtime.equal("1", 1)


def test_an_int_is_compared_with_a_double_as_a_double():
    assert not runtime.less(2**53, 2.0**53)
    assert not runtime.less(2**53 + 1, 2.0**53)
    assert runtime.greater(2**62, 0.5)
    with pytest.raises(ExprError, match="no such overload: string < int"):
        runtime.less("a", 1)


def test_membership_is_equality_with_an_element():
    assert runtime.within(1.0, [1])
    assert not runtime.within(True, [1])
    assert runtime.within([1], [[1.0]])
    assert not runtime.within([], {})
    with pytest.raises(ExprError, match=r"Write text.contains\(part\)"):
        runtime.within("a", "abc")


def test_a_map_holds_each_key_once():
    assert runtime.make_map([("a", 1), (2, 3)]) == {"a": 1, 2: 3}
    for entries in ([(1, 1), (1.0, 2)], [("a", 1), ("a", 1)], [(1, 1), (True, 2)], [(None, 1)]):
        with pytest.raises(ExprError):
            runtime.make_map(entries)


def test_a_map_key_fits_64_bits(failure):
    """Larger integers can all have one hash."""
    error = failure("body.transformMapEntry(i, v, {v: i})", [2**64])
    assert (error.code, error.message) == ("OCTO-E204", "a map key does not fit into 64 bits")
