"""Suites of checks, and what they share: difficult names and values."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import Generic, TypeVar

from octo.core.errors import Permanent
from octo.core.message import new_id
from octo.expr.values import Duration, Timestamp
from octo.services import codes

S = TypeVar("S")
E = TypeVar("E", bound=BaseException)

Check = Callable[[S, float], Awaitable[None]]


class Suite(Generic[S]):
    """The checks of one port. Each is a coroutine function that takes an open service and the length of a second."""

    def __init__(self, port: str) -> None:
        self.port = port
        self.checks: list[Check[S]] = []

    def check(self, function: Check[S]) -> Check[S]:
        """Add a check; its docstring is the promise."""
        self.checks.append(function)
        return function

    async def run(self, opened: Callable[[], AbstractAsyncContextManager[S]], *, second: float = 1.0) -> None:
        """Run every check on a service of its own.

        second: the length of the seconds that checks wait. Give more than 1.0 for a service that is far away.
        """
        for check in self.checks:
            await self.run_one(check, opened, second=second)

    async def run_one(
        self, check: Check[S], opened: Callable[[], AbstractAsyncContextManager[S]], *, second: float = 1.0
    ) -> None:
        """Run one check. Raises `AssertionError` with the promise if it fails."""
        promise = f"{self.port}: {(check.__doc__ or '').strip()}"
        async with opened() as service:
            try:
                async with asyncio.timeout(600):
                    await check(service, second)
            except Exception as error:
                cause = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
                raise AssertionError(f"{promise}\n{type(cause).__name__}: {cause}") from error


def fresh() -> str:
    """A new name, which is also valid for a namespace."""
    return f"c{new_id()[:20]}"


async def refused(kind: type[E], work: Awaitable[object]) -> E:
    """Return the error of this kind that the work raises; fail if it raises none."""
    try:
        result = await work
    except kind as error:
        return error
    raise AssertionError(f"expected {kind.__name__}, got {result!r:.100}")


async def all_refused(calls: Iterable[Callable[[], Awaitable[object]]]) -> None:
    """Check that every call is refused with the code for limits."""
    for call in calls:
        error = await refused(Permanent, call())
        assert error.code == codes.LIMIT, f"its code is {error.code}, not {codes.LIMIT}"


def same(found: object, given: object) -> bool:
    """Whether both are equal, and of the same types at every level."""
    if type(found) is not type(given):
        return False
    if isinstance(found, dict) and isinstance(given, dict):
        return found.keys() == given.keys() and all(same(found[key], given[key]) for key in given)
    if isinstance(found, list) and isinstance(given, list):
        return len(found) == len(given) and all(map(same, found, given))
    return str(found) == str(given) and found == given


def assert_same(found: object, given: object) -> None:
    assert same(found, given), f"{given!r:.200} came back as {found!r:.200}"


NAMES = (
    *("a", "A", "b", "0", "null", ".", "..", "../a", "a/b", "/a", "a/", "a.b", "a:b", "a#b", "a?b=c&d", "~a", "a\\b"),
    *("*", ">", "a.*", "a.>", "%", "_", "a%", "a_", "[a]", "{a}", "$a", "'", '"', "'; drop table a; --", "a,b", "-"),
    *(" ", " a", "a ", "a b", "\t", "\n", "\r\n", "\x01", "\x7f", "\u00a0", "\u2028", "\ufeff", "\u202e"),
    *("é", "e\u0301", "ß", "ss", "SS", "\u0130", "\u0131", "漢字", "🦊", "👩‍👩‍👧", "\U0010ffff", "x" * 512, "é" * 256),
)
"""Keys and names that must stay distinct and unchanged."""

BAD_NAMES = ("", "a\0b", "\0", "x" * 513, "é" * 257, "\ud800")

VALUES: tuple[object, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 2**100, -(2**100), 10**400),
    *(0.0, 1.0, -1.5, 0.1, 1e16, 5e-324, 1.7976931348623157e308),
    *(Decimal("0.1000"), Decimal("12345678901234567890.123456789"), Decimal(-1)),
    *("", "a", " ", "\0", "null", "true", "1", "é", "e\u0301", "🦊", "\u2028", '"\\', "x" * 500_000),
    *(b"", b"a", b"\0", bytes(range(256)), b"\xff" * 100_000),
    *([], [None], [[]], [1, 1.0, True, "1", b"1"], {}, {"": ""}, {"a": {"b": [{"c": None}]}}, {"a\0b": 1, "🦊": 2}),
    {"contentType": "image/png", "rawData": b"\x89PNG\r\n\x1a\n\0"},
    {str(number): [number, str(number)] for number in range(1000)},
    *(Timestamp(1_767_225_600_123_456_789), Timestamp(-1), Duration(90_000_000_001), Duration(-1)),
)
"""Values that must come back unchanged."""

BAD_VALUES: tuple[object, ...] = (
    *(object(), {1, 2}, (1, 2), {1: 2}, [{"a": {None: 1}}], "\ud800"),
    *(["x" * 2**20], b"x" * 2**21, [0] * 2**21),
)
"""Objects that are not values, or too large."""
