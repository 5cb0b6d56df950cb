"""A flow: permits, order, backpressure, deadlines, and one end for every message."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from types import SimpleNamespace

import pytest

from octo.core import current
from octo.core.errors import Overloaded, Permanent, Timeout
from octo.core.flow import Drop, Failure, at_last
from octo.core.message import Message
from octo.engine.chain import chain
from octo.engine.events import Bus
from octo.engine.flow import Flow, FlowInlet
from octo.engine.recovery import recovering
from octo.engine.step import Step
from octo.testing.clock import virtual
from octo.testing.harness import running
from octo.testing.probe import probes


class Bench:
    """A flow with a gate in it, and the events on its bus."""

    def __init__(self, workers=1, buffer=1, call=None, error=None):
        self.gate = asyncio.Event()
        self.events = []
        self.entered = []
        self.tasks = set()
        self.refused = 0
        bus = Bus()
        bus.subscribe(self.events.append)
        bus.refused = self.refuse
        self.flow = Flow("f", workers=workers, buffer=buffer, bus=bus, spawn=self.spawn)
        self.flow.process = recovering("f", chain((Step(call or self.wait, "wait", "f.wait"),)), error)

    def refuse(self, flow):
        assert flow == "f"
        self.refused += 1

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


def fail(message):
    raise Permanent("no")


@pytest.mark.parametrize("call", [lambda message: message, fail, None], ids=["at once", "fails", "waits"])
async def test_after_a_call_the_message_of_the_caller_is_current_again(call):
    """What the caller's flow logs then must not carry the ids of the called one."""
    bench = Bench(call=call)
    bench.gate.set()
    mine = Message("mine")
    token = current.message.set(mine)
    try:
        with contextlib.suppress(Failure):
            await at_last(bench.flow.call(Message("other")))
        assert current.message.get() is mine
    finally:
        current.message.reset(token)


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
    assert bench.refused == 1
    bench.gate.set()


async def test_a_full_line_refuses_at_once():
    """Whatever the estimate says: before the first message of a hanging upstream has ended there is none."""
    bench = Bench(workers=1, buffer=2)
    tasks = [asyncio.get_running_loop().create_task(asked(bench.flow)) for _ in range(9)]
    await settle()

    assert bench.flow.waiting == 2
    refused = [each.exception() for each in tasks if each.done()]
    assert [type(each) for each in refused] == [Overloaded] * 6
    assert {each.retry_after for each in refused} == {1.0}
    assert bench.refused == 6
    assert str(refused[0]) == 'flow "f" is full: 1 messages are worked on, and 2 stand in line'
    bench.gate.set()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_full_line_refuses_without_a_task():
    """Thousands of refusals in a row must leave time for the other flows."""
    bench = Bench(workers=1, buffer=0)
    bench.start(0)
    await settle()

    with pytest.raises(Overloaded):
        FlowInlet(bench.flow).call(Message(), timeout=30)
    bench.gate.set()


async def test_a_source_without_a_deadline_waits_for_room_in_the_line():
    bench = Bench(workers=1, buffer=1)
    tasks = [bench.start(n) for n in range(4)]
    await settle()

    assert bench.flow.waiting == 1
    bench.gate.set()
    await asyncio.gather(*tasks)
    assert bench.entered == [0, 1, 2, 3]


async def asked(flow):
    return await at_last(FlowInlet(flow).call(Message(), timeout=30))


@pytest.mark.parametrize("way", ["inlet", "flow"])
async def test_a_permit_that_comes_free_before_the_wait_begins_is_taken(way):
    """A call made while no permit is free may be awaited when one is: nothing would pass that permit on to it."""
    bench = Bench(workers=1)
    first = bench.start(0)
    await settle()
    waiting = (FlowInlet(bench.flow) if way == "inlet" else bench.flow).call(Message(1))
    bench.gate.set()
    await first

    async with asyncio.timeout(5):
        assert (await waiting).body == 1
    assert bench.flow.in_flight == 0


@pytest.mark.parametrize("given", [None, "text", {"body": 1}])
async def test_what_is_no_message_is_refused_and_holds_no_permit(given):
    """A source in the making calls its inlet with anything; the flow must still be able to end."""
    bench = Bench(call=lambda message: message)

    for partial in (None, print):
        with pytest.raises(TypeError, match="takes a `Message`, not"):
            FlowInlet(bench.flow).call(given, partial=partial)

    assert bench.flow.in_flight == 0
    assert bench.kinds() == []
    async with asyncio.timeout(5):
        await bench.flow.drained()


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


