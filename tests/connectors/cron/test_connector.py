"""Cron: ticks at the right moment, through daylight saving, slow flows and clocks that jump."""

import asyncio
import logging
from datetime import UTC, datetime, time

import pytest
from pydantic import ValidationError

from octo.connectors.cron import Cron, Tick, Trigger, parse
from octo.core import clock
from octo.core.delivery import Done, Reject
from octo.core.errors import Permanent
from octo.core.source import Outlet
from octo.expr import to_json
from octo.services.container import Services, entered
from octo.testing.clock import shift_wall, virtual

# --- schedules ---------------------------------------------------------------------------------------------------


def ticks(text, start, count, zone=None):
    """The next ticks after a moment, as local or UTC text."""
    schedule, moment, found = parse(text, zone), datetime.fromisoformat(start), []
    for _ in range(count):
        moment = schedule.next_after(moment)
        found.append(moment.isoformat(timespec="seconds").replace("+00:00", "Z"))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/20 * * * * *", ["2026-01-01T00:00:20Z", "2026-01-01T00:00:40Z"]),
        ("30 6 * * *", ["2026-01-01T06:30:00Z", "2026-01-02T06:30:00Z"]),
        ("0 30 6 * * *", ["2026-01-01T06:30:00Z", "2026-01-02T06:30:00Z"]),
        ("0 0 9 ? * MON-FRI", ["2026-01-01T09:00:00Z", "2026-01-02T09:00:00Z", "2026-01-05T09:00:00Z"]),
        ("0 0 0 L * *", ["2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"]),
        ("0 0 0 13 * FRI", ["2026-01-02T00:00:00Z", "2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z"]),
        ("0 15,45 8 1 jan,jul *", ["2026-01-01T08:15:00Z", "2026-01-01T08:45:00Z", "2026-07-01T08:15:00Z"]),
        ("@hourly", ["2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"]),
        ("@daily", ["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"]),
        ("@weekly", ["2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"]),
        ("@monthly", ["2026-02-01T00:00:00Z"]),
        ("@yearly", ["2027-01-01T00:00:00Z"]),
        ("@annually", ["2027-01-01T00:00:00Z"]),
        ("@midnight", ["2026-01-02T00:00:00Z"]),
        (" @Hourly ", ["2026-01-01T01:00:00Z"]),
        ("@every 10ms", ["2026-01-01T00:00:00Z"]),
        ("@every 1h30m", ["2026-01-01T01:30:00Z", "2026-01-01T03:00:00Z"]),
        ("TZ=Asia/Tokyo 0 0 9 * * *", ["2026-01-02T00:00:00Z"]),
        ("CRON_TZ=America/New_York 0 9 * * *", ["2026-01-01T14:00:00Z"]),
    ],
)
def test_a_schedule_says_when_it_ticks(text, expected):
    """All notations, with and without seconds, names, lists, last days and a time zone prefix."""
    found = ticks(text, "2026-01-01T00:00:00+00:00", len(expected), None if "TZ=" in text else "UTC")
    assert found == expected


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        # Spring: 2:30 does not exist on 29 March; the day's run is at the end of the gap, and the next day as usual.
        (
            "0 30 2 * * *",
            "2026-03-28T12:00:00+00:00",
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
        ),
        # Autumn: 2:30 comes twice on 25 October; it runs in the first.
        (
            "0 30 2 * * *",
            "2026-10-24T12:00:00+00:00",
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
        # A source that starts in the second 2:10 has missed the run: it does not come again.
        (
            "0 30 2 * * *",
            "2026-10-25T01:10:00+00:00",
            ["2026-10-26T01:30:00Z"],
        ),
        # Repeating within the day follows real time through both.
        (
            "0 */30 2 * * *",
            "2026-10-24T12:00:00+00:00",
            ["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"],
        ),
        (
            "0 */30 * * * *",
            "2026-03-29T00:20:00+00:00",
            ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"],
        ),
        (
            "0 0 * * * *",
            "2026-10-24T23:30:00+00:00",
            ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"],
        ),
        # Two times inside the gap are one run.
        (
            "0 0,30 2 * * *",
            "2026-03-29T00:30:00+00:00",
            ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"],
        ),
    ],
)
def test_daylight_saving_neither_loses_nor_doubles_a_run(text, start, expected):
    """A time of day runs once a day; what repeats within the day keeps its distance."""
    assert ticks(text, start, len(expected), "Europe/Berlin") == expected


