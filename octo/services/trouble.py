"""What is wrong with the server of a store."""

from __future__ import annotations

import logging

from octo.core.errors import Transient
from octo.core.log import fields
from octo.services import codes

log = logging.getLogger("octo.services")


class Trouble:
    """See the module. where: names the server in messages. reason: None if nothing is wrong."""

    def __init__(self, where: str) -> None:
        self.reason: str | None = None
        self._where = where

    def tell(self, reason: str | None) -> None:
        """Note what is wrong; the log has it when it begins and when it ends."""
        if reason is not None and self.reason is None:
            log.warning("services: the server does not answer", extra=fields(error=reason))
        elif reason is None and self.reason is not None:
            log.warning("services: the server answers again", extra=fields(server=self._where))
        self.reason = reason

    async def health(self) -> None:
        """Return if the server gave a sign of life a moment ago; raise `Transient` if not."""
        if self.reason is not None:
            raise Transient(self.reason, code=codes.SERVER)
