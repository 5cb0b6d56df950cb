"""The tables. Whatever must be unique is so by a constraint, never by looking first.

Ids are texts (`ids.new_id`), times are UTC. `revision` counts the writes of a row: it is the ETag that clients send
back with `If-Match`. What a target observes is kept apart from what people want, so that looking changes no ETag.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import VARCHAR
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from octo_platform.ids import new_id


class Instant(TypeDecorator[datetime]):
    """A time in UTC. SQLite keeps no zone, so it is put back when a row is read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def now() -> datetime:
    return datetime.now(UTC)


class Table(DeclarativeBase):
    """What all tables have in common: names of constraints that migrations can rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads it off the class
        datetime: Instant(),
        dict[str, Any]: JSON,
        list[str]: JSON,
        list[dict[str, Any]]: JSON,
    }


_HAS_NO_SUBJECT = text("subject IS NULL")


class Kept:
    """An id, when it was made and changed by somebody, and how often."""

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    revision: Mapped[int] = mapped_column(default=1)


# --- people and programs -----------------------------------------------------------------------------------------


class User(Kept, Table):
    """A person. email: in small letters. subject: `issuer subject` of a provider, None for one with a password here.

    Only the address of those who have a password here is their name. What a provider says of an address proves nothing:
    it may be that of somebody else, and takes it from nobody.

    roles_from: "provider" if their grants follow a claim of the provider, "here" if an administrator sets them.
    """

    __tablename__ = "users"
    email: Mapped[str] = mapped_column(String(320))
    name: Mapped[str] = mapped_column(String(200), default="")
    password: Mapped[str | None] = mapped_column(String(300))
    subject: Mapped[str | None] = mapped_column(String(600), unique=True)
    roles_from: Mapped[str] = mapped_column(String(20), default="here")
    disabled: Mapped[bool] = mapped_column(default=False)
    seen_at: Mapped[datetime | None]
    __table_args__ = (
        Index("uq_users_email", email, unique=True, sqlite_where=_HAS_NO_SUBJECT, postgresql_where=_HAS_NO_SUBJECT),
    )


class Grant(Table):
    """The role that a user has in a workspace; with workspace "*", in all of them and in the platform itself."""

    __tablename__ = "grants"
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    workspace: Mapped[str] = mapped_column(String(36), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))


class Login(Table):
    """A browser that is signed in: what a session is renewed from. sid: the session at the identity provider.

    turn: how often it was renewed: each turn has a cookie of its own. refresh: the provider's token, sealed.
    """

    __tablename__ = "logins"
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    turn: Mapped[int] = mapped_column(default=0)
    turned_at: Mapped[datetime] = mapped_column(default=now)
    sid: Mapped[str | None] = mapped_column(String(300), index=True)
    refresh: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]


class Mark(Table):
    """What is remembered for a while. name: `ended login:ID` or `ended user:ID`, whose sessions from before `at` count
    no more, or `used ...`, which counts once.
    """

    __tablename__ = "marks"
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ApiKey(Table):
    """A key of a program. Only its hash is kept. scopes: actions of the policy that it may; roles limit them too.

    workspace: the only one it reaches; None for all of its owner's. by_code: whether a program got it by a code that a
    person has confirmed; such a key ends as the logins of its owner do.
    """

    __tablename__ = "api_keys"
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    prefix: Mapped[str] = mapped_column(String(20))
    scopes: Mapped[list[str]]
    workspace_id: Mapped[str | None] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    by_code: Mapped[bool] = mapped_column(default=False)
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class DeviceRequest(Table):
    """A program that waits for a person to let it in (RFC 8628). Both codes are kept as hashes.

    scopes: the actions that it asks for; once it is let in, those of them that it gets.
    """

    __tablename__ = "device_requests"
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    device_code: Mapped[str] = mapped_column(String(64), unique=True)
    user_code: Mapped[str] = mapped_column(String(64), unique=True)
    client: Mapped[str] = mapped_column(String(200))
    scopes: Mapped[list[str]]
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    refused: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]


class Setting(Table):
    """Facts about this installation: who set it up, the key of sessions (sealed), ..."""

    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class AuditEntry(Table):
    """A write, whoever did it, also one that was refused. request: "" for what no request has done."""

    __tablename__ = "audit"
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    actor: Mapped[str] = mapped_column(String(400))
    action: Mapped[str] = mapped_column(String(100))
    workspace_id: Mapped[str | None] = mapped_column(String(36))
    target: Mapped[str] = mapped_column(String(600))
    outcome: Mapped[int]
    request: Mapped[str] = mapped_column(String(36))
    __table_args__ = (Index("ix_audit_workspace_id_id", workspace_id, "id"),)


class Answered(Table):
    """What a POST with an idempotency key was answered. status: 0 while it is under way."""

    __tablename__ = "answered"
    actor: Mapped[str] = mapped_column(String(400), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(default=0)
    body: Mapped[str] = mapped_column(Text, default="")
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)


# --- integrations and their versions -----------------------------------------------------------------------------


class Workspace(Kept, Table):
    """What belongs together: its integrations, environments and secrets are invisible to all others."""

    __tablename__ = "workspaces"
    name: Mapped[str] = mapped_column(String(63), unique=True)
    title: Mapped[str] = mapped_column(String(200), default="")


class Folder(Kept, Table):
    """A place in the tree of integrations. parent_key: the parent's id, "" at the top: NULLs are never equal."""

    __tablename__ = "folders"
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="RESTRICT"))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("folders.id", ondelete="RESTRICT"), index=True)
    parent_key: Mapped[str] = mapped_column(String(36), default="")
    name: Mapped[str] = mapped_column(String(200))
    __table_args__ = (UniqueConstraint("workspace_id", "parent_key", "name"),)


