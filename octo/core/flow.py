"""The results of blocks, chains and flows.

A processor takes a message and returns a `Result`: an outcome, or an awaitable of one. So a chain of blocks that never
wait runs as plain function calls, without an `await`; it becomes a coroutine at the first block that waits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import NamedTuple, Protocol, overload

from octo.core.bounded import bounded
from octo.core.errors import Bug, ConfigError, OctoError, Overloaded, Permanent, Position, Timeout, Transient
from octo.core.message import Message
from octo.expr import ExprError

MOST_TOLD = 4
"""Of failures that arose while others were handled, the text names at most so many: the first and the last ones."""


class Drop(NamedTuple):
    """The message ends here on purpose: its flow is `dropped`, its delivery acknowledged."""

    reason: str = ""


class Stop(NamedTuple):
    """The message is the answer already: the chains around the block end here, and the flow is `completed` with it.

    A block that refuses a message returns it with what the caller gets. Of flows that called each other all end.
    """

    message: Message


Outcome = Message | Drop | Stop
Result = Message | Drop | Stop | Awaitable[Message | Drop | Stop]


async def at_last(result: Result) -> Outcome:
    """Return the outcome of a result; wait for it if it is an awaitable."""
    return result if isinstance(result, Outcome) else await result


Ending = Message | Drop
"""How a message has ended, as its source sees it: a stop is an answer like any other."""


@overload
def ending(outcome: Message | Stop) -> Message: ...
@overload
def ending(outcome: Outcome) -> Ending: ...
def ending(outcome: Outcome) -> Ending:
    """Return what the source of a message gets."""
    return outcome.message if isinstance(outcome, Stop) else outcome


class Processor(Protocol):
    """Anything that a message can run through: a block, a chain or a flow."""

    def __call__(self, message: Message, /) -> Result: ...


class Callee(Protocol):
    """A flow as other flows see it, with all that a model or another program needs to use it as a tool.

    description: what the flow does, as its author wrote it; "" if the author wrote none.
    input: the JSON Schema of the bodies it takes, as written; None if it declares none.
    """

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def input(self) -> Mapping[str, object] | None: ...

    def call(self, message: Message) -> Result:
        """Run the message through the flow in the caller's task. Raises `Failure` when the flow fails."""
        ...

    async def send(self, message: Message) -> None:
        """Pass the message to the flow and return once the flow has accepted it; waits while its buffer is full."""
        ...


class Halt(BaseException):
    """Raised by an observer that has seen enough: the flow ends here, and no error chain runs."""


class Fenced(Halt):
    """Another process may have the message by now: it ends here without an error chain, and is given back."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Failure(Exception):
    """An error inside a chain, with the steps that lead to it and the message as it was.

    cause: what the block raised.
    label: the block of the outermost chain that the failure has left so far; an error chain sees the block of its own
        flow that failed.
    way: every step from the outermost chain down to the block that raised, as text.
    address: where that block is, e.g. `orders.check[then].charge`.
    at: the place in the file: that of the failing part of the expression if one failed, else that of the block.
    text: what is told of the cause, e.g. with the setting whose expression failed; without it, the cause's own text.
    first: the failure that an error chain was to handle when this one arose in it; None outside of error chains.
    message: the input of the failing block. Composites that work on copies (fork branches, foreach in map mode,
        flow-ref) put their own input here: changes inside them stay inside.
    """

    def __init__(
        self,
        cause: Exception,
        label: str,
        address: str,
        message: Message,
        at: Position | None = None,
        text: str | None = None,
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.label = label
        self.way = [f'block "{label}"']
        self.address = address
        self.at = at
        self.text = text
        self.message = message
        self.first: Failure | None = None

    def after(self, first: Failure) -> Failure:
        """Return the same failure, which arose in the chain that was to handle `first`."""
        earliest = self.told[0]
        if earliest is not first:
            earliest.first = first
        return self

    @property
    def told(self) -> list[Failure]:
        """All failures in the order in which they arose: those whose handling failed, then this one."""
        found = [self]
        while (first := found[0].first) is not None and first not in found:
            found.insert(0, first)
        return found

    def inside(self, step: str, label: str | None = None) -> Failure:
        """Return the same failure as seen from one step further out."""
        for each in self.told:
            each.way.insert(0, step)
        self.label = self.label if label is None else label
        return self

    def isolated(self, step: str, message: Message) -> Failure:
        """Return the same failure for a caller whose own message did not change."""
        self.message = message
        return self.inside(step)

    def as_value(self, flow: str) -> dict[str, object]:
        """Return what an error chain reads as `vars.error`.

        `cause` is there if this failure arose in an error chain: the failure that the chain was to handle.
        """
        value = self._as_value(flow) | {"message": str(self)}
        return value if self.first is None else value | {"cause": self.first._as_value(flow)}  # noqa: SLF001  its own

    def _as_value(self, flow: str) -> dict[str, object]:
        cause = self.cause
        return {
            "message": self.own,
            "flow": flow,
            "block": self.label,
            "code": cause.code if isinstance(cause, OctoError | ExprError) else Bug.code,
            "type": _type(cause),
            "status": cause.status if isinstance(cause, OctoError) else None,
            "path": self.address,
            "retryable": isinstance(cause, OctoError) and cause.retryable,
        }

    def recovery(self, flow: str) -> Message:
        """Return the message that an error chain starts with: as it was, with `vars.error` and the error's `vars`."""
        left = self.cause.vars if isinstance(self.cause, OctoError) else {}
        return self.message.with_vars({**self.message.vars, **left, "error": self.as_value(flow)})

    def __str__(self) -> str:
        told = [each.own for each in self.told]
        if len(told) > MOST_TOLD:
            told[1 : 1 - MOST_TOLD] = ["..."]
        return "; then ".join(told)

    @property
    def own(self) -> str:
        """The way to the block, and what it raised, without the failures before."""
        cause = self.cause
        text = self.text
        if text is None:
            text = str(cause) if isinstance(cause, OctoError | ExprError) else f"{type(cause).__name__}: {cause}"
        return f"{bounded(': '.join(self.way))}: {bounded(text)}"


def _type(cause: Exception) -> str:
    if isinstance(cause, ExprError):
        return "ExprError"
    if isinstance(cause, OctoError) and cause.kind:
        return cause.kind
    kinds = (Timeout, Overloaded, Transient, Permanent, Bug, ConfigError, OctoError)
    return next((kind.__name__ for kind in kinds if isinstance(cause, kind)), "Bug")
