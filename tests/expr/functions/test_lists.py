"""Sums, extremes, groups and positions: what is empty, mixed or null is decided, not met by chance."""

import pytest

from octo.expr.values import Duration, Uint


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[].sum()", 0),
        ("[1, 2].sum()", 3),
        ("[1, 2.5].sum()", 3.5),
        ("[1u, 2u].sum()", Uint(3)),
        ("[1u, 2].sum()", 3),
        ("[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1].sum()", 1.0),
        ("[1e308, 1e308, -1e308].sum() > 1e307", True),
        ('[double("inf"), double("-inf")].sum().string()', None),
        ('[duration("1h"), duration("-30m")].sum()', Duration(1800 * 10**9)),
        ("[1, 2].avg()", 1.5),
        ("[2, 4].avg()", 3.0),
        ("[9223372036854775807, 9223372036854775807].avg()", 9223372036854775807.0),
        ('[duration("1h"), duration("2h")].avg()', Duration(5400 * 10**9)),
        ("[2, 1.5, 3u].min()", 1.5),
        ("[2, 1.5, 3u].max()", Uint(3)),
        ('["b", "a"].max()', "b"),
        ("[true, false].min()", False),
        ("[1, 1.5, 2u].isSorted()", True),
        ('["b", "a"].isSorted()', False),
        ("[1, 1.0, true].indexOf(true)", 2),
        ("[1, 1.0, true].lastIndexOf(1u)", 1),
        ("[[1], {'a': 1}, null].indexOf({'a': 1.0})", 1),
        ("[[1], {'a': 1}, null].indexOf(null)", 2),
        ("[].indexOf(1) + [].lastIndexOf(1)", -2),
        ("[].chunk(3)", []),
        ("[1, 2].chunk(5)", [[1, 2]]),
    ],
)
def test_the_value(evaluate, failure, text, value):
    if value is None:
        assert failure(text).code.startswith("OCTO-E")
    else:
        assert (found := evaluate(text)) == value
        assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, null].sum()", "sum: element 1 is null. Leave it out: x.filter(e, e != null).sum()"),
        ('[1, "2"].sum()', "sum: element 1 is a string"),
        ('["a"].sum()', "sum: element 0 is a string"),
        ('[duration("1s"), 1].sum()', "sum: element 0 is a duration"),
        ("[true].sum()", "sum: element 0 is a bool"),
        ("[9223372036854775807, 1].sum()", "integer overflow: the result does not fit into 64 bits"),
        ("[].avg()", "avg of an empty list. Write size(x) == 0 ? 0 : x.avg()"),
        ("[].min()", "min of an empty list. Write size(x) == 0 ? 0 : x.min()"),
        ("[].max()", "max of an empty list. Write size(x) == 0 ? 0 : x.max()"),
        ('[1, "a"].max()', "max: element 1 is a string"),
        ("['a', null].min()", "min: element 1 is null. Leave it out: x.filter(e, e != null).min()"),
        ("[[1], [2]].max()", "max: element 0 is a list"),
        ("[null].isSorted()", "isSorted: element 0 is null. Leave it out: x.filter(e, e != null).isSorted()"),
        ("[1].chunk(0)", "chunk needs a size of at least 1, found 0"),
    ],
)
def test_what_has_no_value_is_an_error_that_says_where(failure, text, message):
    assert str(failure(text)) == message


def test_a_sum_of_many_digits_is_an_error(failure):
    assert failure("body.sum()", [10**4000, 1]).code == "OCTO-E204"
    assert failure("body.avg()", [10**4000, 1]).code == "OCTO-E204"


def test_elements_are_grouped_in_their_order(evaluate):
    body = [{"c": "DE", "n": 1}, {"c": "AT", "n": 2}, {"c": "DE", "n": 3}]

    assert evaluate("body.groupBy(x, x.c)", body) == {"DE": [body[0], body[2]], "AT": [body[1]]}
    assert evaluate("body.groupBy(x, x.c).transformMap(k, v, v.map(x, x.n).sum())", body) == {"DE": 4, "AT": 2}
    assert evaluate("[].groupBy(x, x.c)") == {}


@pytest.mark.parametrize(
    ("items", "groups"),
    [
        ([1, 1.0, 2], {1: [1, 1.0], 2: [2]}),
        ([True, False, True], {True: [True, True], False: [False]}),
    ],
)
def test_keys_may_be_numbers_and_bools(evaluate, items, groups):
    """A whole number is one key, however it was written."""
    assert evaluate("body.groupBy(x, x)", items) == groups


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([1, True], "a map cannot hold both 1 and true as keys"),
        (["a", None], 'groupBy: the key of element 1 is null. Choose one for null: x.key == null ? "none" : x.key'),
        ([1.5], "a double cannot be a map key. Convert it with string(...)"),
        ([[1]], "a list cannot be a map key. Convert it with string(...)"),
        ({"a": 1}, "groupBy needs a list, found a map"),
    ],
)
def test_other_keys_are_refused(failure, items, message):
    assert str(failure("body.groupBy(x, x)", items)) == message
