"""A capture group that took no part in the match has no value, not even an empty text."""

import pytest

from octo.expr.functions import regex


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


def test_a_pattern_of_too_many_instructions_is_refused(failure):
    """RE2 lacks the memory to match the largest ones, and says that nothing matches."""
    assert failure("'a'.matches(body)", r"[\pL\pN]{100}").code == "OCTO-E208"
    assert failure("'a'.matches(body)", "|".join(f"[a-z]{{{n}}}q" for n in range(200))).code == "OCTO-E208"


def test_a_long_text_is_not_matched_with_a_large_pattern(failure, evaluate):
    """A pattern that RE2 cannot make a table of takes time for each instruction and character."""
    assert failure("body.matches('(?:a|b)*a(?:a|b){400}c')", "ab" * 500_000).code == "OCTO-E207"
    assert failure("regex.extract(body, '(?:a|b)*a(?:a|b){400}c')", "ab" * 500_000).code == "OCTO-E207"
    assert evaluate("body.matches('^[ab]+$')", "ab" * 500_000)


def test_the_number_of_matches_has_a_bound(failure, evaluate):
    assert failure("regex.replace(body, 'a', 'b')", "a" * 250_001).code == "OCTO-E207"
    assert failure("regex.extractAll(body, 'a')", "a" * 250_001).code == "OCTO-E207"
    assert evaluate("size(regex.extractAll(body, 'a'))", "a" * 1000) == 1000


@pytest.mark.parametrize(
    ("text", "pattern", "replacement", "result"),
    [
        ("né", "", "-", "-n-é-"),
        ("aéb😀", "[é😀]", "<\\0>", "a<é>b<😀>"),
        ("éé", "é?", "x", "xxx"),
        ("ßa", "a*", "_", "_ß__"),
    ],
)
def test_characters_beyond_ascii_are_whole(evaluate, text, pattern, replacement, result):
    assert evaluate("regex.replace(body[0], body[1], body[2])", [text, pattern, replacement]) == result


AHEAD = [("a(.*b)?", "a"), ("<!--.*?-->|<[^>]*>", "<!--x>"), ("(x[^y]*y)?.", "x"), ("(ab*c)+|a", "ab")]
"""Patterns that look ahead from each match for an end that does not come, and what they meet again and again."""


@pytest.mark.parametrize("function", ["regex.extractAll(body, '{}')", "regex.replace(body, '{}', '')"])
@pytest.mark.parametrize(("pattern", "piece"), AHEAD)
def test_a_search_that_looks_ahead_again_and_again_ends_by_its_own_time(failure, monkeypatch, function, pattern, piece):
    """A mebibyte took minutes. The time is that of the thread, so a busy machine does not count."""
    looks = []
    monkeypatch.setattr(regex, "thread_time", lambda: looks.append(1) or len(looks) - 1.0)
    assert failure(function.format(pattern), piece * 200).code == "OCTO-E207"
    assert len(looks) == 4  # at the start, and until more than two seconds are over


@pytest.mark.parametrize(("pattern", "piece"), AHEAD)
def test_in_a_loop_looking_ahead_is_paid_for(failure, monkeypatch, pattern, piece):
    calls = []
    find = regex._matches
    monkeypatch.setattr(regex, "_matches", lambda *given: calls.append(1) or find(*given))
    text = f"body.l.map(i, regex.extractAll(body.t, '{pattern}').size())"
    body = {"t": piece * (16_000 // len(piece)), "l": [0] * 100}
    assert failure(text, body).code == "OCTO-E207"
    assert 1 <= len(calls) <= 8


def test_a_search_that_does_not_look_ahead_is_cheap_in_a_loop(evaluate):
    body = {"t": "ab 12, " * 2_000, "l": [0] * 50}
    assert evaluate("body.l.map(i, regex.extractAll(body.t, '[0-9]+').size())", body) == [2_000] * 50


@pytest.mark.parametrize(("text", "found"), [("a\u00e9b", False), ("a\u00e9", True), ("\u00e9", True), ("ab", True)])
def test_an_empty_match_is_not_inside_of_a_character(evaluate, text, found):
    """The library looks at bytes, and finds a place without a word boundary between the two of an e with an accent."""
    assert evaluate('regex.extract(body, "\\\\B").hasValue()', text) is found
