"""Settlement: run a delivery through its flow, and give its source the verdict.

Invariant: every delivery gets exactly one verdict, also when the engine stops before the flow has finished. If a source
raises on a verdict, or never takes it, only the verdict is lost: the source delivers the message again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from octo.core.backoff import Backoff
from octo.core.deadline import Deadline
from octo.core.delivery import Delivery, Done, Reject, Retry, Verdict
from octo.core.errors import Disconnected, OctoError, Overloaded, Permanent, Transient
from octo.core.flow import Drop, Failure, Outcome, at_last, ending
from octo.core.log import fields
from octo.core.secrets import masked
from octo.engine.burial import Burial, Unfit
from octo.engine.elements import gather
from octo.engine.flow import Flow, only_message
from octo.engine.journal.holding import Held, holding
from octo.engine.journal.run import Run
from octo.engine.work import Work

log = logging.getLogger("octo.engine")

RETRY = Backoff(jitter=0.5)
"""How long a message rests after a failed attempt: those that failed together must not come back together."""


class Settlement:
    """Runs and settles the deliveries of one source.

    lost: called when settling finds the connection gone. settled: called after each verdict; says whether the source
    took it. redelivers: whether the source brings a message again that was not settled. run: the one to go on with, of
    a message that comes from the journal.
    """

    def __init__(
        self,
        flow: Flow,
        work: Work,
        lost: Callable[[Disconnected], object],
        settled: Callable[[bool], object],
        *,
        redelivers: bool = False,
        run: Run | None = None,
    ) -> None:
        self._flow = flow
        self._work = work
        self._lost = lost
        self._settled = settled
        self._redelivers = redelivers
        self._run = run

    async def run(self, delivery: Delivery) -> None:
        """Run a delivery through the flow and settle it; first settle it, if the flow keeps nothing."""
        if self._flow.durability == "memory" and not delivery.is_awaited and delivery.unfit is None:
            await self._forgotten(delivery)
            return
        with holding(self._flow.name, redelivers=self._redelivers, run=self._run) as held:
            try:
                with self._kept(delivery, held), self._flow.under_way(held):
                    verdict = await self._verdict(delivery)
            except BaseException:
                held.left()
                stopped = Transient(f'flow "{self._flow.name}" was stopped before it had finished')
                await self._settle(delivery, Retry(0.0, stopped))
                raise
        if isinstance(verdict, Retry):
            await held.again()  # before the message can come again
        if await self._settle(delivery, verdict) and not isinstance(verdict, Retry):
            await held.over()
        else:
            held.left()

    async def _forgotten(self, delivery: Delivery) -> None:
        """Settle a delivery, then run it: what it fails with is kept or logged, and it is not tried again.

        If its source does not take the verdict it delivers the message again, which must not run twice.
        """
        if not await self._settle(delivery, Done(delivery.message)):
            return
        try:
            await self._whole(delivery)
        except Failure as error:
            if self._flow.burial is not None:
                await self._flow.burial.keep(delivery.message, error)
        except Exception:
            log.exception("a delivery failed outside its flow", extra=fields(flow=self._flow.name))

    async def _verdict(self, delivery: Delivery) -> Verdict:
        if (refused := unfit(delivery) or worn_out(delivery)) is not None:
            return await self._buried(delivery, refused, refused.error)
        try:
            only_message(delivery.message, self._flow.name)
            return taken(await self._whole(delivery))
        except Exception as error:
            if not isinstance(error, Failure):
                log.exception("a delivery failed outside its flow", extra=fields(flow=self._flow.name))
            verdict = judged(error, delivery)
            return verdict if isinstance(verdict, Retry) else await self._buried(delivery, verdict, error)

    async def _buried(self, delivery: Delivery, verdict: Reject, error: Exception) -> Verdict:
        """The verdict with its letter, once the message is where the flow's dead letters go.

        If it does not get there, the source must not forget it: it delivers the message again. What will never get
        there is the source's business, as without a `deadLetter`.
        """
        burial = self._flow.burial or Burial(self._flow.name)
        letter = burial.letter(error, verdict.reason, attempts=delivery.attempt, before=delivery.before)
        if burial.grave is None:
            return verdict._replace(letter=letter)
        try:
            await burial.bury(delivery.message, letter)
        except Unfit as unfit:
            burial.told(unfit, delivery.message)
            return verdict._replace(letter=letter)
        except Exception as lost:  # noqa: BLE001  it is logged
            burial.told(lost, delivery.message)
            return Retry(RETRY.pause(delivery.attempt), lost)
        return verdict._replace(letter=letter, is_kept=True)

    async def _whole(self, delivery: Delivery) -> Outcome:
        """The outcome, once all messages that the flow has made of the delivery have ended too."""
        elements = gather()
        try:
            outcome = await self._outcome(delivery)
        except Exception:
            await elements.ended()  # the message must not come again while a part of it is under way
            raise
        await elements.finished()
        return outcome

    async def _outcome(self, delivery: Delivery) -> Outcome:
        if delivery.timeout is None:
            return await at_last(self._flow.call(delivery.message))
        return await Deadline(self._flow.title, delivery.timeout).of(at_last(self._flow.call(delivery.message)))

    async def _settle(self, delivery: Delivery, verdict: Verdict) -> bool:
        """Give the source its verdict; whether it took it."""
        self._work.settle()
        is_taken = False
        try:
            if delivery.settle is not None:
                await delivery.settle(verdict)
            is_taken = True
        except Disconnected as error:
            self._lost(error)
        except Exception as error:  # noqa: BLE001  it is logged
            self._told("a delivery could not be settled", error, verdict=type(verdict).__name__.lower())
        finally:
            self._settled(is_taken)
        return is_taken

    # --- leases --------------------------------------------------------------------------------------------------

    @contextmanager
    def _kept(self, delivery: Delivery, held: Held) -> Iterator[None]:
        """Renew the lease of the delivery while the body runs."""
        if delivery.extend is None or delivery.lease is None:
            yield
            return
        held.until = asyncio.get_running_loop().time() + delivery.lease
        keeping = self._work.spawn(self._keep(delivery, held))
        try:
            yield
        finally:
            keeping.cancel()

    async def _keep(self, delivery: Delivery, held: Held) -> None:
        assert delivery.extend is not None
        assert delivery.lease is not None
        while True:
            await asyncio.sleep(delivery.lease / 2)
            asked = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(delivery.lease / 2):
                    await delivery.extend()
                held.until = asked + delivery.lease
            except Disconnected as error:
                self._lost(error)
            except Exception as error:  # noqa: BLE001  it is logged
                self._told("a lease could not be extended", error)

    def _told(self, what: str, error: Exception, **more: object) -> None:
        """Log an error of the source: one that it has planned for needs no traceback."""
        is_planned = isinstance(error, OctoError)
        about = fields(flow=self._flow.name, error=str(error) if is_planned else type(error).__name__, **more)
        log.error(what, extra=about, exc_info=None if is_planned else error)


def taken(outcome: Outcome) -> Verdict:
    """Return the verdict on a message that its flow has completed or dropped."""
    end = ending(outcome)
    return end if isinstance(end, Drop) else Done(end)


def judged(error: Exception, delivery: Delivery) -> Retry | Reject:
    """Return the verdict on a delivery whose flow has failed."""
    cause = error.cause if isinstance(error, Failure) else error
    if not isinstance(cause, OctoError) or not cause.retryable:
        return Reject(masked(str(error)), cause)
    if delivery.most_attempts is not None and delivery.attempt >= delivery.most_attempts:
        return Reject(masked(f"attempt {delivery.attempt} of {delivery.most_attempts} failed: {error}"), cause)
    return Retry(cause.retry_after if isinstance(cause, Overloaded) else RETRY.pause(delivery.attempt), cause)


def unfit(delivery: Delivery) -> Reject | None:
    """Return the verdict on a delivery whose source says that no flow could use it, None if it says nothing."""
    return None if delivery.unfit is None else Reject(masked(str(delivery.unfit)), delivery.unfit)


def worn_out(delivery: Delivery) -> Reject | None:
    """Return the verdict on a delivery that was tried too often already, None if it was not.

    Such a message is not run: it may be what ended the process each time.
    """
    if delivery.most_attempts is None or delivery.attempt <= delivery.most_attempts:
        return None
    reason = f"delivered {delivery.attempt} times, at most {delivery.most_attempts} attempts; it was never settled"
    return Reject(reason, Permanent(reason))
