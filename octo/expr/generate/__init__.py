"""From the syntax tree to a Python function.

The generator builds Python's own syntax tree, never text. So nothing in an expression can end up as code, and the
limits of Python's tokenizer do not apply. Every node carries the offsets of the CEL text it came from: the position of
a failing instruction (`co_positions`) is the position in the expression.
"""

from octo.expr.generate.generator import Generated, generate

__all__ = ["Generated", "generate"]
