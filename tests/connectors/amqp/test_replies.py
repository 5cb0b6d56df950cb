"""What a source publishes itself can be written, whatever was read."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pamqp.encode import field_table

from octo.connectors.amqp import replies
from octo.core.delivery import Done, Reject
from octo.core.errors import Permanent, Transient
from octo.core.message import Message


def arrived(**properties):
    given = dict.fromkeys(
        ("content_type", "content_encoding", "correlation_id", "reply_to", "message_id", "timestamp", "type", "app_id")
    )
    return SimpleNamespace(**{**given, "body": b"1", "headers": {}, "priority": 0, "delivery_mode": 2, **properties})


@pytest.mark.parametrize("value", [b"\xff", 2**64, {"a": [b"\xff", {1}]}, None, 1.5], ids=repr)
def test_a_header_that_the_client_cannot_write_is_kept_as_well_as_it_can(value):
    made = replies.letter(arrived(headers={"odd": value}), Reject("failed", Permanent("failed")), "orders")
    assert field_table(made.headers)


def test_a_letter_has_an_id_and_counts_anew():
    made = replies.letter(arrived(headers={"x-delivery-count": 7}), Reject("failed", Permanent("failed")), "orders")
    assert made.message_id
    assert "x-delivery-count" not in made.headers


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Permanent("no such order"), b'{"error":"no such order","code":"OCTO-R110","retryable":false}'),
        (Transient("busy"), b'{"error":"busy","code":"OCTO-R120","retryable":true}'),
        (KeyError("secret"), b'{"error":"see its log","code":"OCTO-R190","retryable":false}'),
    ],
    ids=["permanent", "transient", "bug"],
)
def test_an_error_that_nobody_planned_for_tells_nothing(error, told):
    assert replies.reply(arrived(), Reject("failed", error)).body == told


def test_an_outcome_that_has_no_bytes_is_an_error():
    assert b"its reply" in replies.reply(arrived(), Done(Message("\ud800"))).body
