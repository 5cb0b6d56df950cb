"""A body in a test file becomes what a source would have made of it."""

from __future__ import annotations

import pytest

from octo.core import content, written
from octo.core.content import Held
from octo.core.spool import THRESHOLD


def test_without_a_content_type_it_is_the_value():
    assert written.body({"rawData": 1}) == {"rawData": 1}


@pytest.mark.parametrize(
    ("data", "content_type", "raw_data"),
    [
        (b"\xff\xd8", "image/jpeg", b"\xff\xd8"),
        ("größe".encode("latin-1"), "text/csv; charset=iso-8859-1", "größe"),
        ("a text", "image/svg", "a text"),
    ],
)
def test_bytes_are_text_if_their_type_is(data, content_type, raw_data):
    made = written.body(data, content_type)

    assert made == {"contentType": content_type, "rawData": raw_data}
    assert content.out(made)[1] in (data, str(data).encode())


def test_large_content_is_spooled_as_it_is_when_it_comes_in():
    data = bytes(THRESHOLD + 1)
    made = written.body(data, "image/png")

    assert isinstance(made, Held)
    assert content.data(made) == data
    assert content.data(written.body(content.data(made), "image/png")) == data


@pytest.mark.parametrize(("data", "content_type"), [({}, "x/y"), (None, "x/y"), (b"", 5)])
def test_what_cannot_be_raw_is_refused(data, content_type):
    with pytest.raises(ValueError, match="with `contentType`"):
        written.body(data, content_type)
