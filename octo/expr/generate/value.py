"""What the generator knows about a piece of generated code."""

import _ast as py
from typing import Final

Path = tuple[str, tuple[str | int, ...]]
"""A Python name or source, and the keys selected from it: with it, an error can show what was there."""

UNKNOWN: Final = object()
_OPEN: Final = frozenset(("dyn", "list", "map", "optional"))


class Value:
    """A Python expression that computes the value of a CEL expression, and what is proven about it.

    Invariant: `kind` is proven, never assumed, because inline code without checks relies on it. An "int" fits 64 bits.
    """

    __slots__ = (
        "constant",
        "depth",
        "fallible",
        "hidden",
        "is_settled",
        "kind",
        "made",
        "node",
        "path",
        "plain",
        "shared",
    )

    def __init__(
        self,
        node: py.expr,
        kind: str = "dyn",
        fallible: bool = False,
        is_settled: bool = False,
        depth: int = 1,
        constant: object = UNKNOWN,
        path: Path | None = None,
        hidden: str = "",
    ) -> None:
        self.node = node
        self.kind = kind
        self.fallible = fallible
        self.is_settled = is_settled
        self.depth = depth
        """Nesting of `node`; deep expressions are split by temporary variables."""
        self.constant = constant
        """The value when it is known before anything runs, else UNKNOWN."""
        self.path = path
        self.hidden = hidden
        """The proven kind inside dyn(): the author asked for no check when the expression is built."""
        self.made = kind not in _OPEN
        """Whether no integer in it can come from JSON: it, or what a list or map holds, is made by the expression."""
        self.shared = False
        """Whether it is, or holds, something that exists elsewhere too: see `sharing`."""
        self.plain: Value | None = None
        """The same value without statements before it: cheaper, but it fails on errors that may not count."""

    def of(self, *parts: "Value") -> "Value":
        """The same value, known to hold nothing but these parts."""
        self.made = self.made or all(each.made for each in parts)
        return self

    def sharing(self, *values: "Value") -> "Value":
        """Return this value, which is or holds what is shared in those."""
        self.shared = any(each.shared for each in values)
        return self

    @property
    def is_simple(self) -> bool:
        """Whether reading it again costs nothing."""
        return isinstance(self.node, (py.Name, py.Constant))

    @property
    def is_known(self) -> bool:
        return self.constant is not UNKNOWN