@pytest.fixture
def process_zone(monkeypatch):
    """Set TZ for the test."""
    from octo.connectors.cron import schedule

    def set_zone(name):
        monkeypatch.setenv("TZ", name)
        schedule.local_zone.cache_clear()

    yield set_zone
    schedule.local_zone.cache_clear()


@pytest.mark.parametrize("name", ["America/New_York", ":America/New_York"])
def test_the_zone_of_the_process_is_the_default(process_zone, name):
    """Without `timezone`, TZ decides, in both of its notations."""
    process_zone(name)
    assert ticks("0 9 * * *", "2026-01-01T00:00:00+00:00", 1) == ["2026-01-01T14:00:00Z"]


def test_a_process_zone_that_is_not_known_is_no_error(process_zone):
    """The present offset is all that is known then; the schedule runs by it."""
    process_zone("Nowhere/Nothing")
    offset = datetime.now().astimezone().utcoffset()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert (parse("0 9 * * *").next_after(start) + offset).time() == time(9)


def test_a_zone_that_is_given_twice_may_be_the_same():
    assert ticks("TZ=Asia/Tokyo 0 9 * * *", "2026-01-01T00:00:00+00:00", 1, "Asia/Tokyo") == ["2026-01-02T00:00:00Z"]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"schedule": "every day"}, r"expected 6 fields \(sec min hour dom mon dow\), or 5, found 2; e.g. `0 30 6"),
        ({"schedule": "61 * * * * *"}, r"`61` is not valid as second \(0-59\); e.g."),
        ({"schedule": "0 0 25 * * *"}, r"`25` is not valid as hour \(0-23\)"),
        ({"schedule": "0 0 0 * * FOO"}, r"`FOO` is not valid as day-of-week \(0-7 or SUN-SAT\)"),
        ({"schedule": "0 0 0 31 2 *"}, r"`31` is not valid as day-of-month"),
        ({"schedule": "@hourli"}, r"did you mean `@hourly`\?"),
        ({"schedule": "@reboot"}, r"`@reboot` is not known"),
        ({"schedule": "@every"}, r"needs a duration, e.g. `@every 1h30m`"),
        ({"schedule": "@every 5"}, r"not a duration; write e.g. 250ms, 30s or 1h30m"),
        ({"schedule": "@every 0s"}, r"too often"),
        ({"schedule": "@every 9ms"}, r"`@every 9ms` is too often: at least 10ms"),
        ({"schedule": ""}, r"found 0"),
        (
            {"schedule": "@daily", "timezone": "Europe/Berln"},
            r"no time zone `Europe/Berln`; did you mean `Europe/Berlin`",
        ),
        ({"schedule": "TZ=UTC @daily", "timezone": "Asia/Tokyo"}, r"given twice: UTC here, Asia/Tokyo in `timezone`"),
        ({"schedule": "@daily", "overlap": "maybe"}, r"'skip', 'queue' or 'allow'"),
    ],
)
def test_a_bad_schedule_fails_when_the_flow_is_built(settings, complaint):
    """The message says which part is wrong and shows a right one."""
    with pytest.raises(ValidationError, match=complaint):
        Tick.model_validate(settings)


# --- the source --------------------------------------------------------------------------------------------------


SITE = Outlet("nightly", "clock", "shop")


async def given(services):
    """What a source gets besides its settings and its site."""
    asked = Cron.__octo_connector__.sources["cron"].services
    await services.open(asked.values())
    return services.handed(asked)


