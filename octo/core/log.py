"""The process log: standard logging under `octo.*`, one line per event, as text or as JSON.

    log = logging.getLogger("octo.engine")
    log.info("starting flow", extra=fields(flow="orders", workers=8))

    time=2026-01-01T10:00:00.000+01:00 level=INFO msg="starting flow" flow=orders workers=8

Invariants: a line never contains a line break or a control character, whatever a message brings; each of its fields has
a bounded length, except in the lines that authors ask for with a `log` block; a registered secret never appears; and
logging never raises - a line that cannot be written is counted (`lost`), and work goes on.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from datetime import datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, Literal, TextIO

from octo.core import codec, current
from octo.core.bounded import MOST, bounded
from octo.core.repeats import AUTHORS, Left, Repeats
from octo.core.secrets import masked
from octo.expr import render
from octo.expr.values import Exact

Format = Literal["text", "json"]

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
"""What authors and LOG_LEVEL may write."""

_NAMES = {logging.DEBUG: "DEBUG", logging.INFO: "INFO", logging.WARNING: "WARN", logging.ERROR: "ERROR"}
_log = logging.getLogger("octo.log")


def fields(**values: object) -> dict[str, object]:
    """The `extra` of a log call: what the line carries beside its message, by name."""
    return {"fields": values}


# --- configuration of the process --------------------------------------------------------------------------------


def configure(
    level: str | None = None,
    format: str | None = None,  # noqa: A002  the word of the flag and of LOG_FORMAT
    stream: TextIO | None = None,
) -> None:
    """Set up logging for the whole process; may be called again.

    level, format: default to the environment's LOG_LEVEL and LOG_FORMAT, then to info and text. An unknown word is
        logged as a warning and the default is used: a typo there must not keep a service from starting.
    stream: defaults to whatever `sys.stderr` is when a line is written.
    """
    level, bad_level = _choose(level or os.environ.get("LOG_LEVEL"), LEVELS, "info")
    format, bad_format = _choose(format or os.environ.get("LOG_FORMAT"), ("text", "json"), "text")  # noqa: A001
    handler = Lines(stream)
    handler.setFormatter(Json() if format == "json" else Text(coloured=_is_terminal(stream or sys.stderr)))
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, Lines)]:
        root.removeHandler(old)
    root.addHandler(handler)
    # Libraries log only when something is wrong.
    root.setLevel(logging.WARNING)
    logging.getLogger("octo").setLevel(LEVELS[level])
    logging.captureWarnings(True)
    for variable, value, taken in (("LOG_LEVEL", bad_level, level), ("LOG_FORMAT", bad_format, format)):
        if value:
            _log.warning(f"{variable} is not known, using {taken}", extra=fields(value=value))


def _choose(word: str | None, known: Iterable[str], default: str) -> tuple[str, str]:
    """The word, or the default together with the word that was refused."""
    if not word:
        return default, ""
    return (word.lower(), "") if word.lower() in known else (default, word)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty() and not os.environ.get("NO_COLOR")
    except (AttributeError, ValueError):  # closed, before the start or since
        return False


_stdout_reserved = False


def reserve_stdout(reserved: bool = True) -> None:
    """Say whether standard output belongs to a command's result, as it does under `octo invoke`."""
    global _stdout_reserved  # noqa: PLW0603  a fact about the process
    _stdout_reserved = reserved


def stdout_reserved() -> bool:
    """Whether log lines meant for standard output must go to standard error instead."""
    return _stdout_reserved


_lines_checked = False


def check_lines(checked: bool = True) -> None:
    """Say whether the text of a line below the level is made all the same, as under `octo test`: it may fail."""
    global _lines_checked  # noqa: PLW0603  a fact about the process
    _lines_checked = checked


def lines_checked() -> bool:
    """Whether `log` blocks must evaluate `message` even where nothing is written."""
    return _lines_checked


_requests_told = False


def tell_requests(told: bool = True) -> None:
    """Say whether servers write a line for each request, as they do for a developer who watches."""
    global _requests_told  # noqa: PLW0603  a fact about the process
    _requests_told = told


def requests_told() -> bool:
    """Whether a server writes a line for each request. It asks when it opens, not per request."""
    return _requests_told


