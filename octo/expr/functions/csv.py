"""CSV (RFC 4180) as lists of rows: maps by the names in the header, or lists of cells. Cells are text."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from octo.expr.cost import Cost
from octo.expr.errors import BUDGET, CONVERSION, INVALID_ARGUMENT, ExprError, quoted
from octo.expr.function import function
from octo.expr.functions.encoders import content
from octo.expr.json import decimal
from octo.expr.limits import MAX_SIZE, check_size
from octo.expr.options import Option, options, texts
from octo.expr.settle import render, settle
from octo.expr.values import a as article, kind_of

_MOST_CELLS: Final = 2_000_000
_EMPTIEST: Final = 64
"""At most one of so many cells may have a value: rows that have no key in common would make a table without end."""
_WRITTEN: Final = 4
"""The cost of a cell of a table: an absent one is written, too."""
_LINE: Final = 8
_CELL: Final = 2
_NUMBER_CELL: Final = 16
_LONGEST_NUMBER: Final = 400
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_SIGNED = re.compile(r"[+-][0-9][0-9.,]*")
_NAMES: Final = "header"

_READ = {
    "header": Option(("bool", "list"), True),
    "delimiter": Option(("string",), ","),
    "quote": Option(("string",), '"'),
    "numbers": Option(("bool", "list"), False),
    "decimal": Option(("string",), "."),
}
_WRITE = {
    "columns": Option(("list", "map", "null"), None),
    "header": Option(("bool",), True),
    "delimiter": Option(("string",), ","),
    "quote": Option(("string",), '"'),
    "decimal": Option(("string",), "."),
    "newline": Option(("string",), "\r\n"),
    "bom": Option(("bool",), False),
    "escapeFormulas": Option(("bool",), False),
}


def _dialect(name: str, chosen: dict[str, Any]) -> dict[str, Any]:
    """What the library needs to know, after a look at what it would not accept or not understand."""
    delimiter, quote = chosen["delimiter"], chosen["quote"]
    for option, character in (("delimiter", delimiter), ("quote", quote)):
        if len(character) != 1 or character in "\r\n\0":
            raise ExprError(INVALID_ARGUMENT, f"the option {option} of {name} is one character, not a line break")
    if delimiter == quote:
        raise ExprError(INVALID_ARGUMENT, f"delimiter and quote of {name} are the same")
    if chosen["decimal"] not in {".", ","}:
        raise ExprError(INVALID_ARGUMENT, f'the option decimal of {name} is "." or ","')
    return {"delimiter": delimiter, "quotechar": quote, "strict": True}


# -- in


def _cells(text: object, given: object = None) -> int:
    """What rows and cells cost, besides looking at the text."""
    chosen = given if isinstance(given, dict) else {}
    delimiter = chosen.get("delimiter")
    delimiter = delimiter if isinstance(delimiter, str) and delimiter else ","
    cell, line = (_NUMBER_CELL, _LINE + _NUMBER_CELL) if chosen.get("numbers") else (_CELL, _LINE)
    text = text.get("rawData") if isinstance(text, dict) else text
    if isinstance(text, bytes):
        mark = delimiter.encode(errors="replace")
        return line * (text.count(b"\n") + text.count(b"\r")) + cell * text.count(mark)
    if isinstance(text, str):
        return line * (text.count("\n") + text.count("\r")) + cell * text.count(delimiter)
    return 0


@function(
    "fromCsv(string) -> list(map(string, json))",
    "fromCsv(bytes) -> list(map(string, json))",
    "fromCsv(map) -> list(map(string, json))",
    "fromCsv(string, map) -> list(json)",
    "fromCsv(bytes, map) -> list(json)",
    "fromCsv(map, map) -> list(json)",
    family="octo",
    examples=[
        'fromCsv("sku,n\\r\\na,1\\r\\n") == [{"sku": "a", "n": "1"}]',
        'fromCsv("a;1,5", {"header": false, "delimiter": ";"}) == [["a", "1,5"]]',
        'fromCsv("a,1", {"header": ["sku", "n"], "numbers": ["n"]}) == [{"sku": "a", "n": 1}]',
    ],
    cost=Cost(base=64, reads=8, more=_cells),
)
def from_csv(table: str | bytes | dict[str, Any], given: dict[str, Any] | None = None) -> list[Any]:
    """The rows as maps by the names in the first row. A row with more or fewer cells is an error that names its line.

    The table is a text, bytes or a raw body.
    Options: header (false: lists of cells; a list: the names, if there is no first row with them), delimiter, quote,
    numbers (true: cells that look like numbers become numbers; a list: those columns must be numbers, empty is null),
    decimal ("," for 1,5).
    """
    chosen = options("fromCsv", given or {}, _READ)
    rows = _rows(_decoded(content("fromCsv", table)), _dialect("fromCsv", chosen))
    if chosen["header"] is False:
        if isinstance(chosen["numbers"], list):
            raise ExprError(INVALID_ARGUMENT, "columns without names cannot be named in numbers of fromCsv")
        read = _reader(chosen["decimal"]) if chosen["numbers"] else None
        return [[read(cell) for cell in row] if read else row for _, row in rows]
    names = chosen["header"]
    if isinstance(names, list):
        names = _checked(texts("fromCsv", _NAMES, names), "the option header of fromCsv")
    else:
        line, names = next(rows, (1, []))
        _checked(names, f"the header in line {line}")
    return _maps(rows, names, _converter(names, chosen["numbers"], _reader(chosen["decimal"])))


def _decoded(text: str | bytes) -> str:
    try:
        text = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        raise ExprError(
            CONVERSION, "CSV as bytes must be UTF-8", hint="A content type with a charset makes it text"
        ) from None
    return text.removeprefix("\ufeff")


def _rows(text: str, dialect: dict[str, Any]) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its first line; lines without anything are no rows."""
    import csv
    from io import StringIO

    # The limit of the library is one of the whole process, and far below that of a text here.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_SIZE))
    reader = csv.reader(StringIO(text, newline=""), **dialect)
    line = 1
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            unended = "end of data" in str(error)
            what = "a quoted cell does not end" if unended else "there is text after the end of a quoted cell"
            raise ExprError(CONVERSION, f"not CSV: in the row that begins in line {line} {what}") from None
        if row is None:
            return
        if row:
            yield line, row
        line = reader.line_num + 1


