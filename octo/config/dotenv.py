"""`.env` files: `KEY=VALUE` lines.

Blank lines and lines that begin with `#` are skipped, a line may begin with `export `, and one pair of matching quotes
around the value is removed; between the quotes it may have several lines, as a key in PEM form has. There are no
escapes, no interpolation and no comments after a value: a `#` there is part of the value, because it may be part of a
password.
"""

from __future__ import annotations

import re
from pathlib import Path

from octo.config import codes
from octo.config.report import Report
from octo.core.errors import Position

_MOST_BYTES = 1024 * 1024
_QUOTES = ("'", '"')
_BREAK = re.compile(r"\r\n|\r|\n")
"""Other characters that Python ends a line at, such as U+2028, may be part of a password."""
_HINT = "write `NAME=value`, or `#` for a comment; put a value of several lines into quotes"


def read_dotenv(path: Path, report: Report) -> dict[str, str] | None:
    """The variables of a file, or None when there is no such file. Values never reach the report."""
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        report.error(codes.DOTENV, Position(name), f"the file cannot be read: {error.strerror}")
        return {}
    if len(data) > _MOST_BYTES:
        report.error(codes.DOTENV, Position(name), "the file is larger than 1 MiB", "is it really a .env file?")
        return {}
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        report.error(codes.DOTENV, Position(name, line, 1), "the file is not UTF-8 text", "save it as UTF-8")
        return {}
    return parse_dotenv(text, name, report)


def parse_dotenv(text: str, name: str, report: Report) -> dict[str, str]:
    values = {}
    lines = _BREAK.split(text)
    number = 0
    opened = 0
    while number < len(lines):
        line, at = lines[number].strip(), Position(name, number + 1, 1)
        number += 1
        if not line or line.startswith("#"):
            continue
        key, separator, value = line.removeprefix("export ").partition("=")
        key, value = key.strip(), value.strip()
        if not separator or not key:
            what = "the line has no `=`" if not separator else "the line has no name before `=`"
            hint = f"perhaps line {opened} opens a quote that is not closed; {_HINT}" if opened else _HINT
            report.error(codes.DOTENV, at, what, hint)
            continue
        more = _continued(value, lines, number)
        if more:
            value = "\n".join([lines[number - 1].partition("=")[2].lstrip(), *lines[number : number + more]]).rstrip()
            number += more
        elif value[:1] in _QUOTES and value.count(value[0]) == 1:
            opened = number
        if len(value) > 1 and value[0] == value[-1] and value[0] in _QUOTES:
            value = value[1:-1]
        values[key] = value
    return values


def places(text: str) -> dict[str, tuple[int, int]]:
    """The lines of each variable that a text sets, as the numbers of the first one and of the one behind the last."""
    lines, number = _BREAK.split(text), 0
    found: dict[str, tuple[int, int]] = {}
    while number < len(lines):
        first, number = number, number + 1
        line = lines[first].strip()
        key, separator, value = line.removeprefix("export ").partition("=")
        if separator and key.strip() and not line.startswith("#"):
            number += _continued(value.strip(), lines, number)
            found[key.strip()] = first, number
    return found


def _continued(value: str, lines: list[str], start: int) -> int:
    """The number of lines from `start` on that belong to a value: those until its quote is closed.

    0 if it is not quoted, or closed at once. A quote that is never closed, or that comes again within a line, is a
    character like any other.
    """
    if value[:1] not in _QUOTES or not value or value[0] in value[1:]:
        return 0
    for number in range(start, len(lines)):
        if value[0] in lines[number]:
            line = lines[number].rstrip()
            return number + 1 - start if line.index(value[0]) == len(line) - 1 else 0
    return 0
