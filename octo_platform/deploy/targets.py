"""The targets that are open: one for each environment that was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Any, NamedTuple, Self

from octo_platform.deploy.target import Target, Unreachable


class Place(NamedTuple):
    """An environment, as far as targets need to know. workspace: its name; settings: those of its target."""

    environment: str
    workspace: str
    kind: str
    settings: Mapping[str, Any]


Opener = Callable[[Place], AbstractAsyncContextManager[Target]]


class Targets:
    """See the module. openers: by kind of target. A target is opened anew once the settings of its place are others."""

    def __init__(self, openers: Mapping[str, Opener]) -> None:
        self._openers = openers
        self._open: dict[str, tuple[Place, Target, AsyncExitStack]] = {}
        self._turn = asyncio.Lock()
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all of them; none is opened any more."""
        async with self._turn:
            self._is_closed = True
            is_open, self._open = self._open, {}
        async with AsyncExitStack() as stack:  # closes all, also if one of them fails
            for *_, each in is_open.values():
                stack.push_async_exit(each)

    async def of(self, place: Place) -> Target:
        """The target of a place. Raises `Unreachable` if it cannot be opened."""
        async with self._turn:
            if self._is_closed:
                raise Unreachable("the platform stops")
            found = self._open.get(place.environment)
            if found is not None and found[0] == place:
                return found[1]
            if found is not None:
                del self._open[place.environment]
                await found[2].aclose()
            opener = self._openers.get(place.kind)
            if opener is None:
                raise Unreachable(f"this installation does not deploy to {place.kind}")
            stack = AsyncExitStack()
            target = await stack.enter_async_context(opener(place))
            self._open[place.environment] = (place, target, stack)
            return target

    def opened(self) -> dict[str, Target]:
        """The targets that are open, by the id of the environment."""
        return {name: target for name, (_, target, _) in self._open.items()}
