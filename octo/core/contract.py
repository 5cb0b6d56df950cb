"""Contracts: what a flow requires of the messages it gets, and what it promises of those it returns."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import BeforeValidator

from octo.core.expressions import Expr, Names
from octo.core.settings import Settings, Short


def _clause(value: object) -> object:
    """A clause may be written as its expression alone."""
    return {"that": value} if isinstance(value, str | bool) else value


class Precondition(Settings):
    that: Annotated[Expr[bool], Names("body", "vars")]
    """What must be true of the message as it comes in. Sees `body` and `vars`."""
    because: str = ""
    """The reason, reported when it is not true."""


class Postcondition(Settings):
    that: Annotated[Expr[bool], Names("body", "vars", "input")]
    """What must be true of the message that the flow returns. Sees its `body` and `vars`, and `input`, the message that
    came in, as `input.body` and `input.vars`."""
    because: str = ""
    """The reason, reported when it is not true."""


Preconditions = tuple[Annotated[Precondition, BeforeValidator(_clause), Short("that")], ...]
Postconditions = tuple[Annotated[Postcondition, BeforeValidator(_clause), Short("that")], ...]


class Contract(NamedTuple):
    """What callers of a flow must ensure (`requires`), and what it guarantees whenever it completes (`ensures`)."""

    requires: Preconditions
    ensures: Postconditions
