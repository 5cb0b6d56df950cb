"""A service swaps generations without a gap, keeps what did not change, and survives bad edits."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from contextlib import asynccontextmanager
from functools import partial

import pytest

from octo.config.load import parse
from octo.core.backoff import Backoff
from octo.core.errors import ConfigError, Position, Problem
from octo.core.flow import at_last
from octo.core.message import Message
from octo.engine import service as serving
from octo.engine.lost import Lost
from octo.engine.observe import Observer
from octo.engine.service import Service
from octo.expr import program as program_module
from octo.testing.clock import virtual
from octo.testing.probe import Probe, history, probes, unreachable

FLOW = """
connectors: [{{name: p, type: probe, settings: {{id: {id}}}}}]
flows:
  - name: f
    source: {{connector: p, type: push, settings: {{path: /}}}}
    process: [{wait}{{type: set-payload, value: '"{answer}"'}}]
"""


def flow(answer, id="p", wait=""):
    return FLOW.format(answer=answer, id=id, wait=wait)


async def _turn(turned):
    turned.set()


class Editor:
    """A service whose configuration the test edits."""

    def __init__(self, text, plugins, tmp_path, save, meanwhile=None, **options):
        self.path = tmp_path / "flow.yaml"
        self.path.write_text(text)
        self.plugins = plugins
        self.save = save
        self.meanwhile = meanwhile
        self.loop = asyncio.get_running_loop()
        self.loaded = asyncio.Event()
        self.refusals = []
        self.stop = asyncio.Event()
        self.service = Service(
            self.load,
            watched=lambda: [self.path],
            ready=lambda _: self.loaded.set(),
            refused=self.refuse,
            drain=5,
            **options,
        )

    def load(self):
        turned = threading.Event()
        asyncio.run_coroutine_threadsafe(_turn(turned), self.loop)
        assert turned.wait(60)  # reading takes longer than a turn of the loop, as it does for large files
        text = self.path.read_text()
        if self.meanwhile:
            self.save(self.path, self.meanwhile)
        return parse(text, self.plugins, {})

    def refuse(self, error):
        self.refusals.append(error)
        self.loaded.set()

    async def __aenter__(self):
        self.task = asyncio.get_running_loop().create_task(self.service.run(self.stop))
        await self.turn()
        return self

    async def __aexit__(self, *error):
        self.stop.set()
        async with asyncio.timeout(60):
            await self.task

    async def turn(self):
        async with asyncio.timeout(20):
            await self.loaded.wait()
        self.loaded.clear()

    async def edit(self, text):
        self.save(self.path, text)
        await self.turn()


@pytest.fixture
def edited(plugins, tmp_path, save):
    """Start an `Editor` with a text."""
    return partial(Editor, plugins=plugins, tmp_path=tmp_path, save=save)


async def answer(id="p"):
    return (await at_last(probes[id].routes["/"][-1].call(Message()))).body


async def test_an_edit_takes_effect_and_keeps_the_connector(edited):
    async with edited(flow("one")) as editor:
        assert await answer() == "one"

        await editor.edit(flow("two"))

        assert await answer() == "two"
        assert len(probes["p"].routes["/"]) == 1
        assert history == ["open p"]
    assert history == ["open p", "close p"]


async def test_a_new_observer_sees_the_next_message_and_stays_over_edits(edited):
    class Seeing(Observer):
        def __init__(self):
            self.seen = []

        def step(self, step):
            return step._replace(call=lambda message: self.seen.append(step.label) or step.call(message))

    observer = Seeing()
    async with edited(flow("one")) as editor:
        await editor.service.observe(observer)
        await answer()
        assert observer.seen == ["set-payload"]

        await editor.edit(flow("two"))
        await answer()
        assert observer.seen == ["set-payload"] * 2


async def test_an_edit_that_is_saved_while_the_files_are_read_is_not_lost(edited):
    async with edited(flow("one"), meanwhile=flow("two")) as editor:
        async with asyncio.timeout(20):
            while await answer() != "two":
                await editor.loaded.wait()
                await asyncio.sleep(0)
    assert editor.refusals == []


async def test_a_bad_edit_changes_nothing_and_is_told_once(edited):
    async with edited(flow("one")) as editor:
        await editor.edit(flow("two").replace("set-payload", "set-paylod"))

        assert await answer() == "one"
        assert len(editor.refusals) == 1
        assert isinstance(editor.refusals[0], ConfigError)

        await editor.edit(flow("three"))
        assert await answer() == "three"


async def test_a_connector_that_does_not_open_changes_nothing(edited):
    async with edited(flow("one")) as editor:
        await editor.edit(flow("two", id="q, refuse: true"))

        assert await answer() == "one"
        assert "did not start" in str(editor.refusals[0])


async def test_changed_settings_open_the_new_connector_before_the_old_closes(edited):
    async with edited(flow("one")) as editor:
        await editor.edit(flow("two", id="q"))

        assert await answer("q") == "two"
        async with asyncio.timeout(10):
            while len(history) < 3:
                await asyncio.sleep(0.001)
        assert history == ["open p", "open q", "close p"]


async def test_what_is_in_flight_finishes_in_the_old_generation(edited):
    wait = "{type: wait, connector: p}, "
    async with edited(flow("one", wait=wait)) as editor:
        call = asyncio.get_running_loop().create_task(answer())
        while not probes["p"].waiting:
            await asyncio.sleep(0)

        await editor.edit(flow("two"))
        assert await answer() == "two"
        probes["p"].gate("go").set()

        assert await call == "one"


async def test_without_watching_a_bad_start_is_raised(plugins):
    service = Service(lambda: parse("flows: 1", plugins, {}))

    with pytest.raises(ConfigError):
        await service.run(asyncio.Event())


async def test_with_watching_a_bad_start_waits_for_an_edit(edited):
    async with edited("flows: 1") as editor:
        assert len(editor.refusals) == 1

        await editor.edit(flow("late"))

        assert await answer() == "late"


async def test_it_tells_what_became_of_edits(edited):
    async with edited(flow("one")) as editor:
        service = editor.service
        first = service.since
        assert (service.phase, service.refusal, service.reloads) == ("running", None, {"applied": 0, "refused": 0})

        await editor.edit(flow("two").replace("set-payload", "set-paylod"))
        assert service.refusal.error is editor.refusals[0]
        assert (service.phase, service.since, service.reloads["refused"]) == ("running", first, 1)

        await editor.edit(flow("three"))
        assert (service.refusal, service.reloads) == (None, {"applied": 1, "refused": 1})
        assert service.since > first

        editor.stop.set()
        assert service.phase == "draining"


async def test_a_generation_that_drains_is_known_until_it_has(edited):
    wait = "{type: wait, connector: p}, "
    async with edited(flow("one", wait=wait)) as editor:
        old = editor.service.current
        call = asyncio.get_running_loop().create_task(answer())
        while not probes["p"].waiting:
            await asyncio.sleep(0)

        await editor.edit(flow("two"))
        await answer()
        assert editor.service.draining == [old]

        probes["p"].gate("go").set()
        await call
        async with asyncio.timeout(10):
            while editor.service.draining:
                await asyncio.sleep(0.001)


async def test_before_the_first_configuration_it_is_starting(edited):
    async with edited("flows: 1") as editor:
        assert (editor.service.phase, editor.service.since) == ("starting", 0)


async def test_an_unexpected_error_at_a_reload_keeps_the_old_configuration_running(edited, caplog):
    """A bug in Octo must not stop what works; the log has its traceback, `/status` only its type."""
    async with edited(flow("one")) as editor:
        service, load = editor.service, editor.service._load
        service._load = lambda: {}["s3cret"]
        await editor.edit(flow("two"))

        assert await answer() == "one"
        assert str(editor.refusals[0]) == "reload failed: KeyError"
        assert service.reloads == {"applied": 0, "refused": 1}
        assert "reload failed" in caplog.text

        service._load = load
        await editor.edit(flow("three"))
        assert await answer() == "three"


async def test_a_generation_that_cannot_be_fed_leaves_neither_connectors_nor_routes(edited):
    refuses = "\n  - {name: g, source: {connector: p, type: push, settings: {path: /g, refuse: true}}, process: []}\n"
    async with edited(flow("one")) as editor:
        await editor.edit(flow("two", id="q") + refuses)

        assert "told to refuse" in str(editor.refusals[0])
        assert history == ["open p", "open q", "close q"]
        assert await answer() == "one"

        await editor.edit(flow("two") + refuses)
        assert len(probes["p"].routes["/"]) == 1
        assert await answer() == "one"


PULLS = """
connectors: [{name: p, type: probe}]
flows: [{name: f, source: {connector: p, type: pull, settings: {}}, process: [{type: wait, connector: p}]}]
"""


@virtual()
async def test_at_a_stop_sources_stop_before_what_is_in_flight_is_waited_for(plugins):
    """What comes in the meantime is left for the next process."""
    stop = asyncio.Event()
    service = Service(lambda: parse(PULLS, plugins, {}), drain=20)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.run(stop))
        await asyncio.sleep(1)
        probe = probes["probe"]
        probe.queue.put_nowait("first")
        await asyncio.sleep(1)
        stop.set()
        await asyncio.sleep(1)
        probe.queue.put_nowait("second")
        await asyncio.sleep(1)
        probe.gate("go").set()

    assert [verdict.message.body for verdict in probe.settled] == ["first"]
    assert probe.queue.qsize() == 1


@virtual()
async def test_a_stop_while_a_reload_retires_the_old_generation_waits_for_both(plugins):
    stop = asyncio.Event()
    service = Service(lambda: parse(PULLS, plugins, {}), drain=20)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.run(stop))
        await asyncio.sleep(1)
        probe = probes["probe"]
        probe.queue.put_nowait("old")
        await asyncio.sleep(1)
        await service._swap(parse(PULLS, plugins, {}))
        probe.queue.put_nowait("new")
        await asyncio.sleep(1)
        stop.set()
        await asyncio.sleep(1)
        probe.gate("go").set()

    assert sorted(verdict.message.body for verdict in probe.settled) == ["new", "old"]
    assert history == ["open probe", "close probe"]


# --- the loop goes on turning ------------------------------------------------------------------------------------


async def test_the_loop_turns_while_a_configuration_is_read(plugins):
    """`load` waits for a turn of the loop: without one it would raise."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def load():
        turned = threading.Event()
        loop.call_soon_threadsafe(turned.set)
        assert turned.wait(60)
        return parse(flow("one"), plugins, {})

    await asyncio.wait_for(Service(load, ready=lambda _: stop.set()).run(stop), 100)
    assert history == ["open p", "close p"]


