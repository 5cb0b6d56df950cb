"""Records become messages, and messages records."""

from __future__ import annotations

import pytest

from octo.connectors.kafka import records
from octo.connectors.kafka.settings import Consume, Publish
from octo.core.delivery import Reject
from octo.core.errors import Permanent
from octo.core.message import Message
from octo.expr.values import Timestamp


class Raw:
    """A record as the client gives it."""

    def __init__(self, value=b"{}", key=None, headers=None, timestamp=(1, 1500), offset=7):
        self.__dict__ |= {"given": {"value": value, "key": key, "headers": headers, "timestamp": timestamp}}
        self.given |= {"topic": "orders", "partition": 2, "offset": offset}

    def __getattr__(self, name):
        return lambda: self.given[name]


def taken(raw, **settings):
    return records.taken(raw, Consume.model_validate({"topics": ["orders"], "group": "g"} | settings), "cluster")


def given(message, **settings):
    return records.given(Publish.model_validate({"topic": "'orders'"} | settings), message)


def test_a_record_is_its_value_with_its_place_as_variables():
    message, unfit = taken(Raw(b'{"a": 1}', key=b"k", headers=[("h", b"v")]))

    assert (message.body, unfit) == ({"a": 1}, None)
    origin = {"topic": "orders", "partition": 2, "offset": 7, "key": "k", "timestamp": Timestamp(1_500_000_000)}
    assert message.vars == {**origin, "headers": {"h": "v"}}


@pytest.mark.parametrize("body_type", ["auto", "json", "text", "bytes", "raw"])
def test_a_record_without_a_value_is_null(body_type):
    message, unfit = taken(Raw(None, key=b"\xff"), bodyType=body_type)

    assert (message.body, message.raw, unfit) == (None, False, None)
    assert message.vars["key"] == b"\xff"


def test_garbage_is_unfit_and_kept_as_it_came():
    message, unfit = taken(Raw(b'{"a":'), bodyType="json")

    assert "not valid JSON" in str(unfit)
    assert message.body["rawData"] == b'{"a":'


def test_a_record_has_the_same_event_id_each_time_and_another_one_another():
    ids = [taken(Raw(offset=offset)).message.event_id for offset in (7, 7, 8)]

    assert ids[0] == ids[1] != ids[2]


def test_a_time_that_the_broker_does_not_know_is_null():
    assert taken(Raw(timestamp=(0, 0))).message.vars["timestamp"] is None


def test_a_message_is_published_with_its_type_key_and_headers():
    sent = given(Message({"id": 5}, correlation_id="c"), key="string(body.id)", headers={"h": "1"})

    own = [("X-Correlation-Id", "c"), ("h", "1"), ("Content-Type", "application/json")]
    assert sent == ("orders", b'{"id":5}', b"5", own)


def test_null_is_published_as_a_record_without_a_value():
    """So a compacted topic forgets the key."""
    assert given(Message({"id": "a"}), body="null", key="body.id") == ("orders", None, b"a", [])


def test_a_message_comes_back_as_it_was_published():
    _, value, key, headers = given(Message("text", correlation_id="c"), key="'k'")
    message = taken(Raw(value, key, [(name, each.encode()) for name, each in headers])).message

    assert (message.body, message.correlation_id, message.vars["key"]) == ("text", "c", "k")


@pytest.mark.parametrize(("body", "told"), [(5, r"string\(body.id\)"), ("\ud800", "half a character")])
def test_a_key_that_is_none_is_refused(body, told):
    with pytest.raises(Permanent, match=told):
        given(Message(body), key="body")


def test_a_dead_letter_tells_why_it_is_there_and_where_it_was():
    """What an earlier dead letter told is left out."""
    raw = Raw(headers=[("h", b"v"), ("Octo-Topic", b"old")])
    headers = records.buried(raw, Reject("why", Permanent("no")))

    place = [("Octo-Topic", "orders"), ("Octo-Partition", "2"), ("Octo-Offset", "7")]
    assert headers == [("h", b"v"), ("Octo-Dead-Letter", "why"), *place]