@pytest.mark.parametrize("is_cancelled", [True, False])
async def test_nothing_is_left_of_a_message_that_failed(is_cancelled):
    """Not even for the garbage collector, which in a service looks at young objects only."""
    seen = []

    async def fail(message):
        try:
            await asyncio.sleep(0)
            raise Permanent("no")
        except (Permanent, asyncio.CancelledError) as error:
            seen.append(weakref.ref(error))
            raise

    async def call():
        with contextlib.suppress(Failure, asyncio.CancelledError):
            await at_last(FlowInlet(bench.flow).call(Message(0)))

    bench = Bench(call=fail)
    gc.disable()
    try:
        task = asyncio.get_running_loop().create_task(call())
        await asyncio.sleep(0)
        if is_cancelled:
            task.cancel()
        await task
        bench.events.clear()

        assert [each() for each in seen] == [None]
    finally:
        gc.enable()


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


# --- the line ----------------------------------------------------------------------------------------------------


class Gates(Bench):
    """A flow whose messages wait each at a gate of its own."""

    def __init__(self, **how):
        super().__init__(**how)
        self.gates = {}

    async def wait(self, message):
        self.entered.append(message.body)
        await self.gates.setdefault(message.body, asyncio.Event()).wait()
        return message

    def open(self, body):
        self.gates.setdefault(body, asyncio.Event()).set()

    def send(self, body):
        return asyncio.get_running_loop().create_task(self.flow.send(Message(body)))

    async def end(self):
        """Let all messages through."""
        while not all(task.done() for task in self.tasks):
            for body in self.entered:
                self.open(body)
            await asyncio.sleep(0)


async def test_a_start_lets_a_waiting_sender_into_the_line():
    """The place in line is free from then on, not when the message ends."""
    bench = Gates(workers=1, buffer=1)
    bench.start(0), bench.start(1)
    await settle()
    sending = bench.send(2)
    await settle()
    assert not sending.done()

    bench.open(0)
    await settle()

    assert bench.entered == [0, 1]
    assert sending.done()
    assert bench.flow.waiting == 1
    await bench.end()


async def test_leaving_a_full_line_lets_a_waiting_sender_in():
    bench = Gates(workers=1, buffer=1)
    bench.start(0)
    leaving = bench.start(1)
    await settle()
    sending = bench.send(2)
    await settle()
    assert not sending.done()

    leaving.cancel()
    await settle()

    assert sending.done()
    await bench.end()
    assert bench.entered == [0, 2]


async def test_a_sender_that_gives_up_while_it_is_let_in_leaves_its_place_to_the_next():
    """Else the next sender would wait for ever if nothing else happens in the flow."""
    bench = Gates(workers=1, buffer=0)
    bench.start(0)
    await settle()
    first, second = bench.send(1), bench.send(2)
    await settle()
    bench.open(0)
    while bench.flow.in_flight:
        await asyncio.sleep(0)
    first.cancel()

    async with asyncio.timeout(5):
        await second
    await bench.end()
    assert bench.entered == [0, 2]


async def test_a_sender_that_gave_up_before_is_passed_over():
    bench = Gates(workers=1, buffer=0)
    bench.start(0)
    await settle()
    first, second = bench.send(1), bench.send(2)
    await settle()
    first.cancel()
    bench.open(0)

    async with asyncio.timeout(5):
        await second
    await bench.end()
    assert bench.entered == [0, 2]


@virtual()
async def test_a_line_that_is_not_full_refuses_nobody_at_once():
    """The estimate may be wrong: a message that has a place in line may wait until its deadline."""
    bench = Bench(workers=1, buffer=5)
    bench.start(0)
    await settle()
    bench.flow._pace = 60.0
    waiting = asyncio.get_running_loop().create_task(at_last(FlowInlet(bench.flow).call(Message(1), timeout=1)))
    await asyncio.sleep(0.5)
    bench.gate.set()

    assert (await waiting).body == 1


@virtual()
async def test_time_in_line_counts_against_the_deadline():
    bench = Gates(workers=1, buffer=5)
    bench.start(0)
    await settle()
    waiting = asyncio.get_running_loop().create_task(at_last(FlowInlet(bench.flow).call(Message(1), timeout=10)))
    await asyncio.sleep(6)
    bench.open(0)
    with pytest.raises(Timeout):
        await waiting

    assert asyncio.get_running_loop().time() == pytest.approx(10)
    assert bench.entered == [0, 1]


async def refused(flow, timeout):
    with pytest.raises(Overloaded) as caught:
        await at_last(FlowInlet(flow).call(Message(), timeout=timeout))
    return caught.value.retry_after


