"""Time as a source: a message at every tick of a schedule.

The source is at-most-once: a tick while no runtime is up is lost, and a message that fails is not repeated. `overlap`
says what happens to a tick while the message of the tick before is unfinished, `missed` what happens to ticks that
passed while the machine was asleep or its clock was set forward.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from octo.connectors.cron.schedule import Schedule, parse
from octo.core import clock
from octo.core.connector import connector
from octo.core.delivery import Delivery, Verdict
from octo.core.errors import Permanent
from octo.core.expressions import Expr, Names
from octo.core.log import fields
from octo.core.message import Message
from octo.core.settings import Advanced, Settings
from octo.core.source import source
from octo.expr import ExprError, Timestamp

log = logging.getLogger("octo.cron")

_STEP = 10.0
"""The longest sleep in seconds: a change of the wall clock is noticed within this time."""

_HICCUP = timedelta(seconds=1)
"""A tick at most this late counts as on time; further ticks within the same delay are merged with it."""

_LATE = timedelta(minutes=1)
"""A tick later than this counts as missed. So does one later than `_HICCUP` whose successor is due too."""

_CORRECTION = timedelta(days=1)
"""A clock that is set back by more than this was wrong before, and what ticked then comes again at its right time."""

_NOTABLE = 60.0
"""Seconds by which the wall clock moves against the timers before a line in the log tells of it."""


class Nothing(Settings):
    pass


class Stub(Settings):
    """The schedule does not run: only `trigger` makes ticks."""


class Trigger(Settings):
    """One tick. The trigger ends when its message is finished, and has no result."""

    at: datetime | None = None
    """The time of the tick, which is `now` in the payload, e.g. `2026-03-29T06:30:00Z`. Default: the current time."""

    @field_validator("at", mode="before")
    @classmethod
    def _is_a_moment(cls, text: object) -> object:
        try:
            moment = datetime.fromisoformat(text) if isinstance(text, str) else text
        except ValueError:
            moment = None
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            return moment
        raise PydanticCustomError("moment", "not a time; write e.g. 2026-03-29T06:30:00Z")


class Tick(Settings):
    schedule: str = Field(examples=["@every 5s", "0 30 6 * * MON-FRI"])
    """When to tick: `sec min hour day month weekday` as in `0 30 6 * * MON-FRI`, the same without seconds, `@every 5s`,
    or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. May begin with `TZ=Europe/Berlin `."""

    payload: Annotated[Expr[object], Names("now", "settings")] | None = None
    """The body of the message. May use `now`, the time of the tick, and `settings`, these settings. Default null. If
    the expression fails, the tick is skipped and logged."""

    correlation_id: Annotated[str, Field(alias="correlationID"), Advanced] = ""
    """Correlation id of every message."""

    timezone: str | None = None
    """IANA name of the time zone of the schedule, e.g. `Europe/Berlin`. Default: the time zone of the process (`TZ`,
    else the system's). A fixed time of day ticks exactly once a day, also when daylight saving begins or ends."""

    overlap: Literal["skip", "queue", "allow"] = "skip"
    """What happens to a tick while the message of the tick before is unfinished: `skip` logs it and drops it, `queue`
    lets it wait (several waiting ticks become one), `allow` starts it at once."""

    missed: Annotated[Literal["skip", "once"], Advanced] = "skip"
    """What happens to ticks that passed while the machine was asleep or its clock was set forward: `skip` leaves them
    out, `once` sends one message for all of them, with the time of the first."""

    @field_validator("schedule")
    @classmethod
    def _is_a_schedule(cls, text: str) -> str:
        _parsed(text)
        return text

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str | None, info: ValidationInfo) -> str | None:
        _parsed(info.data.get("schedule", "@daily"), name)
        return name

    def as_map(self) -> dict[str, object]:
        """The settings that the author wrote, as the payload sees them."""
        named = {info.alias or name: getattr(self, name) for name, info in type(self).model_fields.items()}
        written = {type(self).model_fields[name].alias or name for name in self.model_fields_set}
        return {
            name: value.text if isinstance(value, Expr) else value for name, value in named.items() if name in written
        }


def _parsed(text: str, zone: str | None = None) -> Schedule:
    try:
        return parse(text, zone)
    except ValueError as error:
        raise PydanticCustomError("schedule", "{reason}", {"reason": str(error)}) from None


@connector("cron")
class Cron:
    def __init__(self, hand: Hand | None = None) -> None:
        self._hand = hand

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Nothing) -> AsyncIterator[Self]:  # noqa: ARG003  nothing to set
        yield cls()

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Nothing, stub: Stub) -> AsyncIterator[Self]:  # noqa: ARG003  nothing to set
        yield cls(Hand())

    async def trigger(self, source: Tick, spec: Trigger) -> object:
        """One tick of the source."""
        assert self._hand is not None
        await self._hand.tick(source, spec.at or clock.now())
        return None

    @source("cron", once=True, sets=Nothing, guarantee="at most once", steps=("flow",))
    async def ticks(self, settings: Tick) -> AsyncIterator[Delivery]:
        """A message at every tick of the schedule, from the next one on."""
        running = _Running()
        as_map = settings.as_map()
        async for moment in self._ticks(settings, running):
            if running.count and settings.overlap == "skip":
                _skipped(settings, moment, "the message before it is not finished")
                continue
            if settings.overlap == "queue":
                await running.idle.wait()
            try:
                body = _payload(settings, moment, as_map)
            except ExprError as error:
                running.skipped = f"payload: {error}"
                _skipped(settings, moment, running.skipped)
                continue
            yield running.delivery(Message(body, correlation_id=settings.correlation_id))

    def _ticks(self, settings: Tick, running: _Running) -> AsyncIterator[datetime]:
        if self._hand is not None:
            return self._hand.ticks(settings, running)
        return _moments(parse(settings.schedule, settings.timezone), settings)


