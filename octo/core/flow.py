"""What comes out of a block, a chain or a flow.

A processor takes a message and answers a `Result`: either an outcome at once, or an awaitable of one. So a chain of
blocks that never wait runs as plain function calls, without one `await`; it becomes a coroutine at the first block
that does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import NamedTuple, Protocol

from octo.core.errors import Bug, ConfigError, OctoError, Overloaded, Permanent, Position, Timeout, Transient
from octo.core.message import Message
from octo.expr import ExprError


class Drop(NamedTuple):
    """The message ends here on purpose: its flow is `dropped`, its delivery acknowledged."""

    reason: str = ""


Outcome = Message | Drop
Result = Message | Drop | Awaitable[Message | Drop]


class Processor(Protocol):
    """Anything a message can run through: a block, a chain, a flow."""

    def __call__(self, message: Message, /) -> Result: ...


class Callee(Protocol):
    """A flow as other flows see it, and all that a model or another program needs to use it as a tool.

    description: what it does, in the words of its author; "" when there are none.
    input: the JSON Schema of the bodies it is made for, as written; None when it declares none.
    """

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def input(self) -> Mapping[str, object] | None: ...

    def call(self, message: Message) -> Result:
        """Run the message through the flow in the caller's own task. Raises `Failure`."""
        ...

    async def send(self, message: Message) -> None:
        """Hand the message over and return once the flow has accepted it; waits while its buffer is full."""
        ...


class Halt(BaseException):
    """Whoever watches a flow has seen enough: it ends here, past every recovery. Never raised without a watcher."""


class Failure(Exception):
    """An error inside a chain, with the way to it and the message as it was.

    cause: what the block raised.
    label: the member of the chain that saw it last, so for whoever recovers: the failing block of its own chain.
    way: every step from the outermost chain down to the block that raised, as text.
    address: where that block is, e.g. `orders.check[then].charge`.
    at: the place in the file: of the failing part of the expression if one failed, else of the block.
    message: the message the failing block was given. Composites that work on their own copies (fork branches,
        foreach in map mode, flow-ref) put their own input here, because what happened inside stays inside.
    """

    def __init__(
        self, cause: Exception, label: str, address: str, message: Message, at: Position | None = None
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.label = label
        self.way = [f'block "{label}"']
        self.address = address
        self.at = at
        self.message = message

    def inside(self, step: str, label: str | None = None) -> Failure:
        """The same failure seen from one step further out."""
        self.way.insert(0, step)
        self.label = self.label if label is None else label
        return self

    def isolated(self, step: str, message: Message) -> Failure:
        """The same failure for a caller whose own message was never touched."""
        self.message = message
        return self.inside(step)

    def as_value(self, flow: str) -> dict[str, object]:
        """What recovery reads as `vars.error`."""
        cause = self.cause
        return {
            "message": str(self),
            "flow": flow,
            "block": self.label,
            "code": cause.code if isinstance(cause, OctoError | ExprError) else Bug.code,
            "type": _type(cause),
            "status": cause.status if isinstance(cause, OctoError) else None,
            "path": self.address,
            "retryable": isinstance(cause, OctoError) and cause.retryable,
        }

    def recovery(self, flow: str) -> Message:
        """The message that an error chain starts with: as it was, with `vars.error` and what the error leaves."""
        left = self.cause.vars if isinstance(self.cause, OctoError) else {}
        return self.message.with_vars({**self.message.vars, **left, "error": self.as_value(flow)})

    def __str__(self) -> str:
        cause = self.cause
        text = str(cause) if isinstance(cause, OctoError | ExprError) else f"{type(cause).__name__}: {cause}"
        return ": ".join((*self.way, text))


def _type(cause: Exception) -> str:
    if isinstance(cause, ExprError):
        return "ExprError"
    kinds = (Timeout, Overloaded, Transient, Permanent, Bug, ConfigError, OctoError)
    return next((kind.__name__ for kind in kinds if isinstance(cause, kind)), "Bug")
