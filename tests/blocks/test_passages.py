"""Passages cover their text, overlap, and are never too long."""

from __future__ import annotations

import itertools
import re
import unicodedata

import pytest
from hypothesis import example, given, strategies as st

from octo.blocks.passages import passages

BY = ("characters", "words", "sentences", "paragraphs", "headings")
ALPHABET = "ab .!?\n\t#`~-\r。\u0301\u200d\U0001f469\U0001f1e9\U0001f1ea\u1100\u1161\u11a8é"
texts = st.one_of(st.text(st.sampled_from(ALPHABET), max_size=200), st.text(max_size=120))
sizes = st.integers(1, 40).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size // 2)))


def cut(text: str, by: str, size: int, overlap: int = 0) -> list[str]:
    return [text[each.start : each.end] for each in passages(text, by, size, overlap)]


@given(texts, st.sampled_from(BY), sizes)
@example(" ab", "characters", (2, 1))
@example("ab ", "characters", (2, 1))
@example(" a b", "words", (3, 1))
def test_the_passages_cover_all_that_is_not_blank_in_order(text, by, limits):
    """None is longer than the size, or begins or ends with a blank."""
    size, overlap = limits
    found = list(passages(text, by, size, overlap))
    covered = set()
    for each in found:
        piece = text[each.start : each.end]
        assert 0 < len(piece) <= size
        assert piece == piece.strip()
        covered |= set(range(each.start, each.end))

    assert all(text[at].isspace() for at in range(len(text)) if at not in covered)
    starts = [each.start for each in found]
    assert starts == sorted(set(starts))
    ends = [each.end for each in found]
    assert ends == sorted(set(ends))


@given(texts, st.sampled_from(BY), sizes)
def test_two_passages_share_at_most_the_overlap(text, by, limits):
    """But for characters of several code points, which stay whole."""
    size, overlap = limits
    found = list(passages(text, by, size, overlap))
    if by == "characters" and not text.isascii():
        return

    for before, after in itertools.pairwise(found):
        assert before.end - after.start <= overlap


@given(st.text("abcdefgh", min_size=1, max_size=300), sizes)
def test_characters_overlap_exactly(text, limits):
    size, overlap = limits
    found = list(passages(text, "characters", size, overlap))

    for before, after in itertools.pairwise(found):
        assert before.end - after.start == min(overlap, size - 1)
        assert before.end - before.start == size


@given(st.text(st.sampled_from("ab\u0301\u0302"), max_size=200))
def test_a_mark_stays_with_its_letter(text):
    """Unless a letter has more marks than fit into a passage."""
    most = max(map(len, re.findall("[\u0301\u0302]+", text)), default=0)
    pieces = cut(text, "characters", 8, 0)

    assert "".join(pieces) == text
    assert most > 6 or not any(unicodedata.combining(piece[0]) for piece in pieces[1:])


@pytest.mark.parametrize(
    "character",
    [
        "e\u0301",
        "\U0001f469\u200d\U0001f469\u200d\U0001f467",
        "\U0001f44d\U0001f3fd",
        "\U0001f1e9\U0001f1ea",
        "\u1112\u1161\u11ab",
        "❤\ufe0f",
        "\r\n",
    ],
    ids=ascii,
)
def test_what_a_reader_sees_as_one_character_is_not_cut(character):
    text = "x" + character * 6 + "y"
    for size in range(len(character) + 1, 12):
        joined = cut(text, "characters", size)
        assert "".join(joined) == (text if character != "\r\n" else "xy")
        assert all(piece.strip("xy").replace(character, "") == "" for piece in joined)


def test_sentences_stay_whole_and_are_said_again():
    text = "One two. Three four! Five six? Seven."

    assert cut(text, "sentences", 20) == ["One two. Three four!", "Five six? Seven."]
    assert cut(text, "sentences", 24, 12) == ["One two. Three four!", "Three four! Five six?", "Five six? Seven."]


def test_a_sentence_that_is_too_long_is_cut_between_words_and_a_word_inside():
    assert cut("aaa bbb ccc", "sentences", 7) == ["aaa bbb", "ccc"]
    assert cut("aaaaaaaaa bb", "sentences", 4) == ["aaaa", "aaaa", "a bb"]


def test_paragraphs_stay_whole():
    assert cut("a. b\n\nc. d\n \ne", "paragraphs", 6) == ["a. b", "c. d", "e"]
    assert cut("a. b\n\nc. d\n \ne", "paragraphs", 10) == ["a. b\n\nc. d", "e"]


def test_a_passage_knows_the_headings_above_it():
    """A heading begins a passage; one in a block of code is none."""
    text = "intro\n# A\none\n## B ##\ntwo\n```\n# no\n```\n# C\nthree"
    found = [(text[each.start : each.end], each.headings) for each in passages(text, "headings", 200, 0)]

    assert found == [
        ("intro", ()),
        ("# A\none", ("A",)),
        ("## B ##\ntwo\n```\n# no\n```", ("A", "B")),
        ("# C\nthree", ("C",)),
    ]


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize(
    "unit", ["\n", ".", " ", "\u0301", "\U0001f1e9", "#", ".'", "\n ", "a", "# a\n", "\u200d", "`"]
)
def test_no_text_takes_long(by, unit):
    """200,000 of anything: a cut that looks back without end would take minutes."""
    text = unit * (200_000 // len(unit))

    assert all(each.end - each.start <= 1000 for each in passages(text, by, 1000, 500))