def _payload(settings: Tick, moment: datetime, as_map: dict[str, object]) -> object:
    if settings.payload is None:
        return None
    return settings.payload(Timestamp(_nanoseconds(moment)), as_map)


class _Running:
    """How many messages of the source are unfinished. `skipped` is why the last tick brought no message, or ""."""

    def __init__(self) -> None:
        self.count = 0
        self.skipped = ""
        self.idle = asyncio.Event()
        self.idle.set()

    def delivery(self, message: Message) -> Delivery:
        self.count += 1
        self.idle.clear()
        return Delivery(message, self._done)

    async def _done(self, _: Verdict) -> None:
        self.count -= 1
        if not self.count:
            self.idle.set()


class Hand:
    """Ticks by hand, for the sources of one stub. Sources with equal settings stay separate: each belongs to a flow."""

    def __init__(self) -> None:
        self._asked: dict[int, asyncio.Queue[tuple[datetime, asyncio.Future[None]]]] = {}

    async def tick(self, source: Tick, moment: datetime) -> None:
        """Let the source tick. Return when its message is finished. Raises `Permanent` if there was no message."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue(source).put_nowait((moment, over))
        await over

    async def ticks(self, source: Tick, running: _Running) -> AsyncIterator[datetime]:
        """Yield the times that were asked for, each once the message of the time before is finished."""
        queue = self._queue(source)
        while True:
            moment, over = await queue.get()
            if over.done():
                continue  # the caller has given up
            running.skipped = ""
            yield moment
            await running.idle.wait()
            if running.skipped and not over.done():
                over.set_exception(Permanent(f"the tick brought no message: {running.skipped}"))
            elif not over.done():
                over.set_result(None)

    def _queue(self, source: Tick) -> asyncio.Queue[tuple[datetime, asyncio.Future[None]]]:
        return self._asked.setdefault(id(source), asyncio.Queue())


# --- waiting -----------------------------------------------------------------------------------------------------


async def _moments(schedule: Schedule, settings: Tick) -> AsyncIterator[datetime]:
    """Yield the time of each tick when it is due. Late ticks are handled as the settings say."""
    watched = _Wall(settings.schedule)
    ticked = clock.now()
    due = schedule.next_after(ticked)
    while True:
        slept = False
        while (left := (due - clock.now()).total_seconds()) > 0:
            slept = True
            await asyncio.sleep(min(left, _STEP))
            # The clock may have been set back, even before this sleep began, while the flow was busy.
            due = min(due, schedule.next_after(_floor(schedule, ticked)))
            watched.look(due)
        now = clock.now()
        following = schedule.next_after(due)
        ticked = due
        if now - due <= (_LATE if following > now else _HICCUP):
            yield due
            due = following if following > now else schedule.next_after(now)
            continue
        # Late after a sleep: the machine was asleep. Late without a sleep: the flow had no room for the tick before.
        if slept and settings.missed == "skip":
            _skipped(settings, due, "the clock jumped past it")
        elif not slept and settings.overlap == "skip":
            _skipped(settings, due, "the flow has no room")
        else:
            yield due
        due = schedule.next_after(now)


def _floor(schedule: Schedule, ticked: datetime) -> datetime:
    """The moment after which a tick may come now. ticked: the time of the last one.

    Times of day that passed before the clock was set back do not come again, unless they are so far ahead that the
    clock was wrong when they passed.
    """
    now = clock.now()
    return ticked if schedule.is_fixed and now < ticked <= now + _CORRECTION else now


class _Wall:
    """The wall clock, as the timers of the event loop see it. Tells of it when it was set."""

    def __init__(self, schedule: str) -> None:
        self._schedule = schedule
        self._ahead = self._measure()

    def look(self, due: datetime) -> None:
        """Log a warning if the clock was set since the last look. due: the next tick."""
        before, self._ahead = self._ahead, self._measure()
        moved = self._ahead - before
        if abs(moved) > _NOTABLE:
            about = fields(schedule=self._schedule, seconds=round(moved), next=due.isoformat())
            log.warning("the clock was set, or the machine was asleep", extra=about)

    @staticmethod
    def _measure() -> float:
        return clock.now_ns() / 1e9 - asyncio.get_running_loop().time()


def _skipped(settings: Tick, moment: datetime, reason: str) -> None:
    log.warning("tick skipped", extra=fields(schedule=settings.schedule, tick=moment.isoformat(), reason=reason))


def _nanoseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
