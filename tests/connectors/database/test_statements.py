"""The text of a statement says whether it may run twice."""

from __future__ import annotations

import pytest

from octo.connectors.database.statements import effect_of


@pytest.mark.parametrize(
    ("query", "effect"),
    [
        ("select * from orders", "safe"),
        ("  SELECT 1", "safe"),
        ("with a as (select 1) select * from a", "safe"),
        ("with a as (insert into t values (1) returning id) select * from a", "once"),
        ("select * from orders for update", "once"),
        ("select nextval('ids')", "once"),
        ("select * into archive from orders", "once"),
        ("with a as (select 1) merge orders using a on true when matched then do nothing", "once"),
        ("insert into orders values ($1)", "once"),
        ("insert into orders values ($1) on conflict do nothing", "idempotent"),
        ("INSERT OR IGNORE INTO orders VALUES (?)", "idempotent"),
        ("delete from orders where id = $1", "idempotent"),
        ("update orders set status = $1, at = now() where id = $2", "idempotent"),
        ("update stock set free = free - 1 where id = $1", "once"),
        ("update stock set a = 1, free = FREE - 1", "once"),
        ("call charge($1)", "once"),
    ],
)
def test_the_effect_of_a_statement(query, effect):
    assert effect_of(query) == effect
