"""A delivery gets exactly one verdict, whatever happens to its message and its source."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import pytest

from octo.core.delivery import Delivery, Done, Reject, Retry
from octo.core.errors import Disconnected, Overloaded, Permanent, Timeout, Transient
from octo.core.flow import Drop, Failure, Halt
from octo.core.message import Message
from octo.core.secrets import mask
from octo.engine import settlement
from octo.engine.settlement import RETRY, Settlement, judged, taken
from octo.engine.work import Work
from octo.expr import ExprError
from octo.testing.clock import virtual
from octo.testing.harness import running
from octo.testing.probe import probes

FLOW = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    source: {connector: p, type: pull, settings: {}}
    process:
      - type: switch
        cases:
          - {when: body == "bug", process: [{type: fail, connector: p, how: bug}]}
          - {when: body == "wait", process: [{type: wait, connector: p}]}
      - {type: note, connector: p, value: body}
"""


def failed(cause):
    return Failure(cause, "charge", "f.charge", Message())


@pytest.fixture(autouse=True)
def _no_chance(monkeypatch):
    monkeypatch.setattr(settlement, "RETRY", RETRY._replace(jitter=0.0))


class Source:
    """Builds deliveries and keeps the verdicts on them."""

    def __init__(self):
        self.verdicts = []
        self.extended = []

    async def settle(self, verdict):
        self.verdicts.append(verdict)

    async def extend(self):
        self.extended.append(asyncio.get_running_loop().time())

    def deliver(self, body, **how):
        probes["probe"].queue.put_nowait(Delivery(Message(body), self.settle, **how))


# --- the verdict -------------------------------------------------------------------------------------------------


def test_completed_is_done_and_dropped_is_dropped():
    message = Message(1)

    assert taken(message) == Done(message)
    assert taken(Drop("asked")) == Drop("asked")


def test_chance_takes_at_most_half_of_a_pause():
    """So that those that failed together do not come back together."""
    assert [RETRY._replace(chance=lambda part=part: part).pause(2) for part in (0.0, 0.5, 1.0)] == [2.0, 1.5, 1.0]


@pytest.mark.parametrize(("attempt", "after"), [(1, 1), (2, 2), (3, 4), (9, 30)])
def test_what_may_succeed_later_is_tried_again_after_a_growing_pause(attempt, after):
    error = Transient("the database is down")

    assert judged(failed(error), Delivery(Message(), attempt=attempt)) == Retry(after, error)


@pytest.mark.parametrize("error", [Timeout("late"), Disconnected("gone")])
def test_a_deadline_and_a_lost_connection_may_succeed_later(error):
    assert judged(failed(error), Delivery(Message())) == Retry(1, error)


def test_who_has_no_room_says_when_to_come_again():
    error = Overloaded("no room", retry_after=7.0)

    assert judged(failed(error), Delivery(Message(), attempt=5)) == Retry(7.0, error)


@pytest.mark.parametrize("error", [Permanent("no such customer"), ExprError("no such key", "body.a"), KeyError("a")])
def test_what_would_fail_again_is_rejected_with_the_way_to_the_block(error):
    verdict = judged(failed(error), Delivery(Message()))

    assert (type(verdict), verdict.error) == (Reject, error)
    assert verdict.reason.startswith('block "charge": ')


def test_the_last_attempt_that_is_allowed_is_rejected():
    error = Transient("the database is down")
    verdicts = [judged(failed(error), Delivery(Message(), attempt=n, most_attempts=3)) for n in (1, 2, 3)]

    assert [type(verdict) for verdict in verdicts] == [Retry, Retry, Reject]
    assert verdicts[2].reason == 'attempt 3 of 3 failed: block "charge": the database is down'


@pytest.mark.parametrize("kind", [Permanent, Transient])
def test_a_reason_holds_no_secret(kind):
    mask("hunter2-hunter2")
    verdict = judged(failed(kind("bad login hunter2-hunter2")), Delivery(Message(), attempt=1, most_attempts=1))

    assert "bad login «secret»" in verdict.reason


# --- running -----------------------------------------------------------------------------------------------------


@virtual()
async def test_a_message_that_ended_the_process_each_time_is_rejected_without_running(plugins):
    """Its earlier attempts ended with the process, before they were settled."""
    source = Source()
    async with running(FLOW, plugins) as app:
        source.deliver("poison", attempt=4, most_attempts=3)
        await asyncio.sleep(1)
        notes = probes["probe"].notes

    assert [type(verdict) for verdict in source.verdicts] == [Reject]
    assert source.verdicts[0].reason == "delivered 4 times, at most 3 attempts; it was never settled"
    assert (notes, app.kinds("f")) == ([], [])


