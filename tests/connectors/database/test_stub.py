"""A database that is a list of answers, or a small SQLite in memory."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from pydantic import ValidationError

from octo.connectors.database.stub import Stub
from octo.core.flow import Failure
from octo.expr.values import Exact, Timestamp
from octo.testing.clock import virtual

ORDERS = """
connectors:
  - name: db
    type: database
    settings: {driver: postgres, dsn: "postgres://octo@db.test/shop", queryTimeout: 7s}
flows:
  - name: read
    process:
      - type: sql
        connector: db
        settings:
          query: |
            SELECT id, total
            FROM orders WHERE id = $1
          args: [body.id]
          maxRows: 2
  - name: one
    process:
      - type: sql
        connector: db
        settings: {query: "select id from orders where id = $1", args: [body.id], single: true}
  - name: add
    process:
      - type: sql
        connector: db
        settings: {query: "insert into orders values ($1, $2)", args: [body.id, body.total], exec: true}
  - name: typed
    process:
      - {type: sql, connector: db, settings: {query: "select $1::text as id, now()", args: [body.id]}}
"""

SEED = ["create table orders (id integer primary key, total real not null)", "insert into orders values (7, 9.5)"]


async def fails(app, flow="read", body=None):
    """The error of the block."""
    with pytest.raises(Failure) as caught:
        await app.call(flow, body or {"id": 7, "total": 1})
    return caught.value.cause


@virtual()
async def test_the_first_answer_that_fits_is_given(stubbed):
    answers = [
        {"query": "from users", "rows": []},
        {"query": "from orders", "args": [8], "rows": []},
        {"query": "select id, total from orders where id = $1", "args": [7], "rows": [{"id": 7}], "times": 1},
        {"query": "/^select .* orders\\b/", "rows": [{"id": 8}]},
    ]
    async with stubbed(ORDERS, db={"answers": answers}) as app:
        bodies = [(await app.call("read", {"id": 7})).body for _ in range(2)]

    assert bodies == [[{"id": 7}], [{"id": 8}]]


@virtual()
async def test_an_answer_takes_the_form_that_the_block_asks_for(stubbed):
    """As a list, the first row or null, or the number of changed rows."""
    answers = [
        {"query": "insert", "rowsAffected": 3},
        {"args": [7], "rows": [{"id": 7}, {"id": 8}]},
        {"rows": []},
    ]
    async with stubbed(ORDERS, db={"answers": answers}) as app:
        assert (await app.call("add", {"id": 7, "total": 1})).body == {"rowsAffected": 3}
        assert (await app.call("read", {"id": 7})).body == [{"id": 7}, {"id": 8}]
        assert (await app.call("one", {"id": 7})).body == {"id": 7}
        assert (await app.call("one", {"id": 1})).body is None


@pytest.mark.parametrize(
    ("written", "sent", "fits"),
    [
        (7, 7.0, True),
        (1, True, False),
        ({"a": [1, None]}, {"a": [1.0, None]}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ("7", 7, False),
        (2**100, 2**100 + 1, False),
        (Exact("0.1234567890123456789"), Exact("0.1234567890123456788"), False),
        (b"hi", b"hi", True),
        (b"hi", b"ho", False),
        ("hi", b"hi", True),
        ("2026-03-29T00:30:00Z", Timestamp(1_774_744_200_000_000_000), True),
    ],
)
@virtual()
async def test_arguments_are_compared_as_json(stubbed, written, sent, fits):
    answers = [{"args": [written], "rows": [{"hit": True}]}, {"rows": []}]
    async with stubbed(ORDERS, db={"answers": answers}) as app:
        message = await app.call("read", {"id": sent})

    assert bool(message.body) is fits


@pytest.mark.parametrize(
    ("answer", "code", "retryable", "text"),
    [
        ({"error": "unavailable"}, "OCTO-D101", True, "cannot connect to postgres://db.test/shop: its stub says so"),
        ({"error": "timeout"}, "OCTO-D104", True, "cancelled after 7s"),
        ({"error": "constraint"}, "OCTO-D111", False, "a constraint was violated: its stub says so"),
        ({"rows": [{}, {}, {}]}, "OCTO-D113", False, "more than 2 rows"),
        ({"rowsAffected": 1}, "OCTO-D130", False, "the block reads rows: write `rows`"),
    ],
)
@virtual()
async def test_failures_read_as_those_of_a_server(stubbed, answer, code, retryable, text):
    async with stubbed(ORDERS, db={"answers": [answer]}) as app:
        cause = await fails(app)

    assert (cause.code, cause.retryable) == (code, retryable)
    assert text in str(cause)


@virtual()
async def test_rows_are_no_answer_to_a_statement(stubbed):
    async with stubbed(ORDERS, db={"answers": [{"rows": []}]}) as app:
        assert "the block says `exec`: write `rowsAffected`" in str(await fails(app, "add"))


@pytest.mark.parametrize(
    ("answers", "advice"),
    [
        ([], "it has no `answers` at all"),
        ([{"query": "x", "rows": []}, {"query": "/^y/", "rows": []}], "it answers `x`, `/^y/`"),
        (
            [{"query": "x", "rows": []}, {"query": "select id, totals from orders where id = $1", "rows": []}],
            "the nearest is answer 2 (`select id, totals from orders where id = $1`)",
        ),
        (
            [{"query": "orders", "args": ["8"], "rows": []}],
            'the nearest is answer 1 (`orders`), but it is for the arguments ["8"]',
        ),
    ],
)
@virtual()
async def test_a_query_without_an_answer_fails_naming_the_nearest(stubbed, answers, advice):
    """It shows the query, never the arguments that were sent."""
    async with stubbed(ORDERS, db={"answers": answers}) as app:
        cause = await fails(app, body={"id": "a secret"})

    assert cause.code == "OCTO-D130"
    assert str(cause) == f"sql query: the stub has no answer to `SELECT id, total FROM orders WHERE id = $1`; {advice}"


@virtual()
async def test_queries_run_on_a_database_filled_by_the_test(stubbed):
    """PostgreSQL's `$1` works, and the next message reads what one has written, in virtual and in real time."""
    async with stubbed(ORDERS, db={"sqlite": SEED}) as app:
        await app.call("add", {"id": 8, "total": 1})
        assert (await app.call("read", {"id": 8})).body == [{"id": 8, "total": 1.0}]
        assert (await app.call("one", {"id": 9})).body is None
        assert asyncio.get_running_loop().time() == 0


