"""How much may be under way at once, in all and of each of those who ask: nobody takes what everybody needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from octo_platform.problem import Problem


class Shares:
    """See the module; of this process alone. what: is under way, in the plural. most: in all; each: of one who asks."""

    def __init__(self, what: str, most: int, each: int) -> None:
        self._what = what
        self._most = most
        self._each = each
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, who: str) -> Iterator[None]:
        """Take a share while the block runs. Raises `Problem` if there is none for them."""
        if self._taken[who] >= self._each:
            raise _busy(f"{self._each} {self._what} of yours are under way at once: that is the most")
        if self._taken.total() >= self._most:
            raise _busy(f"too many {self._what} are under way")
        self._taken[who] += 1
        try:
            yield
        finally:
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]


def _busy(text: str) -> Problem:
    return Problem("busy", text).with_headers({"Retry-After": "2"})
