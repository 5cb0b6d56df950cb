"""mcp-progress: tell a client that waits for a tool how far it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from octo.core.block import block
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.state import State

Tell = Callable[[float, float | None, str | None], Awaitable[None]]

_tell: ContextVar[Tell | None] = ContextVar("octo.mcp.progress", default=None)


class Progress(Settings):
    progress: Expr[object]
    """How far the tool is: a number that grows from one time to the next, e.g. `vars.done`."""
    total: Expr[object] | None = None
    """The number at which it is done, if that is known."""
    text: Expr[str] | None = None
    """What it does now, in words for the user."""

    def shape_after(self, before: State) -> State:
        before.of(self.progress)
        before.of(self.total)
        before.of(self.text)
        return before


@contextmanager
def telling(tell: Tell) -> Iterator[None]:
    """A context in which progress is told this way."""
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)


@block("mcp-progress")
async def mcp_progress(settings: Progress, message: Message) -> Message:
    """Tell the client of MCP that waits for this chain how far it is; the message goes on unchanged.

    A client that has not asked for progress is told nothing. Neither is one whose answer is a single response, as with
    `mcp-router`; `octo mcp` tells it.
    """
    tell = _tell.get()
    progress = settings.progress(message)
    total = None if settings.total is None else settings.total(message)
    if tell is not None and isinstance(progress, int | float):
        text = None if settings.text is None else settings.text(message)
        await tell(float(progress), float(total) if isinstance(total, int | float) else None, text)
    return message
