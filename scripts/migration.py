"""Write a migration of the platform's tables: what `storage/tables.py` says beyond the migrations that there are.

scripts/migration.py 0002 "Quotas of workspaces"
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command

from octo_platform.storage import migrating
from octo_platform.storage.tables import Instant


def render(kind: str, item: Any, _: object) -> str | bool:
    """A time is written as what it is in the database: migrations import nothing of ours, which may change."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Instant) else False


def main(revision: str, message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = sa.create_engine(f"sqlite:///{Path(folder, 'x.db')}")
        with engine.begin() as connection:
            config = migrating.configured(connection)
            if any(migrating.HERE.glob("versions/*.py")):
                command.upgrade(config, "head")
            config.attributes["render_item"] = render
            command.revision(config, message=message, autogenerate=True, rev_id=revision)


if __name__ == "__main__":
    warnings.simplefilter("error")
    main(*sys.argv[1:])
