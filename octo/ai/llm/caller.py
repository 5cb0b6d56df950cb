"""The caller: asks a wire, and keeps the budgets, the rate, the retries and the time limit of its connector.

Every attempt counts on all budgets that are open around it, and on the connector's own; so no library below may try
again by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import NamedTuple, TypeVar

from octo.ai import estimate
from octo.ai.conversation import Ask, Piece, Reply, Usage, distinct
from octo.ai.llm import prices as known, settings
from octo.ai.llm.rate import Rate
from octo.ai.model import Embedded, Hear, Prices, Wire
from octo.core import deadline
from octo.core.backoff import Backoff
from octo.core.budget import BudgetExceeded, Meter, around, meters, within
from octo.core.errors import NotConnected, OctoError, Timeout, Transient
from octo.core.trace import effect

T = TypeVar("T", Reply, Embedded)
LONGEST_WAIT = 60.0
"""Seconds. A provider that wants a longer one before the next attempt is asked no more."""


class Caller:
    """A model whose calls keep to the limits of its connector.

    type: of the connector, for messages. sleep: exists so that tests can replace it.
    """

    def __init__(
        self,
        type: str,  # noqa: A002  the usual word
        wire: Wire,
        limits: settings.Provider,
        prices: Prices = known.unknown,
    ) -> None:
        self._type = type
        self._wire = wire
        self._limits = limits
        self._prices = prices if limits.prices is None else known.own(limits.prices)
        self._allowance = _Allowance(limits.budget, f"connector {type}")
        self._rates = _rates(limits.rate)
        self._room: AbstractAsyncContextManager[object] = nullcontext()
        if limits.concurrency is not None:
            self._room = asyncio.Semaphore(limits.concurrency)
        self._backoff = Backoff(0.5, 30.0, jitter=0.5)
        self.sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    @property
    def name(self) -> str:
        return self._wire.model

    async def ask(self, ask: Ask, hear: Hear | None = None) -> Reply:
        """Return the model's reply; see `octo.ai.model.Model`."""
        heard = _Heard(hear)
        request, limit = estimate.request(ask), ask.max_tokens or self._wire.max_tokens
        most = Usage(request, limit or estimate.LONGEST_ANSWER)
        expected = _Expected(most, request + (limit or estimate.ANSWER))

        async def send() -> Reply:
            return await self._wire.send(ask, None if hear is None else heard.piece)

        kind = "complete" if hear is None else "stream"
        return distinct(await self._tried(kind, self._wire.model, expected, send, heard), ask.turns)

    async def embed(self, texts: Sequence[str], model: str, dimensions: int | None = None) -> Embedded:
        """Return a vector for each text; see `octo.ai.model.Model`."""
        tokens = estimate.text(sum(map(len, texts)))
        expected = _Expected(Usage(tokens), tokens)
        return await self._tried(
            "embed", model, expected, lambda: self._wire.embed(texts, model, dimensions), _Heard(None)
        )

    async def _tried(
        self, kind: str, model: str, expected: _Expected, send: Callable[[], Awaitable[T]], heard: _Heard
    ) -> T:
        """Return the first success. Pieces that were heard cannot be taken back: then nothing is tried again."""
        attempt = 0
        failure: Transient | None = None
        while True:
            attempt += 1
            try:
                return await self._attempt(kind, model, expected, send, heard)
            except BudgetExceeded as error:
                raise error from failure  # without which there would have been no further attempt
            except Transient as error:
                failure = error
                pause = max(self._backoff.pause(attempt), error.retry_after or 0.0)
                may = attempt <= self._limits.retries and not isinstance(error, Timeout) and not heard.characters
                if not may or not _fits(pause):
                    raise
                await self.sleep(pause)

    async def _attempt(
        self, kind: str, model: str, expected: _Expected, send: Callable[[], Awaitable[T]], heard: _Heard
    ) -> T:
        call = _Call(kind, model, self)
        is_inside = any(isinstance(each, _Call) and each.caller is self for each in around())
        for rate, of_tokens in self._rates:
            await rate.take(expected.likely if of_tokens else 1)
        # Who hears an answer may ask, too, and its place is there already.
        async with nullcontext() if is_inside else self._room, self._counted(call, expected, heard):
            try:
                async with asyncio.timeout(self._limits.timeout.total_seconds()) as limit:
                    answer = await send()
            except TimeoutError:
                if not limit.expired():
                    raise
                text = f"{self._type} {kind}: no answer within {self._limits.timeout.total_seconds():g}s"
                raise Timeout(text) from None
            except OctoError as error:
                raise error.within(f"{self._type} {kind}") from error.__cause__
            # Providers answer with the full name of a version, which the list may not have yet.
            money = self._prices(getattr(answer, "model", ""), answer.usage)
            used = answer.usage._replace(money=self._prices(model, answer.usage) if money is None else money)
            call.usage = used
            return answer._replace(usage=used)

    @asynccontextmanager
    async def _counted(self, call: _Call, expected: _Expected, heard: _Heard) -> AsyncIterator[None]:
        """Count the call on all budgets, whatever comes of it."""
        most = expected.most
        money = self._prices(call.model, most)
        begun: list[Meter] = []
        clock = asyncio.get_running_loop().time
        began = clock()
        failure: BaseException | None = None
        try:
            for meter in (*meters(), self._allowance.meter(began)):
                await meter.begin(call, most.input_tokens + most.output_tokens, money)
                begun.append(meter)
            began = clock()
            call.is_sent = True
            with within(call):
                yield
        except BaseException as error:
            failure = error
            raise
        finally:
            if not call.is_sent:
                for meter in begun:
                    meter.forget(call)
            else:
                used = call.usage or self._guessed(call, failure, expected, heard)
                for meter in begun:
                    meter.end(call, used.input_tokens, used.output_tokens, used.money)
                told = {"error": failure.code} if isinstance(failure, OctoError) else {}
                effect(
                    "llm",
                    connector=self._type,
                    model=call.model,
                    call=call.kind,
                    **used.as_json(),
                    seconds=round(clock() - began, 6),
                    **told,
                )

    def _guessed(self, call: _Call, failure: BaseException | None, expected: _Expected, heard: _Heard) -> Usage:
        """What a call has cost that did not end: nothing if it was refused, else what was sent and what had come."""
        refused = isinstance(failure, NotConnected) or (isinstance(failure, OctoError) and failure.status is not None)
        if refused and not heard.characters:
            return Usage(money=0.0)
        used = Usage(expected.most.input_tokens, estimate.text(heard.characters))
        return used._replace(money=self._prices(call.model, used))


