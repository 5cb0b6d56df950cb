"""What is known of a message before any message has come, for blocks that say what they do to it.

A flow may declare the `input:` it is made for. Octo follows what is then known of a message through the chain, as far
as the settings of each block are `Shaped`:

    class Price(Settings):
        value: Expr[object]

        def shape_after(self, before: State) -> State:
            return before.with_var("price", before.of(self.value))

`before.of(...)` also checks the expression, so call it for every one. After a block without the method nothing is
known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from octo.core.expressions import Expr
    from octo.core.sockets import FlowRef, Steps
    from octo.expr.shape import Shape


class State(Protocol):
    """What is known of a message at one point of a chain. A value: every method returns a new one."""

    @property
    def body(self) -> Shape: ...

    def of(self, expression: Expr[Any] | None) -> Shape:
        """The shape of an expression's value on this message. Checks the expression too."""
        ...

    def chain(self, steps: Steps | None) -> Self:
        """The state after a chain; the same state when there is no chain. Checks the chain too."""
        ...

    def call(self, flow: FlowRef) -> Self:
        """The state after another flow has run on the message, or dropped it and changed nothing."""
        ...

    def either(self, *others: Self) -> Self:
        """The state after one of several things happened."""
        ...

    def repeated(self, once: Callable[[Self], Self]) -> Self:
        """The state after something happened any number of times."""
        ...

    def with_body(self, body: Shape | None = None) -> Self:
        """The state with this body, or with an unknown one."""
        ...

    def with_var(self, name: str, value: Shape) -> Self: ...

    def without_var(self, name: str) -> Self:
        """The state after the variable was removed, or became unknown."""
        ...

    def unknown(self) -> Self:
        """The state after something that may have changed everything."""
        ...

    def failed(self, *, rollback: bool = False) -> Self:
        """The state in which a recovery begins. With `rollback` the body is the one of this state."""
        ...


@runtime_checkable
class Shaped(Protocol):
    """Settings that say what their block does to the shape of a message."""

    def shape_after(self, before: State) -> State:
        """Return what is known of the message after the block, and call `before.of(...)` for each expression."""
        ...