class Integration(Kept, Table):
    """What people edit, version and deploy. Its files are in `files`."""

    __tablename__ = "integrations"
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="RESTRICT"))
    folder_id: Mapped[str | None] = mapped_column(ForeignKey("folders.id", ondelete="RESTRICT"), index=True)
    name: Mapped[str] = mapped_column(String(63))
    title: Mapped[str] = mapped_column(String(200), default="")
    created_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    updated_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    __table_args__ = (
        UniqueConstraint("workspace_id", "name"),
        Index("ix_integrations_workspace_id_updated_at", workspace_id, "updated_at", "id"),
    )


class File(Table):
    """A file of an integration as it is now. kind: "flow", "test" or "resource", which its path says."""

    __tablename__ = "files"
    integration_id: Mapped[str] = mapped_column(ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(String(300), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    revision: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class Bundle(Table):
    """Files that never change, by the hash of their content. Versions with equal files share one.

    facts: what `octo check --facts` said of them.
    """

    __tablename__ = "bundles"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    archive: Mapped[bytes] = mapped_column(LargeBinary)
    facts: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Version(Table):
    """A tagged state of an integration. It never changes."""

    __tablename__ = "versions"
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    integration_id: Mapped[str] = mapped_column(ForeignKey("integrations.id", ondelete="CASCADE"))
    tag: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(ForeignKey("bundles.hash", ondelete="RESTRICT"), index=True)
    note: Mapped[str] = mapped_column(String(2000), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    __table_args__ = (UniqueConstraint("integration_id", "tag"),)


# --- where they run ----------------------------------------------------------------------------------------------


class Environment(Kept, Table):
    """A place to deploy to, such as `staging`. target: "local" or "kubernetes"; settings: those of the target."""

    __tablename__ = "environments"
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="RESTRICT"))
    name: Mapped[str] = mapped_column(String(63))
    target: Mapped[str] = mapped_column(String(20))
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)


class Secret(Kept, Table):
    """A value that can be written and used, and never read. scope_key: the environment's id, "" for the workspace."""

    __tablename__ = "secrets"
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="RESTRICT"))
    environment_id: Mapped[str | None] = mapped_column(ForeignKey("environments.id", ondelete="RESTRICT"))
    scope_key: Mapped[str] = mapped_column(String(36), default="")
    name: Mapped[str] = mapped_column(String(253))
    sealed: Mapped[str] = mapped_column(Text)
    __table_args__ = (UniqueConstraint("workspace_id", "scope_key", "name"),)


