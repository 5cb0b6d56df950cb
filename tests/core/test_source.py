"""A delivery may come without anybody to tell."""

from __future__ import annotations

from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.source import Delivery, source


def test_ack_and_nack_are_optional():
    delivery = Delivery(Message(1))

    assert (delivery.ack, delivery.nack) == (None, None)


class Nothing(Settings):
    pass


def test_a_generator_of_deliveries_pulls_and_everything_else_is_pushed_to():
    @source("pull", once=True)
    async def pull(self, settings: Nothing):
        """Takes."""
        yield Delivery(Message(1))

    @source("push")
    async def push(self, settings: Nothing, inlet): ...

    assert pull.__octo_source__[:4] == ("pull", Nothing, pull, "Takes.")
    assert (pull.__octo_source__.is_push, pull.__octo_source__.once) == (False, True)
    assert (push.__octo_source__.is_push, push.__octo_source__.once) == (True, False)
