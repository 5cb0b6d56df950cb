"""Shapes: what is known of values before anything runs, so that a misspelt field is found when a flow is built.

Nothing here decides what an expression does, and it is imported only where shapes are checked. Where the code is unsure
it returns `UNKNOWN`: what is reported can never work.
"""

from octo.expr.shape.infer import Inferred, infer
from octo.expr.shape.schema import Mistake, check_schema, shape_of
from octo.expr.shape.values import (
    STRING,
    TIMESTAMP,
    UNKNOWN,
    Items,
    Kind,
    Object,
    OneOf,
    Shape,
    either,
    list_of,
    object_of,
)

__all__ = [
    "STRING",
    "TIMESTAMP",
    "UNKNOWN",
    "Inferred",
    "Items",
    "Kind",
    "Mistake",
    "Object",
    "OneOf",
    "Shape",
    "check_schema",
    "either",
    "infer",
    "list_of",
    "object_of",
    "shape_of",
]
