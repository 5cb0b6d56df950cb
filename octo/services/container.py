"""The services of a process, by name: each opens when something first asks for it, and all close together."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from types import TracebackType
from typing import Self

from octo.core.errors import OctoError

Opener = Callable[[], AbstractAsyncContextManager[object]]

MEMORY: Mapping[str, Opener | str] = {
    "key-value": "octo.services.memory.key_value:opened",
    "leases": "octo.services.memory.leases:opened",
    "queues": "octo.services.memory.queues:opened",
    "resources": "octo.services.memory.resources:opened",
    "secrets": "octo.services.memory.secrets:opened",
    "topics": "octo.services.memory.topics:opened",
}
"""Providers that need nothing and keep nothing beyond the process."""


JOURNAL = "journal"
"""What the place of the journal is called, where that is another one than that of keys and leases."""


def of_journal(name: str) -> str:
    """What a service is called that is for the journal alone."""
    return f"{name} of the {JOURNAL}"


class Unavailable(OctoError):
    """A service could not be opened."""


class Services:
    """See the module. Enter it before the flows start, and leave it after they have stopped: leaving closes all.

    openers: port name to the function that opens its provider, or to `module:function`, which is imported only when
    something asks for the service.
    """

    def __init__(self, openers: Mapping[str, Opener | str] = MEMORY) -> None:
        self._openers = openers
        self._opened: dict[str, object] = {}
        self._stack = AsyncExitStack()

    @property
    def names(self) -> list[str]:
        """The names of all services."""
        return sorted(self._openers)

    def for_journal(self, names: Iterable[str]) -> dict[str, str]:
        """Where the journal finds each of these services: the name of one of its own, if there is one."""
        return {each: own if (own := of_journal(each)) in self._openers else each for each in names}

    def alike(self) -> Services:
        """Services in the same places, none of them open. Who opens them shares what they have in common with these."""
        return Services(self._openers)

    def outlive(self, name: str) -> bool:
        """Whether the service keeps what it holds beyond the process, and so has other processes, too."""
        return name in self._openers and self._openers[name] != MEMORY.get(name)

    @property
    def opened(self) -> Mapping[str, object]:
        """The services that are open, by name."""
        return self._opened

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._opened = {}
        await self._stack.__aexit__(kind, error, traceback)

    async def open(self, names: Iterable[str]) -> None:
        """Open the services that are not open yet, in the task that has entered this. Raises `Unavailable`."""
        for name in names:
            if name not in self._opened:
                self._opened[name] = await self._open(name)

    async def _open(self, name: str) -> object:
        opener = self._openers[name]
        try:
            return await self._stack.enter_async_context((_found(opener) if isinstance(opener, str) else opener)())
        except Exception as error:
            from octo.services import codes  # here, because every start of `octo` imports this module

            text = str(error) if isinstance(error, OctoError) else f"{type(error).__name__}: {error}"
            raise Unavailable(f"the service `{name}` did not start: {text}", code=codes.NOT_STARTED) from error

    def handed(self, asked: Mapping[str, str]) -> dict[str, object]:
        """The arguments for a function that asks for services: parameter to service. The services must be open."""
        return {parameter: self._opened[name] for parameter, name in asked.items()}


def _found(target: str) -> Opener:
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)  # type: ignore[no-any-return]


NO_SERVICES = Services({})
"""No services, for flows that are built without any."""


def entered(services: Services | None) -> AbstractAsyncContextManager[Services]:
    """These services, which their owner closes; new ones in memory if there are none."""
    return Services() if services is None else nullcontext(services)