@virtual()
async def test_each_stub_has_a_database_of_its_own(stubbed):
    for _ in range(2):
        async with stubbed(ORDERS, db={"sqlite": SEED}) as app:
            await app.call("add", {"id": 8, "total": 1})


@pytest.mark.parametrize(
    ("order", "state"),
    [({"id": 7, "total": 1}, "23505"), ({"id": 8, "total": None}, "23502")],
)
@virtual()
async def test_a_violated_constraint_has_the_state_of_the_real_database(stubbed, order, state):
    async with stubbed(ORDERS, db={"sqlite": SEED}) as app:
        cause = await fails(app, "add", order)

    assert (cause.code, cause.vars) == ("OCTO-D111", {"sqlState": state})


@virtual()
async def test_what_sqlite_does_not_know_is_said_with_the_cure(stubbed):
    async with stubbed(ORDERS, db={"sqlite": SEED}) as app:
        cause = await fails(app, "typed")

    assert cause.code == "OCTO-D110"
    assert str(cause).endswith(
        "; the query ran on the stub's SQLite, which does not know all of postgres, "
        "instead of `x::type` both know `cast(x as type)`, instead of `now()` both know `current_timestamp`; "
        "or give the query an answer under `answers`"
    )


@virtual()
async def test_a_statement_that_fails_keeps_the_stub_from_starting(stubbed):
    with pytest.raises(ExceptionGroup) as caught:
        async with stubbed(ORDERS, db={"sqlite": [*SEED, "insert into users values (1)"]}):
            pass

    assert "statement 3 of the stub's `sqlite`, `insert into users values (1)`: no such table: users" in str(
        caught.value.exceptions[0]
    )


@virtual()
async def test_a_query_is_an_effect_with_its_count_and_never_its_arguments(stubbed, recorded):
    """One effect per query, after it; also when it fails."""
    async with stubbed(ORDERS, db={"sqlite": SEED}) as app:
        for flow in ("read", "one", "add"):
            with contextlib.suppress(Failure):
                await app.call(flow, {"id": 7, "total": 123.456})
        await app.call("add", {"id": 8, "total": 1})

    insert = "insert into orders values ($1, $2)"
    assert recorded == [
        ("sql", {"query": "SELECT id, total\nFROM orders WHERE id = $1\n", "rows": 1, "seconds": 0.0}),
        ("sql", {"query": "select id from orders where id = $1", "rows": 1, "seconds": 0.0}),
        ("sql", {"query": insert, "error": "OCTO-D111", "seconds": 0.0}),
        ("sql", {"query": insert, "rowsAffected": 1, "seconds": 0.0}),
    ]


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({}, "either `answers`, or `sqlite`"),
        ({"answers": [], "sqlite": []}, "either `answers`, or `sqlite`"),
        ({"answers": [{"query": "x"}]}, "one of `rows`, `rowsAffected` and `error`"),
        ({"answers": [{"rows": [], "error": "timeout"}]}, "one of `rows`, `rowsAffected` and `error`"),
        ({"answers": [{"query": "/(/", "rows": []}]}, "not a regular expression"),
        ({"answers": [{"error": "slow"}]}, "'unavailable', 'timeout' or 'constraint'"),
        ({"answers": [{"rows": [1]}]}, "valid dictionary"),
    ],
)
def test_a_stub_that_makes_no_sense_is_refused(spec, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Stub.model_validate(spec)
