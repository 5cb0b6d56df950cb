"""docs/databases.md says which value a column gives; every line of its table is run here."""

import re
from pathlib import Path

import pytest

from octo.connectors.database import Connection, Database
from octo.core import codec

PAGE = Path(__file__).parents[3] / "docs" / "databases.md"
VALUES = PAGE.read_text().partition("\n## Values\n")[2]
EXAMPLES = re.findall(r"\| `([^`]+)` \| `([^`]+)` \|$", VALUES, re.MULTILINE)


def test_the_table_is_found():
    assert len(EXAMPLES) > 25


@pytest.mark.parametrize(("expression", "value"), EXAMPLES)
async def test_a_column_gives_the_value_of_the_page(sql, expression, value):
    assert codec.write(await sql.value(f"select {expression} as value")).decode() == value


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("select avg(i) as a, total(i) as b, sum(i) as c from t", [float, float, int]),
        ("select i as a, r as b, s as c from t", [int, float, str]),
        ("select b as a, cast(i as real) as b, true as c from t", [bytes, float, int]),
    ],
)
async def test_sqlite_keeps_the_promises_of_the_page(session_of, query, kinds):
    """For columns that hold what they declare."""
    settings = Connection.model_validate({"driver": "sqlite", "dsn": ":memory:"})
    async with Database.open(settings) as database:
        sql = session_of(database)
        await sql.run("create table t (i integer, r real, s text, b blob); insert into t values (1, 2, 3, x'00')")
        await sql.run("insert into t values (2, 2.5, 'x', x'41')")
        for row in await sql(query):
            assert [type(value) for value in row.values()] == kinds