class Deployment(Kept, Table):
    """An integration that shall run in an environment.

    generation grows with each change of what is wanted; observed_generation is the last one that the target has
    carried out. wanted: "running", "paused" or "gone". good_release: the newest release that became ready.
    status: what was observed, as the API shows it. claimed_by, claimed_until: the platform process that works on it.
    """

    __tablename__ = "deployments"
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="RESTRICT"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id", ondelete="RESTRICT"))
    integration_id: Mapped[str] = mapped_column(ForeignKey("integrations.id", ondelete="RESTRICT"), index=True)
    slug: Mapped[str] = mapped_column(String(50))
    host: Mapped[str | None] = mapped_column(String(253), unique=True)
    wanted: Mapped[str] = mapped_column(String(20), default="running")
    generation: Mapped[int] = mapped_column(default=1)
    observed_generation: Mapped[int] = mapped_column(default=0)
    good_release: Mapped[int] = mapped_column(default=0)
    phase: Mapped[str] = mapped_column(String(20), default="progressing")
    status: Mapped[dict[str, Any]] = mapped_column(default=dict)
    status_at: Mapped[datetime] = mapped_column(default=now)
    progress_at: Mapped[datetime] = mapped_column(default=now)
    token: Mapped[str] = mapped_column(Text, default="")
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    claimed_by: Mapped[str | None] = mapped_column(String(36))
    claimed_until: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("environment_id", "slug"),
        Index("ix_deployments_workspace_id_id", workspace_id, "id"),
        CheckConstraint("wanted IN ('running', 'paused', 'gone')", name="wanted"),
    )


