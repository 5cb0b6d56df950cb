"""Values are shown on one line that people can read."""

from __future__ import annotations

import pytest

from octo.core.content import raw
from octo.core.shown import shown
from octo.core.spool import Spool
from octo.expr.values import Duration, Exact, Timestamp


def spooled(data):
    spool = Spool(threshold=1)
    spool.write(data)
    return spool.finish()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, None, "ß"], "b": {}}, '{"a": [1, null, "ß"], "b": {}}'),
        (2**100, "1267650600228229401496703205376"),
        ([Exact("0.1234567890123456789")], "[0.1234567890123456789]"),
        (b"plain", 'b"plain"'),
        (b"", "<no bytes>"),
        (b"\xff\xd8", "<ff d8>"),
        (
            b"\x89PNG\r\n\x1a\n" + bytes(1_000_000),
            "<1,000,008 bytes: 89 50 4e 47 0d 0a 1a 0a 00 00 00 00 00 00 00 00 ...>",
        ),
        (raw(spooled(bytes(99)), "x/y"), '{"contentType": "x/y", "rawData": <99 bytes: ' + "00 " * 16 + "...>}"),
        (Timestamp(0), 'timestamp("1970-01-01T00:00:00Z")'),
        (Duration(90 * 10**9), 'duration("90s")'),
    ],
)
def test_every_kind(value, text):
    assert shown(value) == text


def test_what_is_nested_without_end_does_no_harm():
    value = []
    for _ in range(5000):
        value = [value]
    assert shown(value) == "<nested too deeply to be shown>"
