"""The driver of a stub: it answers queries from a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from octo.connectors.database import codes, dsn, errors
from octo.connectors.database.driver import Row
from octo.connectors.database.settings import MOST_BYTES, Connection
from octo.connectors.database.size import Size
from octo.connectors.database.stub import Answer, one_line, pattern, shown
from octo.core.errors import Permanent
from octo.core.misfit import Misfit, advice
from octo.core.secrets import masked
from octo.expr.json import dumps
from octo.expr.values import Duration, Timestamp, digits


class Canned:
    """Answers queries from a list, as a server of the settings' kind would."""

    is_busy = False

    def __init__(self, settings: Connection, answers: Sequence[Answer]) -> None:
        self._settings = settings
        self._where = dsn.place(settings.driver, settings.dsn.get_secret_value())
        self._answers = [_Candidate(answer) for answer in answers]

    async def fetch(self, query: str, args: Sequence[object], limit: int, most: int = MOST_BYTES) -> list[Row]:
        rows = self._rows(query, args)
        if len(rows) > limit:
            raise errors.too_many_rows(limit)
        Size(most).add(rows)
        return rows

    async def first(self, query: str, args: Sequence[object], most: int = MOST_BYTES) -> Row | None:
        rows = self._rows(query, args)[:1]
        Size(most).add(rows)
        return rows[0] if rows else None

    async def execute(self, query: str, args: Sequence[object], most: int = MOST_BYTES) -> int:  # noqa: ARG002
        answer = self._chosen(query, args)
        if answer.rows_affected is None:
            raise _misplaced("it has `rows`, but the block says `exec`: write `rowsAffected`", query)
        return answer.rows_affected

    async def ping(self) -> None:
        """Return: a stub is always reachable."""

    def _rows(self, query: str, args: Sequence[object]) -> list[Row]:
        answer = self._chosen(query, args)
        if answer.rows is None:
            raise _misplaced("it has `rowsAffected`, but the block reads rows: write `rows`", query)
        return answer.rows

    def _chosen(self, query: str, args: Sequence[object]) -> Answer:
        """Return the answer to a query, or raise what it has under `error`."""
        misfits = []
        for candidate in self._answers:
            misfit = candidate.misfit(query, args)
            if misfit is None:
                candidate.given += 1
                return candidate.answer if candidate.answer.error is None else self._fail(candidate.answer.error)
            misfits.append(misfit)
        labels = [one_line(masked(each.answer.query or "any query")) for each in self._answers]
        text = f"the stub has no answer to {shown(query)}; {advice(one_line(query), labels, misfits, shown)}"
        raise Permanent(text, code=codes.NO_ANSWER)

    def _fail(self, error: str) -> NoReturn:
        match error:
            case "unavailable":
                raise errors.not_connected(self._where, "its stub says so")
            case "timeout":
                raise errors.too_slow(self._settings.timeout or 0)
        state = {"sqlState": "23505"} if self._settings.driver == "postgres" else {}
        raise Permanent("a constraint was violated: its stub says so", code=codes.CONSTRAINT, vars=state)


class _Candidate:
    """An answer and how often it was given."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.given = 0
        self._pattern = pattern(answer.query or "")

    def misfit(self, query: str, args: Sequence[object]) -> Misfit | None:
        answer = self.answer
        if not self._pattern.search(one_line(query)):
            return Misfit(0, "it is for another query")
        if answer.args is not None and not _same(answer.args, list(args)):
            return Misfit(1, f"it is for the arguments {dumps(answer.args)}")
        if answer.times is not None and self.given >= answer.times:
            return Misfit(2, f"its `times: {answer.times}` is used up")
        return None


def _same(expected: object, actual: object) -> bool:
    """Whether two values are equal, digit for digit: 1 equals 1.0, but not true. A text equals its bytes or time."""
    if isinstance(expected, str) and isinstance(actual, bytes):
        actual = actual.decode(errors="replace")
    if isinstance(actual, Timestamp | Duration):
        actual = str(actual)
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(_same, expected, actual))
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(_same(expected[key], actual[key]) for key in expected)
    return bool(digits(expected) == digits(actual))


def _misplaced(reason: str, query: str) -> Permanent:
    return Permanent(f"the stub's answer to {shown(query)} does not fit: {reason}", code=codes.NO_ANSWER)
