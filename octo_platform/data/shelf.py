"""A store while nobody else writes to it: its row is locked until the end of the transaction.

Whatever is done here is done in one order, so nothing has to think of what others do at the same moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from sqlalchemy import Connection, Executable, and_, select, update

from octo_platform.data import clock, sweeping
from octo_platform.data.asker import is_of, is_present
from octo_platform.problem import Problem
from octo_platform.storage.database import LOCK
from octo_platform.storage.tables import Deployment, Store

MOST_BYTES = 64 << 20
"""Of everything in a store."""
AGAIN = 10.0
"""Seconds between two times that a full store is swept and counted."""


class Shelf:
    """See the module; made by `taken`. rung: the bells that are to be rung once it is committed.

    deployment: whose token counts at this moment; None if it is gone.

    Invariant: who refuses with a `Problem` has written nothing yet: the transaction does what others want, too.
    """

    def __init__(self, connection: Connection, row: Any) -> None:
        self.connection = connection
        self.id: str = row.id
        self.deployment: str | None = row.deployment
        self.now: float = row.now
        self.rung: set[str] = set()
        self._row = row
        self._number: int = row.number
        self._used: int = row.used
        self._swept: float = row.swept

    @classmethod
    def taken(cls, connection: Connection, store: str) -> Self | None:
        """The store, once it is this transaction's turn; None if it is gone."""
        columns = (Store.id, Store.number, Store.used, Store.latest, Store.swept)
        query = select(*columns, Deployment.id.label("deployment"), clock.moment(connection).label("now"))
        query = query.outerjoin(Deployment, and_(is_of(), is_present())).where(Store.id == store)
        row = (connection.execute(query.with_for_update(of=Store, **LOCK))).first()
        if row is None:
            return None
        found = cls(connection, row)
        if found.now < row.latest - clock.JUMP:
            sweeping.turn_back(connection, store, row.latest - found.now)
        return found

    def leave(self) -> int:
        """Write down what has changed. Return the last number, which others see change."""
        if self.rung:
            self.next()
        changed = {"number": self._number, "used": self._used, "swept": self._swept}
        is_changed = any(value != getattr(self._row, name) for name, value in changed.items())
        if is_changed or self.now < self._row.latest - clock.JUMP:
            self.do(update(Store).where(Store.id == self.id).values(**changed, latest=self.now))
        return self._number

    def next(self) -> int:
        """A number that is greater than every one before in this store."""
        self._number += 1
        return self._number

    def ring(self, bell: str) -> None:
        self.rung.add(bell)

    def do(self, statement: Executable, parameters: Any = None) -> None:
        self.connection.execute(statement, parameters)

    def all(self, statement: Executable) -> Sequence[Any]:
        return (self.connection.execute(statement)).all()

    def first(self, statement: Executable) -> Any:
        return (self.connection.execute(statement)).first()

    def grow(self, by: int) -> None:
        """Take so many bytes more, or less. Raises `Problem` if they do not fit."""
        if by > 0 and self._used + by > MOST_BYTES and self.now > self._swept + AGAIN:
            self.sweep()
        if by > 0 and self._used + by > MOST_BYTES:
            raise Problem("limit", f"a deployment keeps at most {MOST_BYTES:,} bytes: remove some, or let them expire")
        self._used += by

    def sweep(self) -> None:
        """Remove what is over, and count what is left."""
        self._used = sweeping.swept(self.connection, self.id, self.now)
        self._swept = self.now
