"""The standard library, one module per family."""

from functools import lru_cache
from importlib import import_module

from octo.expr.function import Function

FAMILIES = (
    "core",
    "conversions",
    "times",
    "dates",
    "strings",
    "formatting",
    "lists",
    "sets",
    "maps",
    "maths",
    "encoders",
    "network",
    "regex",
    "optionals",
    "documents",
    "multipart",
    "xml",
    "csv",
    "urls",
    "crypto",
)


@lru_cache(maxsize=1)
def library() -> tuple[Function, ...]:
    """All functions of the standard library, by family."""
    modules = [import_module(f"{__name__}.{family}") for family in FAMILIES]
    return tuple(value for module in modules for value in vars(module).values() if isinstance(value, Function))