def _checked(names: list[str], where: str) -> list[str]:
    seen: set[str] = set()
    for at, name in enumerate(names, 1):
        if not name or name in seen:
            what = f"the name {quoted(name)} twice" if name else f"no name for column {at}"
            raise ExprError(CONVERSION, f"not usable CSV: {where} has {what}", hint='Read lists: {"header": false}')
        seen.add(name)
    return names


Converter = Callable[[int, dict[str, Any]], None]


def _maps(rows: Iterator[tuple[int, list[str]]], names: list[str], convert: Converter | None) -> list[dict[str, Any]]:
    found = []
    for line, row in rows:
        if len(row) != len(names):
            count = "1 cell" if len(row) == 1 else f"{len(row)} cells"
            raise ExprError(CONVERSION, f"not usable CSV: line {line} has {count}, the header has {len(names)}")
        fields: dict[str, Any] = dict(zip(names, row, strict=True))
        if convert:
            convert(line, fields)
        found.append(fields)
    return found


def _converter(names: list[str], numbers: bool | list[Any], read: Callable[[str], Any]) -> Converter | None:
    def guess(line: int, fields: dict[str, Any]) -> None:
        del line
        for name, cell in fields.items():
            fields[name] = read(cell)

    if isinstance(numbers, bool):
        return guess if numbers else None
    columns = texts("fromCsv", "numbers", numbers)
    for column in columns:
        if column not in names and names:
            raise ExprError(
                INVALID_ARGUMENT, f"numbers of fromCsv names the column {quoted(column)}, which is not there"
            )

    def convert(line: int, fields: dict[str, Any]) -> None:
        for column in columns:
            cell = fields[column]
            fields[column] = number = read(bare) if (bare := cell.strip()) else None
            if isinstance(number, str):
                raise ExprError(CONVERSION, f"line {line}: {quoted(column)} is no number: {quoted(cell)}")

    return convert


def _reader(mark: str) -> Callable[[str], Any]:
    """A function that reads a number with this decimal mark, or returns the text as it is."""
    if mark == ".":
        return _number

    def read(cell: str) -> Any:
        number = cell if "." in cell else _number(cell.replace(mark, ".", 1))
        return cell if isinstance(number, str) else number

    return read


def _number(cell: str) -> Any:
    """The number that the text is in JSON, or the text. So 007 stays a text."""
    parts = _NUMBER.fullmatch(cell) if len(cell) <= _LONGEST_NUMBER else None
    if parts is None:
        return cell
    return decimal(cell) if parts[1] or parts[2] else int(cell)


# -- out


def _columns(rows: Any, given: Any) -> int:
    """How many columns the table has: maps that have no key in common make it much larger than they are."""
    chosen = given.get("columns") if isinstance(given, dict) else None
    if isinstance(chosen, (list, dict)):
        return len(chosen)
    return len({key for row in rows if isinstance(row, dict) for key in row})


