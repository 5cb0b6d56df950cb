"""chunk: cut a text, or documents, into overlapping pieces, for embeddings and prompts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Mapping
from functools import partial
from typing import Annotated, Self

from pydantic import Field, model_validator

from octo.blocks import pieces
from octo.blocks.passages import By, passages
from octo.core.block import block
from octo.core.errors import Permanent
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.state import State
from octo.core.threads import threads_of

MOST_CHARACTERS = 16 * 1024 * 1024
MOST_PIECES = 100_000
AT_ONCE = 256 * 1024
"""Characters that are cut at once, in some milliseconds; more are cut in a thread, so that other messages go on."""


class Chunk(Settings):
    text: Expr[object] | None = Field(default=None, examples=["body.documents"])
    """What to cut: a text, a document, or a list of documents. A document is a map with `text`; its other keys are
    copied to each of its pieces. Default: the body, which may be raw content."""
    by: By = "sentences"
    """Where a piece may end. A part that is longer than `size` is cut more finely. With `headings` the text is
    Markdown: a heading begins a new piece, and pieces have the headings above them, e.g. `heading: Install > Linux`."""
    size: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Characters of a piece, at most. Four are about one token of English."""
    overlap: Annotated[int, Field(ge=0)] = 100
    """A piece begins with up to this many of the last characters of the piece before, in whole parts, so that what is
    said across a cut is found in one of them. At most half of `size`."""
    as_: str = Field(default="", alias="as")
    """Variable for the pieces; without it they become the body."""

    @model_validator(mode="after")
    def _brings_something_new(self) -> Self:
        if self.overlap * 2 > self.size:
            raise ValueError(f"`overlap` is at most half of `size`: here {self.size // 2}")
        return self

    def shape_after(self, before: State) -> State:
        before.of(self.text)
        return before.without_var(self.as_) if self.as_ else before.with_body()


@block("chunk")
def chunk(settings: Chunk, message: Message) -> Message | Awaitable[Message]:
    """Cut a text into pieces: a list of `{text, index, start, end}`.

    `start` and `end` are places in the text of its document, and `index` counts its pieces from 0. Of a document with
    an `id`, the pieces have that as `document`, and an `id` of their own: `guide#0`, `guide#1`. What they are made of
    may come from outside: give it to a model as data, never as an instruction.
    """
    documents = list(_documents(settings, message))
    work = partial(_cut, settings, documents, message)
    if sum(len(str(each["text"])) for each in documents) <= AT_ONCE:
        return work()
    return asyncio.get_running_loop().run_in_executor(threads_of("chunk"), work)


def _cut(settings: Chunk, documents: list[Mapping[str, object]], message: Message) -> Message:
    found: list[dict[str, object]] = []
    for document in documents:
        for piece in _pieces(settings, document):
            if len(found) == MOST_PIECES:
                raise Permanent(f"chunk makes at most {MOST_PIECES:,} pieces: raise `size`, or cut less at once")
            found.append(piece)
    return message.with_var(settings.as_, found) if settings.as_ else message.with_body(found)


def _documents(settings: Chunk, message: Message) -> Iterator[Mapping[str, object]]:
    given = message.body if settings.text is None else settings.text(message)
    if isinstance(given, str | bytes) or (message.raw and given is message.body):
        read = pieces.chunks(message if given is message.body else message.with_body(given), "chunk")
        given = {"text": _within_limit(read)}
    for each in given if isinstance(given, list) else [given]:
        document = {"text": each} if isinstance(each, str) else each
        if not isinstance(document, Mapping) or not isinstance(document.get("text"), str):
            raise Permanent("chunk needs a text, or documents that are maps with a `text`")
        yield {**document, "text": _within_limit([str(document["text"])])}


def _within_limit(parts: Iterator[str] | list[str]) -> str:
    found, size = [], 0
    for part in parts:
        size += len(part)
        if size > MOST_CHARACTERS:
            raise Permanent(f"chunk reads at most {MOST_CHARACTERS:,} characters of one text: `split` it before")
        found.append(part)
    return "".join(found)


def _pieces(settings: Chunk, document: Mapping[str, object]) -> Iterator[dict[str, object]]:
    text, name = str(document["text"]), document.get("id")
    for index, (start, end, headings) in enumerate(passages(text, settings.by, settings.size, settings.overlap)):
        piece = {**document, "text": text[start:end], "index": index, "start": start, "end": end}
        if headings:
            piece["heading"] = " > ".join(headings)
        if name is not None:
            piece |= {"id": f"{name}#{index}", "document": name}
        yield piece