async def test_the_loop_turns_while_flows_are_compiled(plugins):
    loop, stop, turns = asyncio.get_running_loop(), asyncio.Event(), []

    class Slow(Observer):
        def flow(self, doc, build):
            turned = threading.Event()
            loop.call_soon_threadsafe(turned.set)
            turns.append(turned.wait(60))
            return build(self)

    service = Service(lambda: parse(flow("one"), plugins, {}), ready=lambda _: loop.create_task(watch()))

    async def watch():
        await service.observe(Slow())
        generation = service.current
        await generation.part("p", Lost("p", "gone"))
        await generation.join("p", probes["p"])
        stop.set()

    service.observer = Slow()
    await asyncio.wait_for(service.run(stop), 100)
    assert turns == [True] * len(turns)
    assert len(turns) >= 2


async def test_a_stop_does_not_wait_for_the_end_of_reading():
    stop, go_on = asyncio.Event(), threading.Event()

    def load():
        asyncio.run_coroutine_threadsafe(stopped(), loop)
        assert go_on.wait(60)

    async def stopped():
        stop.set()

    loop = asyncio.get_running_loop()
    await asyncio.wait_for(Service(load).run(stop), 50)
    go_on.set()


async def test_a_stop_does_not_wait_for_a_connector_that_does_not_open(plugins, monkeypatch):
    """It is given up, and the end is a clean one: a database that does not answer must not fail the stop."""
    stop = asyncio.Event()

    @asynccontextmanager
    async def never(settings):
        try:
            stop.set()
            await asyncio.Event().wait()
            yield
        finally:
            history.append(f"give up {settings.id}")

    monkeypatch.setattr(Probe, "open", never)
    await asyncio.wait_for(Service(lambda: parse(flow("one"), plugins, {})).run(stop), 50)
    assert history == ["give up p"]


