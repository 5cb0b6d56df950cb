"""Files of a message become attachments: in every form that flows have them in, bounded, and under harmless names."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, strategies as st

from octo.ai.attached import MOST, MOST_BYTES, attachments, listed
from octo.ai.conversation import Attachment
from octo.core.errors import Permanent
from octo.core.secrets import mask
from octo.core.spool import Spool
from octo.expr.functions.multipart import from_multipart
from tests.ai import injections

SECRET = "k-93-attached-canary-51"


@pytest.mark.parametrize(
    ("value", "mime_type", "data"),
    [
        ({"mimeType": "application/pdf", "data": b"%PDF"}, "application/pdf", b"%PDF"),
        ({"mimeType": "image/png", "data": "AAEC\n/w=="}, "image/png", b"\0\1\2\xff"),
        ({"mimeType": "IMAGE/JPEG; q=1", "data": "AA=="}, "image/jpeg", b"\0"),
        ({"data": "data:image/png;base64,AA=="}, "image/png", b"\0"),
        ({"data": "DATA:text/plain;charset=utf-8,a%20b"}, "text/plain", b"a b"),
        ({"contentType": "text/csv", "rawData": "a;b"}, "text/csv", b"a;b"),
        ({"contentType": "image/png", "rawData": b"\x89"}, "image/png", b"\x89"),
        ({"mimeType": "application/json", "data": b"\xff"}, "application/json", b"\xff"),
        ({"name": "f", "filename": "a.png", "contentType": "image/png", "data": b"\x89"}, "image/png", b"\x89"),
        (
            {"name": "f", "contentType": "text/plain; charset=latin-1", "data": "ä", "headers": {}},
            "text/plain",
            b"\xe4",
        ),
    ],
)
def test_a_file_in_each_form(value, mime_type, data):
    [found] = attachments([value])

    assert (found.mime_type, found.data) == (mime_type, data)


def test_large_content_is_read():
    spool = Spool()
    spool.write(b"x" * 3_000_000)

    [found] = attachments([{"contentType": "video/mp4", "rawData": spool.finish()}])

    assert len(found.data) == 3_000_000


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("AA==", "file 1 must be a map"),
        ({"mimeType": "a/b", "data": "AA==", "path": "/etc/passwd"}, "file 1 must be a map"),
        ({"mimeType": "a/b"}, "`data` must be"),
        ({"contentType": "a/b", "name": "f"}, "`data` must be text or bytes"),
        ({"mimeType": "a/b", "data": "no!"}, "neither base64 nor a data URL"),
        ({"data": "data:nothing"}, "neither base64 nor a data URL"),
        ({"mimeType": "pdf", "data": "AA=="}, "needs a `mimeType`"),
        ({"mimeType": "a/b\r\nX: y", "data": "AA=="}, "needs a `mimeType`"),
        ({"mimeType": "a/b", "data": b"x" * (MOST_BYTES + 1)}, "at most 33,554,432"),
    ],
)
def test_what_is_no_file_is_refused(value, said):
    with pytest.raises(Permanent, match=said):
        attachments([value])


def test_there_is_an_end_to_files_and_their_bytes():
    with pytest.raises(Permanent, match="21 files are too many"):
        attachments([{"mimeType": "a/b", "data": ""}] * (MOST + 1))
    with pytest.raises(Permanent, match="more than 33,554,432 bytes"):
        attachments([{"mimeType": "a/b", "data": b"x" * (MOST_BYTES // 2 + 1)}] * 2)


@pytest.mark.parametrize("name", injections.FILE_NAMES)
def test_a_name_from_outside_is_data(name):
    values = [{"mimeType": "application/pdf", "data": "AA==", "name": name}]

    files = attachments(values)

    assert files[0].name == "file-1.pdf"
    assert injections.MARK in listed(values, files)
    assert injections.outside(listed(values, files)) == ""


def test_the_name_of_a_file_of_a_form_is_not_that_of_its_field():
    form = (
        b'--x\r\nContent-Disposition: form-data; name="photo"; filename="sea.png"\r\nContent-Type: image/png\r\n\r\n'
        b"\x89PNG\r\n--x--\r\n"
    )
    values = [from_multipart(form, "multipart/form-data; boundary=x")["photo"]]

    assert attachments(values) == (Attachment("image/png", b"\x89PNG", "file-1.png"),)
    assert '{"file-1.png":"sea.png"}' in listed(values, attachments(values))


def test_files_without_names_are_not_listed():
    values = [{"contentType": "text/csv", "rawData": "a;b"}]

    assert listed(values, attachments(values)) == ""


def test_known_secrets_in_texts_are_masked_unless_they_are_meant():
    mask(SECRET)
    value = {"mimeType": "text/plain", "data": f"key {SECRET}".encode()}

    assert SECRET.encode() not in attachments([value])[0].data
    assert SECRET.encode() in attachments([value], reveal=True)[0].data


@given(st.binary(max_size=200))
def test_bytes_arrive_as_they_were(data):
    """Also where a text is not in UTF-8."""
    text = base64.b64encode(data).decode()

    for form in ({"mimeType": "text/plain", "data": text}, {"data": f"data:text/plain;base64,{text}"}):
        assert attachments([form], reveal=True)[0].data == data


@given(st.text())
def test_any_text_as_data_is_a_file_or_an_error(text):
    for form in (text, f"data:{text}"):
        try:
            attachments([{"mimeType": "a/b", "data": form}])
        except Permanent:
            continue
