"""What stands in for a connector while its connection is being opened again."""

from __future__ import annotations

from typing import NoReturn

from octo.core import clock
from octo.core.errors import Disconnected


class Lost:
    """Fails whatever is asked of it, with the reason.

    reason: why the connection is not there; changes with each try to open it.
    """

    def __init__(self, connector: str, reason: str) -> None:
        self._connector = connector
        self._since = clock.now()
        self.reason = reason

    def refuse(self, *_: object, **__: object) -> NoReturn:
        """Stands in for every block."""
        raise Disconnected(f'connector "{self._connector}": {self}')

    async def health(self) -> None:
        raise Disconnected(str(self))

    def __str__(self) -> str:
        since = self._since.strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"the connection is lost since {since} and is opened again: {self.reason}"
