"""A delivery may come without anybody to tell."""

from __future__ import annotations

from octo.core.message import Message
from octo.core.source import Delivery


def test_ack_and_nack_are_optional():
    delivery = Delivery(Message(1))

    assert (delivery.ack, delivery.nack) == (None, None)
