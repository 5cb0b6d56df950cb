"""A flow: permits, order, backpressure, deadlines, and one end for every message."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.errors import Overloaded, Permanent, Timeout
from octo.core.flow import Drop, Failure
from octo.core.message import Message
from octo.engine.chain import chain
from octo.engine.events import Bus
from octo.engine.flow import Flow, FlowInlet, at_last
from octo.engine.recovery import recovering
from octo.engine.step import Step
from octo.testing.harness import running
from octo.testing.probe import probes


class Bench:
    """A flow with a gate in it, and what its bus said."""

    def __init__(self, workers=1, buffer=1, call=None, error=None):
        self.gate = asyncio.Event()
        self.events = []
        self.entered = []
        self.tasks = set()
        bus = Bus()
        bus.subscribe(self.events.append)
        self.flow = Flow("f", workers=workers, buffer=buffer, bus=bus, spawn=self.spawn)
        self.flow.process = recovering("f", chain((Step(call or self.wait, "wait", "f.wait"),)), error)

    def spawn(self, work):
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)

    async def wait(self, message):
        self.entered.append(message.body)
        await self.gate.wait()
        return message

    def start(self, body):
        task = asyncio.get_running_loop().create_task(at_last(FlowInlet(self.flow).call(Message(body))))
        self.tasks.add(task)
        return task

    def kinds(self):
        return [event.kind for event in self.events]


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_message_that_never_waits_passes_as_a_plain_call():
    bench = Bench(call=lambda message: message)

    assert bench.flow.call(Message(1)).body == 1
    assert bench.kinds() == ["started", "completed"]
    assert bench.flow.in_flight == 0


async def test_one_worker_keeps_the_order():
    bench = Bench(workers=1, buffer=10)
    tasks = [bench.start(n) for n in range(5)]
    await settle()
    assert bench.entered == [0]

    bench.gate.set()
    await asyncio.gather(*tasks)

    assert bench.entered == [0, 1, 2, 3, 4]
    assert bench.kinds().count("completed") == 5


async def test_workers_bound_how_many_messages_run():
    bench = Bench(workers=3, buffer=10)
    tasks = [bench.start(n) for n in range(5)]
    await settle()

    assert (bench.flow.in_flight, bench.flow.waiting) == (3, 2)

    bench.gate.set()
    await asyncio.gather(*tasks)
    assert (bench.flow.in_flight, bench.flow.waiting) == (0, 0)


async def test_a_deadline_cancels_the_work_and_is_a_failure():
    bench = Bench()

    with pytest.raises(Timeout):
        await at_last(FlowInlet(bench.flow).call(Message(), timeout=0.01))

    assert bench.kinds() == ["started", "failed"]
    assert bench.flow.in_flight == 0


async def test_a_deadline_in_line_refuses_without_an_event():
    bench = Bench()
    bench.start(0)
    await settle()

    with pytest.raises(Overloaded) as caught:
        await at_last(FlowInlet(bench.flow).call(Message(), timeout=0.01))

    assert caught.value.retry_after >= 1
    assert bench.kinds() == ["started"]
    bench.gate.set()


async def test_a_full_line_refuses_at_once_whom_it_would_keep_too_long():
    bench = Bench(workers=1, buffer=1)
    bench.start(0), bench.start(1)
    await settle()
    bench.flow._pace = 60.0

    with pytest.raises(Overloaded) as caught:
        await at_last(FlowInlet(bench.flow).call(Message(), timeout=30))

    assert caught.value.retry_after > 30
    bench.gate.set()


@pytest.mark.parametrize("way", ["inlet", "flow"])
async def test_a_permit_that_comes_free_before_the_wait_begins_is_taken(way):
    """Whoever is called while no permit is free may be awaited when one is: there is nobody then to pass it on."""
    bench = Bench(workers=1)
    first = bench.start(0)
    await settle()
    waiting = (FlowInlet(bench.flow) if way == "inlet" else bench.flow).call(Message(1))
    bench.gate.set()
    await first

    async with asyncio.timeout(5):
        assert (await waiting).body == 1
    assert bench.flow.in_flight == 0


async def test_leaving_the_line_gives_the_place_back():
    bench = Bench(workers=1, buffer=5)
    first, second, third = (bench.start(n) for n in range(3))
    await settle()
    second.cancel()
    await settle()
    assert bench.flow.waiting == 1

    bench.gate.set()
    await asyncio.gather(first, third)

    assert bench.entered == [0, 2]
    assert bench.flow.in_flight == 0


async def test_a_permit_that_meets_a_cancellation_is_passed_on():
    bench = Bench(workers=1, buffer=5)
    first, second, third = (bench.start(n) for n in range(3))
    await settle()
    bench.gate.set()
    while not first.done():
        await asyncio.sleep(0)
    second.cancel()

    await third

    assert bench.flow.in_flight == 0


async def test_a_cancelled_message_has_failed():
    bench = Bench()
    task = bench.start(0)
    await settle()
    task.cancel()
    await settle()

    assert bench.kinds() == ["started", "failed"]


async def test_send_waits_while_the_line_is_full():
    bench = Bench(workers=1, buffer=1)
    await bench.flow.send(Message(0))
    await settle()
    await bench.flow.send(Message(1))
    await settle()
    sending = asyncio.get_running_loop().create_task(bench.flow.send(Message(2)))
    await settle()
    assert not sending.done()

    bench.gate.set()
    await sending
    await asyncio.gather(*bench.tasks)
    assert bench.entered == [0, 1, 2]


async def test_drained_returns_when_nothing_is_left():
    bench = Bench(workers=1, buffer=5)
    bench.start(0), bench.start(1)
    await settle()
    draining = asyncio.get_running_loop().create_task(bench.flow.drained())
    await settle()
    assert not draining.done()

    bench.gate.set()
    await draining


def refuse(message):
    raise Permanent("no", status=418, vars={"statusCode": 418})


def test_the_error_chain_sees_the_error_and_its_answer_completes_the_flow():
    bench = Bench(call=refuse, error=lambda message: message.with_body(message.vars["error"]))

    outcome = bench.flow.call(Message("input", {"kept": 1}))

    assert outcome.body == {
        "message": 'block "wait": no',
        "flow": "f",
        "block": "wait",
        "code": "OCTO-R110",
        "type": "Permanent",
        "status": 418,
        "path": "f.wait",
        "retryable": False,
    }
    assert outcome.vars["kept"] == 1
    assert outcome.vars["statusCode"] == 418
    assert bench.kinds() == ["started", "completed"]


def test_an_error_chain_may_drop():
    bench = Bench(call=refuse, error=lambda _: Drop("known"))

    assert bench.flow.call(Message()) == Drop("known")
    assert bench.kinds() == ["started", "dropped"]


def test_a_failing_error_chain_fails_the_flow():
    bench = Bench(call=refuse, error=chain((Step(refuse, "again", "f[error].again"),)))

    with pytest.raises(Failure, match='error path: block "again": no'):
        bench.flow.call(Message())

    assert bench.kinds() == ["started", "failed"]


async def test_an_unplanned_exception_fails_one_message_with_a_traceback_in_the_log(caplog):
    def broken(_):
        raise KeyError("who knows")

    bench = Bench(call=broken)

    with pytest.raises(Failure) as caught:
        bench.flow.call(Message())

    assert caught.value.as_value("f")["type"] == "Bug"
    assert caught.value.as_value("f")["code"] == "OCTO-R190"
    assert caplog.records[-1].exc_info


RECURSIVE = """
connectors: [{name: p, type: probe}]
flows:
  - name: count
    workers: 1
    process:
      - {type: note, connector: p, value: body.n}
      - type: if
        condition: body.n > 0
        then:
          process:
            - {type: set-payload, value: '{"n": body.n - 1}'}
            - {type: flow-ref, flow: count}
"""


async def test_a_flow_may_call_itself_with_a_single_worker(plugins):
    async with running(RECURSIVE, plugins) as app:
        outcome = await app.call("count", {"n": 5}, timeout=5)

        assert outcome.body == {"n": 0}
        assert probes["probe"].notes == [5, 4, 3, 2, 1, 0]
        assert app.generation.flows["count"].in_flight == 0


async def test_a_recursion_without_end_is_an_error(plugins):
    async with running(RECURSIVE, plugins) as app:
        with pytest.raises(Failure, match="called itself more than 100 times"):
            await app.call("count", {"n": 1_000_000})

        assert app.generation.flows["count"].in_flight == 0