class _Expected(NamedTuple):
    """What a call will cost. most: what it may, for budgets, which must not be passed. likely: its tokens as a rule."""

    most: Usage
    likely: int


class _Call:
    """One attempt."""

    def __init__(self, kind: str, model: str, caller: Caller) -> None:
        self.caller = caller
        self.kind = kind
        self.model = model
        self.is_sent = False
        self.usage: Usage | None = None


class _Heard:
    """What the hearer of a call has got of it, over all attempts."""

    def __init__(self, hear: Hear | None) -> None:
        self._hear = hear
        self.characters = 0

    async def piece(self, piece: Piece) -> None:
        assert self._hear is not None
        self.characters += max(1, len(piece.text))
        await self._hear(piece)


class _Allowance:
    """The budget of the connector, which begins anew after each `per`."""

    def __init__(self, given: settings.Allowance | None, of: str) -> None:
        self._budget = None if given is None else given.budget
        self._seconds = None if given is None or given.per is None else given.per.total_seconds()
        self._of = of
        self._meter = Meter(self._budget, of)
        self._until: float | None = None

    def meter(self, now: float) -> Meter:
        if self._seconds is not None:
            if self._until is None:
                self._until = now + self._seconds
            elif now >= self._until:
                # Calls under way end on the meter on which they began.
                self._meter = Meter(self._budget, self._of)
                self._until = now + self._seconds
        return self._meter


class _Limit(NamedTuple):
    rate: Rate
    of_tokens: bool


def _rates(given: settings.Rate | None) -> tuple[_Limit, ...]:
    if given is None:
        return ()
    seconds = given.per.total_seconds()
    limits = [_Limit(Rate(given.calls, seconds, "calls"), of_tokens=False)]
    if given.tokens is not None:
        limits.append(_Limit(Rate(given.tokens, seconds, "tokens"), of_tokens=True))
    return tuple(limits)


def _fits(pause: float) -> bool:
    """Whether a wait ends before it is of no use."""
    left = deadline.left()
    return pause <= LONGEST_WAIT and (left is None or pause < left.seconds)
