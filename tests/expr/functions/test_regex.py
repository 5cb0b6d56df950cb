"""A capture group that took no part in the match has no value, not even an empty text."""

import pytest


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('regex.extract("b", "(a)?b").hasValue()', False),
        ('regex.extract("b", "(a?)b").value()', ""),
        ('regex.extractAll("b ab", "(a)?b")', ["a"]),
        ('regex.replace("b ab", "(a)?b", r"<\\1>")', "<> <a>"),
    ],
)
def test_a_group_that_took_no_part_is_none(evaluate, text, value):
    assert evaluate(text) == value


def test_more_than_one_group_is_refused(failure):
    for name in ("extract", "extractAll"):
        assert "more than one capture group" in failure(f'regex.{name}("ab", "(a)(b)")').message


@pytest.mark.parametrize(("limit", "value"), [(0, "aaa"), (1, "baa"), (3, "bbb"), (9, "bbb"), (-1, "bbb")])
def test_a_number_of_matches_is_replaced(evaluate, limit, value):
    assert evaluate(f'regex.replace("aaa", "a", "b", {limit})') == value
