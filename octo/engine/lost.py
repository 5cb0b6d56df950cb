"""The stand-in for a connector while its connection is being opened again."""

from __future__ import annotations

from typing import NoReturn

from octo.core import clock
from octo.core.errors import Disconnected


class Lost:
    """Fails every call with the reason.

    reason: why there is no connection; changes with each try to open it.
    """

    def __init__(self, connector: str, reason: str) -> None:
        self._connector = connector
        self._since = clock.now()
        self.reason = reason

    def refuse(self, *_: object, **__: object) -> NoReturn:
        """Raise `Disconnected`; called in place of every block of the connector."""
        raise Disconnected(f'connector "{self._connector}": {self}')

    async def health(self) -> None:
        raise Disconnected(str(self))

    def __str__(self) -> str:
        since = self._since.strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"the connection has been lost since {since} and is being opened again: {self.reason}"