class Flow:
    """A flow as the engine runs it: takes the next delivery when it has room, settles it when its work is done."""

    def __init__(self, takes=0.0, fails=False, workers=100, services=None, site=SITE):
        self.services = services
        self.site = site
        self.takes = takes
        self.fails = fails
        self.room = asyncio.Semaphore(workers)
        self.began = asyncio.get_running_loop().time()
        self.starts = []
        self.messages = []

    async def run(self, seconds, **settings):
        """Run the source for so long; `starts` are the seconds at which messages started."""
        opening = Cron.open(Cron.__octo_connector__.settings())
        async with entered(self.services) as services, asyncio.TaskGroup() as group, opening as cron:
            deliveries = cron.ticks(Tick.model_validate(settings), self.site, **await given(services))
            try:
                async with asyncio.timeout(seconds):
                    while True:
                        await self.room.acquire()
                        delivery = await anext(deliveries)
                        self.starts.append(round(asyncio.get_running_loop().time() - self.began, 3))
                        self.messages.append(delivery.message)
                        group.create_task(self._deliver(delivery))
                        await asyncio.sleep(0)
            except TimeoutError:
                await deliveries.aclose()
        return self.starts

    async def _deliver(self, delivery):
        await asyncio.sleep(self.takes)
        error = RuntimeError("no good")
        await delivery.settle(Reject(str(error), error) if self.fails else Done(delivery.message))
        self.room.release()


@virtual()
async def test_a_tick_makes_a_message_with_payload_and_correlation_id():
    """The payload sees the time of the tick and the source's own settings; the correlation id is copied."""
    flow = Flow()
    payload = '{"at": now, "hour": now.getHours(), "every": settings.schedule, "id": settings.correlationID}'
    settings = {"schedule": "0 0 6 * * *", "timezone": "UTC", "payload": payload, "correlationID": "nightly"}
    await flow.run(86400, **settings)
    (message,) = flow.messages
    assert to_json(message.body) == {"at": "2026-01-01T06:00:00Z", "hour": 6, "every": "0 0 6 * * *", "id": "nightly"}
    assert message.correlation_id == "nightly"


@virtual()
async def test_the_payload_sees_what_was_written_and_nothing_else():
    """Names as in YAML, the payload itself as its text, no defaults."""
    written = {"schedule": "@every 5s", "payload": "settings", "overlap": "queue", "correlationID": "x"}
    flow = Flow()
    await flow.run(6, **written)
    assert [message.body for message in flow.messages] == [written]


@virtual()
async def test_the_payload_sees_parts_of_a_second():
    flow = Flow()
    await flow.run(0.55, schedule="@every 250ms", payload="now")
    assert [str(message.body) for message in flow.messages] == ["2026-01-01T00:00:00.25Z", "2026-01-01T00:00:00.5Z"]


@virtual()
async def test_without_payload_the_body_is_null():
    flow = Flow()
    await flow.run(6, schedule="@every 5s")
    assert [message.body for message in flow.messages] == [None]


@virtual()
async def test_every_first_fires_after_one_interval():
    """`@every` keeps its distance from the start of the source."""
    assert await Flow().run(21, schedule="@every 5s") == [5, 10, 15, 20]


@virtual()
async def test_ticks_do_not_drift():
    """After a simulated day of minutes every tick is still on the minute."""
    starts = await Flow(takes=0.7).run(86401, schedule="0 * * * * *", timezone="UTC")
    assert starts == [60 * n for n in range(1, 1441)]


@virtual()
async def test_short_distances_keep_up():
    """Ten ticks a second are ten messages a second."""
    assert len(await Flow().run(10.05, schedule="@every 100ms")) == 100


@virtual()
async def test_overlap_skip_leaves_out_ticks_while_one_is_unfinished(caplog):
    """By default messages of one source never pile up; what was left out is in the log."""
    with caplog.at_level(logging.WARNING, "octo.cron"):
        assert await Flow(takes=12).run(31, schedule="@every 5s") == [5, 20]
    assert [record.fields["reason"] for record in caplog.records][:2] == ["the message before it is not finished"] * 2


