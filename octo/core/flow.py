"""What comes out of a block, a chain or a flow.

A processor takes a message and answers a `Result`: either an outcome at once, or an awaitable of one. So a chain of
blocks that never wait runs as plain function calls, without one `await`; it becomes a coroutine at the first block
that does.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from octo.core.message import Message


@dataclass(frozen=True, slots=True)
class Drop:
    """The message ends here on purpose: its flow is `dropped`, its delivery acknowledged."""

    reason: str = ""


Outcome = Message | Drop
Result = Message | Drop | Awaitable[Message | Drop]


class Processor(Protocol):
    """Anything a message can run through: a block, a chain, a flow."""

    def __call__(self, message: Message, /) -> Result: ...


class Callee(Protocol):
    """A flow as other flows see it."""

    def call(self, message: Message) -> Result:
        """Run the message through the flow in the caller's own task. Raises `Failure`."""
        ...

    async def send(self, message: Message) -> None:
        """Hand the message over and return once the flow has accepted it; waits while its buffer is full."""
        ...


class Failure(Exception):
    """An error inside a chain, with the way to it and the message as it was.

    cause: what the block raised.
    labels: the blocks from the outermost chain down to the one that raised; a chain adds its own at the front.
    address: where that block is, e.g. `orders.check[then].charge`.
    message: the message the failing block was given. Composites that work on their own copies (fork branches,
        foreach in map mode, flow-ref) put their own input here, because what happened inside stays inside.
    """

    def __init__(self, cause: Exception, label: str, address: str, message: Message) -> None:
        super().__init__(cause)
        self.cause = cause
        self.labels = [label]
        self.address = address
        self.message = message

    def inside(self, label: str) -> Failure:
        """The same failure seen from one chain further out."""
        self.labels.insert(0, label)
        return self

    def isolated(self, message: Message) -> Failure:
        """The same failure for a caller whose message was never touched."""
        self.message = message
        return self

    def __str__(self) -> str:
        return "".join(f'block "{label}": ' for label in self.labels) + str(self.cause)
