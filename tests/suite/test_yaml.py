"""What is written into a test file is read back from it as it was."""

from __future__ import annotations

from hypothesis import example, given, strategies as st

from octo.config.report import Report
from octo.config.substitute import literal
from octo.config.yaml import read
from octo.core.charsets import decode
from octo.core.content import raw
from octo.core.spool import Spool
from octo.expr.values import Duration, Exact, Timestamp
from octo.suite.yaml import dump


def again(value):
    return literal(read(dump(value).encode(), "f", Report(), with_bytes=True)).value


def test_bytes_and_digits_survive():
    shared = [b"\xff\x00", b""]
    value = {"a": shared, "b": shared, "n": 2**100, "d": Exact("0.1234567890123456789"), "e": Exact("1E+400")}

    assert repr(again(value)) == repr(value)
    assert "&id" not in dump(value)


def test_large_content_is_bytes():
    spool = Spool(threshold=1)
    spool.write(bytes(range(256)))

    assert again(raw(spool.finish(), "x/y")) == {"contentType": "x/y", "rawData": bytes(range(256))}


def test_times_and_texts_with_their_bytes_are_texts():
    text = decode(b"\xfe\xff" + "ß".encode("utf-16-be"), "text/plain; charset=utf-16")

    assert again([Timestamp(0), Duration(5 * 10**9), text]) == ["1970-01-01T00:00:00Z", "5s", "ß"]


@given(st.text(st.characters(codec="utf-8")))
@example("1e3")
@example("0o17")
@example("1_000")
@example("2026-1-1")
@example(".5")
@example("~")
@example("  two\n lines\n")
@example("\n\na\n\n")
@example("a \nb")
@example("\x00")
@example("\x85\u2028")
def test_a_text_stays_a_text(text):
    """Also one that looks like a number to us, and not to the library that writes it."""
    assert again({"a": [text]}) == {"a": [text]}


def test_lines_are_written_as_lines():
    assert dump({"a": "one\ntwo\n"}) == "a: |\n  one\n  two\n"
