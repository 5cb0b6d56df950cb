"""One store, or one connection, under several services: open while any of them is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Generic, TypeVar

from octo.services.container import Opener

S = TypeVar("S")

Providers = Callable[[], Mapping[str, Callable[[S], object]]]
"""Returns the provider of each service; called when the first is opened, so that a start without any is fast."""


class Shared(Generic[S]):
    """The store that `opened` opens. The first service that opens it is the last that closes."""

    def __init__(self, opened: Callable[[], AbstractAsyncContextManager[S]], providers: Providers[S]) -> None:
        self._opened = opened
        self._providers = providers
        self._store: S | None = None

    def openers(self, names: tuple[str, ...]) -> Mapping[str, Opener]:
        """The openers of these services."""
        return {name: partial(self._open, name) for name in names}

    @asynccontextmanager
    async def _open(self, name: str) -> AsyncIterator[object]:
        if self._store is not None:
            yield self._providers()[name](self._store)
            return
        async with self._opened() as store:
            self._store = store
            try:
                yield self._providers()[name](store)
            finally:
                self._store = None
