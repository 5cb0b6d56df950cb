"""A message that failed for good is safe where `deadLetter` says before its source hears of the failure."""

from __future__ import annotations

import asyncio

import pytest

from octo.core import letter, record
from octo.core.delivery import Delivery, Done, Drop, Reject, Retry
from octo.core.flow import Failure
from octo.core.message import Message
from octo.engine.burial import Burial, InQueue
from octo.engine.letter_file import contents, lines
from octo.services.container import Services
from octo.testing.clock import virtual
from octo.testing.harness import running
from octo.testing.probe import probes

PULLED = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    source: {connector: p, type: pull, settings: {}}
    deadLetter: {WHERE}
    process:
      - {type: if, condition: 'body == "drop"', then: [{type: filter, expr: 'false'}]}
      - {type: if, condition: 'body == "transient"', then: [{type: fail, connector: p, how: transient}]}
      - {type: if, condition: 'body == "slow"', then: [{type: wait, connector: p}]}
      - {type: if, condition: 'body != "good"', then: [{type: fail, connector: p, text: "card \\"4711\\" refused"}]}
  - name: lost
    process:
      - {type: if, condition: 'body == "worst"', then: [{type: fail, connector: p, how: transient}]}
      - {type: note, connector: p, value: '{"body": body, "letter": vars.deadLetter, "mine": has(vars.mine)}'}
"""


class Source:
    def __init__(self):
        self.verdicts = []

    async def settle(self, verdict):
        self.verdicts.append(verdict)

    async def deliver(self, body, **how):
        probes["probe"].queue.put_nowait(Delivery(Message(body, {"mine": 1}), self.settle, **how))
        await asyncio.sleep(60)
        return self.verdicts.pop()


def pulled(where: str) -> str:
    return PULLED.replace("WHERE", where)


@virtual()
async def test_a_rejected_delivery_goes_into_the_queue_and_its_source_may_forget_it(plugins):
    async with Services() as services, running(pulled("queue: dead"), plugins, services=services) as app:
        verdict = await Source().deliver("bad", attempt=3)
        (seen,) = (await services.opened["queues"].browse("dead")).messages
        version = app.generation.config.version

    kept = Message.from_record(seen.value)
    told = letter.read(kept.vars["deadLetter"])
    assert isinstance(verdict, Reject)
    assert verdict.is_kept
    assert verdict.letter == told
    assert (kept.body, kept.vars["mine"]) == ("bad", 1)
    assert (told.flow, told.block, told.attempts, told.code) == ("f", "f.if#4[then].fail", 3, "OCTO-R110")
    assert told.config == version != ""
    assert 'card "4711" refused' in told.reason


@virtual()
async def test_what_succeeds_is_dropped_or_may_pass_is_no_dead_letter(plugins):
    source = Source()
    async with Services() as services, running(pulled("queue: dead"), plugins, services=services):
        assert isinstance(await source.deliver("good"), Done)
        assert isinstance(await source.deliver("drop"), Drop)
        assert isinstance(await source.deliver("transient"), Retry)
        assert await services.opened["queues"].count("dead") == 0
        assert isinstance(await source.deliver("transient", attempt=5, most_attempts=5), Reject)
        assert isinstance(await source.deliver("good", attempt=6, most_attempts=5), Reject)
        assert await services.opened["queues"].count("dead") == 2


@virtual()
async def test_without_a_place_the_source_gets_the_letter(plugins):
    async with running(PULLED.replace("    deadLetter: {WHERE}\n", ""), plugins):
        verdict = await Source().deliver("bad")

    assert (verdict.is_kept, verdict.letter.flow) == (False, "f")
    assert letter.read(verdict.note) == verdict.letter


@virtual()
async def test_a_file_takes_a_line_each(plugins, tmp_path):
    path = tmp_path / "dead.jsonl"
    async with running(pulled(f"file: {path}"), plugins):
        verdict = await Source().deliver("bad")
        (line,) = lines(path, contents(path).places.values())

    assert verdict.is_kept
    assert letter.read(line.letter) == verdict.letter
    assert Message(**record.read(line.message)).body == "bad"


@virtual()
async def test_a_flow_gets_the_message_as_it_came_with_the_letter(plugins):
    async with running(pulled("flow: lost"), plugins) as app:
        verdict = await Source().deliver("bad")
        (note,) = app.connector("p").notes

    assert verdict.is_kept
    assert (note["body"], note["mine"], note["letter"]["flow"]) == ("bad", True, "f")


@virtual()
async def test_the_log_names_the_group(plugins, caplog):
    async with running(pulled("queue: dead"), plugins):
        verdict = await Source().deliver("bad")

    (line,) = [each for each in caplog.records if each.message == "dead letter kept"]
    assert (line.fields["flow"], line.fields["group"]) == ("f", verdict.letter.fingerprint)


@virtual()
async def test_what_cannot_be_kept_is_delivered_again(plugins, caplog):
    """The source must not hear that it may forget the message."""
    async with running(pulled("flow: lost"), plugins):
        verdict = await Source().deliver("worst")

    assert isinstance(verdict, Retry)
    assert verdict.after > 0
    assert "a dead letter could not be kept" in caplog.text


@virtual()
async def test_a_stop_while_it_is_kept_leaves_the_message_with_the_source(plugins):
    slow = pulled("flow: lost").replace("{type: note,", "{type: wait, connector: p}\n      - {type: note,")
    source = Source()
    async with running(slow, plugins, drain=1.0):
        probes["probe"].queue.put_nowait(Delivery(Message("bad"), source.settle))
        await asyncio.sleep(1)

    (verdict,) = source.verdicts
    assert isinstance(verdict, Retry)
    assert verdict.after == 0


@virtual()
async def test_a_replayed_message_that_fails_again_is_one_more_attempt(plugins):
    before = letter.of("f", "then", ValueError("then"), attempts=5)._replace(first_at="T1")
    async with running(pulled("queue: dead"), plugins):
        verdict = await Source().deliver("bad", attempt=2, before=before)

    assert (verdict.letter.attempts, verdict.letter.first_at) == (7, "T1")
    assert [each["attempts"] for each in verdict.letter.earlier] == [5]


@virtual()
async def test_who_keeps_a_message_twice_has_one_letter(plugins):
    """As after a crash between the letter and the acknowledgement."""
    async with Services() as services:
        await services.open(["queues"])
        queues = services.opened["queues"]
        message, told = Message("bad"), letter.of("f", "no", ValueError("no"))
        for _ in range(2):
            await InQueue(queues, "dead").keep(message, told)
        assert await queues.count("dead") == 1
        await InQueue(queues, "dead").keep(message, told.after(told))
        assert await queues.count("dead") == 2, "but a failure after a replay is another one"


async def test_without_a_place_nothing_is_kept():
    await Burial("f").keep(Message(), ValueError("no"))


ONE_WAY = """
connectors: [{name: p, type: probe}]
flows:
  - name: one-way
    deadLetter: {queue: dead}
    process: [{type: fail, connector: p, text: no}]
  - name: sender
    process: [{type: flow-ref, flow: one-way, oneWay: true}]
  - name: caller
    process: [{type: flow-ref, flow: one-way}]
"""


@virtual()
async def test_a_one_way_call_that_fails_is_kept_and_a_called_flow_leaves_that_to_its_caller(plugins):
    async with Services() as services, running(ONE_WAY, plugins, services=services) as app:
        await app.call("sender", "bad")
        await asyncio.sleep(1)
        assert await services.opened["queues"].count("dead") == 1
        with pytest.raises(Failure):
            await app.call("caller", "bad")
        assert await services.opened["queues"].count("dead") == 1
