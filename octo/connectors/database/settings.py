"""The settings of a `database` connector and of a `sql` block."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from octo.connectors.database import dsn
from octo.connectors.database.statements import effect_of
from octo.core.durations import Duration
from octo.core.expressions import Expr
from octo.core.settings import Advanced, Effect, Reaches, Secret, Settings
from octo.core.state import State

MOST_BYTES = 64 * 1024 * 1024
"""See `Query.max_bytes`."""

_UNSENDABLE = re.compile("[\0\ud800-\udfff]")
_OPEN = {"sqlite": 1}
_LIFETIME = {"postgres": timedelta(minutes=30), "mysql": timedelta(minutes=30), "sqlalchemy": timedelta(minutes=30)}
_DEFAULT_OPEN = 16
_SERVERS = ("postgres", "mysql", "sqlalchemy")
_PORTS = (
    ("postgres", 5432),
    ("postgresql", 5432),
    ("mysql", 3306),
    ("mariadb", 3306),
    ("mssql", 1433),
    ("oracle", 1521),
)


class Connection(Settings):
    driver: Literal["postgres", "sqlite", "mysql", "sqlalchemy"]
    """The kind of database. `sqlalchemy` takes any URL of an async SQLAlchemy dialect as `dsn`; its packages must be
    installed."""

    dsn: Annotated[Secret, Reaches(_PORTS, when=("driver", _SERVERS))] = Field(
        examples=["postgres://octo@localhost/shop"]
    )
    """Where the database is. PostgreSQL: `postgres://user:password@host:5432/name?sslmode=require` or
    `host=... user=... dbname=...`. MySQL: `mysql://user:password@host:3306/name`. SQLite: a path, `:memory:` or a
    `file:` URI; the folder must exist."""

    password: Secret | None = None
    """Password of the database user, so that the `dsn` need not be secret. Wins over one in the `dsn`."""

    max_open_conns: Annotated[int, Advanced] = Field(0, ge=0)
    """At most this many connections are open at once; further queries wait. 0 means the default: 16, and 1 for SQLite,
    which has one writer anyway. SQLite in memory always has 1."""

    max_idle_conns: Annotated[int, Advanced] = Field(0, ge=0)
    """At most this many unused connections stay open. 0 means as many as `maxOpenConns`."""

    conn_max_lifetime: Annotated[Duration | None, Advanced] = None
    """How long a connection may live before it is replaced, so that a moved server or a new password is noticed.
    Default 30m, SQLite forever; `0s` means forever."""

    query_timeout: Duration = timedelta(seconds=30)
    """How long a query may take, including the wait for a free connection. After that it is cancelled on the server and
    the message fails with a timeout. With `0s` only the message's own deadline limits it."""

    prepare: Annotated[bool, Advanced] = True
    """Whether PostgreSQL prepares a query once per connection and keeps it, which saves a round trip per query. `false`
    for a pooler between that gives each transaction another session (pgbouncer in transaction mode), and where
    statements are dropped behind Octo's back. Other drivers do not have the setting."""

    @property
    def open_limit(self) -> int:
        if dsn.is_in_memory(self.driver, self.dsn.get_secret_value()):
            return 1
        return self.max_open_conns or _OPEN.get(self.driver, _DEFAULT_OPEN)

    @property
    def idle_limit(self) -> int:
        return min(self.max_idle_conns or self.open_limit, self.open_limit)

    @property
    def lifetime(self) -> float | None:
        """Seconds, or None for ever."""
        chosen = _LIFETIME.get(self.driver) if self.conn_max_lifetime is None else self.conn_max_lifetime
        return chosen.total_seconds() if chosen else None

    @property
    def timeout(self) -> float | None:
        """Seconds, or None for no limit."""
        return self.query_timeout.total_seconds() or None

    @property
    def secret(self) -> str:
        """The password that is set beside the DSN, "" if there is none."""
        return self.password.get_secret_value() if self.password else ""

    @field_validator("dsn")
    @classmethod
    def _is_readable(cls, dsn_: Secret, info: ValidationInfo) -> Secret:
        if problem := dsn.problem(info.data.get("driver", ""), dsn_.get_secret_value()):
            raise PydanticCustomError("dsn", "{problem}", {"problem": problem})
        return dsn_

    @field_validator("prepare")
    @classmethod
    def _is_for_postgres(cls, prepare: bool, info: ValidationInfo) -> bool:
        if not prepare and info.data.get("driver", "postgres") != "postgres":
            raise PydanticCustomError("prepare", "only the driver postgres has it; remove the key")
        return prepare

    @field_validator("password")
    @classmethod
    def _is_of_use(cls, password: Secret | None, info: ValidationInfo) -> Secret | None:
        if password and password.get_secret_value() and info.data.get("driver") == "sqlite":
            raise PydanticCustomError("password", "SQLite has no passwords; remove the key")
        return password


class Query(Settings):
    query: str = Field(examples=["select id, total from orders where id = $1"])
    """The SQL text, with placeholders for values: `$1`, `$2` for PostgreSQL, `?` for the others. It is fixed, and never
    built from a message's content, so that nothing can be injected."""

    args: list[Expr[object]] = Field(default_factory=list)
    """Values of the placeholders, in order. Lists and maps become JSON text where the column is JSON."""

    exec_: Annotated[bool, Field(alias="exec")] = False
    """For statements that return no rows: the body becomes `{rowsAffected: n}`."""

    single: bool = False
    """The body becomes the first row, or null if there is none, instead of a list. Has no effect with `exec`."""

    max_rows: Annotated[int, Advanced] = Field(10_000, ge=1)
    """The body may have at most this many rows. With more the message fails; nothing is cut off silently."""

    max_bytes: Annotated[int, Advanced] = Field(MOST_BYTES, ge=1)
    """The result may have at most this many bytes, as the database sends it. With more the message fails before they
    are in memory. Default: 64 MiB; the values of a message take several times as much."""

    @field_validator("query")
    @classmethod
    def _has_text(cls, query: str) -> str:
        if not query.strip():
            raise PydanticCustomError("query", "the query is empty")
        if _UNSENDABLE.search(query):
            raise PydanticCustomError("query", "the query has a null character or half a character")
        return query

    @property
    def effect(self) -> Effect:
        """The effect of the statement, as far as its text says; a statement that is not understood counts as `once`."""
        return effect_of(self.query)

    def wording(self, path: tuple[str | int, ...]) -> str:  # noqa: ARG002  all are arguments
        return "evaluate sql arg"

    def shape_after(self, before: State) -> State:
        for each in self.args:
            before.of(each)
        return before.with_body()
