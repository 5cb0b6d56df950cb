"""Observers: who watches flows run, steps in between, or takes a block's place.

Observing happens while a flow is built: every step, branch and flow is handed to the observers, and what they answer
runs in its place. So watching costs what the watcher does, and without one nothing. Traces, spies, mocks,
breakpoints, coverage and contracts are observers.
"""

from __future__ import annotations

from collections.abc import Iterable

from octo.config.documents import FlowDoc
from octo.core.flow import Processor
from octo.engine.chain import Step


class Observer:
    """Answers everything as it is; subclasses say what they want to see, or replace.

    Inner ones come first: the steps of a branch before the branch, the branches of a block before its step.
    """

    def begin(self, generation: int) -> None:
        """The flows of a generation are about to be built; its number in the process."""

    def step(self, step: Step) -> Step:
        """The step to run in the place of `step`."""
        return step

    def branch(self, address: str, chain: Processor) -> Processor:
        """The chain to run in the place of this one. `address` is `flow`, `flow[error]` or `flow.composite[branch]`."""
        del address
        return chain

    def flow(self, doc: FlowDoc, process: Processor) -> Processor:
        """What to run for each message of a flow; `process` includes its error chain."""
        del doc
        return process


class Observers(Observer):
    """Several as one; the first is the innermost."""

    def __init__(self, each: Iterable[Observer] = ()) -> None:
        self.each = tuple(each)

    def begin(self, generation: int) -> None:
        for observer in self.each:
            observer.begin(generation)

    def step(self, step: Step) -> Step:
        for observer in self.each:
            step = observer.step(step)
        return step

    def branch(self, address: str, chain: Processor) -> Processor:
        for observer in self.each:
            chain = observer.branch(address, chain)
        return chain

    def flow(self, doc: FlowDoc, process: Processor) -> Processor:
        for observer in self.each:
            process = observer.flow(doc, process)
        return process
