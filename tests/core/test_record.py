"""A message is stored without loss, in a form that all later versions read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings, strategies as some

from octo.core import charsets, codec, content
from octo.core.charsets import Text
from octo.core.content import Held
from octo.core.errors import Permanent
from octo.core.message import Message
from octo.core.record import pack, unpack
from octo.core.spool import Content, Spool
from octo.expr.values import INT_MAX, INT_MIN, MAX_TIMESTAMP, MIN_TIMESTAMP, Duration, Exact, Timestamp

RECORDS = Path(__file__).parent / "records"
EXAMPLES = int(os.environ.get("OCTO_TEST_EXAMPLES", "300"))
"""How many messages are generated; 100,000 take a few minutes."""

_exact = some.from_regex(r"-?[1-9][0-9]{0,3}\.[0-9]{20,30}[1-9](e[1-9][0-9]{0,2})?", fullmatch=True).map(Exact)
_texts = some.text() | some.text(some.characters(), max_size=5)  # the second ones with half characters
_scalars = (
    some.none()
    | some.booleans()
    | some.integers()
    | some.integers(-(2**200), 2**200)
    | some.floats()
    | _exact
    | _texts
    | some.binary()
    | some.builds(Timestamp, some.integers(MIN_TIMESTAMP, MAX_TIMESTAMP))
    | some.builds(Duration, some.integers(INT_MIN, INT_MAX))
    | some.builds(lambda data: charsets.decode(b"\xfe\xff" + data + data, "text/xml; charset=utf-16"),
                  some.binary(max_size=4).filter(lambda data: not any(0xD8 <= each <= 0xDF for each in data)))
)  # fmt: skip
_keys = _texts | some.sampled_from(["$bytes", "$map", "$", "$text", "contentType", "rawData", "v"])
_odd_keys = _keys | some.integers() | some.booleans()
_values = some.recursive(
    _scalars,
    lambda inner: (
        some.lists(inner, max_size=4)
        | some.dictionaries(_keys, inner, max_size=3)
        | some.dictionaries(_odd_keys, inner, max_size=3)
    ),
    max_leaves=12,
)
_raw = some.builds(
    content.raw,
    some.binary(),
    some.sampled_from(["image/png", "text/csv; charset=iso-8859-1", "application/xml; charset=utf-16"]),
)
_messages = some.builds(
    Message,
    _values | _raw,
    some.dictionaries(_keys, _values, max_size=3),
    some.text("0123456789abcdef", min_size=1, max_size=32),
    some.text(),
    some.booleans(),
    some.text(),
)


def same(one: object, other: object) -> bool:
    """Equal in kind and content, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = zip(dict.items(one), dict.items(other), strict=True)
        return len(one) == len(other) and all(same(a, c) and same(b, d) for (a, b), (c, d) in pairs)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return repr(one) == repr(other)
    if isinstance(one, Text) and isinstance(other, Text):
        return (str(one), one.sent, one.charset) == (str(other), other.sent, other.charset)
    return bool(one == other)


def parts(message: Message) -> list[object]:
    return [getattr(message, name) for name in Message.__slots__ if name != "vars"] + [dict(message.vars)]


@settings(max_examples=EXAMPLES, deadline=None)
@given(_messages)
@example(Message({"half \ud800": ["half \ud800"]}))
def test_a_message_comes_back_as_it_was(message):
    """Through the record and through its text: the same contents, of the same kinds, in the same order."""
    text = codec.write_kinds(message.to_record())

    for found in (Message.from_record(codec.read(text)), Message.from_record(message.to_record())):
        assert same(parts(found), parts(message))


def test_spooled_content_comes_back():
    spool = Spool()
    spool.write(b"x" * 2_000_000)
    message = Message(content.raw(spool.finish(), "video/mp4"), raw=True)

    found = Message.from_record(codec.read(codec.write_kinds(message.to_record())))

    assert isinstance(found.body, Held)
    assert isinstance(content.data(found.body), Content)
    assert content.out(found.body) == ("video/mp4", b"x" * 2_000_000)


def test_an_empty_message_has_a_small_record():
    assert Message(event_id="1").to_record() == {"v": 1, "id": "1"}


def test_a_record_is_deep_where_a_body_is():
    value: object = b"x"
    for _ in range(1000):
        value = [{"a": value}]

    assert codec.write(unpack(pack(value))) == codec.write(value)


@pytest.mark.parametrize("path", sorted(RECORDS.glob("*.json")), ids=lambda path: path.stem)
def test_what_an_earlier_version_wrote_is_read(path):
    """For ever. Files are added here and never changed: each has a record, and the `repr` of its contents."""
    stored = codec.read(path.read_bytes())

    assert shown(Message.from_record(stored["record"])) == stored["shown"]


def shown(message: Message) -> dict[str, str]:
    return {name: repr(getattr(message, name)) for name in Message.__slots__}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"v": 2, "id": "1"}, "it has version 2, and this Octo reads version 1"),
        ({"v": "1", "id": "1"}, "it has version '1'"),
        ({}, "it is no record"),
        ([1], "it is no record"),
        ({"v": 1}, "it is damaged"),
        ({"v": 1, "id": "1", "body": {"$bytes": 5}}, "it is damaged"),
        ({"v": 1, "id": "1", "body": {"$unheard": 5}}, "it is damaged"),
    ],
)
def test_what_cannot_be_read_is_refused(record, reason):
    with pytest.raises(Permanent, match=reason) as caught:
        Message.from_record(record)
    assert caught.value.code == "OCTO-R140"


def test_what_no_message_holds_has_no_record():
    with pytest.raises(TypeError, match="object is no value that a message holds"):
        Message(object()).to_record()


def test_a_timestamp_keeps_its_offset():
    found = unpack(codec.read(codec.write_kinds(pack([Timestamp(1_500_000_000, 7200), Timestamp(0)]))))

    assert [str(each) for each in found] == ["1970-01-01T02:00:01.5+02:00", "1970-01-01T00:00:00Z"]
