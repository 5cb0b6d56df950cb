"""Server-sent events as text: what is written is read back as one event."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as some

from octo.connectors.http.frames import NoField, body_of, frame, read, text_of
from octo.core.message import Message


def test_an_event_with_everything():
    assert frame("a\nb", "tick", "7", 3000) == b"event: tick\nid: 7\nretry: 3000\ndata: a\ndata: b\n\n"
    assert frame("") == b"data: \n\n"
    assert frame("x", id="") == b"id: \ndata: x\n\n", "an empty id makes browsers forget the last one"


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\0b"])
@pytest.mark.parametrize("field", ["event", "id"])
def test_a_field_is_one_line(field, text):
    with pytest.raises(NoField, match=f"`{field}` is one line"):
        frame("x", **{field: text})


@given(some.text())
def test_no_data_is_more_than_one_event(data):
    found = read(frame(data, "e").decode())
    assert len(found) == 1
    assert found[0]["event"] == "e"
    assert found[0].keys() == {"event", "data"}


@pytest.mark.parametrize("ends", ["\n", "\r", "\r\n"])
def test_every_line_end_begins_another_line(ends):
    assert frame(f"a{ends}event: b{ends}{ends}c") == b"data: a\ndata: event: b\ndata: \ndata: c\n\n"


def test_half_a_character_does_not_break_the_stream():
    assert frame("\ud800") == b"data: ?\n\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), ({"a": 1.0}, '{"a":1}'), (None, "null"), (True, "true"), (b"a", '"YQ=="'), ([1], "[1]")],
)
def test_a_text_is_sent_as_it_is_and_anything_else_as_json(value, text):
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("body", "raw", "text"),
    [
        ("a", False, '"a"'),
        (None, False, "null"),
        ({"a": 1}, False, '{"a":1}'),
        ({"contentType": "text/plain", "rawData": "a\nb"}, True, "a\nb"),
        ({"contentType": "text/plain", "rawData": b"\xc3\xa9"}, True, "é"),
        ({"contentType": "image/png", "rawData": b"\xff"}, True, '{"contentType":"image/png","rawData":"/w=="}'),
    ],
)
def test_a_body_is_json_and_raw_content_its_text(body, raw, text):
    assert body_of(Message(body, raw=raw)) == text


def test_reading():
    text = ': ping\n\nevent: a\r\nid: 1\r\ndata: {"x":1}\r\n\r\n'
    text += "data:b\ndata:  c\n\nretry: 5\ndata: d\n\nid: 9\n\ndata: half"
    assert read(text) == [
        {"event": "a", "id": "1", "data": {"x": 1}},
        {"data": "b\n c"},
        {"retry": "5", "data": "d"},
    ]
