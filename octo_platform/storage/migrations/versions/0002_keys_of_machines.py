"""What programs ask for, and which keys they got with a code. Of the keys that there are nobody knows: they stay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("by_code", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("device_requests", schema=None) as batch_op:
        batch_op.add_column(sa.Column("scopes", sa.JSON(), nullable=False, server_default=sa.text("'[\"all\"]'")))


def downgrade() -> None:
    with op.batch_alter_table("device_requests", schema=None) as batch_op:
        batch_op.drop_column("scopes")
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.drop_column("by_code")
