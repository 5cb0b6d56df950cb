"""Observers watch flows run, wrap their blocks, or replace them.

An observer takes part when a flow is built: the build passes it the flow and every branch and step, and runs what the
observer returns. So watching costs only what the observer itself does, and nothing without one. Traces, spies, mocks,
breakpoints, coverage and contracts are observers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from octo.config.documents import FlowDoc
from octo.core.flow import Processor
from octo.engine.step import Step

Build = Callable[["Observer"], Processor]
"""Compiles a flow and its error chain anew, with the given observer of its branches and steps."""


class Observer:
    """Returns everything unchanged; subclasses override what they want to see or replace.

    Inner parts come first: the steps of a branch before the branch, the branches of a block before its step.
    """

    def begin(self, generation: int) -> None:
        """Called before the flows of a generation are built, with its number in the process."""

    def flow(self, doc: FlowDoc, build: Build) -> Processor:
        """Return what runs for each message of a flow.

        Most observers build the flow once, and pass themselves to `build`. One that has an observer per flow passes
        that. One that watches some messages only builds the flow a second time, with `NOBODY`, for the others.
        """
        del doc
        return build(self)

    def branch(self, address: str, chain: Processor) -> Processor:
        """Return the chain to run in place of this one. `address` is `flow`, `flow[error]` or `flow.block[branch]`."""
        del address
        return chain

    def step(self, step: Step) -> Step:
        """Return the step to run in place of `step`."""
        return step


NOBODY = Observer()


class Observers(Observer):
    """Several observers as one; the first is the innermost."""

    def __init__(self, each: Iterable[Observer] = ()) -> None:
        self.each = tuple(each)

    def begin(self, generation: int) -> None:
        for observer in self.each:
            observer.begin(generation)

    def flow(self, doc: FlowDoc, build: Build) -> Processor:
        """Ask the outermost observer first; what it builds is the flow as the inner ones return it."""
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
