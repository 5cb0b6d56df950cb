"""foreach: run a chain for every element of a list."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from octo.blocks.restored import restored
from octo.blocks.tried import tried
from octo.core.block import Block, Site, block
from octo.core.expressions import Expr
from octo.core.flow import Drop, Failure, Outcome, Processor, Result, Stop, ending
from octo.core.message import Message
from octo.core.occurrence import matters, turn
from octo.core.settings import Settings
from octo.core.sockets import Steps
from octo.core.state import State


class Foreach(Settings):
    items: Expr[list[object]]
    """The list, e.g. `body.lines`."""
    as_: str = Field("item", alias="as", min_length=1)
    """Name of the variable that holds the current element."""
    mode: Literal["iterate", "map"] = "iterate"
    """`iterate`: every element starts from the message that resulted from the one before, so changes add up. `map`:
    every element starts from the incoming message, and the list of the resulting bodies becomes the body."""
    concurrency: Annotated[int, Field(ge=1)] = 1
    """At most so many elements of `map` run at once. Results keep their order. The flow's `pool` is a limit, too."""
    on_error: Literal["fail", "value"] = "fail"
    """With `map`: `fail` ends the loop at the first error; with `value` each element gives `{ok: true, value: BODY}` or
    `{ok: false, error: {type, code, message, status, retryable, block}}`."""
    body: Steps
    """Runs for every element."""

    @model_validator(mode="after")
    def _iterate_is_sequential(self) -> Self:
        if self.concurrency > 1 and self.mode == "iterate":
            raise ValueError("`concurrency` needs `mode: map`; `iterate` passes each message to the next element")
        if self.on_error == "value" and self.mode == "iterate":
            raise ValueError("`onError: value` needs `mode: map`, which has a place for each element")
        return self

    @property
    def run(self) -> Processor:
        """The chain for one element."""
        return self.body.run if self.on_error == "fail" else partial(tried, self.body)

    @cached_property
    def turn(self) -> Callable[[int, Processor, Message], Result]:
        """Runs the chain for the element of this number. The number costs as much as a simple block."""
        return turn if matters(self.body) else _unnumbered

    def shape_after(self, before: State) -> State:
        element = before.of(self.items).element

        def once(state: State) -> State:
            return state.with_var(self.as_, element).chain(self.body).without_var(self.as_)

        if self.mode == "map":  # a dropped element becomes null
            mapped = once(before)
            return before.with_body(mapped.body.or_null().listed() if self.on_error == "fail" else None)
        return before.repeated(once)


@block("foreach")
def foreach(settings: Foreach, message: Message, site: Site) -> Block[Outcome]:
    """Run a chain for every element of a list.

    With `iterate`, a drop inside the chain drops the message; with `map`, it leaves null in place of the element. An
    error ends the loop. A stop ends loop and flow: `map` answers with the bodies so far, the last one included.
    """
    items = settings.items(message)
    if settings.mode == "iterate":
        return (yield from _iterate(settings, message, items))
    try:
        if settings.concurrency == 1:
            return (yield from _map(settings, message, items))
        return (yield from _map_concurrently(settings, message, items, site))
    except Failure as failure:
        failure.message = message
        raise


def _iterate(settings: Foreach, message: Message, items: list[object]) -> Block[Outcome]:
    current, run = message, settings.turn
    for number, item in enumerate(items):
        outcome: Outcome = yield run(number, settings.body.run, current.with_var(settings.as_, item))
        if not isinstance(outcome, Message):
            return outcome
        current = outcome
    return restored(settings.as_, message, current)


def _map(settings: Foreach, message: Message, items: list[object]) -> Block[Outcome]:
    """Run one element after the other. Only the bodies are kept: the cost per item must not grow with their number."""
    run, name, vars = settings.run, settings.as_, message.vars  # noqa: A001  the language's own word
    numbered = settings.turn
    bodies: list[object] = []
    for number, item in enumerate(items):
        outcome: Outcome = yield numbered(number, run, message.with_vars({**vars, name: item}))
        if isinstance(outcome, Stop):
            bodies.append(outcome.message.body)
            return Stop(message.with_body(bodies))
        bodies.append(None if isinstance(outcome, Drop) else outcome.body)
    return message.with_body(bodies)


def _map_concurrently(settings: Foreach, message: Message, items: list[object], site: Site) -> Block[Outcome]:
    run, name, vars = settings.run, settings.as_, message.vars  # noqa: A001  as above
    calls = (
        partial(settings.turn, number, run, message.with_vars({**vars, name: item}))
        for number, item in enumerate(items)
    )
    gathered = site.pool.gather(calls, settings.concurrency, to_stop=True)
    outcomes: list[Outcome] = gathered if isinstance(gathered, list) else (yield gathered)
    answer = message.with_body([None if isinstance(each, Drop) else ending(each).body for each in outcomes])
    return Stop(answer) if any(isinstance(each, Stop) for each in outcomes) else answer


def _unnumbered(_: int, process: Processor, message: Message) -> Result:
    return process(message)