async def test_an_observer_that_comes_while_a_generation_is_being_opened_sees_it(plugins):
    class Seeing(Observer):
        def __init__(self):
            self.flows = []

        def flow(self, doc, build):
            self.flows.append(doc.name)
            return build(self)

    class Replacing(Observer):
        def flow(self, doc, build):
            service.observer = seeing
            return build(self)

    stop, seeing = asyncio.Event(), Seeing()
    service = Service(lambda: parse(flow("one"), plugins, {}), observer=Replacing(), ready=lambda _: stop.set())
    await service.run(stop)
    assert seeing.flows == ["f"]


async def test_what_a_reload_replaces_is_freed_without_a_collection(edited):
    """A collection would look at every object of the process, and the loop would stand still."""
    more = """
  - {name: g, source: {connector: p, type: pull}, process: []}
  - {name: h, input: {type: object}, process: [{type: flow-ref, flow: f}, {type: flow-ref, flow: g}]}
"""
    gc.disable()
    try:
        async with edited(flow("one") + more) as editor:
            old = editor.service.current
            gone = weakref.ref(old.flows["f"]), weakref.ref(old.config.flows["f"].process[0].settings)
            del old
            for text in (flow("two") + more, "flows: wrong", flow("three") + more, flow("four") + more):
                await editor.edit(text)
                gone += (weakref.ref(editor.service.current.config.flows["h"].process[0].settings),)
            async with asyncio.timeout(60):
                while any(each() is not None for each in gone[:-1]):
                    await asyncio.sleep(0)
    finally:
        gc.enable()


