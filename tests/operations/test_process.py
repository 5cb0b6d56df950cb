"""The subject of a process shows what its service does at this moment."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from contextlib import asynccontextmanager
from pathlib import Path
from types import MethodType

import pytest

from octo.config.load import load, parse
from octo.core.errors import ConfigError, Disconnected, OctoError, Position, Problem, Transient
from octo.core.flow import at_last
from octo.core.message import Message
from octo.core.secrets import mask
from octo.core.threads import threads_of
from octo.engine.metrics import Metrics
from octo.engine.observe import NOBODY, Observer
from octo.engine.service import Refusal, Service
from octo.operations.figures import Lag
from octo.operations.health import FRESH
from octo.operations.process import ThisProcess
from octo.operations.status import Values, report
from octo.operations.web import Refused
from octo.testing.clock import virtual
from octo.testing.probe import probes, unreachable
from octo.trace.live import Live
from octo.trace.memory import Memory
from octo.trace.writer import Writer

FLOW = """
service: {{name: shop}}
connectors: [{{name: p, type: probe, settings: {{id: p}}}}]
flows:
  - name: orders
    description: Takes orders.
    workers: 2
    buffer: 5
    source: {{connector: p, type: pull, settings: {{breaks: {breaks}}}}}
    process: [{{type: wait, connector: p, name: hold}}]
