"""A thread for a client that blocks. It belongs to whoever starts it, and tells the event loop what happens."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

log = logging.getLogger("octo.kafka")


class Apart:
    """See the module. A subclass has `run`, which returns soon after `is_over` is true.

    ended: done once the thread has ended, with the error of `run` or None.
    """

    def __init__(self, name: str) -> None:
        self.is_over = False
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[BaseException | None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)

    def run(self) -> None:
        raise NotImplementedError

    def start(self) -> None:
        self._thread.start()

    async def left(self) -> None:
        """Let the thread end, and return when it has."""
        self.is_over = True
        await asyncio.shield(self.ended)

    # --- in the thread -------------------------------------------------------------------------------------------

    def tell(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call the function in the event loop; does nothing if that has ended."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)

    def _main(self) -> None:
        failed: BaseException | None = None
        try:
            self.run()
        except BaseException as error:  # noqa: BLE001  whoever waits for the end gets it
            failed = error
        self.tell(self._end, failed)

    def _end(self, failed: BaseException | None) -> None:
        if not self.ended.done():
            self.ended.set_result(failed)