async def test_an_edit_compiles_only_what_it_changed(edited):
    def program():
        return editor.service.current.config.flows["f"].process[0].settings.value.program

    async with edited(flow("one")) as editor:
        first = program()
        program_module._compile.cache_clear()  # as if there were more expressions than it keeps
        await editor.edit(flow("one").replace("path: /", "path: /other"))
        assert program() is first
        await editor.edit(flow("two"))
        assert program() is not first


@pytest.mark.parametrize("text", ["", "# nothing yet", flow("one").partition("  - name")[0]])
async def test_an_edit_that_leaves_no_flows_is_refused(edited, text):
    """A file is saved as empty, or a slow editor has not come to the first flow."""
    async with edited(flow("one")) as editor:
        await editor.edit(text)

        assert await answer() == "one"
        assert [each.problems[0].code for each in editor.refusals] == ["OCTO-C154"]
        assert not editor.service.refusal.tries_again

        await editor.edit(flow("two"))
        assert await answer() == "two"
        assert editor.service.refusal is None


async def test_an_edit_may_leave_no_flows_if_that_is_allowed(edited):
    async with edited(flow("one"), allow_empty=True) as editor:
        await editor.edit("")

        assert editor.service.current.flows == {}
        assert probes["p"].routes["/"] == []


async def test_from_no_flows_to_none_is_no_mistake(edited):
    async with edited("") as editor:
        await editor.edit("# still nothing")

        assert editor.refusals == []


@pytest.mark.parametrize("at_start", [True, False])
async def test_what_may_start_later_is_tried_again_without_an_edit_and_told_once(edited, monkeypatch, at_start):
    """A port is taken, a database is not there yet."""
    monkeypatch.setattr(serving, "AT_START", Backoff(0.001, 0.001))
    unreachable.add("q")
    async with edited(flow("new", id="q") if at_start else flow("one")) as editor:
        if not at_start:
            await editor.edit(flow("new", id="q"))
            assert await answer() == "one"
        service = editor.service
        assert service.refusal.tries_again
        while service._failures.count < 3:
            await asyncio.sleep(0)

        unreachable.clear()
        await editor.turn()

        assert await answer("q") == "new"
        assert len(editor.refusals) == 1
        assert service.reloads == {"applied": 0 if at_start else 1, "refused": 1}
        assert service.refusal is None


async def test_an_edit_replaces_what_is_tried_again(edited):
    unreachable.add("q")
    async with edited(flow("one", id="q")) as editor:
        await editor.edit(flow("two"))

        assert await answer() == "two"
        assert "open q" not in history


async def test_a_file_that_could_not_be_read_for_a_moment_is_read_again(edited, monkeypatch):
    """Its fingerprint was taken before, so no edit will be seen."""
    monkeypatch.setattr(serving, "AT_START", Backoff(0.001, 0.001))
    async with edited(flow("one")) as editor:
        load, failing = editor.service._load, iter([True])

        def hiccup():
            if next(failing, False):
                raise ConfigError([Problem("OCTO-C101", Position("flow.yaml"), "Input/output error")])
            return load()

        editor.service._load = hiccup
        await editor.edit(flow("two"))
        assert "Input/output error" in str(editor.refusals[0])
        await editor.turn()

        assert await answer() == "two"


# --- the delay of a stop -----------------------------------------------------------------------------------------


@virtual()
async def test_with_a_delay_sources_stop_later_than_readiness(plugins):
    stop, ready = asyncio.Event(), asyncio.Event()
    service = Service(lambda: parse(flow("one"), plugins, {}), ready=lambda _: ready.set(), stop_delay=10, drain=5)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.run(stop))
        await ready.wait()
        stop.set()

        await asyncio.sleep(9.9)
        assert service.phase == "draining"
        assert await answer() == "one"
        await asyncio.sleep(0.2)
        assert history == ["open p", "close p"]


@virtual()
async def test_connectors_hear_how_long_their_sources_go_on(plugins, monkeypatch):
    """So that callers can be sent elsewhere before anything is refused."""
    monkeypatch.setattr(Probe, "leaving", lambda _, seconds: history.append(f"leaving {seconds}"), raising=False)
    stop, ready = asyncio.Event(), asyncio.Event()
    service = Service(lambda: parse(flow("one"), plugins, {}), ready=lambda _: ready.set(), stop_delay=10, drain=5)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.run(stop))
        await ready.wait()
        stop.set()

    assert history == ["open p", "leaving 10", "close p"]


@virtual()
async def test_a_start_that_fails_does_not_wait(plugins):
    service = Service(lambda: parse("flows: 1", plugins, {}), stop_delay=10)
    began = asyncio.get_running_loop().time()

    with pytest.raises(ConfigError):
        await service.run(asyncio.Event())

    assert asyncio.get_running_loop().time() == began
