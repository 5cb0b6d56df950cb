"""Content encodings: whole bodies, halves, falsehoods and bombs."""

from __future__ import annotations

import gzip
import zlib

import pytest

from octo.connectors.http_client.encodings import PIECE, WINDOW, Cut, Undecodable, decoded

DATA = b"row,1,2\n" * 50_000
GZIP, ZLIB = gzip.compress(DATA, mtime=0), zlib.compress(DATA)
BARE = ZLIB[2:-4]


@pytest.mark.parametrize(
    ("data", "header", "expected"),
    [
        (GZIP, "gzip", DATA),
        (GZIP, "X-GZip", DATA),
        (GZIP, "identity, gzip", DATA),
        (GZIP + GZIP, "gzip", DATA + DATA),
        (gzip.compress(b"a", mtime=0) * 3000, "gzip", b"a" * 3000),
        (GZIP + b"\0" * (WINDOW + 100), "gzip", DATA),
        (gzip.compress(b"", mtime=0), "gzip", b""),
        (gzip.compress(b"x" * PIECE, mtime=0), "gzip", b"x" * PIECE),
        (gzip.compress(b"x" * (2 * PIECE), mtime=0), "gzip", b"x" * (2 * PIECE)),
        (ZLIB, "deflate", DATA),
        (BARE, "deflate", DATA),
        (b"as it is", "identity", b"as it is"),
        (b"as it is", "UTF-8", b"as it is"),
        (b"as it is", "", b"as it is"),
    ],
)
def test_whole_bodies_are_decoded(data, header, expected):
    """In one member or in many."""
    assert b"".join(decoded(data, header)) == expected


@pytest.mark.parametrize(("data", "header"), [(GZIP, "gzip"), (ZLIB, "deflate"), (BARE, "deflate")])
def test_half_a_body_is_none(data, header):
    """Wherever it was cut."""
    for end in {1, 2, 5, 12, len(data) // 2, len(data) - 9, len(data) - 4, len(data) - 1}:
        with pytest.raises(Cut, match="in the middle of its compressed data"):
            list(decoded(data[:end], header))


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (GZIP[:-8] + b"\0" * 8, "gzip"),
        (GZIP[:50] + b"\xff" * 50 + GZIP[100:], "gzip"),
        (GZIP + b"junk", "gzip"),
        (GZIP + GZIP[:-1], "gzip"),
        (ZLIB + b"junk", "deflate"),
    ],
)
def test_a_damaged_body_is_none(data, header):
    """Its sum is checked, and nothing may follow it."""
    with pytest.raises(Cut):
        list(decoded(data, header))


@pytest.mark.parametrize(
    ("data", "header", "why"),
    [
        (b"{}", "gzip", "the body is not gzip"),
        (b"{", "gzip", "the body is not gzip"),
        (ZLIB, "gzip", "the body is not gzip"),
        (b"\x0b\x02\x80hello\x03", "br", "encoded as 'br', but gzip or deflate was asked for"),
        (b"x", "zstd", "encoded as 'zstd'"),
        (b"x", "x" * 500, f"encoded as '{'x' * 40}'"),
        (GZIP, "gzip, gzip", "more than once"),
    ],
)
def test_what_the_header_says_must_be_so(data, header, why):
    """The error names the encoding."""
    with pytest.raises(Undecodable, match=why):
        list(decoded(data, header))


@pytest.mark.parametrize("header", ["gzip", "deflate"])
def test_a_bomb_comes_in_small_pieces(header):
    """So that the caller can stop when it has had enough."""
    packed = (gzip if header == "gzip" else zlib).compress(b"\0" * 50_000_000)

    assert max(map(len, decoded(packed, header))) <= PIECE


def test_many_small_members_are_linear_work(monkeypatch):
    """Each step copies at most a window, however many members follow."""
    copied = []
    real = zlib.decompressobj

    class Counting:
        def __init__(self, bits):
            self.engine = real(bits)

        def __getattr__(self, name):
            return getattr(self.engine, name)

        def decompress(self, data, most):
            copied.append(len(data))
            return self.engine.decompress(data, most)

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    list(decoded(gzip.compress(b"", mtime=0) * 20_000, "gzip"))

    assert max(copied) <= WINDOW
