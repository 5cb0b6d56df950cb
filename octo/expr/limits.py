"""How much one evaluation may do before it is stopped.

Invariant: every loop, and every function that can build more than it was given, is subject to one of these limits.
"""

from typing import Any, Final

from octo.expr.errors import BUDGET, ExprError, number

FUEL: Final = 16 * 1024 * 1024
"""What one evaluation may spend on loops and functions; a unit is about 60 ns of work. See `octo/expr/cost.py`."""
MAX_SIZE: Final = 16 * 1024 * 1024
"""At most this many characters or bytes in one value."""
MAX_ELEMENTS: Final = 5_000_000
"""At most this many elements in one list or map, or in a whole value as it becomes JSON."""

MAX_VISITS: Final = 1_000_000
"""At most this many values are looked at by one comparison or format."""
MAX_NODES: Final = 250_000
"""At most this many values in a document of YAML, whose parser is much slower than that of JSON."""


class Exhausted(BaseException):
    """The budget is spent. Not an Exception: no `||` and no `exists` may absorb it and go on."""

    def explain(self) -> ExprError:
        return ExprError(
            BUDGET,
            "the evaluation is too expensive: it loops too often, or reads or builds too much",
            hint="Look up in a map instead of searching a list in a loop, or split the work over several messages",
        )


def exhausted() -> Any:
    """Stop an evaluation that ran or built too much. Generated code uses it as an expression, hence the return type."""
    raise Exhausted


def too_long(text: str | bytes) -> Any:
    """Refuse a sum of texts. Generated code calls it, as an expression, for more than MAX_SIZE characters."""
    check_size(len(text))


def check_size(size: int) -> None:
    """Refuse to build a string or bytes of more than MAX_SIZE, before it is built."""
    if size > MAX_SIZE:
        raise ExprError(BUDGET, f"a text of {number(size, ',')} characters is too large (at most {MAX_SIZE:,})")


def check_elements(count: int) -> None:
    """Refuse to build a list of more than MAX_ELEMENTS, before it is built."""
    if count > MAX_ELEMENTS:
        raise ExprError(BUDGET, f"a list of {number(count, ',')} elements is too large (at most {MAX_ELEMENTS:,})")
