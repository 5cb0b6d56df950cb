"""Ticking: wait for the next tick, decide whether it is run, and take it before any other process does.

Every process that runs the flow would take each tick at the same moment. To save them the work, the one that took the
last tick goes first, and the others look a little later whether it did (`_grace`). Nothing depends on who goes first:
the ledger gives each tick to one process only.

While the message of a tick is under way, a lease says so to all processes; `overlap` asks the lease.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from octo.connectors.cron.ledger import Known, Ledger, Open, own
from octo.connectors.cron.schedule import parse
from octo.connectors.cron.settings import Tick
from octo.connectors.cron.wall import NOTABLE, Wall
from octo.core import clock
from octo.core.delivery import Delivery, Retry, Verdict
from octo.core.errors import OctoError
from octo.core.log import fields
from octo.core.message import Message, new_id
from octo.core.source import Outlet
from octo.expr import ExprError
from octo.services.members import me
from octo.services.ports import KeyValue, Lease, Leases, Lost

log = logging.getLogger("octo.cron")

LEASE = 15.0
"""Seconds after which the message of a process that is gone counts as finished. It is renewed while the flow works."""
ATTEMPTS = 5
"""How often a tick that is to come again is tried."""

_STEP = 10.0
"""The longest sleep in seconds: a change of the wall clock is noticed within this time."""
_HICCUP = timedelta(seconds=1)
"""A tick at most this late counts as on time; further ticks within the same delay are merged with it."""
_LATE = timedelta(minutes=1)
"""A tick later than this counts as missed. So does one later than `_HICCUP` whose successor is due too."""
_CORRECTION = timedelta(days=1)
"""A clock that is set back by more than this was wrong before, and what ticked then comes again at its right time."""
_GRACE = 0.25, 2.0
"""Seconds that others leave to the process that goes first: half of the time between two ticks, within these."""
_SURE = timedelta(seconds=10)
"""How long after a tick was due a lease that another process holds is surely that of an earlier tick."""
_LOOK = 1.0
"""Seconds between two looks for whether a message is finished."""
_HELD = timedelta(seconds=LEASE)
_MOST_OPEN = 100
"""Ticks of one flow that may be unfinished and come again; further ones are skipped."""

_ABSENT = "nothing ran when it was due"
_ASLEEP = "the clock jumped past it"
_AWAY = "the services were out of reach"
_UNFINISHED = "the message before it is not finished"


class _Due(NamedTuple):
    """A tick to decide on. cover: up to where no further tick comes. why: it is left out, "" if it is to be run."""

    tick: datetime
    cover: datetime
    why: str


class Ticking:
    """The ticks of one source; see the module.

    `_known` is the ledger as this process knows it, `_base` the moment after which the next tick comes: `_known.last`
    unless the clock was set back. `_claim` names the attempts to take one tick. `_running` are the claims whose message
    is under way here. `_missed`: why a tick that is late was missed, "" if it had to wait for the flow.
    """

    def __init__(self, settings: Tick, site: Outlet, store: KeyValue, leases: Leases) -> None:
        self._me = me()
        self._settings = settings
        self._schedule = parse(settings.schedule, settings.timezone)
        self._name = f"{settings.schedule} {settings.timezone or ''}".strip()
        self._repeats = settings.unfinished == "again"
        self._ledger = Ledger(store, site, self._me)
        self._leases = leases
        self._began = clock.now()
        self._wall = Wall(settings.schedule)
        self._claim = (self._began, new_id())
        self._missed = _ABSENT
        self._delayed = ""
        self._is_told = False
        self._running: set[str] = set()
        self._looked = self._began
        self._known: Known
        self._base: datetime

    async def deliveries(self) -> AsyncGenerator[Delivery]:
        """Yield a delivery for each tick that this process has taken."""
        self._see(await self._ledger.read())
        try:
            while True:
                due = await self._next()
                delivery = await (self._again(due) if isinstance(due, Open) else self._taken(due))
                if delivery is not None:
                    yield delivery
                    self._missed = self._delayed  # else what is late from here on had to wait for the flow
        finally:
            await self._step_back()

    def _see(self, known: Known) -> None:
        """Go on from this version of the ledger."""
        self._known, self._base = known, known.last
        if known.schedule not in ("", self._name):
            self._base = max(known.last, self._began)  # another schedule's ticks say nothing about missed ones
        is_ahead = self._base > clock.now() + timedelta(seconds=NOTABLE)
        if is_ahead and not self._is_told and known.by != self._me:
            about = fields(schedule=self._settings.schedule, last=self._base.isoformat())
            log.warning("another process has run ticks that are ahead of this clock: waiting for it", extra=about)
        self._is_told = is_ahead

    async def _step_back(self) -> None:
        """Let the others know that they need not leave us time."""
        if self._known.by == self._me:
            with suppress(OctoError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._ledger.write(self._known, by="")

    # --- waiting -------------------------------------------------------------------------------------------------

    async def _next(self) -> _Due | Open:
        """Wait until a tick is due that nobody else has taken, as far as this process knows."""
        while True:
            due = await self._awaited()
            if isinstance(due, Open) or self._goes_first or not await self._has_changed():
                return due if isinstance(due, Open) else self._judged(due)

    async def _awaited(self) -> datetime | Open:
        base, due, at = None, self._base, self._base
        while True:
            if base != self._base:
                base, due = self._base, self._schedule.next_after(self._base)
                at = due + self._grace(due)
            self._wall.look(due)
            if (unsettled := self._unsettled()) is not None:
                return unsettled
            if (left := (at - clock.now()).total_seconds()) <= 0:
                return due
            self._missed = _ASLEEP
            await asyncio.sleep(min(left, _STEP))
            # The clock may have been set back, even before this sleep began, while the flow was busy.
            if self._is_behind():
                self._base = clock.now()
            if self._repeats:
                await self._has_changed()

    def _is_behind(self) -> bool:
        """Whether the clock was set back behind the last tick, and the ticks in between come again.

        Times of day do not, unless they are so far ahead that the clock was wrong when they passed. Nor do those that
        another process has run: its clock may be ahead of this one.
        """
        now = clock.now()
        repeats = self._known.by == self._me and not self._schedule.is_fixed
        return now < self._base and (repeats or now < self._base - _CORRECTION)

    @property
    def _goes_first(self) -> bool:
        return self._known.by in (self._me, "")

    def _grace(self, due: datetime) -> timedelta:
        """How much later than it is due this process looks for the tick."""
        if self._goes_first:
            return timedelta()
        least, most = _GRACE
        half = (self._schedule.next_after(due) - due).total_seconds() / 2
        return timedelta(seconds=min(most, max(least, half)))

    async def _has_changed(self) -> bool:
        """Read the ledger; whether somebody has written it."""
        found = await self._ledger.read()
        if found.version == self._known.version:
            return False
        self._see(found)
        self._missed = self._missed or _ASLEEP
        return True

    def _judged(self, due: datetime) -> _Due:
        """Whether a tick that is due is run: late ones are handled as the settings say."""
        now, following = clock.now(), self._schedule.next_after(due)
        cover = due if following > now else self._schedule.latest(due, now)
        why = ""
        if now - due > (_LATE if following > now else _HICCUP):
            if self._missed and self._settings.missed == "skip":
                why = _ABSENT if due < self._began else self._missed
            elif not self._missed and self._settings.overlap == "skip":
                why = "the flow has no room"
        return _Due(due, cover, why)

    # --- taking --------------------------------------------------------------------------------------------------

    async def _taken(self, due: _Due) -> Delivery | None:
        """The delivery of the tick; None if it is left out, another process was faster, or it must wait."""
        if due.why:
            await self._leave_out(due)
            return None
        try:
            message = self._settings.message(due.tick, self._ledger.event_id(due.tick))
        except ExprError as error:
            await self._leave_out(due._replace(why=f"payload: {error}"))
            return None
        asked = _time()
        lease = await self._leased(due.tick)
        if self._settings.overlap == "queue":
            asked = _time()  # it has waited for the message before
        if (lease is None and self._is_exclusive) or self._waits_for_another:
            await self._release(lease)
            await self._unfinished(due)
            return None
        begun = Open(due.tick, 1, due.tick + _HELD, self._named(due.tick))
        unfinished = (*self._known.open, begun) if self._repeats else ()
        if not await self._write(due, begun.claim, tick=due.tick, open=unfinished):
            await self._release(lease)
            return None
        self._delayed = _AWAY if _time() - asked > _HICCUP.total_seconds() else ""
        if _time() - asked > LEASE and not await self._is_in_time(due, lease):
            return None
        return self._delivery(message, lease, begun)

    async def _is_in_time(self, due: _Due, lease: Lease | None) -> bool:
        """Whether a tick may still be run that was taken, but only after a long wait for the services."""
        try:
            if lease is not None:
                await self._leases.renew(lease, LEASE)
        except Lost:
            if self._repeats:
                return False  # it comes again, here or elsewhere
        if self._repeats or self._settings.missed == "once" or clock.now() - due.tick <= _LATE:
            return True
        _skipped(self._settings, due.tick, _AWAY)
        await self._release(lease)
        return False

    @property
    def _is_exclusive(self) -> bool:
        return self._settings.overlap != "allow"

    @property
    def _waits_for_another(self) -> bool:
        """Whether a tick before, which must come again, goes first; or too many do."""
        return self._repeats and len(self._known.open) >= (1 if self._is_exclusive else _MOST_OPEN)

    async def _unfinished(self, due: _Due) -> None:
        """What becomes of a tick while the message of the tick before is unfinished."""
        is_sure = bool(self._running) or clock.now() - due.tick > _SURE
        if self._settings.overlap != "queue" and is_sure:
            await self._leave_out(due._replace(why=_UNFINISHED))
            return
        # The lease of another process may be that of this tick, which it is about to take.
        if not self._running or self._waits_for_another:
            await asyncio.sleep(_LOOK)
        missed = "" if self._settings.overlap == "queue" else self._missed
        await self._has_changed()
        self._missed = missed

    async def _leave_out(self, due: _Due) -> None:
        if await self._write(due, self._named(due.tick)):
            self._missed = ""
            _skipped(self._settings, due.tick, due.why, due.cover)

    async def _write(self, due: _Due, claim: str, **changes: object) -> bool:
        """Write that the tick is decided. If another process was faster, go on from what it wrote."""
        known = await self._ledger.write(
            self._known, claim, last=due.cover, by=self._me, schedule=self._name, **changes
        )
        if known is None:
            self._missed = self._missed or _ASLEEP
        self._see(known or await self._ledger.read())
        return known is not None

    def _named(self, tick: datetime) -> str:
        """The name of the attempts to take this tick."""
        if self._claim[0] != tick:
            self._claim = tick, new_id()
        return self._claim[1]

    async def _leased(self, tick: datetime) -> Lease | None:
        """The lease that says that the message of the tick is under way; None if none is needed, or it is held."""
        if not (self._is_exclusive or self._repeats):
            return None
        name = f"octo/cron/{self._ledger.key}" + ("" if self._is_exclusive else f"/{tick.isoformat()}")
        return await self._leases.acquire(name, LEASE, wait=_STEP if self._settings.overlap == "queue" else 0.0)

    async def _release(self, lease: Lease | None) -> None:
        if lease is not None:
            with suppress(OctoError):  # it ends by itself
                await self._leases.release(lease)

    # --- running -------------------------------------------------------------------------------------------------

    def _delivery(self, message: Message, lease: Lease | None, begun: Open) -> Delivery:
        self._running.add(begun.claim)

        async def settle(verdict: Verdict) -> None:
            try:
                if self._repeats:
                    await self._settle(verdict, begun)
            finally:
                self._running.discard(begun.claim)
                await self._release(lease)

        if lease is None:
            return Delivery(message, settle, is_awaited=True)
        return Delivery(
            message,
            settle,
            is_awaited=True,  # `overlap` needs to know when the flow has finished
            attempt=begun.attempt,
            most_attempts=ATTEMPTS if self._repeats else None,
            extend=partial(self._leases.renew, lease, LEASE),
            lease=LEASE,
        )

    async def _settle(self, verdict: Verdict, begun: Open) -> None:
        """Commit the tick, or let it come again. Raises `Lost` if another process runs it by now."""

        def change(known: Known) -> dict[str, object]:
            mine = own(known, begun.tick, begun.claim)
            rest = tuple(each for each in known.open if each is not mine)
            if isinstance(verdict, Retry):
                rest = (*rest, mine._replace(due=clock.now() + timedelta(seconds=verdict.after)))
            return {"open": rest}

        await self._ledger.change(change)

    # --- ticks that come again -----------------------------------------------------------------------------------

    def _unsettled(self) -> Open | None:
        """A tick that may have to come again."""
        now = clock.now()
        if not self._repeats or now < self._looked + timedelta(seconds=_LOOK):
            return None
        return next((each for each in self._known.open if each.due <= now and each.claim not in self._running), None)

    async def _again(self, begun: Open) -> Delivery | None:
        """The delivery of a tick that was taken before; None if it is under way or finished."""
        self._looked = clock.now()
        lease = await self._leased(begun.tick)
        if lease is None:
            return None
        await self._has_changed()
        again = begun._replace(attempt=begun.attempt + 1, due=clock.now() + _HELD, claim=new_id())
        unfinished = tuple(again if each == begun else each for each in self._known.open)
        if begun not in self._known.open or not await self._rewrite(again.claim, unfinished):
            await self._release(lease)
            return None
        try:
            message = self._settings.message(begun.tick, self._ledger.event_id(begun.tick))
        except ExprError as error:
            _skipped(self._settings, begun.tick, f"payload: {error}")
            await self._release(lease)
            return None
        log.warning("tick comes again", extra=fields(schedule=self._settings.schedule, tick=begun.tick.isoformat()))
        return self._delivery(message, lease, again)

    async def _rewrite(self, claim: str, unfinished: tuple[Open, ...]) -> bool:
        known = await self._ledger.write(self._known, claim, open=unfinished)
        self._see(known or await self._ledger.read())
        return known is not None


def _time() -> float:
    return asyncio.get_running_loop().time()


def _skipped(settings: Tick, moment: datetime, reason: str, until: datetime | None = None) -> None:
    """until: further ticks up to here are left out with it."""
    more = {"until": until.isoformat()} if until is not None and until > moment else {}
    about = fields(schedule=settings.schedule, tick=moment.isoformat(), reason=reason, **more)
    log.warning("tick skipped", extra=about)
