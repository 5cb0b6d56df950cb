"""Raw content: bytes that come in go out as the same bytes, and are text in between where possible."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given, settings, strategies as some

from octo.core import content
from octo.core.charsets import NotText, charset, decode, encode, is_text, taken
from octo.core.content import raw

CHARSETS = [
    "utf-8",
    "UTF-16",
    "utf-16le",
    "utf-16-be",
    "utf-32",
    "iso-8859-1",
    "windows-1252",
    "shift_jis",
    "iso-2022-jp",
    "gb18030",
    "utf-7",
    "big5",
    "koi8-r",
    "us-ascii",
    "utf-8-sig",
    "nonsense",
    "hex",
]
TYPES = ["text/csv", "application/xml", "image/png", "application/json", "nonsense", ""]
MARKS = [b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff\xfe\0\0", b"\0\0\xfe\xff"]

_types = some.builds(
    lambda kind, name: kind if name is None else f"{kind}; charset={name}",
    some.sampled_from(TYPES),
    some.none() | some.sampled_from(CHARSETS),
)
_bytes = some.builds(
    lambda mark, data: mark + data,
    some.sampled_from(MARKS),
    some.binary()
    | some.builds(lambda text, name: text.encode(name, "ignore"), some.text(), some.sampled_from(CHARSETS[:14])),
)


@settings(max_examples=500)
@given(_bytes, _types)
def test_the_same_bytes_go_out_that_came_in(data, content_type):
    """For any bytes and any content type."""
    assert content.out(raw(data, content_type)) == (content_type or content.BINARY, data)


@given(some.text(), some.sampled_from(["utf-8", "utf-16", "utf-16le", "utf-32", "gb18030"]))
def test_what_is_written_can_be_read(text, name):
    content_type = f'text/plain; charset="{name}"'
    assert decode(encode(text, content_type), content_type) == text


@pytest.mark.parametrize(
    ("data", "content_type", "text"),
    [
        ("Käse;1".encode("iso-8859-1"), "text/csv; charset=ISO-8859-1", "Käse;1"),
        (b"\xfe\xff" + "<ä/>".encode("utf-16-be"), "application/xml; charset=utf-16", "<ä/>"),
        (b"\xff\xfe" + "<ä/>".encode("utf-16-le"), "text/xml", "<ä/>"),
        (b"\xef\xbb\xbfa;b", "text/csv", "\ufeffa;b"),
        ("é".encode(), "application/soap+xml", "é"),
        (b"\x80", 'text/plain; format=flowed; Charset="windows-1252"', "€"),
        (b"a=1&b=2", "application/x-www-form-urlencoded", "a=1&b=2"),
    ],
)
def test_text_is_text_in_its_charset(data, content_type, text):
    assert taken(data, content_type) == text


@pytest.mark.parametrize(
    ("data", "content_type"),
    [(b"abc", "image/png"), (b"abc", "application/octet-stream"), (b"\xff", "text/csv"), (b"a", "text/x; charset=no")],
)
def test_everything_else_is_bytes(data, content_type):
    """Also data whose content type says text but which is no text."""
    assert taken(data, content_type) == data


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "application/ld+json",
        "image/svg+xml",
        "application/javascript",
        "application/yaml",
        "application/x-ndjson",
        "TEXT/CSV",
        "image/png;charset=utf-8",
    ],
)
def test_types_of_texts_are_known(kind):
    assert is_text(kind)


@pytest.mark.parametrize("kind", ["image/png", "application/pdf", "application/zip", "multipart/form-data", "x", ""])
def test_types_of_bytes_are_known(kind):
    assert not is_text(kind)


@pytest.mark.parametrize("name", ["hex", "nonsense", "idna", "unicode-escape", "rot13", "x" * 99])
def test_a_charset_that_nobody_knows_is_an_error(name):
    for use in (lambda kind: decode(b"a", kind), lambda kind: encode("a", kind)):
        with pytest.raises(NotText, match=r"the charset '.+' is not known"):
            use(f"text/plain; charset={name}")


def test_a_character_that_the_charset_lacks_is_an_error():
    """The character is not replaced by a question mark."""
    with pytest.raises(NotText, match=r"the text cannot be written as iso-8859-1: it has '\\u20ac'"):
        encode("5 €", "text/csv; charset=ISO-8859-1")


def test_the_bytes_of_a_text_count_only_in_its_own_charset():
    text = decode(b"\xfe\xff\0a", "text/xml; charset=utf-16")

    assert encode(text, "text/xml; charset=utf-16") == b"\xfe\xff\0a"
    assert encode(text, "text/xml") == b"a"
    assert encode(text + "", "text/xml; charset=utf-16").decode("utf-16") == "a"


def test_a_text_that_is_written_as_it_came_keeps_no_copy_of_its_bytes():
    assert type(decode(b"caf\xe9", "text/plain; charset=iso-8859-1")) is str


def test_a_text_with_its_bytes_survives_copies():
    text = decode(b"\xfe\xff\0a", "text/xml; charset=utf-16")
    for copied in (copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert encode(copied, "text/xml; charset=utf-16") == b"\xfe\xff\0a"


def test_the_charset_is_a_parameter_by_itself():
    assert charset("text/plain; xcharset=a; charset=b") == "b"
    assert charset("text/plain") == ""


@pytest.mark.parametrize("content_type", ['text/csv; charset=""', "text/csv; charset=", 'text/csv; charset=" "'])
def test_an_empty_charset_is_none(content_type):
    assert charset(content_type) == ""
    assert taken("a;ü".encode(), content_type) == "a;ü"
