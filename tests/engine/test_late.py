"""A chain that is repeated uses the instance of each moment."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from octo import Disconnected, Message, Settings, block, connector
from octo.core.flow import Failure
from octo.engine.late import late
from octo.engine.lost import Lost
from octo.testing.clock import virtual
from octo.testing.harness import running


class Nothing(Settings):
    """No settings."""


@connector("mq")
class Mq:
    """A connection that breaks at the first call."""

    opened = 0

    def __init__(self, number: int) -> None:
        self.number = number

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Nothing):
        del settings
        cls.opened += 1
        yield cls(cls.opened)

    @block("put")
    async def put(self, settings: Nothing, message: Message) -> Message:
        """Put."""
        del settings
        return self._put(message)

    @block("put-at-once")
    def put_at_once(self, settings: Nothing, message: Message) -> Message:
        """Put."""
        del settings
        return self._put(message)

    def _put(self, message: Message) -> Message:
        if self.number == 1:
            raise Disconnected("reset by peer")
        return message.with_body(self.number)


FLOW = """
connectors: [{{name: q, type: mq}}]
flows:
  - name: f
    process:
      - type: retry
        minBackoff: {pause}
        process: [{{type: if, condition: 'true', then: [{{type: {block}, name: put, connector: q}}]}}]
"""


@virtual()
@pytest.mark.parametrize("name", ["put", "put-at-once"])
async def test_the_next_attempt_uses_the_connector_that_was_opened_again(name):
    Mq.opened = 0
    async with running(FLOW.format(pause="4s", block=name), components=[Mq]) as app:
        assert (await app.call("f")).body == 2

    assert Mq.opened == 2


@virtual()
async def test_an_attempt_before_that_fails_as_everywhere():
    Mq.opened = 0
    async with running(FLOW.format(pause="10ms", block="put"), components=[Mq]) as app:
        with pytest.raises(Failure, match=r'attempt 3 of 3: .*: connector "q": the connection has been lost') as caught:
            await app.call("f")

        assert caught.value.address == "f.retry[process].if[then].put"


def test_the_instance_of_the_call_judges_its_error():
    judged = []

    def judge(name, instance, error):
        judged.append((name, instance, str(error)))
        return KeyError("judged")

    def fail(instance, settings, message):
        raise ValueError(f"{instance} {settings} {message}")

    instances = {"q": 1}
    call = late(fail, "q", instances, judge)
    for number in (1, 2):
        instances["q"] = number
        with pytest.raises(KeyError, match="judged"):
            call("s", "m")
    instances["q"] = Lost("q", "gone")
    with pytest.raises(Disconnected):
        call("s", "m")

    assert judged == [("q", 1, "1 s m"), ("q", 2, "2 s m")]