class Release(Table):
    """What a generation of a deployment wants: a version and its settings. outcome: "", "ready", "failed", "replaced",
    or "paused" where it was never started.

    cause: "deploy", "rollout", "rollback", "automatic rollback", "scale", "secret", ...
    """

    __tablename__ = "releases"
    deployment_id: Mapped[str] = mapped_column(ForeignKey("deployments.id", ondelete="CASCADE"), primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id", ondelete="RESTRICT"), index=True)
    settings: Mapped[dict[str, Any]]
    cause: Mapped[str] = mapped_column(String(40))
    outcome: Mapped[str] = mapped_column(String(20), default="")
    reason: Mapped[str] = mapped_column(String(2000), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


# --- what deployments keep ---------------------------------------------------------------------------------------

NAME = String(512).with_variant(VARCHAR(512, collation="C"), "postgresql")
"""A key, or the name of a queue, topic, ...: 512 bytes of UTF-8 at most, in the order of code points."""


class Store(Table):
    """What a deployment keeps. It outlives the deployment: the next one of that slug and integration goes on with it.

    number: the last that was given: versions, tokens and receipts are numbers, none of which returns. It changes with
    every write. used: bytes. latest: what the clock showed last. swept: when what is over was removed.

    The moments here and below are seconds since 1970, with which both databases can count.
    """

    __tablename__ = "data_stores"
    id: Mapped[str] = mapped_column(String(80), primary_key=True, default=new_id)
    integration_id: Mapped[str] = mapped_column(ForeignKey("integrations.id", ondelete="CASCADE"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id", ondelete="CASCADE"), index=True)
    slug: Mapped[str] = mapped_column(String(50))
    number: Mapped[int] = mapped_column(BigInteger, default=0)
    used: Mapped[int] = mapped_column(BigInteger, default=0)
    latest: Mapped[float] = mapped_column(Double, default=0.0)
    swept: Mapped[float] = mapped_column(Double, default=0.0, index=True)
    __table_args__ = (UniqueConstraint("integration_id", "environment_id", "slug"),)


class InStore:
    """A row of a store, which goes with it."""

    store_id: Mapped[str] = mapped_column(
        ForeignKey("data_stores.id", ondelete="CASCADE"), primary_key=True, sort_order=-1
    )


class Entry(InStore, Table):
    """A value under a key. counts: it is a whole number, in decimal digits."""

    __tablename__ = "data_entries"
    namespace: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(NAME, primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)
    counts: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(BigInteger)
    until: Mapped[float | None] = mapped_column(Double)
    __table_args__ = (Index("ix_data_entries_until", "store_id", until),)


class Lease(InStore, Table):
    """A name that somebody holds."""

    __tablename__ = "data_leases"
    name: Mapped[str] = mapped_column(NAME, primary_key=True)
    token: Mapped[int] = mapped_column(BigInteger)
    until: Mapped[float] = mapped_column(Double)


_IS_READY = text("due IS NULL")
_IS_TIMED = text("due IS NOT NULL")
_IS_ORDERED = text("ordering IS NOT NULL")


class QueueMessage(InStore, Table):
    """A message of a queue: ready (`due` is null), or timed: delayed, or lent until `due`. Ready ones go by `number`.

    lent: the number of this lending. asked: whether somebody waits for a reply. ordering: of the messages of a queue
    with the same one, dead letters aside, one is ready, delayed or lent; the others are held: due at infinity.
    """

    __tablename__ = "data_messages"
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    queue: Mapped[str] = mapped_column(NAME)
    dead: Mapped[bool] = mapped_column(default=False)
    due: Mapped[float | None] = mapped_column(Double)
    lent: Mapped[int | None] = mapped_column(BigInteger)
    attempt: Mapped[int] = mapped_column(default=0)
    id: Mapped[str] = mapped_column(String(64))
    value: Mapped[bytes] = mapped_column(LargeBinary)
    asked: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[bytes | None] = mapped_column(LargeBinary)
    ordering: Mapped[str | None] = mapped_column(NAME)
    __table_args__ = (
        Index(
            "ix_data_messages_ready", "store_id", queue, dead, number,
            sqlite_where=_IS_READY, postgresql_where=_IS_READY,
        ),
        Index(
            "ix_data_messages_timed", "store_id", queue, dead, due,
            sqlite_where=_IS_TIMED, postgresql_where=_IS_TIMED,
        ),
        Index(
            "ix_data_messages_ordering", "store_id", queue, ordering, number,
            sqlite_where=_IS_ORDERED, postgresql_where=_IS_ORDERED,
        ),
    )  # fmt: skip


class SentKey(InStore, Table):
    """The key that a message was sent with, and its id: no second one is sent with it for a while."""

    __tablename__ = "data_sent"
    queue: Mapped[str] = mapped_column(NAME, primary_key=True)
    key: Mapped[str] = mapped_column(NAME, primary_key=True)
    id: Mapped[str] = mapped_column(String(64))
    until: Mapped[float] = mapped_column(Double)


class Reply(InStore, Table):
    """What somebody waits for who has sent a message with this id: a value, or the reason why there is none."""

    __tablename__ = "data_replies"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[bytes | None] = mapped_column(LargeBinary)
    reason: Mapped[bytes | None] = mapped_column(LargeBinary)
    until: Mapped[float] = mapped_column(Double)


class Topic(InStore, Table):
    """A topic. last: the number of its newest event. size: bytes of its events."""

    __tablename__ = "data_topics"
    topic: Mapped[str] = mapped_column(NAME, primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)


class Event(InStore, Table):
    """What was published. The numbers of a topic follow one another without a gap."""

    __tablename__ = "data_events"
    topic: Mapped[str] = mapped_column(NAME, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)
    until: Mapped[float] = mapped_column(Double)


class Subscriber(InStore, Table):
    """A durable subscriber. seen: the last event that it has done."""

    __tablename__ = "data_subscribers"
    topic: Mapped[str] = mapped_column(NAME, primary_key=True)
    name: Mapped[str] = mapped_column(NAME, primary_key=True)
    seen: Mapped[int] = mapped_column(BigInteger)
