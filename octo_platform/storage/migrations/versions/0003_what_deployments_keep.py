"""What deployments keep: of each deployment its own, with queues, leases and topics.

Keys and values were those of an integration in an environment. They become those of its oldest deployment there. The id
of such a store is `INTEGRATION/ENVIRONMENT`, which sealed values are bound to. Going back takes the keys of one
deployment of each integration in an environment, and no values that were sealed since.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NAME = sa.String(length=512).with_variant(sa.VARCHAR(length=512, collation="C"), "postgresql")
_SECONDS = {
    "sqlite": "(julianday(expires_at) - 2440587.5) * 86400.0",
    "postgresql": "CAST(extract(epoch FROM expires_at) AS double precision)",
}
_MOMENT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', until, 'unixepoch')",
    "postgresql": "to_timestamp(until)",
}

_STORES = """
INSERT INTO data_stores (id, integration_id, environment_id, slug, number, used, latest, swept)
SELECT e.integration_id || '/' || e.environment_id, e.integration_id, e.environment_id, coalesce(
    (SELECT d.slug FROM deployments AS d WHERE d.integration_id = e.integration_id
        AND d.environment_id = e.environment_id ORDER BY d.created_at, d.id LIMIT 1),
    (SELECT substr(i.name, 1, 50) FROM integrations AS i WHERE i.id = e.integration_id)
), max(e.version), sum(length(e.value)), 0, 0 FROM entries AS e GROUP BY e.integration_id, e.environment_id
"""
_ENTRIES = """
INSERT INTO data_entries (store_id, namespace, key, value, counts, version, until)
SELECT integration_id || '/' || environment_id, namespace, key, value, false, version, {seconds} FROM entries
"""
_BACK = """
INSERT INTO entries (integration_id, environment_id, namespace, key, value, version, expires_at)
SELECT s.integration_id, s.environment_id, e.namespace, e.key, e.value, e.version, {moment}
FROM data_entries AS e JOIN data_stores AS s ON s.id = e.store_id
WHERE length(e.key) <= 500 AND s.slug = (
    SELECT min(o.slug) FROM data_stores AS o
    WHERE o.integration_id = s.integration_id AND o.environment_id = s.environment_id
) AND (s.id = s.integration_id || '/' || s.environment_id OR substr(e.namespace, length(e.namespace) - 7) <> '_secrets')
"""


def upgrade() -> None:
    op.create_table(
        "data_stores",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("integration_id", sa.String(length=36), nullable=False),
        sa.Column("environment_id", sa.String(length=36), nullable=False),
        sa.Column("slug", sa.String(length=50), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("latest", sa.Double(), nullable=False),
        sa.Column("swept", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name=op.f("fk_data_stores_environment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integrations.id"], name=op.f("fk_data_stores_integration_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_stores")),
        sa.UniqueConstraint(
            "integration_id", "environment_id", "slug", name=op.f("uq_data_stores_integration_id_environment_id_slug")
        ),
    )
    with op.batch_alter_table("data_stores", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_data_stores_environment_id"), ["environment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_data_stores_swept"), ["swept"], unique=False)

    op.create_table(
        "data_entries",
        sa.Column("store_id", sa.String(length=80), nullable=False),
        sa.Column("namespace", sa.String(length=100), nullable=False),
        sa.Column("key", _NAME, nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["store_id"], ["data_stores.id"], name=op.f("fk_data_entries_store_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("store_id", "namespace", "key", name=op.f("pk_data_entries")),
    )
    with op.batch_alter_table("data_entries", schema=None) as batch_op:
        batch_op.create_index("ix_data_entries_until", ["store_id", "until"], unique=False)

    op.create_table(
        "data_events",
        sa.Column("store_id", sa.String(length=80), nullable=False),
        sa.Column("topic", _NAME, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id"], ["data_stores.id"], name=op.f("fk_data_events_store_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("store_id", "topic", "number", name=op.f("pk_data_events")),
    )
    op.create_table(
        "data_leases",
        sa.Column("store_id", sa.String(length=80), nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id"], ["data_stores.id"], name=op.f("fk_data_leases_store_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("store_id", "name", name=op.f("pk_data_leases")),
    )
    op.create_table(
        "data_messages",
        sa.Column("store_id", sa.String(length=80), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("queue", _NAME, nullable=False),
        sa.Column("dead", sa.Boolean(), nullable=False),
        sa.Column("due", sa.Double(), nullable=True),
        sa.Column("lent", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("asked", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("ordering", _NAME, nullable=True),
        sa.ForeignKeyConstraint(
            ["store_id"], ["data_stores.id"], name=op.f("fk_data_messages_store_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("store_id", "number", name=op.f("pk_data_messages")),
    )
    with op.batch_alter_table("data_messages", schema=None) as batch_op:
        batch_op.create_index(
            "ix_data_messages_ordering",
            ["store_id", "queue", "ordering", "number"],
            unique=False,
            sqlite_where=sa.text("ordering IS NOT NULL"),
            postgresql_where=sa.text("ordering IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_data_messages_ready",
            ["store_id", "queue", "dead", "number"],
            unique=False,
            sqlite_where=sa.text("due IS NULL"),
            postgresql_where=sa.text("due IS NULL"),
        )
        batch_op.create_index(
            "ix_data_messages_timed",
            ["store_id", "queue", "dead", "due"],
            unique=False,
            sqlite_where=sa.text("due IS NOT NULL"),
            postgresql_where=sa.text("due IS NOT NULL"),
        )

    op.create_table(
        "data_replies",
        sa.Column("store_id", sa.String(length=80), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("until", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id"], ["data_stores.id"], name=op.f("fk_data_replies_store_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_data_replies")),
    )
    op.create_table(
        "data_sent",
        sa.Column("store_id", sa.String(length=80), nullable=False),
        sa.Column("queue", _NAME, nullable=False),
        sa.Column("key", _NAME, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id"], ["data_stores.id"], name=op.f("fk_data_sent_store_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("store_id", "queue", "key", name=op.f("pk_data_sent")),
    )
    op.create_table(
        "data_subscribers",
        sa.Column("store_id", sa.String(length=80), nullable=False),
        sa.Column("topic", _NAME, nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id"], ["data_stores.id"], name=op.f("fk_data_subscribers_store_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("store_id", "topic", "name", name=op.f("pk_data_subscribers")),
    )
    op.create_table(
        "data_topics",
        sa.Column("store_id", sa.String(length=80), nullable=False),
        sa.Column("topic", _NAME, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id"], ["data_stores.id"], name=op.f("fk_data_topics_store_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("store_id", "topic", name=op.f("pk_data_topics")),
    )
    op.execute(_STORES)
    op.execute(_ENTRIES.format(seconds=_SECONDS[op.get_context().dialect.name]))
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_entries_expires_at"))

    op.drop_table("entries")


def downgrade() -> None:
    op.create_table(
        "entries",
        sa.Column("integration_id", sa.String(length=36), nullable=False),
        sa.Column("environment_id", sa.String(length=36), nullable=False),
        sa.Column("namespace", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=500), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name=op.f("fk_entries_environment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integrations.id"], name=op.f("fk_entries_integration_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("integration_id", "environment_id", "namespace", "key", name=op.f("pk_entries")),
    )
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entries_expires_at"), ["expires_at"], unique=False)

    op.execute(_BACK.format(moment=_MOMENT[op.get_context().dialect.name]))
    op.drop_table("data_topics")
    op.drop_table("data_subscribers")
    op.drop_table("data_sent")
    op.drop_table("data_replies")
    with op.batch_alter_table("data_messages", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_data_messages_timed",
            sqlite_where=sa.text("due IS NOT NULL"),
            postgresql_where=sa.text("due IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_data_messages_ready", sqlite_where=sa.text("due IS NULL"), postgresql_where=sa.text("due IS NULL")
        )
        batch_op.drop_index(
            "ix_data_messages_ordering",
            sqlite_where=sa.text("ordering IS NOT NULL"),
            postgresql_where=sa.text("ordering IS NOT NULL"),
        )

    op.drop_table("data_messages")
    op.drop_table("data_leases")
    op.drop_table("data_events")
    with op.batch_alter_table("data_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_data_entries_until")

    op.drop_table("data_entries")
    with op.batch_alter_table("data_stores", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_data_stores_swept"))
        batch_op.drop_index(batch_op.f("ix_data_stores_environment_id"))

    op.drop_table("data_stores")
