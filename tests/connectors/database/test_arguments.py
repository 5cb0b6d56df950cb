"""Arguments become what the column wants, without loss, or say what does not fit."""

import time

import pytest

from octo.core.errors import Permanent
from octo.expr.values import Exact, Timestamp

EXACT = Exact("0.1234567890123456789")
TIME = Timestamp(1_774_744_200_000_000_000)  # 2026-03-29T00:30:00Z


@pytest.mark.parametrize(
    ("cast", "argument", "value"),
    [
        ("bigint", "9007199254740993", 9007199254740993),
        ("int", "3.0", 3),
        ("int", '"42"', 42),
        ("smallint", "body.whole", 5),
        ("float8", "1", 1.0),
        ("float8", '"2.5"', 2.5),
        ("real", "0.1", 0.1),
        ("numeric", "19.99", 19.99),
        ("numeric", '"0.1234567890123456789"', EXACT),
        ("numeric", "body.exact", EXACT),
        ("numeric", "body.large", 2**100),
        ("numeric", '"1e400"', 10**400),
        ("float8", "body.exact", float(EXACT)),
        ("numeric", "12", 12.0),
        ("numeric", '"NaN"', "NaN"),
        ("text", "12", "12"),
        ("text", "12.0", "12"),
        ("text", "1.5", "1.5"),
        ("text", "body.exact", EXACT.literal),
        ("text", "body.large", str(2**100)),
        ("text", "true", "true"),
        ("text", "body.map", '{"a":[1,2]}'),
        ("text", "null", None),
        ("varchar(2)", '"ab"', "ab"),
        ("bool", "true", True),
        ("bool", '"false"', False),
        ("bool", "1", True),
        ("jsonb", "body.map", {"a": [1, 2]}),
        ("jsonb", "body.map.a", [1, 2]),
        ("jsonb", "[body.large, body.exact]", [2**100, EXACT]),
        ("jsonb", "[b'hi', body.time]", ["aGk=", "2026-03-29T00:30:00Z"]),
        ("json", "5", 5),
        ("jsonb", """'{"parsed": true}'""", {"parsed": True}),
        ("timestamptz", '"2026-03-29T01:30:00+01:00"', "2026-03-29T00:30:00Z"),
        ("timestamptz", '"2026-03-29T01:30:00.123456789Z"', "2026-03-29T01:30:00.123456Z"),
        ("timestamptz", "body.time", "2026-03-29T00:30:00Z"),
        ("timestamptz[]", "[body.time]", ["2026-03-29T00:30:00Z"]),
        ("date", "body.time", "2026-03-29"),
        ("text", "body.time", "2026-03-29T00:30:00Z"),
        ("interval", "duration('90m')", "5400s"),
        ("timestamp", '"2026-03-29T01:30:00+01:00"', "2026-03-29T00:30:00Z"),
        ("date", '"2026-03-29"', "2026-03-29"),
        ("date", '"2026-03-29T12:00:00Z"', "2026-03-29"),
        ("time", '"13:45:01"', "13:45:01"),
        ("interval", '"1h30m"', "5400s"),
        ("interval", '"-1h0.5s"', "-3600.5s"),
        ("interval", '"+250ms"', "0.25s"),
        ("interval", '"7us"', "0.000007s"),
        ("date", '"20000-01-01"', "20000-01-01"),
        ("date", '"0044-03-15 BC"', "0044-03-15 BC"),
        ("date", '"infinity"', "infinity"),
        ("date[]", '["infinity", null, "2026-01-31"]', ["infinity", None, "2026-01-31"]),
        ("date[]", '[["2026-01-31"], ["2026-02-01"]]', [["2026-01-31"], ["2026-02-01"]]),
        ("date", '"2026-01-31 23:00:00-05"', "2026-01-31"),
        ("timestamp", '"20000-01-01 00:00:00"', "20000-01-01 00:00:00"),
        ("timestamptz", '"20000-01-01 00:00:00+00"', "20000-01-01 00:00:00+00"),
        ("timestamptz", '"0044-03-15 12:00:00+00 BC"', "0044-03-15 12:00:00+00 BC"),
        ("timestamptz", '"2026-01-31T24:00:00Z"', "2026-02-01T00:00:00Z"),
        ("time", '"24:00"', "24:00:00"),
        ("timetz", '"24:00:00+05:30"', "24:00:00+05:30"),
        ("timetz", '"12:30:00-08"', "12:30:00-08:00"),
        ("interval", '"1 mon"', "1 mon"),
        ("interval", '"-1 years -2 mons +3 days -04:05:06.789"', "-1 years -2 mons +3 days -04:05:06.789"),
        ("interval", '"2 days 01:00"', "176400s"),
        ("bit(3)", '"101"', "101"),
        ("varbit", '"1011001110001111"', "1011001110001111"),
        ("varbit", '""', ""),
        ("point", '"(1,2)"', "(1,2)"),
        ("pg_lsn", '"16/B374D848"', "16/B374D848"),
        ('"char"', '"x"', "x"),
        ("money", '"12.5"', "$12.50"),
        ("real", '"1e-45"', 1e-45),
        ("timestamptz::text", '"infinity"', "infinity"),
        ("timestamptz::text", '"-infinity"', "-infinity"),
        ("uuid", '"0188d7c2-5c3e-7000-8000-0123456789ab"', "0188d7c2-5c3e-7000-8000-0123456789ab"),
        ("bytea", '"größe"', "größe".encode()),
        ("bytea", r'b"\xff\x00"', b"\xff\x00"),
        ("bytea[]", r'[b"\xff\x00", b""]', [b"\xff\x00", b""]),
        ("int[]", "[1, 2.0]", [1, 2]),
        ("text[]", '["a", 1]', ["a", "1"]),
        ("bigint[]", "[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("inet", '"10.0.0.1"', "10.0.0.1"),
        ("text::int4range::text", '"[1,5)"', "[1,5)"),
        ("int4range", '"[1,5)"', "[1,5)"),
        ("int4range[]", '["[1,)", "empty", null]', ["[1,)", "empty", None]),
        ("numrange", '"(,1.50]"', "(,1.5]"),
        ("tstzrange", '"[\\"2026-01-01 00:00:00+00\\",infinity)"', "[2026-01-01T00:00:00Z,infinity)"),
        ("timestamptz", '"2026-12-31T23:59:60Z"', "2027-01-01T00:00:00Z"),
    ],
)
async def test_arguments_become_what_the_column_wants(sql, cast, argument, value):
    """A value with one obvious meaning in the parameter's type is converted, as psql would; without rounding."""
    body = {"whole": 5.0, "map": {"a": [1, 2]}, "exact": EXACT, "large": 2**100, "time": TIME}
    assert repr(await sql.value(f"select $1::{cast} as value", argument, body=body)) == repr(value)


@pytest.mark.parametrize("cast", ["timestamptz", "timestamp"])
async def test_a_time_without_zone_is_utc(sql, monkeypatch, cast):
    """In every zone of the process; a time with a zone keeps its instant."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        naive = await sql.value(f"select $1::{cast} as value", '"2026-01-31T12:00:00"')
        zoned = await sql.value(f"select $1::{cast} as value", '"2026-01-31T12:00:00+02:00"')
    finally:
        monkeypatch.undo()
        time.tzset()
    assert (naive, zoned) == ("2026-01-31T12:00:00Z", "2026-01-31T10:00:00Z")


@pytest.mark.parametrize(
    ("cast", "argument", "complaint"),
    [
        ("int", "1.5", r"argument \$1: expected a whole number for int4, got a double"),
        ("int", '"many"', r"expected a whole number for int4, got a text"),
        ("int", "true", r"expected a whole number for int4, got a bool"),
        ("int", "body.nearly", r"expected a whole number for int4, got a decimal"),
        ("bigint", "body.large", r"value out of int64 range"),
        ("float8", "body.huge", r"the number is too large for float8"),
        ("float8", "body.long", r"expected a number for float8, got an int"),
        ("text", r'b"\xff"', r"not UTF-8 text; store them in a bytea column"),
        ("smallint", "70000", r"value out of int16 range|out of range"),
        ("timestamptz", '"tomorrow"', r"expected an RFC 3339 time such as 2026-01-31T12:00:00Z for timestamptz"),
        ("int[]", "5", r"expected a list for int4\[\], got an int"),
        ("uuid", '"x"', r"(?i)uuid"),
        ("interval", '"a while"', r"expected a duration such as 90s"),
        ("interval", '""', r"expected a duration such as 90s"),
        ("interval", '"1 mon 99:99"', r"expected a duration such as 90s"),
        ("date", '"2026-01-31garbage"', r"expected a date such as 2026-01-31 for date, got a text"),
        ("date", '"2026-02-30"', r"expected a date such as 2026-01-31 for date, got a text"),
        ("date", '"2026-01-31T25:00:00Z"', r"expected a date such as 2026-01-31 for date, got a text"),
        ("date", '"0000-01-01"', r"expected a date such as 2026-01-31 for date, got a text"),
        ("date", "20260131", r"expected a date such as 2026-01-31 for date, got an int"),
        ("date", '"9999999-01-01"', r"argument \$1"),
        ("time", '"24:01"', r"expected a time of day such as 12:30:00 for time"),
        ("timestamp", '"2026-01-31T12:00:00Zgarbage"', r"expected an RFC 3339 time"),
        ("timestamptz", '"2026-01-31T12:00:00+99:99"', r"expected an RFC 3339 time"),
        ("timestamptz", '"999999-01-01 00:00:00+00"', r"argument \$1|out of range"),
        ("bit(3)", '"12"', r"expected a text of zeros and ones for bit, got a text"),
        ("real", "1e39", r"too large"),
        ("int", '"٣"', r"expected a whole number for int4, got a text"),
        ("float8", '"٣.5"', r"expected a number for float8, got a text"),
        ("numeric", '"1_000"', r"expected a number for numeric, got a text"),
        ("int4range", '"[1,5"', r"argument \$1: expected a range such as \[1,5\) for int4range, got a text"),
        ("int4range", "5", r"expected a range such as \[1,5\) for int4range, got an int"),
        ("daterange", '"[2026-01-31garbage,)"', r"expected a date such as 2026-01-31 for date"),
        ("int4multirange", '"{[1,3)}"', r"a multirange cannot be an argument; .*`\$1::text::int4multirange`"),
        ("interval", '"999999999999999h"', r"expected a duration such as 90s"),
    ],
)
async def test_an_argument_that_does_not_fit_is_permanent(sql, cast, argument, complaint):
    """The error names the argument and what would fit, and trying again is pointless."""
    nearly, huge = Exact("1.00000000000000000001"), Exact("1e400")
    body = {"nearly": nearly, "huge": huge, "large": 2**100, "long": 10**400}
    with pytest.raises(Permanent, match=complaint) as caught:
        await sql.value(f"select $1::{cast} as value", argument, body=body)
    assert caught.value.code == "OCTO-D112"


async def test_too_few_arguments_are_named(sql):
    """A placeholder without a value is the author's mistake, and says so."""
    with pytest.raises(Permanent, match="the query has 2 placeholders, `args` has 1 value") as caught:
        await sql("select $1::int + $2::int", "1")
    assert caught.value.code == "OCTO-D112"


async def test_arguments_cannot_inject(people):
    """Everything in a message is a value, never SQL."""
    name = "x'; drop table people; --"
    await people.run("insert into people (id, name) values (1, $1)", "body", body=name)
    assert await people.value("select name from people") == name


async def test_bytes_of_cel_reach_bytea_as_bytes(sql):
    """CEL bytes are not converted to base64 text."""
    assert await sql.value("select encode($1::bytea, 'hex') as value", r'b"\xff\x00"') == "ff00"


async def test_a_json_text_that_is_none_for_us_is_permanent(sql):
    """PostgreSQL stores half a surrogate pair in `json`; the next query on the connection works."""
    with pytest.raises(Permanent, match="a json value of the row cannot be read: not valid JSON") as caught:
        await sql.value("""select '"\\ud800"'::json as value""")
    assert caught.value.code == "OCTO-D110"
    assert await sql.value("select 1 as one") == 1
