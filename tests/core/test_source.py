"""A source declares how it feeds its flow and what it promises."""

from __future__ import annotations

from datetime import timedelta

import pytest

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


def test_a_context_manager_that_was_forgotten():
    """What is meant to be entered is not taken for one that is pulled."""
    with pytest.raises(TypeError, match="pushed: it takes an inlet, so put @asynccontextmanager below @source"):

        @source("http")
        async def pushed(self, settings: Nothing, inlet):
            yield
