"""A tick is run once by all processes together: frozen, cut off, killed and restarted, with clocks that differ."""

from __future__ import annotations

import asyncio
import functools
import itertools
import random
from contextlib import aclosing, asynccontextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

import pytest

from octo.connectors.cron import Tick, ledger, ticking
from octo.connectors.cron.ledger import NAMESPACE, Ledger
from octo.core import clock
from octo.core.delivery import Done, Retry
from octo.core.errors import Transient
from octo.core.source import Outlet
from octo.services.container import Services
from octo.services.ports import Lost
from octo.testing.clock import virtual

SITE = Outlet("nightly", "clock", "shop")
AGAIN = {"schedule": "@hourly", "unfinished": "again"}
START = datetime(2026, 1, 1, tzinfo=UTC)
SEEDS, HARMS = 5, 15

skew = ContextVar("skew", default=0.0)
"""Seconds by which the clock of a replica is ahead."""


class Clocks:
    """The clock, with the difference of whoever asks."""

    @staticmethod
    def now():
        return clock.now() + timedelta(seconds=skew.get())

    @staticmethod
    def now_ns():
        return clock.now_ns() + round(skew.get() * 1e9)


@pytest.fixture(autouse=True)
def clocks(monkeypatch):
    monkeypatch.setattr(ticking, "clock", Clocks)
    monkeypatch.setattr(ledger, "clock", Clocks)


@pytest.fixture(autouse=True)
def readable(monkeypatch):
    """Event ids say which tick it is."""
    monkeypatch.setattr(Ledger, "event_id", lambda _, tick: tick.isoformat())


class Link:
    """A service as one replica reaches it. open: cleared while the replica is frozen. is_cut: nothing gets through.

    loses: how many answers get lost, of calls that were carried out.
    """

    def __init__(self, service):
        self._service = service
        self.open = asyncio.Event()
        self.open.set()
        self.is_cut = False
        self.loses = 0

    def __getattr__(self, name):
        real = getattr(self._service, name)

        @functools.wraps(real)
        async def call(*arguments, **named):
            await self.open.wait()
            if self.is_cut:
                await asyncio.sleep(1)
                raise Transient("the service does not answer")
            result = await real(*arguments, **named)
            if self.loses and name == "put":
                self.loses -= 1
                raise Transient("the answer got lost")
            return result

        return call


