"""Contracts: what a flow demands of the messages it is given, and what it promises of those it answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from octo.core.expressions import Expr, Names
from octo.core.settings import Settings


def _clause(value: object) -> object:
    """A clause may be written as its expression alone."""
    return {"that": value} if isinstance(value, str | bool) else value


class Precondition(Settings):
    that: Annotated[Expr[bool], Names("body", "vars")]
    """What must be true of the message as it comes in. Sees `body` and `vars`."""
    because: str = ""
    """Said when it is not true."""


class Postcondition(Settings):
    that: Annotated[Expr[bool], Names("body", "vars", "input")]
    """What must be true of the message that the flow answers. Sees its `body` and `vars`, and `input`, the message that
    came in, as `input.body` and `input.vars`."""
    because: str = ""
    """Said when it is not true."""


class Contract(Settings):
    requires: tuple[Annotated[Precondition, BeforeValidator(_clause)], ...] = ()
    """What callers must see to. Tests that break it are wrong; generated messages keep it."""
    ensures: tuple[Annotated[Postcondition, BeforeValidator(_clause)], ...] = ()
    """What the flow sees to whenever it completes."""
