"""Metrics of single blocks, for those who ask for them: counting every block costs about as much as a small one."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from time import perf_counter

from octo.config.documents import Config, FlowDoc
from octo.core.flow import Drop, Outcome, Processor, Result
from octo.core.log import fields
from octo.core.message import Message
from octo.engine.build import blocks_of
from octo.engine.chain import Step
from octo.engine.metrics import Histogram, Series
from octo.engine.observe import Observer
from octo.expr import nearest

log = logging.getLogger("octo.admin")

EVERY_BLOCK = "*"


class BlockMetrics(Observer):
    """Counts the blocks at these addresses; `*` stands for all of them."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._addresses = frozenset(addresses)
        self._counted: dict[tuple[str, str, str], _Block] = {}
        self._unplaced: list[tuple[Step, _Block]] = []

    def step(self, step: Step) -> Step:
        if EVERY_BLOCK not in self._addresses and step.address not in self._addresses:
            return step
        block = _Block()
        self._unplaced.append((step, block))
        return step._replace(call=_counting(step.call, block))

    def flow(self, doc: FlowDoc, process: Processor) -> Processor:
        """Its steps came before it: now it is known whose they are. A block that was there before counts on."""
        for step, block in self._unplaced:
            block.home = self._counted.setdefault((doc.name, step.address, step.type), block)
        self._unplaced.clear()
        return process

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


class _Block:
    """The counts of a block. home: where they are kept, which after a reload is where they were before."""

    __slots__ = ("durations", "home", "outcomes")

    def __init__(self) -> None:
        self.outcomes = {"completed": 0, "dropped": 0, "failed": 0}
        self.durations = Histogram()
        self.home = self

    def ended(self, outcome: str, began: float) -> None:
        home = self.home
        home.outcomes[outcome] += 1
        home.durations.add(perf_counter() - began)


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
