"""Connectors are asked for their health all at once, not too often, and with a time limit."""

from __future__ import annotations

import asyncio

from octo.core.errors import Disconnected, Transient
from octo.core.secrets import mask
from octo.operations.health import FRESH, PATIENCE, Health
from octo.testing.clock import virtual


class Connector:
    def __init__(self, error=None, takes=0.0):
        self.error = error
        self.takes = takes
        self.asked = 0

    async def health(self):
        self.asked += 1
        await asyncio.sleep(self.takes)
        if self.error is not None:
            raise self.error


@virtual()
async def test_only_those_in_trouble_are_named_each_with_its_reason():
    found = await Health().reasons(
        {
            "fine": Connector(),
            "mute": object(),
            "down": Connector(Transient("the database is down")),
            "odd": Connector(KeyError("s3cret")),
            "slow": Connector(takes=3600),
        }
    )

    assert found == {"down": "the database is down", "odd": "KeyError", "slow": "no answer within 1s"}


@virtual()
async def test_all_are_asked_at_the_same_time():
    began = asyncio.get_running_loop().time()

    await Health().reasons({str(number): Connector(takes=3600) for number in range(50)})

    assert round(asyncio.get_running_loop().time() - began, 3) == PATIENCE


@virtual()
async def test_an_answer_holds_for_a_while_and_for_all_who_ask():
    health, instances = Health(), {"db": Connector(takes=0.5)}

    await asyncio.gather(*(health.reasons(instances) for _ in range(20)))
    assert instances["db"].asked == 1

    await asyncio.sleep(FRESH)
    await health.reasons(instances)
    assert instances["db"].asked == 2


@virtual()
async def test_a_reload_asks_anew():
    health = Health()
    assert await health.reasons({"db": Connector(Transient("down"))}) == {"db": "down"}

    assert await health.reasons({"db": Connector()}) == {}


@virtual()
async def test_a_reason_holds_no_secret():
    mask("hunter2-hunter2")

    assert await Health().reasons({"db": Connector(Transient("bad login hunter2-hunter2"))}) == {
        "db": "bad login «secret»"
    }


@virtual()
async def test_a_connector_that_says_its_connection_is_gone_is_told_of():
    gone, told = Connector(Disconnected("reset by peer")), []

    def lost(name, instance, error):
        told.append((name, instance, error))

    found = await Health(lost).reasons({"down": Connector(Transient("busy")), "gone": gone})

    assert found == {"down": "busy", "gone": "reset by peer"}
    assert told == [("gone", gone, gone.error)]
