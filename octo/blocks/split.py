"""split: run the rest of the flow once for each element of a list, or for each piece of a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from octo.blocks import pieces
from octo.core.block import Block, Tail, block
from octo.core.expressions import Expr
from octo.core.flow import Drop, Failure, Outcome, Stop, ending
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.sockets import Steps
from octo.core.state import State

UNKNOWN_SIZE = -1


class Split(Settings):
    may_stop: ClassVar[bool] = True

    mode: Literal["expression", "lines", "delimiter", "chunk"] = "expression"
    """What the elements are. `expression`: those of the list `items`. The others cut a text, or raw content, which is
    read piece by piece: `lines` at line feeds, `delimiter` at `delimiter`, `chunk` every `chunkSize` characters."""
    items: Expr[list[object]] | None = Field(default=None, examples=["body.lines"])
    """With `expression`: the list, e.g. `body.lines`."""
    delimiter: str = ""
    """With `delimiter`: the text between two elements."""
    chunk_size: Annotated[int, Field(ge=1, le=pieces.LARGEST)] | None = None
    """With `chunk`: how many characters an element has."""
    on_error: Literal["skip", "abort"] = "skip"
    """What the failure of an element means, if the flow's `error:` chain does not handle it. `skip`: it is logged, and
    the others run. `abort`: no further element begins, this block fails, and so does a delivery."""
    build_response: Steps | None = None
    """Makes the answer for the caller, from the message that came, with `vars.groupId` and `vars.groupSize`."""

    @model_validator(mode="after")
    def _has_what_its_mode_needs(self) -> Self:
        given = {"expression": self.items, "delimiter": self.delimiter, "chunk": self.chunk_size}
        names = {"expression": "items", "delimiter": "delimiter", "chunk": "chunkSize"}
        for mode, value in given.items():
            if mode == self.mode and not value:
                raise ValueError(f"`mode: {mode}` needs `{names[mode]}`")
            if mode != self.mode and value:
                raise ValueError(f"`{names[mode]}` is for `mode: {mode}`; here it is `{self.mode}`")
        return self

    def shape_after(self, before: State) -> State:
        element = before.of(self.items).element if self.items is not None else None
        numbered = before.without_var("groupId").without_var("groupSize")
        numbered.chain(self.build_response)
        return numbered.with_body(element).without_var("groupIndex")


@block("split")
def split(settings: Split, message: Message, tail: Tail) -> Block[Outcome]:
    """Run the rest of the flow for each element, as messages of their own; the flow itself ends here with its answer.

    An element has the variables and the correlation id of the message, and `vars.groupId` (the message's event id),
    `vars.groupIndex` (from 0) and `vars.groupSize`: -1 while it is unknown, as it is for all but the last piece of a
    text. Elements run at the same time, as many as workers of the flow are free; the block waits for room. The caller
    gets the message that came, or what `buildResponse` makes of it, once all elements have begun.

    A source that can acknowledge hears of success after all elements have ended. If the process ends before that, it
    brings the message again, and all elements run again.
    """
    group = tail.group(abort=settings.on_error == "abort")
    size = 0
    try:
        for element in _elements(settings, message):
            size += 1
            yield group.run(element)
        group.check()
    except Failure as failure:
        raise _of_block(failure, message) from failure
    counted = message.with_vars({**message.vars, "groupId": message.event_id, "groupSize": size})
    if settings.build_response is None:
        return Stop(counted)
    try:
        outcome: Outcome = yield settings.build_response(counted)
    except Failure as failure:
        failure.message = message
        raise
    return outcome if isinstance(outcome, Drop) else Stop(ending(outcome))


def _elements(settings: Split, message: Message) -> Iterator[Message]:
    if settings.items is not None:
        items = settings.items(message)
        for index, item in enumerate(items):
            yield _element(message, item, index, len(items))
        return
    before: str | None = None
    index = 0
    for piece in _pieces(settings, message):
        if before is not None:
            yield _element(message, before, index, UNKNOWN_SIZE)
            index += 1
        before = piece
    if before is not None:
        yield _element(message, before, index, index + 1)


def _pieces(settings: Split, message: Message) -> Iterable[str]:
    text = pieces.chunks(message, f"split {settings.mode}")
    if settings.mode == "lines":
        return pieces.lines(text)
    if settings.mode == "delimiter":
        return pieces.delimited(text, settings.delimiter)
    assert settings.chunk_size is not None
    return pieces.equal(text, settings.chunk_size)


def _element(message: Message, item: object, index: int, size: int) -> Message:
    numbers = {"groupId": message.event_id, "groupIndex": index, "groupSize": size}
    return message.rekeyed(str(index)).with_body(item).with_vars({**message.vars, **numbers})


def _of_block(failure: Failure, message: Message) -> Failure:
    """The failure of an element as that of the block: the element's own is told already, and stays as it is."""
    copied = Failure(failure.cause, failure.label, failure.address, message, failure.at, failure.text)
    copied.way = ["element", *failure.way]
    return copied