# --- values ------------------------------------------------------------------------------------------------------

_DEEPEST = 32
_LONGEST = 2 * MOST
_LONGEST_TRACEBACK = 10 * MOST
"""Characters of a field, and of a traceback. An error with the way to its block is shorter: it is not cut twice."""


def _plain(value: object, depth: int = 0) -> Any:
    """The value as JSON kinds, without secrets. Never raises, even if the `__str__` of an unknown class does."""
    if value is None or value.__class__ in (bool, int, float, Exact):
        return value
    if isinstance(value, str | bytes):
        return masked(render(value))
    if depth < _DEEPEST:
        if isinstance(value, Mapping):
            return {masked(str(key)): _plain(each, depth + 1) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [_plain(each, depth + 1) for each in value]
    try:
        return masked(str(value))
    except Exception as error:  # noqa: BLE001  see above
        return f"<{type(value).__name__}: {type(error).__name__} in __str__>"


# --- formats -----------------------------------------------------------------------------------------------------


class _Formatter(logging.Formatter):
    """What both formats share: a record as masked names and values, in the order of the line.

    bare: only the fields that the line gives itself, without the ids of the message that is worked on.
    """

    def __init__(self, *, bare: bool = False) -> None:
        super().__init__()
        self._bare = bare

    def pairs(self, record: logging.LogRecord) -> dict[str, Any]:
        moment = datetime.fromtimestamp(record.created).astimezone()
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": _NAMES.get(record.levelno, record.levelname),
            "msg": masked(_message(record)),
        }
        ids = {} if self._bare else _working_on(record)
        for name, value in (_fields(record) | ids).items():
            line[f"{name}_" if name in line else name] = _plain(value)
        if record.name != AUTHORS:
            line = {name: _short(value) for name, value in line.items()}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            trace = "".join(traceback.format_exception(error))
            line["traceback"] = masked(bounded(trace, _LONGEST_TRACEBACK))
        return line


def _short(value: Any) -> Any:
    """The value; the beginning and the end of its text if that is long."""
    if isinstance(value, str):
        return bounded(value, _LONGEST)
    if isinstance(value, dict | list):
        text = _json(value)
        return value if len(text) <= _LONGEST else bounded(text, _LONGEST)
    return value


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  a bad format string must not lose the line
        return f"{record.msg} {record.args}"


def _fields(record: logging.LogRecord) -> dict[str, object]:
    values = getattr(record, "fields", None)
    if isinstance(values, Mapping):
        return dict(values)
    # A library's line names its logger: its message was not written for our readers.
    return {} if record.name.split(".")[0] == "octo" else {"logger": record.name}


def _working_on(record: logging.LogRecord) -> dict[str, object]:
    """The ids of the message that the running task works on, except those that the line gives itself."""
    message = current.message.get()
    if message is None:
        return {}
    ids = {"event_id": message.event_id, "correlation_id": message.correlation_id}
    told = getattr(record, "fields", None) or {}
    return {name: value for name, value in ids.items() if value and name not in told}


