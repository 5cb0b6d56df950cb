"""Shapes: what is known of values before there are any, so that a misspelt field is found when a flow is built.

Nothing here decides what an expression does. It is imported only by who asks, and whoever is unsure answers `UNKNOWN`:
what is reported can never work.
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
