"""A replay loses no letter wherever it ends, and a message that fails again is one letter with one more attempt."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from octo.config.load import parse
from octo.core import letter
from octo.core.errors import Permanent
from octo.core.letter import BEFORE
from octo.core.message import Message
from octo.engine.burial import InFile as FileGrave, InQueue as QueueGrave
from octo.letters import replay as replaying
from octo.letters.groups import chosen
from octo.letters.places import InFile, InQueue
from octo.letters.replay import Pace, flows, replay
from octo.services.container import Services
from octo.services.memory.queues import Lines
from octo.testing.clock import virtual

FLOWS = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    source: {connector: p, type: push, settings: {}}
    process:
      - {type: if, condition: 'body == "slow"', then: [{type: wait, connector: p}]}
      - {type: if, condition: 'body == "bad"', then: [{type: fail, connector: p, text: still bad}]}
      - {type: note, connector: p, value: 'body'}
"""


def told(reason: str = "no", flow: str = "f"):
    return letter.of(flow, reason, ValueError(reason))


async def bury(queues, *bodies):
    for body in bodies:
        await queues.send("jobs", Message(body).to_record())
        (received,) = await queues.receive("jobs")
        await queues.reject(received, told().as_text())


class Listener(list):
    def __call__(self, entry, how, why):
        self.append((entry.message().body, how, why))


def bodies(seen):
    return [each.value["body"] for each in seen.messages]


async def run(queues, place, *, rate=None, order="oldest", run=None, heard=None):
    heard = Listener() if heard is None else heard
    await replay(await chosen([place], []), queues, run, heard, Pace(rate), order)
    return heard


# --- into the queue ----------------------------------------------------------------------------------------------


@virtual()
@pytest.mark.parametrize(("order", "expected"), [("oldest", [1, 2, 3]), ("newest", [3, 2, 1])])
async def test_messages_are_in_their_queue_again_in_the_order_that_was_asked_for(order, expected):
    queues = Lines()
    await bury(queues, 1, 2, 3)
    heard = await run(queues, InQueue(queues, "jobs", "f"), order=order)

    assert bodies(await queues.browse("jobs")) == expected
    assert await queues.count("jobs", dead=True) == 0
    assert [how for _, how, _ in heard] == ["sent"] * 3


@virtual()
async def test_a_message_keeps_its_ids_its_trace_its_ordering_key_and_its_letter():
    queues = Lines()
    sent = Message("x", {"v": 1}, correlation_id="c", traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01")
    await queues.send("jobs", sent.to_record(), order="k")
    (received,) = await queues.receive("jobs")
    before = told()
    await queues.reject(received, before.as_text())
    await run(queues, InQueue(queues, "jobs", "f"))
    (seen,) = (await queues.browse("jobs")).messages

    assert Message.from_record(seen.value).to_record() == sent.to_record()
    assert letter.read(seen.value[BEFORE]) == before
    assert seen.order == "k"


@virtual()
async def test_a_rate_spreads_them_evenly():
    queues, times = Lines(), []
    await bury(queues, *range(5))
    begin = asyncio.get_running_loop().time()
    await run(
        queues,
        InQueue(queues, "jobs", "f"),
        rate=2.0,
        heard=lambda *_: times.append(asyncio.get_running_loop().time() - begin),
    )

    assert times == [0.0, 0.5, 1.0, 1.5, 2.0]


@virtual()
@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_a_slow_rate_outlives_every_lease(order):
    """What waits for its turn for longer than it is lent is neither lost nor sent twice."""
    queues = Lines()
    await bury(queues, *range(4))
    place = InQueue(queues, "jobs", "f")
    await run(queues, place, rate=1 / 100, order=order)
    await run(queues, place)

    assert sorted(bodies(await queues.browse("jobs"))) == [0, 1, 2, 3]
    assert await queues.count("jobs", dead=True) == 0


@virtual()
async def test_an_interrupted_replay_loses_none_and_sends_none_twice():
    queues = Lines()
    await bury(queues, *range(100))
    place = InQueue(queues, "jobs", "f")
    for order in ("oldest", "newest"):
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(run(queues, place, rate=1.0, order=order))
            await asyncio.sleep(10.5)
            task.cancel()
        assert await queues.count("jobs") + await queues.count("jobs", dead=True) == 100
    assert await queues.count("jobs") == 22
    await run(queues, place)

    assert sorted(bodies(await queues.browse("jobs", most=200))) == list(range(100))


@virtual()
async def test_a_crash_between_sending_and_removing_sends_once():
    queues = Lines()
    await bury(queues, "x")
    place = InQueue(queues, "jobs", "f")

    async def crash(_):
        raise KeyboardInterrupt

    place.done, done = crash, place.done
    with pytest.raises(KeyboardInterrupt):
        await run(queues, place)
    place.done = done
    await run(queues, place)

    assert bodies(await queues.browse("jobs")) == ["x"]


@virtual()
async def test_a_message_that_is_as_large_as_a_queue_takes_goes_without_its_letter():
    queues = Lines()
    await bury(queues, "x" * ((1 << 20) - 150))
    await run(queues, InQueue(queues, "jobs", "f"))

    assert await queues.count("jobs") == 1


@virtual()
async def test_only_so_many_are_held_in_memory_with_the_newest_first(monkeypatch):
    monkeypatch.setattr(replaying, "MOST_NEWEST", 2)
    queues = Lines()
    await bury(queues, 1, 2, 3)
    with pytest.raises(Permanent, match="at most 2 are replayed"):
        await run(queues, InQueue(queues, "jobs", "f"), order="newest")
    assert await queues.count("jobs", dead=True) == 3


# --- through the flow --------------------------------------------------------------------------------------------


@pytest.fixture(params=["queue", "file"])
def parked(request, tmp_path):
    """Where letters of flows with a `deadLetter` are, and how they get there."""
    queues, path = Lines(), tmp_path / "lost.jsonl"
    if request.param == "queue":
        return InQueue(queues, "parked", dead=False), QueueGrave(queues, "parked")
    return InFile(path), FileGrave(Path(path))


async def left(place):
    return [(entry.message().body, entry.letter.attempts, entry.letter.reason) async for entry in place.browse()]


@virtual()
async def test_messages_run_through_their_flow_and_one_that_fails_again_is_one_letter(plugins, parked):
    place, grave = parked
    for body in ("good", "bad", "fine"):
        await grave.keep(Message(body), told())
    config = parse(FLOWS, plugins, {})
    async with Services() as services, flows(config, ["f"], services, 5.0) as opened:
        heard = await run(None, place, run=opened)
        notes = opened._generation.instances["p"].notes

    assert notes == ["good", "fine"]
    assert [(body, how) for body, how, _ in heard] == [("good", "completed"), ("bad", "failed"), ("fine", "completed")]
    ((body, attempts, reason),) = await left(place)
    assert (body, attempts) == ("bad", 2)
    assert "still bad" in reason


@virtual()
async def test_what_cannot_be_run_stays_as_it_was(plugins, parked):
    place, grave = parked
    await grave.keep(Message("good"), told(flow="gone"))
    await grave.keep(Message("slow"), told())
    config = parse(FLOWS, plugins, {})
    async with Services() as services, flows(config, ["f", "gone"], services, 5.0) as opened:
        heard = await run(None, place, run=opened)

    assert [how for _, how, _ in heard] == ["kept", "kept"]
    assert "no flow 'gone'" in heard[0][2]
    assert [(body, attempts) for body, attempts, _ in await left(place)] == [("good", 1), ("slow", 1)]
