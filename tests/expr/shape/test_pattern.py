"""A pattern of ECMA-262 that is translated for Python means the same."""

from __future__ import annotations

import re

import pytest

from octo.expr.shape.pattern import mistake, translated


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        (r"^\p{L}+$", ["abc", "Žluť", "中"], ["", "a1", "abc\n"]),
        (r"^\p{Lu}\P{Lu}$", ["Ab", "Ž1"], ["AB", "ab"]),
        (r"^[\p{Letter}\p{gc=Nd} -]+$", ["a 1-b"], ["a_b"]),
        (r"^[^\p{L}]$", ["1", "-"], ["a", "中"]),
        (r"^[\P{L}x]$", ["1", "x"], ["y"]),
        (r"^\d\w$", ["1a", "2_"], ["٣a", "1é"]),
        (r"^[\w-.]+$", ["a-b.c"], ["a b"]),
        (r"^[a-\d]$", ["a", "-", "1"], ["b"]),
        (r"^(?<one>a)\k<one>$", ["aa"], ["a"]),
        (r"^(?<=^)(?<!b)a$", ["a"], ["b"]),
        (r"^\u{1F600}\cJ$", ["\U0001f600\n"], ["x"]),
        (r"^a[^]b$", ["a\nb"], ["ab"]),
        (r"^[]$", [], ["", "a"]),
        (r"^[[&&$]+$", ["[&$"], ["a"]),
        (r"^\/\$[$]\0?$", ["/$$", "/$$\0"], ["/"]),
    ],
)
def test_it_means_the_same(pattern, fits, does_not):
    found = re.compile(translated(pattern))

    assert [text for text in fits if not found.search(text)] == []
    assert [text for text in does_not if found.search(text)] == []


@pytest.mark.parametrize(
    ("pattern", "reason"), [(r"\p{Script=Greek}", r"\\p\{Script=Greek\}"), ("(?<=a+)b", "look-behind"), ("[", "set")]
)
def test_what_python_cannot_say_is_told(pattern, reason):
    with pytest.raises(ValueError, match=reason):
        translated(pattern)


@pytest.mark.parametrize("pattern", ["[", "(a", "a)", "*a", "a**", "a\\", "[b-a]", "a{3,1}"])
def test_what_is_no_pattern_in_any_dialect(pattern):
    assert mistake(pattern)


@pytest.mark.parametrize(
    "pattern", ["", "a", r"^\p{L}+$", r"\p{Script=Greek}", "(?<=a+)b", "(?<n>a)", "[]", r"[\w-.]", r"\q", "{", "[[:a]"]
)
def test_what_is_one_in_some_dialect_is_no_mistake(pattern):
    assert mistake(pattern) == ""
