"""Sources: how a connector feeds a flow. There are two shapes.

*Pull*: an async generator of deliveries. The engine takes the next one only when the flow has room, runs it, and
settles it by its outcome. A reload stops the old generator before it starts the new one, so nothing is read twice.

    @source("queue")
    async def consume(self, settings: Consume) -> AsyncIterator[Delivery]: ...

*Push*: an async context manager that is given an `Inlet`. While it is entered, the outside calls the inlet and gets
the outcome as an answer. A reload enters the new one before it leaves the old one, so there is no gap; entering and
leaving must not wait, which is what makes the swap atomic.

    @source("http")
    @asynccontextmanager
    async def route(self, settings: Route, inlet: Inlet) -> AsyncIterator[None]: ...
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from octo.core.block import settings_of
from octo.core.flow import Outcome, Result
from octo.core.message import Message
from octo.core.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


class Delivery:
    """A message on its way in, and what its sender wants to hear about it.

    ack: awaited with the outcome once the flow has completed or dropped the message.
    nack: awaited with the error once the flow has failed, or was stopped before it could finish.
    A source that cannot acknowledge gives neither: its page says at-most-once.
    """

    __slots__ = ("ack", "message", "nack")

    def __init__(
        self,
        message: Message,
        ack: Callable[[Outcome], Awaitable[None]] | None = None,
        nack: Callable[[BaseException], Awaitable[None]] | None = None,
    ) -> None:
        self.message = message
        self.ack = ack
        self.nack = nack


class Inlet(Protocol):
    """A flow as a push source sees it."""

    flow: str

    def call(self, message: Message, timeout: float | None = None) -> Result:
        """Run the message; `timeout` in seconds covers waiting for room and the work.

        The outcome comes at once if nothing waits, else as an awaitable, which must be awaited. Raises, at once or
        when awaited, `Overloaded` when the message never started, `Timeout` when its work was cancelled at the
        deadline, `Failure` when the flow failed.
        """
        ...


class SourceType(NamedTuple):
    """A declared source: a method of a connector class.

    once: of all processes that run the same configuration only one may run it, as with a clock.
    """

    name: str
    settings: type[Settings]
    function: Callable[..., Any]
    doc: str
    is_push: bool
    once: bool = False
    connector: str = ""


def source(name: str, *, once: bool = False) -> Callable[[F], F]:
    """Mark a connector's method as the source `name`; `once` as in `SourceType`."""

    def mark(function: F) -> F:
        function.__octo_source__ = SourceType(  # type: ignore[attr-defined]
            name=name,
            settings=settings_of(function),
            function=function,
            doc=inspect.cleandoc(function.__doc__ or ""),
            is_push=not inspect.isasyncgenfunction(function),
            once=once,
        )
        return function

    return mark
