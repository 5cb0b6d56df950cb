"""Moments, in seconds since 1970: by the clock of PostgreSQL, which all processes share, or that of this machine."""

from __future__ import annotations

import time

from sqlalchemy import ColumnElement, Connection, Double, cast, extract, func, literal

JUMP = 1.0
"""Seconds by which the clock may go back unnoticed."""


def moment(connection: Connection) -> ColumnElement[float]:
    """The present moment, as a part of a query."""
    if connection.dialect.name == "postgresql":
        return cast(extract("epoch", func.clock_timestamp()), Double)
    return literal(time.time(), Double)
