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
NO_LIBRARY = "OCTO-D120"
NO_ANSWER = "OCTO-D130"

EXPLANATIONS: dict[str, Explanation] = {
    UNREACHABLE: Explanation(
        "The database cannot be reached",
        "Nobody answers at the address, or the server is starting or shutting down. At start this stops the runtime; "
        "later the message fails as transient, and the next query connects again by itself. Check host, port, "
        "firewall and `sslmode` of the `dsn`; for SQLite, that the folder of the file exists.",
    ),
    REFUSED_LOGIN: Explanation(
        "The database refuses this login",
        "The server answered, but user, password, database name or TLS do not fit. Trying again does not help: "
        "change `dsn` or `password`. The message shows the server's reason, never the password.",
    ),
    EXHAUSTED: Explanation(
        "All connections are busy",
        "As many queries as `maxOpenConns` allows were running until `queryTimeout` passed. Transient. Raise "
        "`maxOpenConns` if the server has room, lower the flow's `workers`, or find the slow query.",
    ),
    TOO_SLOW: Explanation(
        "The query took too long",
        "The query was still running when `queryTimeout` passed. It was cancelled on the server, so it holds no locks "
        "any more; the connection is healthy and back in the pool.",
    ),
    LOST: Explanation(
        "The connection broke",
        "The server went away while a query was running, e.g. because it restarted. Whether the query took effect is "
        "not known. Transient: the next query connects again by itself.",
    ),
    CONFLICT: Explanation(
        "Another transaction was in the way",
        "A deadlock, a serialization failure or a lock that is not free. The statement had no effect and may succeed "
        "when tried again.",
    ),
    BAD_QUERY: Explanation(
        "The database refuses the query",
        "A syntax error, an unknown table or column, missing rights or a value out of range. `vars.sqlState` has the "
        "SQLSTATE where the database gives one.",
    ),
    CONSTRAINT: Explanation(
        "A constraint was violated",
        "A unique, foreign key, not null or check constraint refused the row. `vars.sqlState` tells which kind: 23505 "
        "unique, 23503 foreign key, 23502 not null, 23514 check.",
    ),
    BAD_ARGUMENT: Explanation(
        "An argument does not fit its placeholder",
        "The value of one of the `args` cannot be converted to the type the database expects there, or there are more "
        "or fewer args than placeholders. Convert it in CEL (`int(...)`, `string(...)`) or cast in the query: "
        "`$1::text::tstzrange`.",
    ),
    TOO_MANY_ROWS: Explanation(
        "More rows than allowed",
        "Nothing is cut off silently: a result longer than `maxRows` fails. Add a LIMIT, page through the rows, or "
        "raise `maxRows` if the memory suffices.",
    ),
    NO_LIBRARY: Explanation(
        "A driver is not installed",
        "Octo installs database libraries only where they are used. The message shows what to install.",
    ),
    NO_ANSWER: Explanation(
        "The stub has no answer",
        "In a test, the flow sent a query that none of its stub's `answers` fits, or whose answer is of the other "
        "kind: `rows` for a block that reads, `rowsAffected` for one with `exec`. The message shows the query and the "
        "nearest answer. Add an answer, or let the queries run on a small database: `sqlite: [...]`.",
    ),
}