async def test_who_is_refused_is_told_to_come_again_after_a_wait_from_the_pace_of_the_last_messages(monkeypatch):
    """The pace moves a tenth of the way to each duration; those in line go first, `workers` of them at a time."""
    took = iter((0, 100, 0, 200, 0, 0, 0))
    monkeypatch.setattr("octo.engine.flow.time", SimpleNamespace(perf_counter=lambda: next(took, 0)))
    bench = Bench(workers=2, buffer=1, call=lambda message: message)
    for _ in range(2):
        bench.flow.call(Message())
    pace = 10 + (200 - 10) / 10
    bench.flow.process = chain((Step(bench.wait, "wait", "f.wait"),))
    tasks = [bench.start(body) for body in range(3)]
    await settle()

    assert await refused(bench.flow, timeout=pace - 1) == pytest.approx(pace * 2 / 2)
    bench.gate.set()
    await asyncio.gather(*tasks)


async def test_more_workers_shorten_the_wait():
    bench = Bench(workers=4, buffer=1)
    tasks = [bench.start(body) for body in range(5)]
    await settle()
    bench.flow._pace = 60.0
    assert await refused(bench.flow, timeout=29) == 30
    bench.gate.set()
    await asyncio.gather(*tasks)


async def test_all_who_wait_for_the_end_are_told():
    """Two drains at once, as when a stop comes while a reload retires the generation."""
    bench = Bench()
    bench.start(0)
    await settle()
    waiting = [asyncio.get_running_loop().create_task(bench.flow.drained()) for _ in range(2)]
    await settle()
    bench.gate.set()

    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)


async def test_an_end_that_was_waited_for_before_is_waited_for_anew():
    bench = Gates()
    for body in range(2):
        bench.start(body)
        await settle()
        waiting = asyncio.get_running_loop().create_task(bench.flow.drained())
        await settle()
        assert not waiting.done()
        bench.open(body)
        await waiting


# --- calls of its own --------------------------------------------------------------------------------------------

MANY = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    workers: 1
    process:
      - type: if
        condition: body != null
        then:
          process:
            - type: foreach
              items: body
              body: [{type: set-payload, value: 'null'}, {type: flow-ref, flow: f}]
"""


async def test_calls_one_after_the_other_are_no_recursion(plugins):
    """The depth of a flow's calls to itself decreases when a call returns."""
    async with running(MANY, plugins) as app:
        await app.call("f", list(range(150)))


ONE_WAY = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    workers: 1
    buffer: 10
    process:
      - type: if
        condition: body > 0
        then: {process: [{type: set-payload, value: body - 1}, {type: flow-ref, flow: f, oneWay: true}]}
      - {type: wait, connector: p}
"""


async def test_a_one_way_call_to_itself_waits_for_a_permit_of_its_own(plugins):
    """Its sender does not wait for it, so it cannot run under the sender's permit."""
    async with running(ONE_WAY, plugins) as app:
        calling = asyncio.get_running_loop().create_task(app.call("f", 3))
        probe = probes["probe"]
        for _ in range(50):
            await asyncio.sleep(0)
        assert probe.waiting == 1
        probe.gate("go").set()
        await calling
        while app.generation.flows["f"].in_flight:
            await asyncio.sleep(0)
        assert probe.most_waiting == 1


async def test_more_one_way_calls_to_itself_than_a_recursion_may_be_deep(plugins):
    """Each is a message of its own, not one call inside the other."""
    async with running(ONE_WAY, plugins) as app:
        probes["probe"].gate("go").set()
        await app.call("f", 150)
        flow = app.generation.flows["f"]
        while flow.in_flight or flow.waiting or app.generation._work:
            await asyncio.sleep(0)

    assert app.kinds("f").count("completed") == 151


async def test_a_task_that_has_made_a_call_holds_nothing_afterwards(plugins):
    """A second call in the same task needs a permit like the first."""
    async with running(ONE_WAY, plugins) as app:
        flow, probe = app.generation.flows["f"], probes["probe"]
        probe.gate("go").set()
        await app.call("f", 0)
        probe.gate("go").clear()
        other = asyncio.get_running_loop().create_task(app.call("f", 0))
        while not probe.waiting:
            await asyncio.sleep(0)

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await at_last(flow.call(Message(0)))
        assert probe.most_waiting == 1
        probe.gate("go").set()
        await other


# --- an error chain that fails ------------------------------------------------------------------------------------


