"""A source says how it feeds its flow and what it promises."""

from __future__ import annotations

from datetime import timedelta

from octo.core.settings import Settings
from octo.core.source import source


class Nothing(Settings):
    pass


def test_a_generator_is_pulled_and_a_context_manager_is_pushed():
    @source("queue", once=True, silence=timedelta(seconds=30))
    async def pulled(self, settings: Nothing):
        yield

    @source("http")
    def pushed(self, settings: Nothing, inlet):
        pass

    pull, push = pulled.__octo_source__, pushed.__octo_source__
    assert (pull.is_push, pull.once, pull.silence) == (False, True, timedelta(seconds=30))
    assert (push.is_push, push.once, push.silence) == (True, False, None)