class Replica:
    """One process that runs the flow. ran: what it ran, as the tick and when it began, in seconds since `START`."""

    def __init__(self, cluster, name, ahead):
        self.cluster = cluster
        self.name = name
        self.ahead = ahead
        self.store, self.leases = Link(cluster.store), Link(cluster.leases)
        self.ran = []
        self.lost = 0
        self.takes = 0.0
        self.verdict = Done
        self.task = None
        self.room = asyncio.Semaphore(100)

    def freeze(self):
        self.store.open.clear()
        self.leases.open.clear()

    def thaw(self):
        self.store.open.set()
        self.leases.open.set()

    def cut(self, is_cut=True):
        self.store.is_cut = self.leases.is_cut = is_cut

    async def live(self, settings, site):
        """Run the source as the engine does, until cancelled: begun again when it breaks."""
        skew.set(self.ahead)
        async with asyncio.TaskGroup() as group:
            while True:
                with suppress(Transient):
                    await self._once(group, settings, site)
                await asyncio.sleep(1)

    async def _once(self, group, settings, site):
        found = ticking.Ticking(Tick.model_validate(settings), site, self.store, self.leases)
        found._me = found._ledger._member = self.name
        async with aclosing(found.deliveries()) as deliveries:
            while True:
                await self.room.acquire()
                group.create_task(self._deliver(await anext(deliveries)))
                await asyncio.sleep(0)

    async def _deliver(self, delivery):
        began = (clock.now() - START).total_seconds()
        tick = datetime.fromisoformat(delivery.message.event_id)
        self.ran.append(((tick - START).total_seconds(), round(began, 2)))
        keeping = asyncio.get_running_loop().create_task(self._keep(delivery)) if delivery.extend else None
        try:
            await asyncio.sleep(self.takes)
        finally:
            if keeping:
                keeping.cancel()
        try:
            await delivery.settle(self.verdict(delivery.message))
        except Lost:
            self.lost += 1
        self.room.release()

    async def _keep(self, delivery):
        while True:
            await asyncio.sleep(delivery.lease / 2)
            with suppress(Transient):
                await delivery.extend()

    async def end(self):
        """End in order."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task

    async def kill(self):
        """End as with `kill -9`: nothing that it still does reaches anybody."""
        self.cut()
        await self.end()


class Cluster:
    def __init__(self, services, tasks, settings):
        self.store, self.leases = services.opened["key-value"], services.opened["leases"]
        self.tasks, self.settings = tasks, settings
        self.replicas = []
        self._number = itertools.count()

    def begin(self, ahead=0.0, **changed):
        replica = Replica(self, f"member{next(self._number)}", ahead)
        for name in ("takes", "verdict", "room"):
            if name in changed:
                setattr(replica, name, changed.pop(name))
        replica.task = self.tasks.create_task(replica.live({**self.settings, **changed}, SITE))
        self.replicas.append(replica)
        return replica

    @property
    def ran(self):
        """The ticks that were run, sorted, as seconds since the start."""
        return sorted(tick for each in self.replicas for tick, _ in each.ran)

    @property
    async def leader(self):
        entry = await self.store.get(NAMESPACE, Ledger(self.store, SITE, "").key)
        return next(each for each in self.replicas if each.name == entry.value["by"])


@asynccontextmanager
async def cluster(**settings):
    async with Services() as services, asyncio.TaskGroup() as tasks:
        await services.open(["key-value", "leases"])
        made = Cluster(services, tasks, {"timezone": "UTC", **settings})
        try:
            yield made
        finally:
            for each in made.replicas:
                each.thaw()
                each.cut(is_cut=False)
                each.task.cancel()


def every(seconds, until, start=0):
    return [float(each) for each in range(start + seconds, until, seconds)]


@virtual()
async def test_of_several_processes_one_runs_each_tick():
    """All see the grid of the first, and as long as it lives only one of them runs ticks, at the moment of the tick."""
    async with cluster(schedule="@every 5s") as made:
        made.begin()
        await asyncio.sleep(2)
        made.begin()
        made.begin()
        await asyncio.sleep(100)
        assert made.ran == every(5, 102)
        assert [each.ran for each in made.replicas[1:]] == [[], []]
        assert all(tick == began for tick, began in made.replicas[0].ran)


@pytest.mark.parametrize("schedule", ["@every 5s", "*/5 * * * * *", "@every 1s"])
@virtual()
async def test_a_leader_that_is_frozen_is_replaced_at_once_and_wakes_up_as_one_of_many(schedule):
    step = 1 if "1s" in schedule else 5
    async with cluster(schedule=schedule) as made:
        made.begin()
        made.begin()
        await asyncio.sleep(21.5)
        frozen = await made.leader
        frozen.freeze()
        await asyncio.sleep(60)
        frozen.thaw()
        await asyncio.sleep(60)
        assert made.ran == every(step, 142)
        assert max(began - tick for each in made.replicas for tick, began in each.ran) <= 2.0


@virtual()
async def test_a_leader_that_is_cut_off_runs_nothing_until_it_is_back():
    async with cluster(schedule="@every 5s") as made:
        cut = made.begin()
        made.begin()
        await asyncio.sleep(21)
        cut.cut()
        await asyncio.sleep(60)
        before = list(cut.ran)
        cut.cut(is_cut=False)
        await asyncio.sleep(60)
        assert before == [(tick, tick) for tick in every(5, 21)]
        assert made.ran == every(5, 141)


@virtual()
async def test_when_the_answer_gets_lost_the_tick_is_run_all_the_same():
    """It was taken, and nobody else may run it: the process that took it finds that out."""
    async with cluster(schedule="@every 5s") as made:
        made.begin()
        made.begin()
        await asyncio.sleep(8)
        (await made.leader).store.loses = 3
        await asyncio.sleep(60)
        assert made.ran == every(5, 68)


@pytest.mark.parametrize("ahead", [0.3, 1.7, 30.0, 3600.0])
@pytest.mark.parametrize("schedule", ["@every 5s", "0 */7 * * * *"])
@virtual()
async def test_clocks_that_differ_run_no_tick_twice(schedule, ahead):
    """A tick is what the schedule says, not what a clock shows."""
    async with cluster(schedule=schedule) as made:
        made.begin()
        made.begin(ahead=ahead)
        made.begin(ahead=-ahead / 2)
        await asyncio.sleep(900)
        leader = await made.leader
        await leader.kill()
        await asyncio.sleep(600)
        assert len(made.ran) == len(set(made.ran))
        assert len(made.ran) >= 895 // (5 if "5s" in schedule else 420)


@virtual()
async def test_a_process_that_is_killed_and_begun_again_goes_on_with_the_grid():
    """`@every` counts from the first start, so a process that restarts often ticks all the same."""
    async with cluster(schedule="@every 1h") as made:
        for _ in range(10):
            replica = made.begin()
            await asyncio.sleep(1800)
            await replica.kill()
            await asyncio.sleep(3)
        await asyncio.sleep(100)
        assert made.ran == every(3600, 10 * 1803)


@virtual()
async def test_a_restart_over_the_time_of_a_tick_runs_it():
    """Half a minute late is not missed, as in a process that was paused."""
    async with cluster(schedule="0 6 * * *") as made:
        first = made.begin()
        await asyncio.sleep(6 * 3600 - 5)
        await first.end()
        await asyncio.sleep(30)
        made.begin()
        await asyncio.sleep(3600)
        assert made.ran == [6 * 3600]


@pytest.mark.parametrize(("missed", "made_up"), [("skip", []), ("once", [3600.0])])
@virtual()
async def test_what_is_missed_while_nothing_ran_is_made_up_for_as_the_settings_say(missed, made_up, caplog):
    async with cluster(schedule="@hourly", missed=missed) as made:
        first = made.begin()
        await asyncio.sleep(1800)
        await first.kill()
        await asyncio.sleep(3 * 3600)
        made.begin()
        made.begin()
        await asyncio.sleep(3600)
        assert made.ran == [*made_up, 4 * 3600]
    if not made_up:
        assert [each.fields["reason"] for each in caplog.records] == ["nothing ran when it was due"]


@virtual(start="2026-01-01T00:00:00Z")
async def test_a_restart_does_not_repeat_a_tick_nor_one_that_was_left_out():
    async with cluster(schedule="@every 10s", overlap="skip") as made:
        first = made.begin(takes=15.0)
        await asyncio.sleep(24)
        assert made.ran == [10.0]
        await first.end()
        made.begin()
        await asyncio.sleep(20)
        assert made.ran == [10.0, 30.0, 40.0]


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [("skip", [(5, 5), (20, 20)]), ("queue", [(5, 5), (10, 17), (15, 29)]), ("allow", [(5, 5), (10, 10), (15, 15)])],
)
@virtual()
async def test_overlap_holds_across_processes(overlap, expected):
    """The one that runs the message is full, and the other sees that it is unfinished."""
    async with cluster(schedule="@every 5s", overlap=overlap) as made:
        full = made.begin(takes=12.0)
        await asyncio.sleep(1)
        other = made.begin(takes=12.0)
        full.room = asyncio.Semaphore(1)
        await asyncio.sleep(29)
        ran = sorted(full.ran + other.ran)
        assert ran[: len(expected)] == [(tick, pytest.approx(began, abs=4)) for tick, began in expected]
        assert len(ran) == len({tick for tick, _ in ran})


@virtual()
async def test_a_message_of_a_killed_process_counts_as_unfinished_for_a_while():
    async with cluster(schedule="@every 5s") as made:
        first = made.begin(takes=3600.0)
        await asyncio.sleep(6)
        await first.kill()
        made.begin()
        await asyncio.sleep(53)
        assert made.ran[0] == 5.0
        assert 15.0 <= made.ran[1] <= 30.0
        assert made.ran[1:] == every(5, 60, start=int(made.ran[1]) - 5)


@virtual()
async def test_a_new_schedule_does_not_make_up_for_times_it_never_had():
    """And the old one, which still runs elsewhere during a rolling upgrade, runs none of its ticks twice."""
    async with cluster(schedule="0 6 * * *", missed="once") as made:
        first = made.begin()
        await asyncio.sleep(15 * 3600)
        made.begin(schedule="0 12 * * *")
        await asyncio.sleep(60)
        assert made.ran == [6 * 3600]
        await first.end()
        await asyncio.sleep(24 * 3600)
        assert [tick for tick, _ in made.replicas[1].ran] == [36 * 3600]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-03-28T12:00:00Z", ["2026-03-29T01:00:00", "2026-03-30T00:30:00"]),
        ("2026-10-24T12:00:00Z", ["2026-10-25T00:30:00", "2026-10-26T01:30:00"]),
    ],
)
def test_both_changes_of_daylight_saving_hold_across_restarts(start, expected, monkeypatch):
    """Each process is killed after two hours; the run of the day comes once."""
    monkeypatch.setattr(f"{__name__}.START", datetime.fromisoformat(start))

    @virtual(start=start)
    async def run():
        async with cluster(schedule="0 30 2 * * *", timezone="Europe/Berlin") as made:
            for _ in range(48):
                made.begin()
                await asyncio.sleep(3600)
                for each in made.replicas[:-1]:
                    await each.kill()
            return made.ran

    ran = run()
    assert [f"{START + timedelta(seconds=tick):%Y-%m-%dT%H:%M:%S}" for tick in ran] == expected


# --- unfinished ticks -----------------------------------------------------------------------------------------------


@virtual()
async def test_an_unfinished_tick_comes_again_when_its_process_is_killed():
    """With the same event id, and once it is done not again."""
    async with cluster(**AGAIN) as made:
        first = made.begin(takes=30.0)
        await asyncio.sleep(3610)
        await first.kill()
        other = made.begin(takes=5.0)
        await asyncio.sleep(3600)
        assert [tick for tick, _ in first.ran + other.ran] == [3600.0, 3600.0, 7200.0]
        assert other.ran[0][1] <= 3610 + 15 + 10


@virtual()
async def test_a_zombie_does_not_settle_a_tick_that_another_process_runs():
    async with cluster(**AGAIN) as made:
        frozen = made.begin(takes=20.0)
        await asyncio.sleep(1)
        heir = made.begin(takes=60.0)
        await asyncio.sleep(3605)
        frozen.freeze()
        await asyncio.sleep(50)
        assert [tick for tick, _ in heir.ran] == [3600.0]
        frozen.thaw()
        await asyncio.sleep(10)
        assert frozen.lost == 1
        await asyncio.sleep(300)
        assert made.ran == [3600.0, 3600.0]
        assert heir.lost == 0


@virtual()
async def test_a_tick_that_fails_for_now_comes_again_and_is_given_up_in_the_end():
    verdicts = iter([Retry(3.0, Transient("not now")), Retry(0.0, Transient("stopped"))])
    async with cluster(**AGAIN) as made:
        made.begin(verdict=lambda message: next(verdicts, Done(message)))
        made.begin()
        await asyncio.sleep(4000)
        assert made.ran == [3600.0] * 3


# --- whatever happens --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("schedule", ["@every 3s", "*/6 * * * * *", "@every 500ms"])
def test_whatever_happens_no_tick_is_run_twice_and_none_is_left_out_while_one_process_is_well(schedule, seed):
    """Replicas freeze, are cut off, lose answers, are killed and begun again, with clocks that differ a little."""
    step = {"@every 3s": 3.0, "*/6 * * * * *": 6.0, "@every 500ms": 0.5}[schedule]
    chance = random.Random(seed)

    @virtual()
    async def run():
        async with cluster(schedule=schedule, overlap="allow", missed="skip") as made:
            well = made.begin()
            others = [made.begin(ahead=chance.uniform(-1, 1) * min(0.4, step / 4)) for _ in range(2)]
            for _ in range(HARMS):
                each = chance.randrange(2)
                await _harm(made, others, each, chance)
                await asyncio.sleep(chance.uniform(0, 6))
            assert well.task
            await asyncio.sleep(60)
            return made.ran, (clock.now() - START).total_seconds()

    ran, end = run()
    assert len(ran) == len(set(ran))
    expected = [step * number for number in range(1, int((end - 61) / step))]
    assert [each for each in expected if each not in set(ran)] == []


async def _harm(made, others, number, chance):
    other = others[number]
    match chance.choice(["freeze", "cut", "lose", "kill", "end"]):
        case "freeze":
            other.freeze()
            await asyncio.sleep(chance.uniform(0, 40))
            other.thaw()
        case "cut":
            other.cut()
            await asyncio.sleep(chance.uniform(0, 40))
            other.cut(is_cut=False)
        case "lose":
            other.store.loses = 2
        case "kill":
            await other.kill()
            others[number] = made.begin()
        case "end":
            await other.end()
            others[number] = made.begin()