class Json(_Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        return _json(self.pairs(record))


class Text(_Formatter):
    """`time=... level=INFO msg="..." name=value`: easy to read and to parse.

    With colours, which are for people, a traceback has its own lines, and the time no date.
    """

    def __init__(self, coloured: bool = False, *, bare: bool = False) -> None:
        super().__init__(bare=bare)
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        pairs = self.pairs(record)
        if self._coloured:
            trace = str(pairs.pop("traceback", ""))
            pairs["time"] = pairs["time"][11:23]
            line = " ".join(self._colour(name, _value(value), record.levelno) for name, value in pairs.items())
            return "\n".join([line, *(f"  {_harmless(each)}" for each in trace.splitlines())])
        return " ".join(f"{_word(name)}={_value(value)}" for name, value in pairs.items())

    def _colour(self, name: str, value: str, level: int) -> str:
        key = f"\x1b[2m{_word(name)}=\x1b[0m"
        return f"{key}{_COLOURS.get(level, '')}{value}\x1b[0m" if name == "level" else f"{key}{value}"


_COLOURS = {logging.DEBUG: "\x1b[36m", logging.INFO: "\x1b[32m", logging.WARNING: "\x1b[33m", logging.ERROR: "\x1b[31m"}


def _value(value: object) -> str:
    if isinstance(value, str):
        return _word(value)
    return _word(_json(value))


def _json(value: object) -> str:
    return codec.write(value).decode()


def _word(text: str) -> str:
    """The text unchanged if it is one plain word, else quoted and escaped."""
    if text and text.isprintable() and not _SPECIAL.search(text):
        return text
    return f'"{"".join(map(_escaped, text))}"'


_SPECIAL = re.compile(r'[\s="]')


def _harmless(text: str) -> str:
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    if character == '"':
        return '\\"'
    if character.isprintable() and character != "\\":
        return character
    return character.encode("unicode_escape").decode()


# --- handlers ----------------------------------------------------------------------------------------------------

_lost = 0


def lost() -> int:
    """How many lines this process could not write."""
    return _lost


def count_lost() -> None:
    """Count a line that could not be written."""
    global _lost  # noqa: PLW0603  a fact about the process
    _lost += 1


class Lines(logging.StreamHandler[TextIO]):
    """Writes lines to a stream; without one, to whatever `sys.stderr` is at that moment.

    Lines that cannot be written are counted; the first that can be is preceded by one that says how many are missing.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream or sys.stderr)
        self._follows_stderr = stream is None
        self._missing = 0
        self._repeats = Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        for left in self._repeats.left_out():
            self._write(_repeated(left))
        if self._repeats.admits(record):
            self._write(record)

    def close(self) -> None:
        for left in self._repeats.left_out(everything=True):
            self._write(_repeated(left))
        super().close()

    def _write(self, record: logging.LogRecord) -> None:
        try:
            if self._missing:
                self._pour(_missing(self._missing))
                self._missing = 0
            self._pour(record)
        except Exception:  # noqa: BLE001  invariant: logging never raises
            self.handleError(record)

    def _pour(self, record: logging.LogRecord) -> None:
        stream = sys.stderr if self._follows_stderr else self.stream
        line = self.format(record) + "\n"
        try:
            stream.write(line)
        except UnicodeEncodeError:
            stream.write(line.encode("ascii", "backslashreplace").decode())
        stream.flush()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802
        self._missing += 1
        count_lost()


def _missing(lines: int) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": _log.name, "levelno": logging.WARNING, "levelname": "WARNING"})
    record.msg, record.fields = "log lines could not be written", {"lines": lines}
    return record


def _repeated(left: Left) -> logging.LogRecord:
    """The line that says how many lines like the last one were not written."""
    told = logging.makeLogRecord({**vars(left.last), "msg": "repeated, not shown", "args": (), "exc_info": None})
    same = {name: value for name, value in _fields(left.last).items() if name in ("flow", "code", "path", "source")}
    told.fields = {"line": _message(left.last), "times": left.times, **same}
    return told


class File(WatchedFileHandler):
    """Appends lines to a file that only its owner may read; follows it when it is rotated away.

    The process log tells the first line that cannot be written, and how many were lost once one can be again.
    """

    def __init__(self, path: Path) -> None:
        self._missing = 0
        self._cut = b""
        super().__init__(path)

    def _open(self) -> Any:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "ab")

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.reopenIfNeeded()
            self._append(f"{self.format(record)}\n".encode())
        except Exception:  # noqa: BLE001  invariant: logging never raises
            self.handleError(record)
            return
        if self._missing:
            about = fields(file=self.baseFilename, lines=self._missing)
            self._missing = 0
            _log.warning("a log file can be written again; lines were lost", extra=about)

    def _append(self, line: bytes) -> None:
        # Not through the stream: one write per line, and nothing piles up in memory while the disk is full.
        assert self.stream is not None
        left = self._cut + line  # a line that was cut when the disk became full must not run into the next
        while left:
            left = left[os.write(self.stream.fileno(), left) :]
            self._cut = b"\n" if left else b""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802
        count_lost()
        self._missing += 1
        if self._missing == 1:
            reason = sys.exc_info()[1]
            _log.warning(
                "cannot write a log file; its lines are lost", extra=fields(file=self.baseFilename, error=reason)
            )
