"""`.env` files: `KEY=VALUE` lines.

Blank lines and lines that begin with `#` are skipped, a line may begin with `export `, and one pair of matching quotes
around the value is removed. There are no escapes, no interpolation and no comments after a value: a `#` there is part
of the value, because it may be part of a password.
"""

from __future__ import annotations

from pathlib import Path

from octo.config import codes
from octo.config.report import Report
from octo.core.errors import Position

_MOST_BYTES = 1024 * 1024


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
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        key, separator, value = line.removeprefix("export ").partition("=")
        key, value = key.strip(), value.strip()
        if not separator or not key:
            what = "the line has no `=`" if not separator else "the line has no name before `=`"
            report.error(codes.DOTENV, Position(name, number, 1), what, "write `NAME=value`, or `#` for a comment")
            continue
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        values[key] = value
    return values