def _table_cost(rows: object, given: object = None) -> int:
    return _WRITTEN * len(rows) * _columns(rows, given) if isinstance(rows, list) else 0


@function(
    "toCsv(list) -> string",
    "toCsv(list, map) -> string",
    family="octo",
    examples=[
        'toCsv([{"sku": "a,b", "n": 1}, {"sku": null, "n": 2.5}]) == "sku,n\\r\\n\\"a,b\\",1\\r\\n,2.5\\r\\n"',
        'toCsv([["a", "b"]], {"delimiter": ";", "newline": "\\n"}) == "a;b\\n"',
        'toCsv([{"n": "=1+1"}], {"header": false, "escapeFormulas": true}) == "\'=1+1\\r\\n"',
    ],
    cost=Cost(base=64, reads=4, more=_table_cost),
)
def to_csv(rows: list[Any], given: dict[str, Any] | None = None) -> str:
    """The rows as CSV with CRLF: maps below a header of all their keys, or lists of cells. A null is an empty cell.

    Options: columns (a list: these keys in this order; a map: with these titles), header (false: none), delimiter,
    quote, decimal ("," for 1,5), newline, bom (true: begin with a byte order mark, for Excel), escapeFormulas (true:
    an apostrophe before text that a spreadsheet would run).
    """
    import csv

    chosen = options("toCsv", given or {}, _WRITE)
    if chosen["newline"] not in {"\r\n", "\n"}:
        raise ExprError(INVALID_ARGUMENT, 'the option newline of toCsv is "\\r\\n" or "\\n"')
    lines: list[str] = []
    written = csv.writer(_Lines(lines), lineterminator="\r\n", **_dialect("toCsv", chosen))
    guard = _guarded if chosen["escapeFormulas"] else None
    for number, row in enumerate(_table(settle(rows), chosen)):
        cells = [_cell(number, at, cell, chosen["decimal"]) for at, cell in enumerate(row)]
        written.writerow(map(guard, cells) if guard else cells)
    text = "".join(lines) if chosen["newline"] == "\r\n" else "".join(f"{line[:-2]}\n" for line in lines)
    check_size(len(text))
    return f"\ufeff{text}" if chosen["bom"] else text


class _Lines:
    """Where the library writes to: one call for each row."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append


def _table(rows: list[Any], chosen: dict[str, Any]) -> Iterator[list[Any]]:
    """The header, if any, and the rows as lists of cells."""
    columns = chosen["columns"]
    titles = list(columns.values()) if isinstance(columns, dict) else columns
    lists = bool(rows) and isinstance(rows[0], list)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list if lists else dict):
            wanted = "a list" if lists else "a map" if number > 1 else "a map or a list"
            raise ExprError(INVALID_ARGUMENT, f"row {number} of toCsv is {article(kind_of(row))}, not {wanted}")
    if not lists:
        columns = _named(rows, columns)
        titles = columns if titles is None else titles
    if chosen["header"] and titles:
        yield titles
    yield from rows if lists else ([row.get(column) for column in columns] for row in rows)


def _named(rows: list[dict[str, Any]], chosen: Any) -> list[str]:
    """The keys of the columns: those that are chosen, or all in the order of their appearance."""
    if chosen is None:
        columns = list(dict.fromkeys(key for row in rows for key in row))
        most = _EMPTIEST * sum(map(len, rows))
    else:
        columns = texts("toCsv", "columns", list(chosen))
        most = _MOST_CELLS
    if len(columns) * len(rows) > min(most, _MOST_CELLS):
        count = f"{len(rows):,} rows and {len(columns):,} columns"
        raise ExprError(
            BUDGET,
            f"a table of {count} is too large: it has more than {_MOST_CELLS:,} cells, or almost all are empty",
            hint='Choose columns: {"columns": ["id", "name"]}',
        )
    return columns


def _cell(row: int, at: int, value: Any, mark: str) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        raise ExprError(
            INVALID_ARGUMENT,
            f"in row {row} of toCsv, cell {at + 1} is {article(kind_of(value))}",
            hint="Convert it with toJson(...), or choose columns",
        )
    text = render(value)
    return text.replace(".", mark) if isinstance(value, float) and mark != "." else text


def _guarded(cell: str) -> str:
    """The text, with an apostrophe if a spreadsheet would take it for a formula. A number with a sign is none."""
    return f"'{cell}" if cell.startswith(_FORMULAS) and not _SIGNED.fullmatch(cell) else cell