@virtual()
async def test_a_failed_message_does_not_stop_the_schedule():
    """A rejected message counts as finished: the next tick comes as ever."""
    assert await Flow(fails=True).run(16, schedule="@every 5s") == [5, 10, 15]


@virtual()
async def test_overlap_queue_waits_and_joins_what_waits():
    """A tick waits for the message before it; several that wait become one."""
    assert await Flow(takes=12).run(45, schedule="*/5 * * * * *", overlap="queue") == [5, 17, 29, 41]


@virtual()
async def test_overlap_allow_starts_them_side_by_side():
    """With `allow` slow messages run beside one another."""
    assert await Flow(takes=12).run(21, schedule="@every 5s", overlap="allow") == [5, 10, 15, 20]


@virtual()
async def test_a_flow_without_room_does_not_collect_ticks(caplog):
    """When the flow itself is full, ticks that pass are skipped and logged, not run in a burst afterwards."""
    with caplog.at_level(logging.WARNING, "octo.cron"):
        assert await Flow(takes=12, workers=1).run(31, schedule="*/5 * * * * *", timezone="UTC") == [5, 20]
    assert "the flow has no room" in {record.fields["reason"] for record in caplog.records}


@pytest.mark.parametrize("overlap", ["queue", "allow"])
@virtual()
async def test_a_flow_without_room_makes_up_for_one_tick_where_ticks_may_wait(overlap):
    """Those that passed meanwhile become one, which runs as soon as there is room."""
    starts = await Flow(takes=12, workers=1).run(31, schedule="*/5 * * * * *", timezone="UTC", overlap=overlap)
    assert starts == [5, 17, 29]


@virtual()
async def test_a_payload_that_fails_costs_its_tick_only(caplog):
    """A runtime error of the payload is logged, and the schedule goes on."""
    payload = "now.getSeconds() == 10 ? settings.nothing : now.getSeconds()"
    flow = Flow()
    with caplog.at_level(logging.WARNING, "octo.cron"):
        await flow.run(16, schedule="@every 5s", payload=payload)
    assert [message.body for message in flow.messages] == [5, 15]
    (record,) = caplog.records
    assert "nothing" in record.fields["reason"]


async def at(seconds, *steps):
    await asyncio.sleep(seconds)
    for step in steps:
        step()


@virtual()
async def test_ticks_missed_by_a_jump_are_skipped_by_default(caplog):
    """After three hours of sleep nothing is made up for; the schedule goes on at the next full hour."""
    flow = Flow()
    async with asyncio.TaskGroup() as group:
        group.create_task(at(1800, lambda: shift_wall(3 * 3600)))
        with caplog.at_level(logging.WARNING, "octo.cron"):
            await flow.run(4000, schedule="@hourly", timezone="UTC", payload="now")
    assert [str(message.body) for message in flow.messages] == ["2026-01-01T04:00:00Z"]
    told, skipped = caplog.records
    assert told.fields["seconds"] == 3 * 3600
    assert skipped.fields["reason"] == "the clock jumped past it"


@virtual()
async def test_missed_once_runs_one_message_for_all_that_were_missed():
    """With `missed: once` the sleep is made up for by one message, soon after the wake-up, and no more."""
    flow = Flow()
    async with asyncio.TaskGroup() as group:
        group.create_task(at(1800, lambda: shift_wall(3 * 3600)))
        await flow.run(4000, schedule="@hourly", timezone="UTC", payload="now", missed="once")
    assert [str(message.body) for message in flow.messages] == ["2026-01-01T01:00:00Z", "2026-01-01T04:00:00Z"]
    assert flow.starts[0] <= 1800 + 11


