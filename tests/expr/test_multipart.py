"""Multipart bodies: files are bytes, and come back as the bytes they were."""

import pytest
from hypothesis import assume, given, strategies as some

from octo.expr import ExprError
from octo.expr.functions.multipart import add_part, from_multipart, to_multipart


@given(some.binary(), some.text())
def test_a_file_comes_back_as_it_was(data, note):
    assume(b"--octo-multipart" not in data and "--octo-multipart" not in note)
    parts = add_part({}, "picture", {"filename": "a.png", "contentType": "image/png", "data": data})
    raw = to_multipart(add_part(parts, "note", note))

    found = from_multipart(raw)

    assert raw["rawData"].__class__ is bytes
    assert {name: found["picture"][name] for name in ("filename", "contentType", "encoding", "size", "data")} == {
        "filename": "a.png",
        "contentType": "image/png",
        "encoding": "binary",
        "size": len(data),
        "data": data,
    }
    assert (found["note"]["data"], found["note"]["encoding"]) == (note, "text")


def test_what_browsers_send_is_read():
    """The body may also be text, and a part may be sent as base64."""
    lines = [
        "--x",
        'Content-Disposition: form-data; name="a"; filename="a.bin"',
        "Content-Transfer-Encoding: base64",
        "",
        "/9g=",
        "--x--",
        "",
    ]
    text = "\r\n".join(lines)

    for raw in (text, text.encode()):
        assert from_multipart(raw, "multipart/form-data; boundary=x")["a"]["data"] == b"\xff\xd8"


def test_base64_is_still_taken_as_data():
    """Such parts were stored by an earlier version, or came as JSON."""
    part = {"filename": "a", "encoding": "base64", "data": "/9g="}

    assert from_multipart(to_multipart({"a": part}))["a"]["data"] == b"\xff\xd8"


def test_bytes_without_a_filename_are_binary():
    assert add_part({}, "a", b"\xff")["a"]["encoding"] == "binary"
    assert add_part({}, "a", b"b")["a"]["data"] == "b"


def test_a_part_with_the_boundary_in_it_is_refused():
    with pytest.raises(ExprError, match="contains the boundary"):
        to_multipart(add_part({}, "a", b"\xff--octo-multipart"))
