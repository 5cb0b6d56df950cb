"""Several processes answer as one, and no counter goes backwards whatever happens to them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from octo.core.errors import OctoError, Permanent
from octo.operations import fleet as module
from octo.operations.address import Address, bind
from octo.operations.fleet import Fleet
from octo.operations.guard import Guard
from octo.operations.routes import ROUTES
from octo.operations.server import serving
from octo.operations.status import Values, report
from octo.operations.traces import ROUTES as TRACES
from octo.operations.web import App, Refused


@asynccontextmanager
async def process(state, path):
    """Run a process with this state that answers at the path."""
    async with serving(App(state, Guard(), (*ROUTES, *TRACES)), bind(Address(path=str(path)))):
        yield path


def counted(made, completed, why=(), **more):
    """Return the state of a process that has completed this many messages."""
    return made(
        why,
        octo_flow_messages_total=[(("orders", "completed"), completed)],
        octo_flow_workers=[(("orders",), 8)],
        octo_processes=[((), 1)],
        **more,
    )


@pytest.fixture
def fleet():
    return Fleet()


async def values(fleet):
    return Values(await fleet.snapshot())


async def completed(fleet):
    return (await values(fleet)).of("octo_flow_messages_total", "orders", "completed")


async def test_what_they_count_is_added(fleet, made, tmp_path):
    async with process(counted(made, 3), tmp_path / "0") as one, process(counted(made, 4), tmp_path / "1") as two:
        fleet.join(0, one)
        fleet.join(1, two)

        assert await completed(fleet) == 7
        assert (await values(fleet)).of("octo_flow_workers", "orders") == 16
        assert (await values(fleet)).of("octo_processes") == 2
        assert (await values(fleet)).of("octo_ready") == 1


async def test_a_process_that_ended_keeps_what_it_had_counted(fleet, made, tmp_path):
    async with process(counted(made, 4), tmp_path / "1") as other:
        fleet.join(1, other)
        async with process(counted(made, 3), tmp_path / "0") as first:
            fleet.join(0, first)
            assert await completed(fleet) == 7
        assert await completed(fleet) == 7

        for incarnation in range(3):
            async with process(counted(made, 1), tmp_path / f"again-{incarnation}") as again:
                fleet.join(0, again)
                assert await completed(fleet) == 8 + incarnation

        assert (await values(fleet)).of("octo_flow_workers", "orders") == 16


async def test_a_process_that_does_not_answer_counts_with_what_it_last_said(fleet, made, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    state = counted(made, 3)
    async with process(state, tmp_path / "0") as path:
        fleet.join(0, path)
        assert await completed(fleet) == 3

        async def hang():
            await asyncio.Event().wait()

        state.snapshot = state.reasons = hang

        assert await completed(fleet) == 3
        assert (await values(fleet)).of("octo_ready") == 0
        assert await fleet.reasons() == ["process 0: does not answer"]


async def test_all_must_be_ready_and_who_is_not_is_named(fleet, made, tmp_path):
    async with process(made(), tmp_path / "0") as one, process(made(["draining"]), tmp_path / "1") as two:
        fleet.join(0, one)
        assert await fleet.reasons() == []

        fleet.join(1, two)
        assert await fleet.reasons() == ["process 1: draining"]


async def test_before_the_first_process_it_is_starting(fleet):
    assert await fleet.reasons() == ["starting"]
    with pytest.raises(Refused, match="no process answers"):
        await fleet.facts()
    with pytest.raises(Refused, match="no process answers"):
        await fleet.flows()


async def test_the_status_lists_all_processes(fleet, made, tmp_path):
    fleet.join(1, tmp_path / "nobody")
    async with process(counted(made, 3, octo_generation=[((), 2)]), tmp_path / "0") as path:
        fleet.join(0, path)

        document = report(await fleet.facts(), await fleet.snapshot(), await fleet.reasons())

    assert document["name"] == "shop"
    assert document["reasons"] == ["process 1: does not answer"]
    assert [(each["process"], each["ready"]) for each in document["processes"]] == [(0, True), (1, False)]
    assert document["flows"][0]["completed"] == 3


async def test_trouble_of_any_process_is_shown(fleet, made, tmp_path):
    state = made()
    facts = await state.facts()
    facts["flows"][0]["broken"] = "the source broke"
    facts["refused"] = {"at": "2026-01-01T00:00:00.000Z", "problems": []}

    async def troubled():
        return facts

    state.facts = troubled
    async with process(made(), tmp_path / "0") as one, process(state, tmp_path / "1") as two:
        fleet.join(0, one)
        fleet.join(1, two)

        found = await fleet.facts()

    assert found["flows"][0]["broken"] == "the source broke"
    assert found["refused"] is not None


async def test_a_level_is_set_in_all_and_who_misses_it_is_said(fleet, made, tmp_path):
    states = [made(), made()]
    async with process(states[0], tmp_path / "0") as one, process(states[1], tmp_path / "1") as two:
        fleet.join(0, one)
        fleet.join(1, two)
        await fleet.set_level("debug")
        assert [state.set_to for state in states] == ["debug", "debug"]
        assert await fleet.level() == "debug"
        assert await fleet.flows() == [{"name": "orders"}]

        fleet.join(2, tmp_path / "nobody")
        with pytest.raises(Refused, match="not in process 2"):
            await fleet.set_level("info")


# --- traces ------------------------------------------------------------------------------------------------------


def keeping(made, *events, at=0, refuses=None):
    """Return the state of a process with a stored and a live trace of each event, the first at `at`."""
    state = made()

    async def traces(flow, outcome, limit):
        if refuses:
            raise refuses
        return [{"trace": f"t{event}", "event": event, "at": at + n} for n, event in enumerate(events)][:limit]

    async def trace(id):
        if id not in events:
            raise refuses or Permanent(f"no kept trace has the event or trace id {id!r}", code="OCTO-S103")
        return [{"event": id}]

    async def tap(flow, when, take):
        return live()

    async def live():
        state.is_tapped = True
        try:
            for event in events:
                yield [{"event": event}]
            if not refuses:
                await asyncio.Event().wait()
        finally:
            state.is_tapped = False

    state.traces, state.trace, state.tap, state.is_tapped = traces, trace, tap, False
    return state


@asynccontextmanager
async def both(fleet, tmp_path, one, two):
    """Run a fleet of two processes with these states."""
    async with process(one, tmp_path / "0") as first, process(two, tmp_path / "1") as second:
        fleet.join(0, first)
        fleet.join(1, second)
        yield fleet


NONE = Refused(404, "no traces are kept here; start octo with --traces")


async def test_a_trace_in_a_store_that_they_share_is_listed_once(fleet, made, tmp_path):
    async with both(fleet, tmp_path, keeping(made, "a", "b"), keeping(made, "b", "c", at=1)):
        assert [each["event"] for each in await fleet.traces("orders", None, 10)] == ["c", "b", "a"]
        assert [each["event"] for each in await fleet.traces(None, None, 1)] == ["b"]


async def test_a_trace_is_found_whichever_process_keeps_it(fleet, made, tmp_path):
    async with both(fleet, tmp_path, keeping(made, "a"), keeping(made, "b")):
        assert await fleet.trace("a") == [{"event": "a"}]
        assert await fleet.trace("b") == [{"event": "b"}]


async def test_what_all_refuse_is_refused_with_their_reason(fleet, made, tmp_path):
    async with both(fleet, tmp_path, keeping(made, refuses=NONE), keeping(made, refuses=NONE)):
        for ask in (fleet.traces(None, None, 5), fleet.trace("abcdef")):
            with pytest.raises(Refused, match="start octo with --traces") as refused:
                await ask
            assert refused.value.status == 404
    with pytest.raises(Refused, match="no process answers"):
        await fleet.trace("abcdef")


async def test_an_id_that_nobody_keeps_is_said_as_by_one(fleet, made, tmp_path):
    async with both(fleet, tmp_path, keeping(made, "a"), keeping(made, "b")):
        with pytest.raises(Refused, match="OCTO-S103: no kept trace has the event or trace id 'c d'"):
            await fleet.trace("c d")


async def test_a_tap_takes_from_all_and_lets_go_of_all(fleet, made, tmp_path):
    one, two = keeping(made, "a"), keeping(made, "b")
    async with both(fleet, tmp_path, one, two):
        found = [trace[0]["event"] async for trace in await fleet.tap("orders", "", 2)]

        assert sorted(found) == ["a", "b"]
        async with asyncio.timeout(30):
            while one.is_tapped or two.is_tapped:
                await asyncio.sleep(0)


async def test_a_tap_ends_when_all_processes_have(fleet, made, tmp_path):
    async with (
        both(fleet, tmp_path, keeping(made, "a", refuses=NONE), keeping(made, refuses=NONE)),
        asyncio.timeout(30),
    ):
        found = [trace[0]["event"] async for trace in await fleet.tap("orders", "", 9)]

    assert found == ["a"]


async def test_what_is_no_condition_is_said_before_any_process_is_asked(fleet):
    with pytest.raises(OctoError, match="expected a field name"):
        await fleet.tap("orders", "body.", 1)


async def test_the_trouble_of_each_process_is_told(fleet, made, tmp_path):
    async with process(made(), tmp_path / "0") as one, process(made(trouble=["slow"]), tmp_path / "1") as two:
        fleet.join(0, one)
        fleet.join(1, two)
        fleet.join(2, tmp_path / "none")

        assert await fleet.notes() == ["process 1: slow"]