@virtual()
async def test_a_message_that_no_flow_could_use_is_rejected_without_running(plugins):
    mask("hunter2-hunter2")
    source = Source()
    async with running(FLOW, plugins) as app:
        source.deliver("garbage", unfit=Permanent("the body is not JSON: hunter2-hunter2"))
        await asyncio.sleep(1)
        notes = probes["probe"].notes

    assert [type(verdict) for verdict in source.verdicts] == [Reject]
    assert source.verdicts[0].reason == "the body is not JSON: «secret»"
    assert (notes, app.kinds("f")) == ([], [])


MEMORY = FLOW.replace("- name: f", "- name: f\n    durability: memory")


@virtual()
async def test_in_memory_the_source_hears_of_success_before_the_flow_runs(plugins):
    source = Source()
    async with running(MEMORY, plugins) as app:
        source.deliver("wait")
        source.deliver("bug")
        await asyncio.sleep(1)
        verdicts = [type(verdict) for verdict in source.verdicts]
        kinds = app.kinds("f")

    assert verdicts == [Done, Done]
    assert kinds == ["started", "started", "failed"]
    assert len(source.verdicts) == 2


@virtual()
async def test_in_memory_a_message_that_its_source_does_not_give_up_runs_when_it_comes_again(plugins):
    """At most once: it would run twice."""

    async def refuse(verdict):
        raise ConnectionError("the broker is away")

    source = Source()
    async with running(MEMORY, plugins) as app:
        probes["probe"].queue.put_nowait(Delivery(Message("a"), refuse))
        await asyncio.sleep(1)
        source.deliver("a")
        await asyncio.sleep(1)
        assert app.connector("p").notes == ["a"]


@virtual()
async def test_in_memory_who_waits_for_the_outcome_gets_it_all_the_same(plugins):
    source = Source()
    async with running(MEMORY, plugins):
        source.deliver("bug", is_awaited=True)
        source.deliver("garbage", unfit=Permanent("no JSON"))
        await asyncio.sleep(1)

    assert [type(verdict) for verdict in source.verdicts] == [Reject, Reject]


@virtual()
async def test_the_last_attempt_runs(plugins):
    source = Source()
    async with running(FLOW, plugins):
        source.deliver("fine", attempt=3, most_attempts=3)
        await asyncio.sleep(1)

    assert [type(verdict) for verdict in source.verdicts] == [Done]


@virtual()
async def test_a_bug_rejects_its_message_and_the_next_one_runs(plugins):
    source = Source()
    async with running(FLOW, plugins):
        source.deliver("bug")
        source.deliver("fine")
        await asyncio.sleep(1)

    assert sorted(type(verdict).__name__ for verdict in source.verdicts) == ["Done", "Reject"]


@virtual()
async def test_what_is_no_message_is_rejected_and_the_flow_can_end(plugins, caplog):
    """It holds no permit that a stop would wait for."""
    source = Source()
    async with asyncio.timeout(30), running(FLOW, plugins) as app:
        probes["probe"].queue.put_nowait(Delivery("bare", source.settle))
        source.deliver("next")
        await asyncio.sleep(1)
        assert app.generation.flows["f"].in_flight == 0

    assert [type(verdict) for verdict in source.verdicts] == [Reject, Done]
    assert 'flow "f" takes a `Message`, not str' in source.verdicts[0].reason
    assert "a delivery failed outside its flow" in caplog.text


@virtual()
async def test_an_error_outside_the_flow_rejects_one_message_and_nothing_else(plugins, monkeypatch, caplog):
    """Even an error of the engine itself must not end the service."""
    source = Source()
    async with running(FLOW, plugins) as app:
        call = app.generation.flows["f"].call
        monkeypatch.setattr(app.generation.flows["f"], "call", lambda message: 1 / 0 if message.body else call(message))
        source.deliver("unlucky")
        await asyncio.sleep(1)
        source.deliver("")
        await asyncio.sleep(1)

    assert [type(verdict) for verdict in source.verdicts] == [Reject, Done]
    assert "a delivery failed outside its flow" in caplog.text


async def test_what_ends_the_engine_goes_on_after_the_message_was_given_back():
    """An interrupt, or the `Halt` of an observer: settlement must not swallow it."""

    class Stops:
        name = "f"
        durability = "ack"

        def under_way(self, held):
            return nullcontext()

        def call(self, message):
            raise Halt

    source = Source()
    async with asyncio.TaskGroup() as tasks:
        settling = Settlement(Stops(), Work(tasks), source.settle, lambda _: None)
        with pytest.raises(Halt):
            await settling.run(Delivery(Message(), source.settle))

    assert [(type(verdict), verdict.after) for verdict in source.verdicts] == [(Retry, 0.0)]


