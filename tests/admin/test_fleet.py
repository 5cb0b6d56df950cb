"""Several processes answer as one, and no counter goes backwards whatever happens to them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from octo.admin import fleet as module
from octo.admin.address import Address, bind
from octo.admin.fleet import Fleet
from octo.admin.guard import Guard
from octo.admin.routes import ROUTES
from octo.admin.server import serving
from octo.admin.status import Values, report
from octo.admin.web import App, Refused


@asynccontextmanager
async def process(state, path):
    """A process with this state that answers at the path."""
    async with serving(App(state, Guard(), ROUTES), bind(Address(path=str(path)))):
        yield path


def counted(made, completed, why=(), **more):
    """The state of a process that has completed so many messages."""
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
