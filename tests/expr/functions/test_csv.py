"""CSV comes back as the rows it was; what is ragged, unnamed or unended is an error that names the line."""

import pytest
from hypothesis import given, settings, strategies as st

from octo.expr import Scope, compile  # noqa: A004 - the name of the API
from octo.expr.values import Exact

SCOPE = Scope(("v",), {"v": "v"})
LISTS = compile('fromCsv(toCsv(v), {"header": false}) == v', SCOPE)
MAPS = compile('fromCsv(toCsv(v, {"delimiter": ";", "newline": "\\n"}), {"delimiter": ";"}) == v', SCOPE)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", []),
        ("a,b\n", []),
        ("a,b\n1,2\n", [{"a": "1", "b": "2"}]),
        ("a,b\r\n1,2", [{"a": "1", "b": "2"}]),
        ("a,b\r1,\r", [{"a": "1", "b": ""}]),
        ("\ufeffa\n1", [{"a": "1"}]),
        (b"\xef\xbb\xbf\xc3\xa4\n1", [{"ä": "1"}]),
        ('a,b\n"x,\ny","say ""hi"""\n', [{"a": "x,\ny", "b": 'say "hi"'}]),
        ("a\n\n\r\n1\n", [{"a": "1"}]),
        ("a, b\n 1 ,2\n", [{"a": " 1 ", " b": "2"}]),
        ('a\nx"y\n', [{"a": 'x"y'}]),
        ("a\n=1+1\n007\n", [{"a": "=1+1"}, {"a": "007"}]),
        ("a\n" + "x" * 200_000, [{"a": "x" * 200_000}]),
    ],
)
def test_rows_are_maps_of_texts(evaluate, text, rows):
    assert evaluate("fromCsv(body)", text) == rows


@pytest.mark.parametrize(
    ("text", "options", "rows"),
    [
        ("1;2\n3\n", '{"header": false, "delimiter": ";"}', [["1", "2"], ["3"]]),
        ("1\t2\n", '{"header": ["a", "b"], "delimiter": "\\t"}', [{"a": "1", "b": "2"}]),
        ("'x,y',2\n", '{"header": false, "quote": "\'"}', [["x,y", "2"]]),
        ("1,007,1.50,-2e3,x,\n", '{"header": false, "numbers": true}', [[1, "007", 1.5, -2000.0, "x", ""]]),
        ("a,b,c\n7,,7\n", '{"numbers": ["a", "b"]}', [{"a": 7, "b": None, "c": "7"}]),
        ("a;b\n1,5;1.234,5\n", '{"delimiter": ";", "numbers": true, "decimal": ","}', [{"a": 1.5, "b": "1.234,5"}]),
        (
            "1,5;7;1.5;x,y\n",
            '{"delimiter": ";", "header": false, "numbers": true, "decimal": ","}',
            [[1.5, 7, "1.5", "x,y"]],
        ),
        ("a,b\n 1.5 ,x\n  ,y\n", '{"numbers": ["a"]}', [{"a": 1.5, "b": "x"}, {"a": None, "b": "y"}]),
    ],
)
def test_options_of_reading(evaluate, text, options, rows):
    assert evaluate(f"fromCsv(body, {options})", text) == rows


def test_a_number_keeps_its_digits(evaluate):
    rows = evaluate('fromCsv(body, {"numbers": true})', "a,b\n0.12345678901234567890,12345678901234567890123\n")

    assert type(rows[0]["a"]) is Exact
    assert rows[0]["a"].literal == "0.12345678901234567890"
    assert rows[0]["b"] == 12345678901234567890123


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a,b\n1,2\n3\n", "{}", "line 3 has 1 cell, the header has 2"),
        ('a,b\n"x\ny",2\n1,2,3\n', "{}", "line 4 has 3 cells, the header has 2"),
        ('a,b\n1,2\n"x,3\n4,5\n', "{}", "in the row that begins in line 3 a quoted cell does not end"),
        ('a\n"x"y\n', "{}", "in the row that begins in line 2 there is text after the end of a quoted cell"),
        ("a,b,a\n", "{}", "the header in line 1 has the name 'a' twice"),
        ("a,\n", "{}", "the header in line 1 has no name for column 2"),
        ("1,2\n", '{"header": ["a"]}', "line 1 has 2 cells, the header has 1"),
        ("1,2\n", '{"header": ["a", "a"]}', "the option header of fromCsv has the name 'a' twice"),
        ("a\n1\nx\n", '{"numbers": ["a"]}', "line 3: 'a' is no number: 'x'"),
        (b"a\n\xff\n", "{}", "CSV as bytes must be UTF-8"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(failure, text, options, message):
    error = failure(f"fromCsv(body, {options})", text)

    assert error.code == "OCTO-E206"
    assert message in error.message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('{"delimiter": ""}', "the option delimiter of fromCsv is one character"),
        ('{"delimiter": ";;"}', "the option delimiter of fromCsv is one character"),
        ('{"quote": "\\n"}', "the option quote of fromCsv is one character"),
        ('{"quote": ","}', "delimiter and quote of fromCsv are the same"),
        ('{"decimal": ";"}', 'the option decimal of fromCsv is "." or ","'),
        ('{"separator": ","}', "fromCsv has no option 'separator'"),
        ('{"numbers": ["b"]}', "numbers of fromCsv names the column 'b', which is not there"),
        ('{"numbers": ["a"], "header": false}', "columns without names cannot be named"),
    ],
)
def test_a_wrong_option_of_reading_is_refused(failure, options, message):
    error = failure(f"fromCsv(body, {options})", "a\n1\n")

    assert error.code == "OCTO-E209"
    assert message in error.message