@virtual()
async def test_half_a_minute_late_is_not_missed():
    """A machine that was paused for 30 seconds over the time of the daily run still runs it."""
    flow = Flow()
    async with asyncio.TaskGroup() as group:
        group.create_task(at(6 * 3600 - 5, lambda: shift_wall(30)))
        await flow.run(7 * 3600, schedule="0 6 * * *", timezone="UTC", payload="now")
    assert [str(message.body) for message in flow.messages] == ["2026-01-01T06:00:00Z"]


@pytest.mark.parametrize(("seconds", "runs"), [(60, 1), (61, 0)])
@virtual()
async def test_a_minute_late_is_the_most(seconds, runs):
    """A tick that is later than that counts as missed."""
    flow = Flow()
    async with asyncio.TaskGroup() as group:
        group.create_task(at(6 * 3600 - 5, lambda: shift_wall(seconds)))
        await flow.run(7 * 3600, schedule="0 6 * * *", timezone="UTC")
    assert len(flow.messages) == runs


@virtual()
async def test_a_hiccup_does_not_shift_the_ticks_after_it():
    """The tick that was late is 0.3 s late; those after it come when they would have come."""
    flow = Flow()
    async with asyncio.TaskGroup() as group:
        group.create_task(at(7, lambda: shift_wall(0.3)))
        starts = await flow.run(21, schedule="@every 5s")
    assert starts == [5, 10, 14.7, 19.7]


@virtual()
async def test_ticks_that_fall_into_one_hiccup_are_one():
    """No burst makes up for half a second."""
    flow = Flow()
    async with asyncio.TaskGroup() as group:
        group.create_task(at(0.35, lambda: shift_wall(0.55)))
        starts = await flow.run(0.65, schedule="@every 100ms")
    assert starts == [0.1, 0.2, 0.3, 0.4, 0.45, 0.55]


@virtual()
async def test_a_clock_set_back_during_a_run_that_was_made_up_for_does_not_repeat_it():
    """It jumped forward by mistake, over the time of the run, and is corrected while the flow is busy."""
    flow = Flow(takes=60, workers=1)
    async with asyncio.TaskGroup() as group:
        group.create_task(at(5 * 3600, lambda: shift_wall(3 * 3600)))
        group.create_task(at(5 * 3600 + 40, lambda: shift_wall(-3 * 3600)))
        await flow.run(12 * 3600, schedule="0 6 * * *", timezone="UTC", payload="now", missed="once")
    assert [str(message.body) for message in flow.messages] == ["2026-01-01T06:00:00Z"]


@virtual()
async def test_a_clock_set_back_does_not_repeat_a_daily_run():
    """The clock goes back over a run that has been: it does not come again."""
    flow = Flow()
    async with asyncio.TaskGroup() as group:
        group.create_task(at(6 * 3600 + 60, lambda: shift_wall(-1800)))
        await flow.run(12 * 3600, schedule="0 6 * * *", timezone="UTC", payload="now")
    assert [str(message.body) for message in flow.messages] == ["2026-01-01T06:00:00Z"]


YEARS = 10 * 365 * 24 * 3600


@pytest.mark.parametrize(("missed", "made_up"), [("skip", []), ("once", ["2026-01-01T06:00:00Z"])])
@virtual()
async def test_a_clock_that_was_years_ahead_does_not_silence_a_daily_run(missed, made_up, caplog):
    """It runs at its time of day, in the wrong year and in the right one; and the log tells of both jumps."""
    flow = Flow()
    async with asyncio.TaskGroup() as group:
        group.create_task(at(3600, lambda: shift_wall(YEARS)))
        group.create_task(at(29 * 3600, lambda: shift_wall(-YEARS)))
        with caplog.at_level(logging.WARNING, "octo.cron"):
            await flow.run(60 * 3600, schedule="0 6 * * *", timezone="UTC", payload="now", missed=missed)

    ran = ["2035-12-30T06:00:00Z", "2026-01-02T06:00:00Z", "2026-01-03T06:00:00Z"]
    assert [str(message.body) for message in flow.messages] == [*made_up, *ran]
    jumps = [record.fields for record in caplog.records if "clock was set" in record.message]
    assert [each["seconds"] for each in jumps] == [YEARS, -YEARS]
    assert jumps[1]["next"] == "2026-01-02T06:00:00+00:00"


