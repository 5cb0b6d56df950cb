"""The outcome of an expression, in a form that both sides can write. This module imports neither evaluator."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any, Literal, NamedTuple

Word = Literal["value", "error", "refused", "unspeakable", "unplanned", "died"]
"""refused: the compiler refused it. unspeakable: its value has no written form. unplanned: a bug in Octo. died: the
evaluator's process died.
"""


class Case(NamedTuple):
    """An expression, whether kinds are declared and checked, and the values of the variables."""

    text: str
    checked: bool
    data: dict[str, Any]


class Outcome(NamedTuple):
    """How an evaluation ended, in a word, and the written value or the message."""

    word: Word
    content: Any

    def __str__(self) -> str:
        return f"{self.word}: {self.content if isinstance(self.content, str) else json.dumps(self.content)}"


class Meeting(NamedTuple):
    """One case on both sides."""

    case: Case
    ours: Outcome
    theirs: Outcome

    @property
    def words(self) -> tuple[Word, Word]:
        return self.ours.word, self.theirs.word

    @property
    def is_same(self) -> bool:
        """Whether both have the same value, or both fail. The texts of errors may differ."""
        if self.words == ("value", "value"):
            return bool(self.ours.content == self.theirs.content)
        return self.ours.word in _FAILED and self.theirs.word in _FAILED


_FAILED = {"error", "refused"}


def written(value: Any, top: bool = False) -> Any:  # noqa: PLR0911 - one line per kind
    """A value in a form that both sides can write. Inside lists and maps a uint becomes an int, as in the binding."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return {"uint" if top and type(value).__name__ == "Uint" else "int": str(int(value))}
    if isinstance(value, float):
        return {"double": repr(value)}
    if isinstance(value, bytes | bytearray):
        return {"bytes": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, list | tuple):
        return [written(each) for each in value]
    if isinstance(value, dict):
        entries = [[written(key), written(each)] for key, each in value.items()]
        return {"map": sorted(entries, key=lambda entry: json.dumps(entry[0]))}
    return _written_more(value)


def _written_more(value: Any) -> Any:
    kind = type(value).__name__
    if kind in {"datetime", "timedelta"}:
        span = value - dt.datetime(1970, 1, 1, tzinfo=dt.UTC) if kind == "datetime" else value
        return {"time": str(span // dt.timedelta(microseconds=1))}
    if kind in {"Timestamp", "Duration"}:
        return {"time": str(value.nanos // 1000)}
    if kind == "Optional":
        return {"optional": [written(value.value)] if value.present else []}
    if kind == "Type":
        name = value.name() if callable(value.name) else value.name
        return {"type": _TYPES.get(str(name).partition("<")[0], str(name))}
    raise TypeError(f"no written form of {kind}")


_TYPES = {
    **{name.upper(): name for name in ("bool", "int", "uint", "double", "string", "bytes", "list", "map", "type")},
    "NULL": "null_type",
    "TIMESTAMP": "google.protobuf.Timestamp",
    "DURATION": "google.protobuf.Duration",
}