"""


@asynccontextmanager
async def started(text, plugins, more=()):
    """Start a service; provide it and its subject. `stop` is set at the end."""
    metrics, stop = Metrics(), asyncio.Event()
    service = Service(lambda: parse(text, plugins, {}), bus=metrics)
    state = ThisProcess(service, metrics, Lag(), Path("shop.yaml"), more=more)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.run(stop))
        try:
            yield state, service, stop
        finally:
            if "p" in probes:
                probes["p"].gate("go").set()
            stop.set()


async def until_running(service):
    while service.current is None:
        await asyncio.sleep(0)


async def test_it_is_starting_then_ready_then_draining(plugins):
    async with started(FLOW.format(breaks=0), plugins) as (state, service, stop):
        assert await state.reasons() == ["starting"]
        assert Values(await state.snapshot()).of("octo_ready") == 0

        await until_running(service)
        assert await state.reasons() == []
        assert Values(await state.snapshot()).of("octo_ready") == 1

        stop.set()
        assert await state.reasons() == ["draining"]


@virtual()
async def test_a_source_that_broke_makes_it_unready_until_it_delivers(plugins):
    async with started(FLOW.format(breaks=1), plugins) as (state, service, _):
        await until_running(service)
        await asyncio.sleep(0.5)
        assert await state.reasons() == ['the source of flow "orders" is broken: the source broke']
        assert (await state.facts())["flows"][0]["broken"] == "the source broke"

        await asyncio.sleep(1)
        probes["p"].queue.put_nowait("x")
        await asyncio.sleep(0.1)
        assert await state.reasons() == []


async def test_a_sick_connector_makes_it_unready_and_is_named(plugins, monkeypatch):
    async def health(self):
        raise Transient("it has gone")

    async with started(FLOW.format(breaks=0), plugins) as (state, service, _):
        await until_running(service)
        monkeypatch.setattr(probes["p"], "health", MethodType(health, probes["p"]), raising=False)

        assert await state.reasons() == ['connector "p" is unhealthy: it has gone']
        values = Values(await state.snapshot())
        assert values.of("octo_connector_healthy", "p", "probe") == 0
        [connector] = (await state.facts())["connectors"]
        assert connector == {"name": "p", "type": "probe", "stub": False, "healthy": False, "reason": "it has gone"}


class Sick:
    def __init__(self, why):
        self.why = why

    async def health(self):
        raise Transient(self.why)


async def test_services_that_are_sick_make_it_unready_and_are_named(plugins):
    """Those in one place on one line; one without a check counts as well."""
    async with started(FLOW.format(breaks=0), plugins) as (state, service, _):
        assert await state.reasons() == ["starting"]
        await until_running(service)
        opened = {"queues": Sick("no server"), "leases": Sick("no server"), "topics": Sick("else"), "secrets": object()}
        service.services._opened.update(opened)

        assert await state.reasons() == [
            'service "leases", "queues" is unhealthy: no server',
            'service "topics" is unhealthy: else',
        ]


@virtual(start="2026-01-01T00:00:00Z")
async def test_a_flow_that_does_not_move_makes_it_unready_until_it_does(plugins):
    async with started(FLOW.format(breaks=0), plugins) as (state, service, _):
        await until_running(service)
        assert Values(await state.snapshot()).of("octo_source_healthy", "orders") == 1
        await asyncio.sleep(61)

        silent = "its source has given no sign of life since 2026-01-01T00:00:00Z"
        assert await state.reasons() == [f'flow "orders" does not move: {silent}']
        assert (await state.facts())["flows"][0]["broken"] == silent
        assert Values(await state.snapshot()).of("octo_source_healthy", "orders") == 0

        probes["p"].queue.put_nowait("x")
        await asyncio.sleep(0.1)
        assert await state.reasons() == []
        assert Values(await state.snapshot()).of("octo_source_healthy", "orders") == 1


@virtual(start="2026-01-01T00:00:00Z")
async def test_a_connector_that_says_its_connection_is_gone_is_opened_again(plugins, monkeypatch):
    """A health check reports a lost connection, even if no message has found it."""

    async def health(self):
        if self is before:
            raise Disconnected("it has gone")

    async with started(FLOW.format(breaks=0), plugins) as (state, service, _):
        await until_running(service)
        before = probes["p"]
        monkeypatch.setattr(before, "health", MethodType(health, before), raising=False)
        unreachable.add("p")
        assert await state.reasons() == ['connector "p" is unhealthy: it has gone']
        await asyncio.sleep(FRESH)
        since = "the connection has been lost since 2026-01-01T00:00:00Z and is being opened again: "
        assert await state.reasons() == [f'connector "p" is unhealthy: {since}nobody is there']
        assert Values(await state.snapshot()).of("octo_connector_healthy", "p", "probe") == 0

        unreachable.clear()
        await asyncio.sleep(2)
        assert await state.reasons() == []
        assert Values(await state.snapshot()).of("octo_connector_healthy", "p", "probe") == 1


async def test_what_is_in_flight_and_waiting_is_read_when_asked(plugins):
    async with started(FLOW.format(breaks=0), plugins) as (state, service, _):
        await until_running(service)
        for number in range(4):
            probes["p"].queue.put_nowait(number)
        async with asyncio.timeout(10):
            while service.current.flows["orders"].waiting < 2:
                await asyncio.sleep(0)

        values = Values(await state.snapshot())
        assert [values.of(f"octo_flow_{name}", "orders") for name in ("in_flight", "workers", "waiting", "buffer")] == [
            2,
            2,
            2,
            5,
        ]


async def test_what_an_old_generation_still_works_on_is_in_flight_too(plugins):
    async with started(FLOW.format(breaks=0), plugins) as (state, service, _):
        await until_running(service)
        old = service.current
        call = asyncio.get_running_loop().create_task(at_last(old.flows["orders"].call(Message())))
        await asyncio.sleep(0)
        service.draining.append(old)
        service.current = await _opened_like(old, service)

        assert Values(await state.snapshot()).of("octo_flow_in_flight", "orders") == 1

        service.draining.clear()
        await service.current.drain(0)
        service.current = old
        probes["p"].gate("go").set()
        await call


async def _opened_like(old, service):
    from octo.engine.generation import Generation

    new = Generation(old.config, service._connections, service.bus, service._tasks)
    await new.open()
    return new


async def test_a_refused_edit_is_told_with_its_problems_and_no_line_of_the_file(plugins, tmp_path, save):
    path = tmp_path / "f.yaml"
    path.write_text(FLOW.format(breaks=0))
    mask("hunter2-hunter2")
    metrics, stop, turned = Metrics(), asyncio.Event(), asyncio.Event()
    service = Service(
        lambda: parse(path.read_text(), plugins, {}),
        watched=lambda: [path],
        ready=lambda _: turned.set(),
        refused=lambda _: turned.set(),
        bus=metrics,
    )
    state = ThisProcess(service, metrics, Lag(), path)

    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(service.run(stop))
        await turned.wait()
        turned.clear()
        save(path, "flows: [{name: f, hunter2-hunter2: 1, process: []}]")
        await turned.wait()

        refused = (await state.facts())["refused"]
        assert await state.reasons() == []
        assert refused["problems"][0]["code"] == "OCTO-C111"
        assert refused["problems"][0]["line"] == 1
        assert "«secret»" in refused["problems"][0]["message"]
        assert "hunter2" not in json.dumps(refused)
        assert Values(await state.snapshot()).of("octo_reloads_total", "refused") == 1

        turned.clear()
        save(path, FLOW.format(breaks=0).replace("buffer: 5", "buffer: 6"))
        await turned.wait()

        assert (await state.facts())["refused"] is None
        assert (await state.facts())["generation"]["number"] == 2
        assert Values(await state.snapshot()).of("octo_reloads_total", "applied") == 1
        stop.set()


async def test_the_status_of_a_running_service(plugins):
    async with started(FLOW.format(breaks=0), plugins) as (state, service, _):
        await until_running(service)

        document = report(await state.facts(), await state.snapshot(), await state.reasons())

        assert (document["name"], document["config"], document["ready"]) == ("shop", "shop.yaml", True)
        assert document["generation"]["number"] == 1
        assert document["flows"][0]["source"] == {"type": "pull", "connector": "p"}
        assert [process["process"] for process in document["processes"]] == [0]
        json.dumps(document)


async def test_flows_are_listed_with_their_blocks_and_without_settings(plugins):
    async with started(FLOW.format(breaks=0), plugins) as (state, service, _):
        assert await state.flows() == []
        await until_running(service)

        [flow] = await state.flows()

        assert (flow["name"], flow["description"]) == ("orders", "Takes orders.")
        assert (flow["workers"], flow["buffer"]) == (2, 5)
        assert [block["address"] for block in flow["blocks"]] == ["orders.hold"]
        assert "settings" not in json.dumps(flow)


async def test_a_flow_says_at_which_url_it_is_reached(plugins, port):
    """With the port that is really listened at, and the methods that it takes, if it does not take all."""
    text = """
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}, basePath: /v1}}}}]
flows:
  - name: one
    source: {{connector: web, type: http, settings: {{path: /a, methods: [POST]}}}}
    process: []
  - name: all
    source: {{connector: web, type: http, settings: {{path: /b}}}}
    process: []
  - {{name: none, process: []}}
