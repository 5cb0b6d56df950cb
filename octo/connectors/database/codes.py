"""The codes of database errors, explained: `octo explain OCTO-D101`."""

from __future__ import annotations

from octo.core.errors import Explanation

UNREACHABLE = "OCTO-D101"
REFUSED_LOGIN = "OCTO-D102"
EXHAUSTED = "OCTO-D103"
TOO_SLOW = "OCTO-D104"
LOST = "OCTO-D105"
CONFLICT = "OCTO-D106"
BAD_QUERY = "OCTO-D110"
CONSTRAINT = "OCTO-D111"
BAD_ARGUMENT = "OCTO-D112"
TOO_MANY_ROWS = "OCTO-D113"
SAME_COLUMN = "OCTO-D114"
TOO_MANY_BYTES = "OCTO-D115"
NO_LIBRARY = "OCTO-D120"
NO_ANSWER = "OCTO-D130"

EXPLANATIONS: dict[str, Explanation] = {
    UNREACHABLE: Explanation(
        "The database cannot be reached",
        "No server answers at the address, or the server is starting or shutting down. At start the configuration then "
        "does not run; later the message fails as transient, and the next query connects again. Check host, port, "
        "firewall and `sslmode` of the `dsn`; for SQLite, that the folder of the file exists.",
    ),
    REFUSED_LOGIN: Explanation(
        "The database refuses this login",
        "The server answered, but refused the user, password, database name or TLS. Trying again does not help: "
        "change `dsn` or `password`. The message shows the server's reason, never the password.",
    ),
    EXHAUSTED: Explanation(
        "All connections are busy",
        "All `maxOpenConns` connections were in use until `queryTimeout` passed. The message fails as transient. Raise "
        "`maxOpenConns` if the server has room, lower the flow's `workers`, or find the slow query.",
    ),
    TOO_SLOW: Explanation(
        "The query took too long",
        "The query was still running when `queryTimeout` passed. It was cancelled on the server, so it holds no locks "
        "any more, and the connection can be used again.",
    ),
    LOST: Explanation(
        "The connection broke",
        "The server went away while a query was running, e.g. because it restarted. Whether the query took effect is "
        "not known. The message fails as transient, and the next query connects again.",
    ),
    CONFLICT: Explanation(
        "Another transaction was in the way",
        "There was a deadlock, a serialization failure or a lock that is not free. The statement had no effect and may "
        "succeed when tried again.",
    ),
    BAD_QUERY: Explanation(
        "The database refuses the query",
        "It has a syntax error, an unknown table or column, or a value out of range, or the user lacks rights. "
        "`vars.sqlState` has the SQLSTATE if the driver is `postgres`.",
    ),
    CONSTRAINT: Explanation(
        "A constraint was violated",
        "A unique, foreign key, not null or check constraint refused the row. With PostgreSQL `vars.sqlState` says "
        "which: 23505 unique, 23503 foreign key, 23502 not null, 23514 check.",
    ),
    BAD_ARGUMENT: Explanation(
        "An argument does not fit its placeholder",
        "The value of one of the `args` cannot be converted to the type that the database expects there, or there are "
        "more or fewer args than placeholders. Convert it in CEL (`int(...)`, `string(...)`) or cast in the query: "
        "`$1::text::tstzrange`.",
    ),
    TOO_MANY_ROWS: Explanation(
        "More rows than allowed",
        "A result of more than `maxRows` rows fails, because nothing is cut off silently. Add a LIMIT, page through "
        "the rows, or raise `maxRows` if there is enough memory.",
    ),
    SAME_COLUMN: Explanation(
        "Two columns have one name",
        "A row is an object, in which a name stands once, so one of the two values would be lost. A join with "
        "`select a.*, b.*` does this when both tables have e.g. an `id`. Nothing was changed. Name the columns that "
        "you need, each once: `select a.*, b.id as b_id`.",
    ),
    TOO_MANY_BYTES: Explanation(
        "A result larger than allowed",
        "A result of more than `maxBytes` bytes fails while it arrives, so that one query cannot fill the memory. With "
        "PostgreSQL its connection is closed, because nothing else stops the server. Leave large columns out, page "
        "through the rows, or raise `maxBytes` if there is enough memory: the values of a message take several times "
        "the bytes of the result.",
    ),
    NO_LIBRARY: Explanation(
        "A driver is not installed",
        "Database libraries are optional packages. The message shows what to install.",
    ),
    NO_ANSWER: Explanation(
        "The stub has no answer",
        "In a test, the flow sent a query that none of its stub's `answers` fits, or whose answer is of the wrong "
        "kind: a block that reads needs `rows`, one with `exec` needs `rowsAffected`. The message shows the query and "
        "the nearest answer. Add an answer, or let the queries run on a small database: `sqlite: [...]`.",
    ),
}
