"""Bodies by `bodyType`: raw content from anywhere, forms, and parts."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest

from octo.core import content
from octo.core.errors import Permanent
from octo.core.message import Message
from octo.core.spool import Spool


def large(data: bytes, kind: str = "video/mp4") -> dict[str, object]:
    """Raw content in a file."""
    spool = Spool(0)
    spool.write(data)
    return content.raw(spool.finish(), kind)


def parts(upstream, at: int = -1) -> list[tuple[str, str | None, str, bytes]]:
    """Name, filename, content type and bytes of each part, as another reader of such bodies finds them."""
    kind = upstream.requests[at].headers["Content-Type"]
    whole = f"Content-Type: {kind}\r\n\r\n".encode() + upstream.bodies[at]
    read = email.message_from_bytes(whole, EmailMessage, policy=email.policy.HTTP)
    assert not read.defects
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in read.iter_parts()
    ]


@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [
        ("vars.file", b"\x00\x01", "image/png"),
        ("{'contentType': 'text/csv', 'rawData': 'a;b'}", b"a;b", "text/csv"),
        ("b'\\x00'", b"\x00", "application/octet-stream"),
        ("'<a/>'", b"<a/>", None),
        ("7", b"7", None),
    ],
)
async def test_raw_sends_what_is_there(calls, upstream, body, sent, kind):
    """Wherever it comes from, not only the body of the message."""
    message = Message(vars={"file": content.raw(b"\x00\x01", "image/png")})

    await calls.rest(message, method="POST", bodyType="raw", body=body)

    assert (upstream.bodies, upstream.requests[0].headers.get("Content-Type")) == ([sent], kind)


async def test_raw_streams_a_file_from_a_variable(calls, upstream):
    message = Message(vars={"file": large(b"x" * 100_000)})

    await calls.rest(message, method="PUT", bodyType="raw", body="vars.file", headers={"Content-Type": '"video/other"'})

    request = upstream.requests[0]
    assert upstream.bodies == [b"x" * 100_000]
    assert (request.headers["Content-Type"], request.headers["Content-Length"]) == ("video/other", "100000")


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("null", "raw", "`bodyType: raw` sends a text, bytes or raw content .* the body is null"),
        ("{'a': 1}", "raw", "the body is a map"),
        ("[1]", "raw", "the body is a list"),
        ("'a=1'", "form", "`bodyType: form` sends a map; the body is a text"),
        ("[1]", "multipart", "sends a map of parts; the body is a list"),
        ("{'contentType': 'a/b', 'rawData': 'x'}", "multipart", 'e.g. `{"file": body}`'),
        ("{'a': {'data': '%', 'encoding': 'base64'}}", "multipart", "the part 'a' says `encoding: base64`"),
    ],
)
async def test_another_value_is_refused(calls, upstream, body, kind, said):
    with pytest.raises(Permanent, match=said) as caught:
        await calls.rest(method="POST", body=body, bodyType=kind)

    assert (caught.value.code, upstream.requests) == ("OCTO-H167", [])


async def test_a_form_is_sent_as_a_web_page_does(calls, upstream):
    body = "{'a': 'x y&z', 'b': [1, 2], 'none': null, 'c': true, 'é': 'ü'}"

    await calls.rest(method="POST", body=body, bodyType="form")

    assert upstream.bodies == [b"a=x+y%26z&b=1&b=2&c=true&%C3%A9=%C3%BC"]
    assert upstream.requests[0].headers["Content-Type"] == "application/x-www-form-urlencoded"


async def test_parts_are_fields_files_and_json(calls, upstream):
    """A file from raw content, from bytes, from a text, or as a source gives the parts of a request."""
    body = """{
        "note": "é", "n": 7, "tags": ["a", "b"], "gone": null, "meta": {"a": 1}, "plain": body, "bin": b"\\x00",
        "named": {"filename": "a.mp4", "data": body},
        "text": {"filename": "a.txt", "data": "hé"},
        "typed": {"filename": "a.csv", "contentType": "text/csv; charset=latin-1", "data": "hé"},
        "coded": {"filename": "a.bin", "encoding": "base64", "data": "AAE=", "size": 2, "name": "old"}
    }"""
    message = Message(large(b"\x00" * 70_000), raw=True)

    await calls.rest(message, method="POST", body=body, bodyType="multipart")

    utf8 = "é".encode()
    assert parts(upstream) == [
        ("note", None, "text/plain", utf8),
        ("n", None, "text/plain", b"7"),
        ("tags", None, "text/plain", b"a"),
        ("tags", None, "text/plain", b"b"),
        ("meta", None, "application/json", b'{"a":1}'),
        ("plain", None, "video/mp4", b"\x00" * 70_000),
        ("bin", None, "application/octet-stream", b"\x00"),
        ("named", "a.mp4", "video/mp4", b"\x00" * 70_000),
        ("text", "a.txt", "text/plain", "hé".encode()),
        ("typed", "a.csv", "text/csv", b"h\xe9"),
        ("coded", "a.bin", "application/octet-stream", b"\x00\x01"),
    ]
    assert upstream.requests[0].headers["Content-Length"] == str(len(upstream.bodies[0]))


async def test_parts_are_sent_again_from_the_beginning(calls, upstream):
    upstream.answers(503, 200)

    await calls.rest(
        Message(large(b"y" * 100_000), raw=True), method="PUT", body='{"file": body}', bodyType="multipart"
    )

    assert [parts(upstream, at) for at in (0, 1)] == [[("file", None, "video/mp4", b"y" * 100_000)]] * 2


async def test_a_name_cannot_add_a_header(calls, upstream):
    """Nor end its quotes, nor the part."""
    evil = 'a"; filename="x\r\nX-Evil: 1\r\n\r\n--boundary'

    await calls.rest(
        Message(evil),
        method="POST",
        body='{"f": {"filename": body, "data": "x"}, body: "y"}',
        bodyType="multipart",
    )

    assert b"\r\nX-Evil" not in upstream.bodies[0]
    assert [data for _, _, _, data in parts(upstream)] == [b"x", b"y"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{'f': {'data': 'x', 'contentType': 'a/b\\r\\nX-Evil: 1'}}", "OCTO-H155"),
        ("{'f': body}", "OCTO-H156"),
        ("{body: 'x'}", "OCTO-H156"),
    ],
)
async def test_what_cannot_be_written_is_refused(calls, upstream, body, code):
    with pytest.raises(Permanent) as caught:
        await calls.rest(Message("\ud800"), method="POST", body=body, bodyType="multipart")

    assert (caught.value.code, upstream.requests) == (code, [])
