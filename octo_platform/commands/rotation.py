"""Seals everything that is stored sealed with the newest key.

Invariant: this module names every place where something sealed is stored; tests/platform/commands/test_rotation.py
looks for what was left out, in all columns of all tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import inspect, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.data.entries import SEALED, sealing_place
from octo_platform.options import Options
from octo_platform.storage.database import opened, url_of
from octo_platform.storage.keys import read_keys
from octo_platform.storage.migrating import migrate
from octo_platform.storage.sealing import Keyring
from octo_platform.storage.tables import Answered, Deployment, Entry, Login, Secret, Setting

_AT_ONCE = 200
_FORM = re.compile(r"[0-9a-f]{8}:[A-Za-z0-9+/=]+")


class Sealed(NamedTuple):
    """A column with sealed values. place: what each is bound to, see `storage.sealing`."""

    table: Any
    column: str
    place: Callable[[Any], str]

    @property
    def keys(self) -> tuple[Any, ...]:
        """The columns of its primary key."""
        return tuple(getattr(self.table, each.name) for each in inspect(self.table).primary_key)


EVERYWHERE = {
    "secrets": Sealed(Secret, "sealed", lambda row: f"secret/{row.workspace_id}/{row.scope_key}/{row.name}"),
    "tokens": Sealed(Deployment, "token", lambda row: f"deployment/{row.id}/token"),
    "entries": Sealed(Entry, "value", lambda row: sealing_place(row.store_id, row.namespace, row.key)),
    "sign-ins": Sealed(Login, "refresh", lambda row: f"login/{row.id}"),
    "answers": Sealed(Answered, "body", lambda row: f"answered/{row.actor}/{row.key}"),
    "settings": Sealed(Setting, "value", lambda row: row.name),
}


async def rotate(options: Options) -> dict[str, int]:
    """Seal it anew, in transactions of some hundred rows. Return how many there were of each. Raises `Unsealable`."""
    keyring = Keyring(read_keys(options))
    counts = dict.fromkeys(EVERYWHERE, 0)
    async with opened(url_of(options.place)) as database:
        await migrate(database)
        for name, sealed in EVERYWHERE.items():
            async with database.read() as session:
                rows = (await session.execute(select(*sealed.keys))).all()
            for start in range(0, len(rows), _AT_ONCE):
                async with database.write() as session:
                    counts[name] += await _resealed(session, keyring, sealed, rows[start : start + _AT_ONCE])
    return counts


async def _resealed(session: AsyncSession, keyring: Keyring, sealed: Sealed, rows: Sequence[Any]) -> int:
    """Seal those of these rows anew that another key has sealed. Return how many there were."""
    query = select(sealed.table).where(tuple_(*sealed.keys).in_(rows)).with_for_update()
    count = 0
    for row in await session.scalars(query):
        value = getattr(row, sealed.column)
        text = value.decode("latin-1") if isinstance(value, bytes) else value or ""
        if not _is_sealed(row, text) or keyring.is_newest(text):
            continue
        place = sealed.place(row)
        new = keyring.seal(place, keyring.open(place, text))
        setattr(row, sealed.column, new.encode() if isinstance(value, bytes) else new)
        count += 1
    return count


def _is_sealed(row: Any, text: str) -> bool:
    """Whether the value is sealed: some settings, and what most flows keep, are not."""
    return (not isinstance(row, Entry) or row.namespace.endswith(SEALED)) and _FORM.fullmatch(text) is not None