@virtual()
async def test_a_clock_that_is_put_right_while_the_flow_is_busy_does_not_silence_it():
    """The next tick was computed with the wrong clock."""
    flow = Flow(takes=600, workers=1)
    async with asyncio.TaskGroup() as group:
        group.create_task(at(3600, lambda: shift_wall(YEARS)))
        group.create_task(at(3900, lambda: shift_wall(-YEARS)))
        schedule = {"schedule": "0 6 * * *", "timezone": "UTC", "missed": "once", "overlap": "queue"}
        await flow.run(36 * 3600, payload="now", **schedule)

    assert str(flow.messages[-1].body) == "2026-01-02T06:00:00Z"


@virtual()
async def test_a_clock_set_back_does_not_stop_what_repeats():
    """A schedule of seconds goes on at once, instead of waiting until the clock has caught up."""
    flow = Flow()
    async with asyncio.TaskGroup() as group:
        group.create_task(at(12, lambda: shift_wall(-3600)))
        starts = await flow.run(40, schedule="@every 5s")
    assert starts[:2] == [5, 10]
    assert len(starts) >= 6


@virtual()
async def test_stopping_while_it_waits_leaves_nothing_behind():
    """A stopped source ends at once, in the middle of a long wait."""
    async with Services() as services, Cron.open(Cron.__octo_connector__.settings()) as cron:
        deliveries = cron.ticks(Tick.model_validate({"schedule": "@yearly"}), SITE, **await given(services))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await anext(deliveries)
        await deliveries.aclose()
    assert asyncio.get_running_loop().time() == pytest.approx(5)
    assert clock.now() < datetime(2026, 1, 1, 0, 1, tzinfo=UTC)


# --- in tests of flows -------------------------------------------------------------------------------------------

NIGHTLY = """
connectors:
  - {name: p, type: probe}
  - {name: clock, type: cron}
flows:
  - name: nightly
    source:
      connector: clock
      type: cron
      settings:
        schedule: "0 30 6 * * *"
        timezone: UTC
        correlationID: night
        payload: '{"at": now, "day": 10 / (now.getDate() - 13)}'
    process:
      - {type: wait, connector: p, settings: {for_: go}}
      - {type: note, connector: p, settings: {value: body.at}}
  - name: other
    source: {connector: clock, type: cron, settings: {schedule: "@daily", timezone: UTC}}
    process:
      - {type: fail, connector: p}
"""


@virtual()
async def test_a_trigger_is_one_tick_at_the_given_time(stubbed):
    """It returns once the message is finished; there is nothing to answer."""
    async with stubbed(NIGHTLY, clock={}) as app:
        probe = app.generation.instances["p"]
        asyncio.get_running_loop().call_later(5, probe.gate("go").set)

        assert await app.trigger("nightly", at="2026-03-29T06:30:00Z") is None
        assert to_json(probe.notes) == ["2026-03-29T06:30:00Z"]
        assert app.kinds("nightly") == ["started", "completed"]
        assert app.events[-1].message.correlation_id == "night"
        assert asyncio.get_running_loop().time() == 5


@virtual()
async def test_a_trigger_without_a_time_ticks_now(stubbed):
    async with stubbed(NIGHTLY, clock={}) as app:
        app.generation.instances["p"].gate("go").set()
        await asyncio.sleep(3600)
        await app.trigger("nightly")

        assert to_json(app.generation.instances["p"].notes) == ["2026-01-01T01:00:00Z"]


@virtual()
async def test_each_flow_has_its_own_ticks_and_they_follow_one_another(stubbed):
    async with stubbed(NIGHTLY, clock={}) as app:
        app.generation.instances["p"].gate("go").set()
        for _ in range(2):
            await app.trigger("nightly")
        await app.trigger("other")

        assert app.kinds("nightly") == ["started", "completed"] * 2
        assert app.kinds("other") == ["started", "failed"]