async def test_the_log_names_the_first_failure_and_that_of_the_error_chain(plugins, caplog):
    text = """
flows:
  - name: f
    process: [{type: set-payload, name: charge, value: 1 / 0}]
    error: [{type: set-payload, name: notify, value: vars.nope}]
"""
    async with running(text, plugins) as app:
        with pytest.raises(Failure):
            await app.call("f")

    (line,) = [record for record in caplog.records if record.message == "flow failed"]
    assert (line.fields["cause_code"], line.fields["cause_path"]) == ("OCTO-E203", "f.charge")
    assert line.fields["cause_at"] == "flow.yaml:4:58"
    assert (line.fields["code"], line.fields["path"]) == ("OCTO-E201", "f[error].notify")
    value = "set-payload value: evaluate expression:"
    assert line.fields["error"].startswith(f'block "charge": {value} division by zero; then error path: block "notify"')


# --- flows that send to themselves -------------------------------------------------------------------------------

MORE_AND_MORE = """
flows:
  - name: f
    workers: 2
    buffer: 3
    process:
      - type: if
        condition: 'true'
        then: [{type: flow-ref, flow: %(one)s, oneWay: true}, {type: flow-ref, flow: %(two)s, oneWay: true}]
  - name: g
    workers: 2
    buffer: 3
    process: [{type: flow-ref, flow: f, oneWay: true}, {type: flow-ref, flow: f, oneWay: true}]
  - name: failing
    workers: 2
    buffer: 3
    process: [{type: set-payload, value: 1 / 0}]
    error: [{type: flow-ref, flow: failing, oneWay: true}, {type: flow-ref, flow: failing, oneWay: true}]
"""


@pytest.mark.parametrize(
    ("flow", "one", "two"), [("f", "f", "f"), ("f", "g", "g"), ("f", "f", "g"), ("failing", "f", "f")]
)
@virtual()
async def test_messages_that_become_more_and_more_are_bounded_and_leave_the_loop_free(flow, one, two, plugins):
    """The surplus is refused; others get their turn; a stop ends."""
    async with running(MORE_AND_MORE % {"one": one, "two": two}, plugins, drain=0) as app:
        with contextlib.suppress(Failure):
            await app.call(flow)
        for _ in range(200):
            before = len(app.events)
            await asyncio.sleep(0)
            assert len(app.events) - before <= 100
            for each in app.generation.flows.values():
                assert each.in_flight + each.waiting <= each.workers + each.buffer
            assert len(asyncio.all_tasks()) < 40
        refused = [
            event.error.cause for event in app.events if event.kind == "failed" and isinstance(event.error, Failure)
        ]
        assert {cause.code for cause in refused if isinstance(cause, Overloaded)} == {"OCTO-R112"}


@virtual()
async def test_a_flow_may_send_the_next_page_to_itself_until_there_is_none(plugins):
    text = """
flows:
  - name: f
    workers: 1
    buffer: 1
    process:
      - type: if
        condition: body < 500
        then: [{type: set-payload, value: body + 1}, {type: flow-ref, flow: f, oneWay: true}]
"""
    async with running(text, plugins) as app:
        await app.call("f", 0)
        await app.generation.flows["f"].drained()
    assert app.kinds("f").count("completed") == 501


@virtual()
async def test_flows_that_wait_for_one_another_crosswise_do_not_wait_for_ever(plugins):
    """Each message holds the only worker that the other one waits for."""
    text = """
connectors: [{name: p, type: probe}]
flows:
  - name: a
    workers: 1
    process:
      - {type: wait, connector: p}
      - {type: if, condition: body == 1, then: [{type: set-payload, value: 0}, {type: flow-ref, flow: b}]}
  - name: b
    workers: 1
    process:
      - {type: wait, connector: p}
      - {type: if, condition: body == 1, then: [{type: set-payload, value: 0}, {type: flow-ref, flow: a}]}
"""
    async with running(text, plugins) as app:
        both = asyncio.gather(app.call("a", 1), app.call("b", 1), return_exceptions=True)
        await settle()
        probes["probe"].gate("go").set()
        outcomes = await both
    assert [each.cause.code for each in outcomes if isinstance(each, Failure)] == ["OCTO-R112"]


@virtual()
async def test_each_send_gives_other_tasks_their_turn(plugins):
    text = """
flows:
  - {name: f, process: [{type: foreach, items: body, body: [{type: flow-ref, flow: g, oneWay: true}]}]}
  - {name: g, process: []}
"""
    async with running(text, plugins) as app:
        turns = 0

        async def turn():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as tasks:
            turning = tasks.create_task(turn())
            await app.call("f", list(range(100)))
            turning.cancel()
    assert turns >= 100
