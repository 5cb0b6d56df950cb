"""Watches the file numbers of the process, and says once when they run out and once when there are enough again."""

from __future__ import annotations

import asyncio
import logging

from octo.core import descriptors
from octo.core.log import fields

EVERY = 1.0
"""Seconds between two looks."""

log = logging.getLogger("octo.process")


class Files:
    """See the module. is_short: whether fewer are free than there should be."""

    def __init__(self) -> None:
        self.is_short = False
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look from now on, in the running loop."""
        self._next = asyncio.get_running_loop().call_later(EVERY, self._tick)

    def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()

    def _tick(self) -> None:
        self.look()
        self.start()

    def look(self) -> None:
        """Compare what is in use with what may be, and log if that has changed."""
        used, limit, plenty = descriptors.used(), descriptors.limit(), descriptors.plenty()
        if not self.is_short and used >= plenty:
            self.is_short = True
            log.warning(
                "file numbers run out: further connections wait until others close, or are refused (EMFILE)",
                extra=fields(used=used, limit=limit, cure="raise the limit of open files (ulimit -n)"),
            )
        elif self.is_short and used < plenty - plenty // 8:
            self.is_short = False
            log.info("there are enough file numbers again", extra=fields(used=used, limit=limit))
