"""A message prints no content and shows an envelope without empty parts."""

from __future__ import annotations

import os

import pytest

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


CHANGES = [
    (lambda message: message.with_body("new", raw=message.raw), "body"),
    (lambda message: message.with_vars({"new": 1}), "vars"),
    (lambda message: message.with_var("new", 1), "vars"),
    (lambda message: message.rekeyed(), "event_id"),
]


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize(("change", "part"), CHANGES)
def test_what_a_change_does_not_name_survives_it(change, part, raw):
    """A raw body stays one, and a trace goes on, through every block that sets a variable."""
    before = Message({"contentType": "a/b", "rawData": ""}, {"v": 1}, "e" * 32, "c", raw=raw, traceparent="t")
    after = change(before)

    assert [name for name in Message.__slots__ if getattr(after, name) != getattr(before, name)] == [part]


def test_a_variable_joins_the_others():
    assert Message(vars={"a": 1, "b": 2}).with_var("b", 3).vars == {"a": 1, "b": 3}


def test_a_new_body_is_no_raw_content_unless_it_is_said():
    assert not Message({"contentType": "a/b", "rawData": ""}, raw=True).with_body({"a": 1}).raw


def test_the_ids_of_what_one_message_becomes_in_other_flows_begin_alike():
    message = Message()
    ids = {message.rekeyed().rekeyed().event_id for _ in range(100)}

    assert len(ids) == 100
    assert {(len(each), each[:FAMILY]) for each in ids} == {(32, message.event_id[:FAMILY])}


def test_messages_of_one_family_are_kin():
    message = Message()
    assert message.rekeyed().rekeyed().is_kin(message.event_id)
    assert not Message().is_kin(message.event_id)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_gives_other_ids():
    """A journal and dead letters know messages by their ids."""
    ends = os.pipe()
    child = os.fork()
    if not child:
        os.write(ends[1], new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(ends[0], 32).decode() != new_id()
    for each in ends:
        os.close(each)
