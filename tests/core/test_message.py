"""A message prints no content and shows an envelope without empty parts."""

from __future__ import annotations

from octo.core.message import FAMILY, Message, new_id


def test_ids_are_32_hex_characters_and_unique():
    assert len({new_id() for _ in range(100)}) == 100
    assert len(new_id()) == 32


def test_a_repr_shows_no_content():
    assert "secret" not in repr(Message("secret", {"secret": "secret"}))


def test_the_envelope_leaves_out_what_is_empty():
    assert Message(event_id="1").as_json() == {"event_id": "1"}
    assert Message(0, {"a": 1}, event_id="1", correlation_id="c").as_json() == {
        "event_id": "1",
        "correlation_id": "c",
        "variables": {"a": 1},
        "body": 0,
    }


def test_the_ids_of_what_one_message_becomes_in_other_flows_begin_alike():
    message = Message()
    ids = {message.rekeyed().rekeyed().event_id for _ in range(100)}

    assert len(ids) == 100
    assert {(len(each), each[:FAMILY]) for each in ids} == {(32, message.event_id[:FAMILY])}