@virtual()
async def test_a_stub_never_ticks_by_itself(stubbed):
    async with stubbed(NIGHTLY, clock={}) as app:
        await asyncio.sleep(3 * 86400)

        assert app.events == []


@virtual()
async def test_a_trigger_that_is_given_up_leaves_no_tick_behind(stubbed):
    """The flow goes on with the message it has; what waited behind it never comes."""
    async with stubbed(NIGHTLY, clock={}) as app:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await app.trigger("nightly")
        app.generation.instances["p"].gate("go").set()
        await app.trigger("nightly")

        assert app.kinds("nightly") == ["started", "completed"] * 2


@virtual()
async def test_a_trigger_that_brings_no_message_says_why(stubbed):
    async with stubbed(NIGHTLY, clock={}) as app:
        with pytest.raises(Permanent, match=r"the tick brought no message: payload: .*zero"):
            await app.trigger("nightly", at="2026-03-13T06:30:00Z")
        app.generation.instances["p"].gate("go").set()
        await app.trigger("nightly")

        assert app.kinds("nightly") == ["started", "completed"]


@virtual()
async def test_without_a_stub_the_schedule_runs_in_virtual_time(stubbed):
    """An hour before and an hour after half past six, in no time."""
    async with stubbed(NIGHTLY) as app:
        app.generation.instances["p"].gate("go").set()
        await asyncio.sleep(5.5 * 3600)
        assert app.kinds("nightly") == []
        await asyncio.sleep(2 * 3600)

        assert app.kinds("nightly") == ["started", "completed"]
        assert to_json(app.generation.instances["p"].notes) == ["2026-01-01T06:30:00Z"]


@pytest.mark.parametrize("at", ["soon", "2026-03-29T06:30:00", 12, "2026-02-30T00:00:00Z"])
def test_a_time_that_is_none_is_refused(at):
    with pytest.raises(ValidationError, match=r"not a time; write e\.g\. 2026-03-29T06:30:00Z"):
        Trigger.model_validate({"at": at})


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("MON-SUN", "Mon Tue Wed Thu Fri Sat Sun"),
        ("SAT-SUN", "Sat Sun"),
        ("sat-sun", "Sat Sun"),
        ("FRI-MON", "Mon Fri Sat Sun"),
        ("5-1", "Mon Fri Sat Sun"),
        ("MON-SUN/2", "Mon Wed Fri Sun"),
        ("SUN-SAT", "Mon Tue Wed Thu Fri Sat Sun"),
        ("1-5", "Mon Tue Wed Thu Fri"),
        ("TUE,SAT-SUN", "Tue Sat Sun"),
        ("0-7", "Mon Tue Wed Thu Fri Sat Sun"),
        ("7-1", "Mon Sun"),
        ("SUN-7", "Mon Tue Wed Thu Fri Sat Sun"),
        ("7-7", "Sun"),
        ("6-7", "Sat Sun"),
        ("SAT-7,MON", "Mon Sat Sun"),
    ],
)
def test_a_range_of_days_may_go_on_into_the_next_week(days, expected):
    schedule, moment, found = parse(f"0 0 12 * * {days}", "UTC"), datetime(2026, 11, 30, tzinfo=UTC), []
    while (moment := schedule.next_after(moment)) < datetime(2026, 12, 7, tzinfo=UTC):
        found.append(f"{moment:%a}")
    assert " ".join(found) == expected


@pytest.mark.parametrize(
    "days", ["MON-TUE-WED", "1-5-2", "MON-FRI#2", "*/MON-FRI", "MON-FRI/2/3", "MON-FRI-", "-MON-FRI"]
)
def test_what_only_contains_a_range_of_days_is_refused(days):
    with pytest.raises(ValueError, match="is not valid as day-of-week"):
        parse(f"0 0 12 * * {days}", "UTC")
