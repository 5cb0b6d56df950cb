"""Which store this is, and how far it had come: so a server that comes back without its data is noticed."""

from __future__ import annotations

import logging

from octo.core.errors import Permanent
from octo.core.log import fields
from octo.services import codes
from octo.services.redis.address import Address
from octo.services.redis.link import Link
from octo.services.redis.scripts import SIGN

log = logging.getLogger("octo.services")

VERSION = 1
"""Of how things are stored. A newer Octo that stores them otherwise counts on."""


class Memory:
    """What this process knows of the store. born: the number that it began with. last: the last number that it got."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._born = 0
        self._last = 0

    async def compare(self, link: Link) -> None:
        """Ask for a sign of life, and look whether the store has gone on from where it was.

        Raises `Permanent` if a newer Octo has written it.
        """
        version, born, before, last = map(int, await link.call(SIGN, VERSION))
        if version > VERSION:
            raise Permanent(
                f"{self._address.where}: the keys with the prefix {self._address.prefix!r} were written by a newer "
                f"Octo: their version is {version}, and this Octo knows {VERSION}",
                code=codes.NOT_STARTED,
            )
        if self._born not in (0, born):
            self._tell("services: the server has lost all that it held")
        elif before < self._last:
            self._tell("services: the server has lost its last writes")
        self._born, self._last = born, last

    def _tell(self, what: str) -> None:
        log.error(what, extra=fields(server=self._address.where, prefix=self._address.prefix))
