"""Settings of the database connector: which are accepted, which are refused, and that no secret is shown."""

import pytest
from pydantic import ValidationError

from octo.connectors.database import EXPLANATIONS, Connection, Query, codes, dsn


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"driver": "oracle", "dsn": "x"}, "'postgres', 'sqlite', 'mysql' or 'sqlalchemy'"),
        ({"driver": "postgres"}, "Field required"),
        ({"driver": "postgres", "dsn": ""}, "it is empty"),
        ({"driver": "postgres", "dsn": "mysql://host"}, "must be a URL: `postgres://user"),
        ({"driver": "postgres", "dsn": "just words"}, "neither `postgres://user@host/name` nor `host="),
        ({"driver": "postgres", "dsn": "postgres://u:p@ss@h/db"}, "two `@`: write one in a password as `%40`"),
        ({"driver": "postgres", "dsn": "postgres://u:a/b@h/db"}, "the port of `dsn` is not a number"),
        ({"driver": "mysql", "dsn": "root@tcp(db)/x"}, "must be a URL: `mysql://user"),
        ({"driver": "sqlalchemy", "dsn": "shop.db"}, r"must be a URL: `dialect\+driver://"),
        ({"driver": "sqlite", "dsn": "sqlite:///shop.db"}, "the path alone, e.g. `shop.db`"),
        ({"driver": "sqlite", "dsn": "a.db", "password": "x"}, "SQLite has no passwords"),
        ({"driver": "sqlite", "dsn": "a.db", "prepare": False}, "only the driver postgres has it; remove the key"),
        ({"driver": "sqlite", "dsn": "a.db", "queryTimeout": 30}, "write 30s for seconds"),
        ({"driver": "sqlite", "dsn": "a.db", "maxOpenConns": -1}, "greater than or equal to 0"),
        ({"driver": "sqlite", "dsn": "a.db", "maxConns": 1}, "Extra inputs"),
    ],
)
def test_a_bad_connection_is_refused(settings, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Connection.model_validate(settings)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"driver": "postgres", "dsn": "host=h"}, (16, 16, 1800.0, 30.0)),
        ({"driver": "sqlite", "dsn": "a.db"}, (1, 1, None, 30.0)),
        ({"driver": "sqlite", "dsn": ":memory:", "maxOpenConns": 5}, (1, 1, None, 30.0)),
        ({"driver": "sqlite", "dsn": "file:x?mode=memory&cache=shared", "maxOpenConns": 5}, (1, 1, None, 30.0)),
        ({"driver": "sqlite", "dsn": "a.db", "maxOpenConns": 5, "maxIdleConns": 9}, (5, 5, None, 30.0)),
        (
            {"driver": "postgres", "dsn": "host=h", "maxOpenConns": 4, "maxIdleConns": 2, "connMaxLifetime": "0s"},
            (4, 2, None, 30.0),
        ),
        ({"driver": "mysql", "dsn": "mysql://h/d", "queryTimeout": "0s"}, (16, 16, 1800.0, None)),
    ],
)
def test_defaults_fit_the_driver(settings, expected):
    """Connections, idle connections, lifetime and timeout in seconds; 0 means the default or no limit."""
    chosen = Connection.model_validate(settings)
    assert (chosen.open_limit, chosen.idle_limit, chosen.lifetime, chosen.timeout) == expected


@pytest.mark.parametrize(
    ("text", "url", "timeout"),
    [
        ("postgres://u:p@h:1/d?sslmode=disable", "postgres://u:p@h:1/d?sslmode=disable", None),
        ("postgres://h/d?connect_timeout=3&pool_max_conns=4", "postgres://h/d", 3.0),
        ("postgres://h/d?connect_timeout=0", "postgres://h/d", None),
        (
            r"host=h port=5433 user='a b' password='it\'s' dbname=d sslmode=require",
            "postgresql://?host=h&port=5433&user=a%20b&password=it%27s&dbname=d&sslmode=require",
            None,
        ),
        ("host = h  dbname = d", "postgresql://?host=h&dbname=d", None),
    ],
)
def test_both_forms_of_dsn_become_a_url(text, url, timeout):
    """Settings of other clients are left out: the server would refuse them."""
    assert dsn.postgres_url(text) == (url, timeout)


@pytest.mark.parametrize(
    ("driver", "text", "password", "place"),
    [
        ("postgres", "postgres://u:p%40ss@h:1/d?x=1", "p@ss", "postgres://h:1/d"),
        ("postgres", "host=h user=u password='p w' dbname=d", "p w", "postgres://h:5432/d"),
        ("postgres", "postgres://h/d?user=u&password=pw", "pw", "postgres://h/d"),
        ("postgres", "postgres://h/d", "", "postgres://h/d"),
        ("sqlite", "file:a.db?mode=ro", "", "SQLite file:a.db"),
        ("mysql", "mysql://u:pw@h/d", "pw", "mysql://h/d"),
    ],
)
def test_the_password_is_found_and_the_place_told_without_it(driver, text, password, place):
    assert dsn.password(driver, text) == password
    assert dsn.place(driver, text) == place


def test_a_query_must_have_text():
    with pytest.raises(ValidationError, match="the query is empty"):
        Query.model_validate({"query": "  "})


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_a_query_that_no_server_can_read_is_refused(text):
    """PostgreSQL answered as if the connection was broken, so that it was tried again and again."""
    with pytest.raises(ValidationError, match="a null character or half a character"):
        Query.model_validate({"query": f"select '{text}'"})


def test_every_code_is_explained():
    """`octo explain` knows each code that this package raises."""
    raised = {value for name, value in vars(codes).items() if name.isupper() and isinstance(value, str)}
    assert raised == set(EXPLANATIONS)


def test_a_list_may_have_one_row_at_least():
    assert Query.model_validate({"query": "select 1", "maxRows": 1}).max_rows == 1
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        Query.model_validate({"query": "select 1", "maxRows": 0})


def test_a_sqlalchemy_database_in_memory_has_one_connection():
    """A second one would see another database."""
    for dsn_ in ("sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:", "sqlite+aiosqlite:///file:x?mode=memory"):
        settings = {"driver": "sqlalchemy", "dsn": dsn_, "maxOpenConns": 5}
        assert Connection.model_validate(settings).open_limit == 1
