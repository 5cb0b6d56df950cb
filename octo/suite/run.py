"""Running one case: in this process, in its own event loop, with mocks for blocks and stubs for connectors."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from octo.config.documents import Config
from octo.config.part import part, stubbed, unfed, without_files
from octo.core.errors import OctoError
from octo.core.flow import Drop, Failure, at_last, ending
from octo.core.message import Message
from octo.engine.connections import Connections
from octo.engine.contracts import Contracts, Violation
from octo.engine.events import Bus, FlowEvent
from octo.engine.flow import Flow
from octo.engine.generation import Generation
from octo.engine.observe import Observer, Observers
from octo.services.container import Services
from octo.suite.case import Call, Case
from octo.suite.compare import rendered
from octo.suite.configs import Configs
from octo.suite.judge import judge
from octo.suite.logs import listening
from octo.suite.outcome import Happened, Mismatch, Outcome
from octo.testing.clock import Stuck, VirtualLoop

if TYPE_CHECKING:
    from octo.debug import Debug


def run_case(case: Case, configs: Configs, *, observers: Iterable[Observer] = ()) -> Outcome:
    """Run a case and judge it. Never raises for what the case or its flows do.

    observers: also watch the flows, e.g. to count coverage. They see the blocks after spies and mocks were put in.
    Flows are built anew for every case, so observers are called for every case, possibly in several threads at once.
    """
    if case.skip:
        return Outcome(case, "skipped", reason=case.skip)
    began = time.perf_counter()
    with listening() as log:
        outcome = _run(case, configs, tuple(observers))
    return outcome._replace(seconds=time.perf_counter() - began, log=tuple(log))


def _run(case: Case, configs: Configs, observers: tuple[Observer, ...]) -> Outcome:
    from octo.debug import Debug

    violations: list[Violation] = []
    try:
        with configs.lent(case.config, case.env) as config:
            debug = Debug(config, case.flow, spies=case.spied, mocks=case.mocks)
            contracts = Contracts(violations.append)
            run = _Run(case, needed(case, config), debug, (contracts, *observers))
            with asyncio.Runner(loop_factory=_loop_factory(case)) as runner:
                runner.run(run.live())
                failures = runner.run(run.judged(config.env)) + [_broken(each) for each in violations]
    except TimeoutError:
        return Outcome(case, "errored", reason=f"octo did not finish within {case.seconds:g}s")
    except Stuck as error:
        return Outcome(case, "errored", reason=f"octo did not finish: {error}")
    except OctoError as error:
        return Outcome(case, "errored", reason=f"octo rejected the run: {error}")
    except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001  one case must not end the others
        return Outcome(case, "errored", reason=f"octo broke: {type(error).__name__}: {error}")
    return Outcome(case, "failed" if failures else "passed", 0.0, tuple(failures), "", tuple(run.happened), debug.spies)


def _broken(violation: Violation) -> Mismatch:
    came = f"in:  {rendered(violation.message.body)}"
    went = "" if violation.answer is None else f"\nout: {rendered(violation.answer.body)}"
    return Mismatch(f"contract: {violation}", came + went, is_broken_contract=True)


def needed(case: Case, config: Config) -> Config:
    """The part of the configuration that is built and opened."""
    from octo.config.part import without_idle
    from octo.debug.addresses import resolve

    needed = part(unfed(stubbed(config, case.stubs), case.fed), case.called & config.flows.keys())
    return without_idle(needed, [resolve(config, address) for address in case.mocks])


def _loop_factory(case: Case) -> functools.partial[VirtualLoop] | None:
    return None if case.clock is None else functools.partial(VirtualLoop, case.clock)


class _Run:
    """A case while it runs. happened: how each call that is over ended."""

    def __init__(self, case: Case, config: Config, debug: Debug, observers: tuple[Observer, ...]) -> None:
        self.case = case
        self.config = without_files(config)
        self.crossings = debug.spies
        self.observer = Observers((debug, *observers))
        self.happened: list[Happened] = []
        self._began: list[FlowEvent] = []
        self._ended: list[FlowEvent] = []
        self._scope: asyncio.Timeout
        self._generation: Generation
        self._under_way = False

    async def live(self) -> None:
        """Make the calls in one running generation, within the time of the case."""
        bus = Bus()
        bus.subscribe(self._note)
        try:
            async with (
                Services() as services,
                asyncio.timeout(self.case.seconds) as self._scope,
                asyncio.TaskGroup() as tasks,
            ):
                connections = Connections(tasks, services)
                self._generation = Generation(self.config, connections, bus, tasks, observer=self.observer)
                await self._generation.open()
                await self._calls()
        except TimeoutError:
            if not self._scope.expired() or not self._is_last:
                raise
            call = self.case.calls[-1]
            self._end(Happened(error=f'flow "{call.flow}" did not finish within {self.case.seconds:g}s'), {})
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    async def judged(self, env: Mapping[str, str]) -> list[Mismatch]:
        """Return what was not as expected. It runs inside the loop, so `now` in conditions is the time of the case."""
        return judge(self.case, self.happened, self.crossings, env)

    @property
    def _is_last(self) -> bool:
        """Whether the last call is under way."""
        return self._under_way and len(self.happened) == len(self.case.calls) - 1

    async def _calls(self) -> None:
        generation = self._generation
        try:
            await generation.feed()
            for call in self.case.calls:
                await self._call(call)
        finally:
            await generation.starve()
            await generation.drain(max(0.0, (self._scope.when() or 0.0) - asyncio.get_running_loop().time()))

    async def _call(self, call: Call) -> None:
        before = {address: len(found) for address, found in self.crossings.items()}
        if call.after:
            self._scope.reschedule((self._scope.when() or 0.0) + call.after)
            await asyncio.sleep(call.after)
            await _settle()
        happened = Happened()
        if call.flow is not None:
            self._under_way = True
            happened = await (self._brought(call) if call.trigger is not None else self._called(call))
            self._under_way = False
        await _idle(self._generation.flows.values())
        self._end(happened, before)

    def _end(self, happened: Happened, before: Mapping[str, int]) -> None:
        ranges = {address: (before.get(address, 0), len(found)) for address, found in self.crossings.items()}
        self.happened.append(happened._replace(crossed=ranges))

    async def _called(self, call: Call) -> Happened:
        assert call.flow is not None
        try:
            outcome = await at_last(self._generation.flows[call.flow].call(Message(call.data, call.vars, raw=call.raw)))
        except (Failure, OctoError) as error:
            return _failed(error)
        return Happened(dropped=outcome.reason) if isinstance(outcome, Drop) else Happened(ending(outcome))

    async def _brought(self, call: Call) -> Happened:
        """Trigger the flow's source. How the flow ended is taken from its event, because a source may hide it."""
        assert call.flow is not None
        source = self.config.flows[call.flow].source
        assert source is not None
        self._began.clear()
        self._ended.clear()
        try:
            reply = await self._generation.instances[source.connector].trigger(source.settings, call.trigger)
        except Failure:
            reply = None  # this source passes failures on; the event has the failure
        await _idle(self._generation.flows.values())
        # A flow may have made other messages of it, which end on their own.
        came = next((each.event_id for each in self._began if each.flow == call.flow), "")
        events = [event for event in self._ended if event.flow == call.flow and event.event_id == came]
        return (_happened(events[0]) if events else Happened())._replace(reply=reply)

    def _note(self, event: FlowEvent) -> None:
        (self._began if event.kind == "started" else self._ended).append(event)


def _happened(event: FlowEvent) -> Happened:
    if event.kind == "completed":
        return Happened(event.message)
    return Happened(dropped=event.reason) if event.kind == "dropped" else _failed(event.error)


def _failed(error: BaseException | None) -> Happened:
    return Happened(error=str(error), at=error.at if isinstance(error, Failure) else None)


async def _settle() -> None:
    """In virtual time, let everything run that is due at this moment."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, VirtualLoop):
        await loop.settle()


async def _idle(flows: Iterable[Flow]) -> None:
    """Wait until no flow works on a message, one-way calls included."""
    while True:
        await asyncio.sleep(0)  # a message that was just sent has no permit yet
        busy = [flow for flow in flows if flow.in_flight or flow.waiting]
        if not busy:
            return
        for flow in busy:
            await flow.drained()
