"""Passwords: kept as argon2id, and looked at for the same time whether there is such a user or not."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from octo_platform.problem import Problem

SHORTEST = 12
LONGEST = 200
"""Characters of a password."""

_AT_ONCE = 2
_WAITING = 32
"""Each takes 64 MiB and a core: more at once would let those who sign in take the machine."""

Answer = TypeVar("Answer")


class Passwords:
    """See the module. hasher: with other costs than those that RFC 9106 recommends."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="octo-password")
        self._waiting = 0

    async def hashed(self, password: str) -> str:
        """What is stored of a password."""
        return await self._run(lambda: self._hasher.hash(_normal(password)))

    async def fits(self, password: str, hashed: str | None) -> bool:
        """Whether it is the password. hashed: None for a user that there is not, or who has none."""
        return await self._run(lambda: self._is_right(password, hashed))

    def _is_right(self, password: str, hashed: str | None) -> bool:
        try:
            self._hasher.verify(self._nobody if hashed is None else hashed, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return hashed is not None

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash("the password of nobody")

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        if self._waiting >= _WAITING:
            raise Problem("busy").with_headers({"Retry-After": "2"})
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1


def _normal(password: str) -> str:
    """The same text, however the keyboard has composed it."""
    return unicodedata.normalize("NFKC", password)
