"""Brings the tables of a database to the form that this release needs, or back to an earlier one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from octo_platform.storage.database import Database

HERE = Path(__file__).parent / "migrations"
_LOCK = 0x6F63746F
"""Of PostgreSQL, so that two processes that start together take turns."""


class TooNew(Exception):
    """The tables are of a later release."""


class UnknownForm(Exception):
    """There is no form of that name in this release."""


async def migrate(database: Database, to: str = "head") -> None:
    """Carry out what is missing up to a revision; with `base`, or one that lies before, go back.

    Raises `TooNew` if the database has a revision that this release does not know, and `UnknownForm` if it knows none
    of that name: then nothing is changed.
    """
    async with database.alone() as connection:
        await connection.run_sync(partial(_migrate, to=to))


def _migrate(connection: Connection, to: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    config = configured(connection)
    scripts = ScriptDirectory.from_config(config)
    known = [each.revision for each in scripts.walk_revisions()]  # the newest first
    present = MigrationContext.configure(connection).get_current_revision()
    if present is not None and present not in known:
        raise TooNew(
            f"the database has the form {present}, which a later release made; this one knows up to {known[0]}"
        )
    if to not in ("head", "base", *known):
        raise UnknownForm(f"there is no form {to[:80]!r}; there are base, {', '.join(reversed(known))}")
    if _is_back(known, present, to):
        command.downgrade(config, to)
    else:
        command.upgrade(config, to)


def _is_back(known: list[str], present: str | None, to: str) -> bool:
    if present is None or to == "head":
        return False
    return to == "base" or known.index(to) > known.index(present)


def configured(connection: Connection) -> Config:
    """What alembic needs to know, with this connection."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
