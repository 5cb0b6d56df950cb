"""Metrics of single blocks, on demand: counting a block costs about as much as running a small one."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from time import perf_counter

from octo.config.documents import Config, FlowDoc
from octo.config.walk import blocks_of
from octo.core.flow import Drop, Outcome, Processor, Result
from octo.core.log import fields
from octo.core.message import Message
from octo.engine.metrics import Histogram, Series
from octo.engine.observe import Build, Observer
from octo.engine.step import Step
from octo.expr import nearest

log = logging.getLogger("octo.operations")

EVERY_BLOCK = "*"


class BlockMetrics(Observer):
    """Counts the blocks at these addresses; `*` stands for all of them."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._addresses = frozenset(addresses)
        self._counted: dict[tuple[str, str, str], _Block] = {}

    def flow(self, doc: FlowDoc, build: Build) -> Processor:
        return build(_Flow(partial(self._block, doc.name)))

    def _block(self, flow: str, step: Step) -> _Block | None:
        """Return the counts of a block, None if it is not counted. After a reload, a block keeps its counts."""
        if EVERY_BLOCK not in self._addresses and step.address not in self._addresses:
            return None
        return self._counted.setdefault((flow, step.address, step.type), _Block())

    def check(self, config: Config) -> None:
        """Warn about addresses at which the configuration has no block."""
        known = [block.address for doc in config.flows.values() for block in blocks_of(doc)]
        for address in sorted(self._addresses - {EVERY_BLOCK, *known}):
            cure = fields(address=address, nearest=nearest(address, known) or "")
            log.warning("there is no such block to measure", extra=cure)

    def snapshot(self) -> dict[str, Series]:
        return {
            "octo_block_messages_total": [
                ((*labels, outcome), count)
                for labels, block in self._counted.items()
                for outcome, count in block.outcomes.items()
            ],
            "octo_block_duration_seconds": [
                (labels, block.durations.value()) for labels, block in self._counted.items()
            ],
        }


class _Flow(Observer):
    """Counts the blocks of one flow."""

    def __init__(self, counts: Callable[[Step], _Block | None]) -> None:
        self._counts = counts

    def step(self, step: Step) -> Step:
        block = self._counts(step)
        return step if block is None else step._replace(call=_counting(step.call, block))


class _Block:
    """The counts of a block."""

    __slots__ = ("durations", "outcomes")

    def __init__(self) -> None:
        self.outcomes = {"completed": 0, "dropped": 0, "failed": 0}
        self.durations = Histogram()

    def ended(self, outcome: str, began: float) -> None:
        self.outcomes[outcome] += 1
        self.durations.add(perf_counter() - began)


def _counting(call: Callable[[Message], Result], block: _Block) -> Callable[[Message], Result]:
    def counted(message: Message) -> Result:
        began = perf_counter()
        try:
            result = call(message)
        except BaseException:
            block.ended("failed", began)
            raise
        if result.__class__ is not Message and result.__class__ is not Drop and inspect.isawaitable(result):
            return awaited(result, began)
        block.ended("dropped" if result.__class__ is Drop else "completed", began)
        return result

    async def awaited(waiting: Awaitable[Outcome], began: float) -> Outcome:
        outcome = "failed"
        try:
            result = await waiting
            outcome = "dropped" if isinstance(result, Drop) else "completed"
            return result
        finally:
            block.ended(outcome, began)

    return counted