"""
    async with started(text.format(port=port), plugins) as (state, service, _):
        await until_running(service)

        sources = {each["name"]: each["source"] for each in await state.flows()}

    base = {"type": "http", "connector": "web"}
    assert sources == {
        "one": {**base, "url": f"http://127.0.0.1:{port}/v1/a", "methods": ["POST"]},
        "all": {**base, "url": f"http://127.0.0.1:{port}/v1/b", "methods": []},
        "none": None,
    }


async def test_whoever_measures_more_is_asked(plugins):
    def traces():
        return {"octo_traces_dropped_total": [((), 3)]}

    async with started(FLOW.format(breaks=0), plugins, [traces]) as (state, service, _):
        await until_running(service)
        assert Values(await state.snapshot()).of("octo_traces_dropped_total") == 3


async def test_the_log_level_is_that_of_the_process(plugins):
    async with started(FLOW.format(breaks=0), plugins) as (state, service, _):
        await until_running(service)
        await state.set_level("error")
        assert (await state.level(), logging.getLogger("octo").level) == ("error", logging.ERROR)

        await state.set_level("warn")
        assert await state.level() == "warn"


# --- traces ------------------------------------------------------------------------------------------------------

TRACED = "flows: [{name: f, process: [{type: set-payload, value: body * 2}]}]"


async def call(service, body):
    return await at_last(service.current.flows["f"].call(Message(body)))


async def test_without_kept_traces_it_says_how_to_keep_them(plugins):
    async with started(TRACED, plugins) as (state, _, _):
        for ask in (state.traces(None, None, 1), state.trace("abcdef")):
            with pytest.raises(Refused, match="start octo with --traces"):
                await ask


async def test_kept_traces_are_those_of_the_store(plugins):
    store = Memory()
    with Writer([store]) as writer:
        async with started(TRACED, plugins) as (_, service, _):
            await until_running(service)
            live = Live(service.observe, writer=writer, store=store)
            await service.observe(live.observer)
            state = ThisProcess(service, Metrics(), Lag(), Path("shop.yaml"), live=live)
            await call(service, 1)
            assert writer.flush()

            [summary] = await state.traces("f", "completed", 5)
            assert [each["path"] for each in await state.trace(summary["event"])] == ["f", "f.set-payload"]
            with pytest.raises(OctoError, match="no kept trace"):
                await state.trace("ffffffff")
            assert Values(await state.snapshot()).of("octo_traces_dropped_total") == 0


async def test_a_tap_watches_while_somebody_looks_and_no_longer(plugins):
    async with started(TRACED, plugins) as (state, service, _):
        await until_running(service)
        traces = await state.tap("f", "body > 1", 5)
        assert service.observer is NOBODY

        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(anext(traces))
            await asyncio.sleep(0)
            assert service.observer is not NOBODY
            await service.observe(service.observer)  # returns once the flows are observed
            await call(service, 1)
            await call(service, 2)
        assert looking.result()[0]["input"] == {"body": 2}

        await traces.aclose()
        assert service.observer is NOBODY


async def test_what_watches_anyhow_goes_on_watching_after_a_tap(plugins):
    async with started(TRACED, plugins) as (state, service, _):
        await until_running(service)
        await service.observe(other := Observer())
        traces = await state.tap("f", "", 1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(anext(traces))
            await asyncio.sleep(0)
            await service.observe(service.observer)  # returns once the flows are observed
            await call(service, 1)
        await traces.aclose()

        assert service.observer is other


async def test_what_is_no_condition_watches_nothing(plugins):
    async with started(TRACED, plugins) as (state, service, _):
        await until_running(service)
        with pytest.raises(OctoError, match="when"):
            await state.tap("f", "body.", 1)

        assert service.observer is NOBODY


@pytest.mark.parametrize("allowed", [False, True])
async def test_a_start_from_an_empty_file_is_not_ready(plugins, tmp_path, allowed):
    """A rollout would go on and end the processes that still run flows."""
    path = tmp_path / "flow.yaml"
    path.write_text("# nothing yet")
    metrics, stop, started = Metrics(), asyncio.Event(), asyncio.Event()
    service = Service(lambda: load(path, plugins, {}), ready=lambda _: started.set(), allow_empty=allowed, bus=metrics)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(service.run(stop))
        await started.wait()
        reasons = await ThisProcess(service, metrics, Lag(), path).reasons()
        stop.set()

    assert reasons == ([] if allowed else [f"nothing runs, {path}: the file has only comments"])


async def test_threads_that_hang_are_counted_and_told(plugins, monkeypatch):
    """Some degrade the process. When all of a block hang it cannot take messages, so the process is not ready."""
    ends = threading.Event()
    threads = threads_of("orders.price")
    monkeypatch.setattr(threads, "most", 2)

    def hang():
        runs = threading.Event()
        call = threads.submit(lambda: (runs.set(), ends.wait()))
        runs.wait()
        call.cancel()

    async with started(FLOW.format(breaks=0), plugins) as (state, service, _):
        await until_running(service)
        try:
            hang()
            assert (await state.reasons(), await state.notes()) == ([], ["1 thread of block orders.price hangs"])
            hang()
            assert await state.reasons() == ["block orders.price has no threads left: 2 hang"]
            assert await state.notes() == []
            assert Values(await state.snapshot()).of("octo_threads_hanging") == 2
        finally:
            ends.set()
        while threads.lost:
            await asyncio.sleep(0)
        assert (await state.reasons(), await state.notes()) == ([], [])


@pytest.mark.parametrize(
    ("error", "tries_again", "notes"),
    [
        (
            ConfigError([Problem("OCTO-C154", Position("shop.yaml"), "no flows are left")]),
            False,
            ["shop.yaml: no flows are left; the flows from before keep running"],
        ),
        (
            OctoError("the port is in use"),
            True,
            ["the port is in use; the flows from before keep running, and the new version is tried again"],
        ),
        (ConfigError([Problem("OCTO-C111", Position("shop.yaml"), "unknown key")]), False, []),
    ],
)
async def test_a_configuration_that_has_gone_is_noted_and_leaves_it_ready(plugins, error, tries_again, notes):
    """One empty file must not take every process out of service. The mistake of an edit is on stderr and in status."""
    async with started(FLOW.format(breaks=0), plugins) as (state, service, _):
        await until_running(service)
        service.refusal = Refusal(0, error, tries_again)

        assert (await state.reasons(), await state.notes()) == ([], notes)
