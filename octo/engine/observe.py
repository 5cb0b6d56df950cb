"""Observers: who watches flows run, steps in between, or takes a block's place.

Observing happens while a flow is built: a flow asks its observer what to run, every branch and step on the way too,
and what they answer runs in its place. So watching costs what the watcher does, and without one nothing. Traces, spies,
mocks, breakpoints, coverage and contracts are observers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from octo.config.documents import FlowDoc
from octo.core.flow import Processor
from octo.engine.step import Step

Build = Callable[["Observer"], Processor]
"""Compiles a flow, its error chain included, with an observer of its branches and steps; each time anew."""


class Observer:
    """Answers everything as it is; subclasses say what they want to see, or replace.

    Inner ones come first: the steps of a branch before the branch, the branches of a block before its step.
    """

    def begin(self, generation: int) -> None:
        """The flows of a generation are about to be built; its number in the process."""

    def flow(self, doc: FlowDoc, build: Build) -> Processor:
        """What to run for each message of a flow.

        Most build it once, watched by themselves. One that knows each flow by an observer of its own hands that to
        `build`, and one that looks at some messages only builds the flow a second time, with `NOBODY`, for the others.
        """
        del doc
        return build(self)

    def branch(self, address: str, chain: Processor) -> Processor:
        """The chain to run in the place of this one. `address` is `flow`, `flow[error]` or `flow.composite[branch]`."""
        del address
        return chain

    def step(self, step: Step) -> Step:
        """The step to run in the place of `step`."""
        return step


NOBODY = Observer()


class Observers(Observer):
    """Several as one; the first is the innermost."""

    def __init__(self, each: Iterable[Observer] = ()) -> None:
        self.each = tuple(each)

    def begin(self, generation: int) -> None:
        for observer in self.each:
            observer.begin(generation)

    def flow(self, doc: FlowDoc, build: Build) -> Processor:
        """The outermost decides first; what it builds is what all others made of the flow."""
        if not self.each:
            return build(NOBODY)
        *inner, outer = self.each
        return outer.flow(doc, lambda watch: Observers(inner).flow(doc, lambda rest: build(Observers((rest, watch)))))

    def branch(self, address: str, chain: Processor) -> Processor:
        for observer in self.each:
            chain = observer.branch(address, chain)
        return chain

    def step(self, step: Step) -> Step:
        for observer in self.each:
            step = observer.step(step)
        return step
