"""Texts cut into pieces give the same pieces however they come in chunks, and a chunk at a time is read."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from octo.blocks import pieces
from octo.core.content import raw
from octo.core.errors import Permanent
from octo.core.message import Message
from octo.core.spool import Spool

TEXT = st.text(alphabet="ab\n\r;é😀", max_size=40)
CUTS = st.lists(st.integers(0, 40), max_size=6)


def chunked(text, cuts):
    ends = sorted({min(cut, len(text)) for cut in cuts} | {len(text)})
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@given(TEXT, CUTS)
def test_lines_are_those_of_the_whole_text(text, cuts):
    expected = text.split("\n")
    expected = expected[:-1] if expected[-1] == "" else expected

    assert list(pieces.lines(chunked(text, cuts))) == [each.removesuffix("\r") for each in expected]


@given(TEXT, CUTS, st.text(alphabet="ab\n;", min_size=1, max_size=3))
def test_delimited_are_those_of_the_whole_text(text, cuts, delimiter):
    expected = text.split(delimiter)
    expected = expected[:-1] if expected[-1] == "" else expected

    assert list(pieces.delimited(chunked(text, cuts), delimiter)) == expected


@given(TEXT, CUTS, st.integers(1, 7))
def test_equal_parts_join_to_the_text(text, cuts, size):
    found = list(pieces.equal(chunked(text, cuts), size))

    assert "".join(found) == text
    assert all(len(each) == size for each in found[:-1])
    assert all(0 < len(each) <= size for each in found[-1:])


@pytest.mark.parametrize("charset", ["", "; charset=utf-16", "; charset=utf-16-le", "; charset=iso-8859-1"])
def test_raw_content_is_decoded_in_its_charset_also_from_a_file(charset):
    text = "é\r\nb\n" * 60_000
    written = text.encode(charset.removeprefix("; charset=") or "utf-8")
    spool = Spool(threshold=10)
    spool.write(written)
    for data in (written, spool.finish()):
        message = Message(raw(data, "application/octet-stream" + charset), raw=True)
        assert "".join(pieces.chunks(message, "split")) == text


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (Message({"a": 1}), "split lines needs a text or raw content, and the body is a map"),
        (Message(None), "the body is null"),
        (Message(b"\xff\n"), "split lines cannot read the content as text: it is not utf-8"),
        (Message(b"a" * 70_000 + b"\xc3"), "it is not utf-8"),
        (Message(raw(b"a", "text/x; charset=klingon"), raw=True), "the charset 'klingon' is not known"),
    ],
)
def test_what_is_no_text_is_refused(message, said):
    with pytest.raises(Permanent, match=said):
        list(pieces.chunks(message, "split lines"))


def test_an_element_without_an_end_is_refused(monkeypatch):
    monkeypatch.setattr(pieces, "LARGEST", 100)
    with pytest.raises(Permanent, match="an element has more than 100 characters"):
        list(pieces.lines(["a" * 60, "b" * 60, "\n"]))


def test_no_more_is_read_than_the_next_piece_needs():
    taken = []

    def chunks():
        for number in range(100):
            taken.append(number)
            yield f"{number}\n"

    found = pieces.lines(chunks())
    assert [next(found), next(found)] == ["0", "1"]
    assert len(taken) == 2
