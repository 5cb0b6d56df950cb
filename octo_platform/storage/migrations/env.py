"""What alembic runs for each step: it uses the connection that `storage.migrating` has opened."""

from __future__ import annotations

from alembic import context

from octo_platform.storage.tables import Table

found = context.config.attributes
connection = found["connection"]
context.configure(
    connection=connection,
    target_metadata=Table.metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=found.get("render_item"),
)
with context.begin_transaction():
    context.run_migrations()
