"""Answers that are not as they should be: half ones, false ones and none, from a server that writes bytes."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from octo.core.errors import Permanent, Transient

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
ROWS = b"row,1,2\n" * 5000


def with_length(body, *headers, status=b"200 OK"):
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


PACKED = gzip.compress(ROWS)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            with_length(PACKED[: len(PACKED) * 7 // 8], b"Content-Encoding: gzip"),
            "in the middle of its compressed data",
        ),
        (with_length(PACKED[:-1], b"Content-Encoding: gzip"), "in the middle of its compressed data"),
        (HEAD + b"Content-Length: 100\r\n\r\nhello", "the connection broke: the answer ended after 5 of 100 bytes"),
        (CHUNKED + b"5\r\nhello\r\n", "the connection broke: the answer ended after 5 bytes, before its last chunk"),
        (CHUNKED + b"zz\r\nhello\r\n", "Invalid character in chunk size"),
        (HEAD + b"Content-Le", "the connection broke"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "the connection broke"),
        (b"", "the connection broke"),
        (None, "the connection broke"),
        (
            with_length(b"x", b"Content-Encoding: br", status=b"503 Busy"),
            "has status 503, and the body is encoded as 'br'",
        ),
    ],
)
async def test_half_an_answer_is_transient(calling, raw, answer, why):
    """The error says what is missing; a request that may be repeated is."""
    raw.answer(answer, answer, raw.ok(b'"whole"'))
    async with calling(baseURL=raw.url) as calls:
        assert (await calls.rest()).body == "whole"
        raw.heads.clear()
        with pytest.raises(Transient, match=why) as caught:
            await calls.rest(method="POST")

    assert caught.value.code == "OCTO-H152"
    assert len(raw.heads) == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (with_length(b"hello", b"Content-Encoding: gzip"), "says `Content-Encoding: gzip`, but the body is not gzip"),
        (with_length(b"hello", b"Content-Encoding: br"), "encoded as 'br'"),
        (CHUNKED.replace(b"chunked", b"gzip, chunked") + b"0\r\n\r\n", "the transfer encoding 'gzip, chunked'"),
        (with_length(b"hello", status=b"204 No Content"), "an answer of 204 has no body, but the server sent one"),
        (with_length(b"hello", status=b"304 Not Modified"), "an answer of 304 has no body, but the server sent one"),
        (HEAD + b"Content-Length: 3\r\n\r\nhello", "the server sent more than the `Content-Length` of its answer"),
        (HEAD + b"Content-Length: -3\r\n\r\n", "Invalid character in Content-Length"),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n11", "Duplicate Content-Length"),
        (CHUNKED.replace(b"OK\r\n", b"OK\r\nContent-Length: 5\r\n") + b"0\r\n\r\n", "can't be present with"),
        (HEAD + b"X: " + b"a" * 70_000 + b"\r\n\r\n", "a header of the answer is longer than 65536 bytes"),
        (HEAD + b"X: 1\r\n" * 300 + b"\r\n", "the answer has more than 256 headers"),
        (HEAD + b"X: s3cret\0\r\n\r\n", "not valid HTTP: Invalid HTTP header$"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not valid HTTP: Bad status line: Expected HTTP/"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "not valid HTTP: Bad status line"),
        (b"HTTP/1.1 1000 OK\r\n\r\n", "Invalid response status"),
        (b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", "its status is 99"),
        (b"HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "switches to another protocol"),
    ],
)
async def test_an_answer_that_cannot_be_right_is_permanent(calling, raw, answer, why):
    """The error names the cause, not a class of a library, and shows nothing of what the server sent."""
    raw.answer(answer)
    async with calling(baseURL=raw.url) as calls:
        with pytest.raises(Permanent, match=why) as caught:
            await calls.rest()

    assert caught.value.code == "OCTO-H159"
    assert "s3cret" not in str(caught.value)
    assert len(str(caught.value)) < 300


async def test_an_answer_to_head_has_no_body(calling, raw):
    """What would be the body is nobody's answer."""
    raw.answer(raw.ok(b"hello"), keep=True)
    async with calling(baseURL=raw.url) as calls:
        with pytest.raises(Permanent, match="an answer to HEAD has no body, but the server sent one"):
            await calls.rest(method="HEAD")


@pytest.mark.parametrize(
    "answer",
    [
        with_length(b"", b"Content-Encoding: br", status=b"204 No Content"),
        with_length(b"", b"Content-Encoding: gzip"),
        CHUNKED.replace(b"OK\r\n", b"OK\r\nContent-Encoding: gzip\r\n") + b"0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + with_length(b""),
        with_length(b"", b"X: " + b"a" * 60_000),
    ],
)
async def test_no_body_is_null_whatever_its_encoding(calling, raw, answer):
    """There is nothing to decode."""
    raw.answer(answer)
    async with calling(baseURL=raw.url) as calls:
        assert (await calls.rest()).body is None


async def test_a_mistake_in_the_middle_ends_the_wait(calling, raw):
    """At once: the library told nobody, so that the request waited until its timeout."""
    raw.answer(CHUNKED + b"5\r\nhello\r\n", keep=True)

    async def spoil(calls):
        while not raw.heads:
            await asyncio.sleep(0)
        (waiting,) = calls.caller._transport._session.connector._acquired
        while waiting._payload is None:
            await asyncio.sleep(0)
        raw.writers[0].write(b"zz\r\n")

    async with calling(baseURL=raw.url, timeout="60s") as calls:
        with pytest.raises(Transient, match="Invalid character in chunk size"):
            async with asyncio.timeout(20):
                await asyncio.gather(calls.rest(method="POST"), spoil(calls))


async def test_a_header_with_any_bytes_is_text(calling, raw):
    """UTF-8, or Latin-1: never half characters, which could not be written again."""
    raw.answer(raw.ok(b"a", b"Content-Type: text/x; n=\xe9"), raw.ok(b"a", "Content-Type: text/x; n=\u20ac".encode()))
    async with calling(baseURL=raw.url) as calls:
        kinds = [(await calls.rest()).body["contentType"] for _ in range(2)]

    assert kinds == ["text/x; n=\u00e9", "text/x; n=\u20ac"]


async def test_a_header_that_has_one_value_is_not_joined(calling, raw):
    """A proxy may add a second. The first counts; of a redirect, too."""
    raw.answer(
        b"HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
        raw.ok(b"{}", b"Content-Type: application/json", b"Content-Type: text/html"),
    )
    async with calling(baseURL=raw.url) as calls:
        assert (await calls.rest()).body == {}

    assert raw.heads[1].startswith("GET /a ")


async def test_only_encodings_that_are_read_are_asked_for(calling, raw):
    """Whatever libraries are installed; a block may ask for others, or for none."""
    raw.answer(raw.ok(b"1"))
    async with calling(baseURL=raw.url) as calls:
        await calls.rest()
        await calls.rest(headers={"accept-encoding": "'identity'"})

    assert ["Accept-Encoding: gzip, deflate" in raw.heads[0], "gzip" in raw.heads[1]] == [True, False]