@virtual()
async def test_a_source_that_refuses_the_verdict_does_not_end_the_service(plugins, caplog):
    """It is in the log, and the next message runs."""

    async def refuse(verdict):
        raise ConnectionError("the broker refuses")

    source = Source()
    async with running(FLOW, plugins):
        probes["probe"].queue.put_nowait(Delivery(Message("a"), refuse))
        await asyncio.sleep(1)
        source.deliver("b")
        await asyncio.sleep(1)

    assert [verdict.message.body for verdict in source.verdicts] == ["b"]
    (line,) = [record for record in caplog.records if record.msg == "a delivery could not be settled"]
    assert line.fields == {"flow": "f", "error": "ConnectionError", "verdict": "done"}


@virtual()
async def test_a_verdict_that_the_source_has_planned_to_refuse_is_told_without_a_traceback(plugins, caplog):
    """What went wrong is in the text."""

    async def refuse(verdict):
        raise Transient("the group is gone")

    async with running(FLOW, plugins):
        probes["probe"].queue.put_nowait(Delivery(Message("a"), refuse))
        await asyncio.sleep(1)

    (line,) = [record for record in caplog.records if record.msg == "a delivery could not be settled"]
    assert line.fields == {"flow": "f", "error": "the group is gone", "verdict": "done"}
    assert line.exc_info is None


@virtual()
async def test_a_verdict_that_is_never_taken_holds_nobody_up_beyond_the_drain_deadline(plugins):
    """Neither the next message nor the stop."""

    async def hang(verdict):
        await asyncio.Event().wait()

    source = Source()
    async with running(FLOW.replace("name: f\n", "name: f\n    workers: 1\n"), plugins, drain=10):
        probes["probe"].queue.put_nowait(Delivery(Message("a"), hang))
        await asyncio.sleep(1)
        source.deliver("b")
        await asyncio.sleep(1)
        assert [verdict.message.body for verdict in source.verdicts] == ["b"]
        stopped = asyncio.get_running_loop().time()

    assert asyncio.get_running_loop().time() - stopped == pytest.approx(10)


@virtual()
async def test_work_that_a_stop_cuts_off_is_given_back_even_if_that_takes_a_moment(plugins):
    """A tenth of the drain deadline is left for it."""
    given = []

    async def slowly(verdict):
        await asyncio.sleep(0.5)
        given.append(verdict)

    async with running(FLOW, plugins, drain=10):
        probes["probe"].queue.put_nowait(Delivery(Message("wait"), slowly))
        await asyncio.sleep(1)
        stopped = asyncio.get_running_loop().time()

    assert [(type(verdict), verdict.after, str(verdict.error)) for verdict in given] == [
        (Retry, 0.0, 'flow "f" was stopped before it had finished')
    ]
    assert asyncio.get_running_loop().time() - stopped == pytest.approx(9.5)


@virtual()
async def test_a_verdict_on_its_way_is_not_cut_off_with_the_work(plugins):
    """A message that is done is settled as done, even after the time for work is over."""
    given = []

    async def slowly(verdict):
        await asyncio.sleep(9.5)
        given.append(verdict)

    async with running(FLOW, plugins, drain=10):
        probes["probe"].queue.put_nowait(Delivery(Message("a"), slowly))
        await asyncio.sleep(0.1)

    assert [type(verdict) for verdict in given] == [Done]


# --- leases ------------------------------------------------------------------------------------------------------


@virtual()
async def test_a_lease_is_extended_every_half_of_it_while_the_message_is_worked_on(plugins):
    source = Source()
    async with running(FLOW, plugins):
        source.deliver("wait", extend=source.extend, lease=30.0)
        await asyncio.sleep(50)
        probes["probe"].gate("go").set()
        await asyncio.sleep(1000)

    assert source.extended == [15, 30, 45]
    assert [type(verdict) for verdict in source.verdicts] == [Done]


@virtual()
async def test_a_lease_is_extended_while_the_message_stands_in_line(plugins):
    source = Source()
    text = FLOW.replace("name: f\n", "name: f\n    workers: 1\n    buffer: 5\n")
    async with running(text, plugins):
        source.deliver("wait")
        source.deliver("fine", extend=source.extend, lease=30.0)
        await asyncio.sleep(20)
        probes["probe"].gate("go").set()
        await asyncio.sleep(1)

    assert source.extended == [15]


@virtual()
async def test_an_extension_that_fails_or_hangs_is_tried_again_at_the_next_half(plugins, caplog):
    """The message goes on all the same: it may finish before another consumer gets it."""
    source, asked = Source(), []

    async def extend():
        asked.append(asyncio.get_running_loop().time())
        if len(asked) == 1:
            raise ConnectionError("not now")
        await asyncio.Event().wait()

    async with running(FLOW, plugins):
        source.deliver("wait", extend=extend, lease=30.0)
        await asyncio.sleep(70)
        probes["probe"].gate("go").set()
        await asyncio.sleep(1)

    assert asked == [15, 30, 60]
    assert [type(verdict) for verdict in source.verdicts] == [Done]
    assert "a lease could not be extended" in caplog.text