@pytest.mark.parametrize(
    ("rows", "options", "text"),
    [
        ([], "{}", ""),
        ([], '{"columns": ["a", "b"]}', "a,b\r\n"),
        ([{"a": 1}, {"b": True, "a": None}, {}], "{}", "a,b\r\n1,\r\n,true\r\n,\r\n"),
        ([{"a": 1.0, "b": 1.5, "c": b"ab"}], '{"header": false}', "1,1.5,YWI=\r\n"),
        ([{"a": 1, "b": [1]}], '{"columns": ["c", "a"]}', "c,a\r\n,1\r\n"),
        ([{"a": 1}], '{"columns": {"a": "Amount, net"}}', '"Amount, net"\r\n1\r\n'),
        ([["a", 1], ["b"]], "{}", "a,1\r\nb\r\n"),
        ([["a"]], '{"columns": ["name"], "newline": "\\n"}', "name\na\n"),
        ([[""], [None]], "{}", '""\r\n""\r\n'),
        ([['x"y', "a\rb", "a\nb", "a,b", " a "]], '{"newline": "\\n"}', '"x""y","a\rb","a\nb","a,b", a \n'),
        ([["ä"]], '{"bom": true}', "\ufeffä\r\n"),
        ([[1.5, 2, "1.5"]], '{"delimiter": ";", "decimal": ","}', "1,5;2;1.5\r\n"),
        ([["a;b", "c,d"]], '{"delimiter": ";"}', '"a;b";c,d\r\n'),
    ],
)
def test_a_list_is_a_table(evaluate, rows, options, text):
    assert evaluate(f"toCsv(body, {options})", rows) == text


FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    '=HYPERLINK("http://evil.example")',
    "=1,2",
]


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_spreadsheet_does_not_run_a_guarded_cell(evaluate, cell):
    """An application that imports CSV runs what begins like a formula, also in quotes."""
    written = evaluate('fromCsv(toCsv([[body]], {"escapeFormulas": true}), {"header": false})[0][0]', cell)

    assert written == f"'{cell}"
    assert evaluate('fromCsv(toCsv([[body]]), {"header": false})[0][0]', cell) == cell


@pytest.mark.parametrize("cell", [-1, -1.5, "-1", "+49.5", "-1,50", "a=b", "", None, True])
def test_numbers_are_no_formulas(evaluate, cell):
    guarded = evaluate('toCsv([[body]], {"escapeFormulas": true})', cell)

    assert guarded == evaluate("toCsv([[body]])", cell)


def test_titles_are_guarded_too(evaluate):
    assert evaluate('toCsv([body], {"escapeFormulas": true})', {"=1": 1}) == "'=1\r\n1\r\n"


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([1], "{}", "row 1 of toCsv is an int, not a map or a list"),
        ([{"a": 1}, ["a"]], "{}", "row 2 of toCsv is a list, not a map"),
        ([["a"], {"a": 1}], "{}", "row 2 of toCsv is a map, not a list"),
        ([{"a": 1}, {"a": [1]}], "{}", "in row 2 of toCsv, cell 1 is a list"),
        ([], '{"newline": "\\r"}', "the option newline of toCsv is"),
        ([{"a": 1}], '{"columns": [1]}', "columns of toCsv must hold strings only"),
    ],
)
def test_what_is_no_table_is_refused(failure, rows, options, message):
    error = failure(f"toCsv(body, {options})", rows)

    assert error.code == "OCTO-E209"
    assert message in error.message


def test_rows_without_a_common_key_do_not_multiply(failure):
    """Ten thousand rows with a key of their own would be a hundred million cells."""
    error = failure("toCsv(body)", [{f"k{number}": 1} for number in range(10_000)])

    assert error.code == "OCTO-E207"
    assert "10,000 rows and 10,000 columns" in error.message


CELLS = st.text(st.characters(codec="utf-8"))


@settings(deadline=None)
@given(st.lists(st.lists(CELLS, min_size=1)).filter(lambda rows: not rows or not rows[0][0].startswith("\ufeff")))
def test_every_table_comes_back(rows):
    assert LISTS(rows) is True


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries({"a": CELLS, "ü;": CELLS}), min_size=1))
def test_every_table_of_maps_comes_back(rows):
    assert MAPS(rows) is True


@pytest.mark.parametrize("data", ["a\n\u00e4\n", "a\n\u00e4\n".encode()])
def test_a_raw_body_can_be_given_as_it_is(evaluate, failure, data):
    body = {"contentType": "text/csv", "rawData": data}

    assert evaluate("fromCsv(body)", body) == evaluate('fromCsv(body, {"delimiter": ";"})', body) == [{"a": "\u00e4"}]
    assert "this map has no text or bytes as rawData" in failure("fromCsv(body)", {"a": 1}).message
