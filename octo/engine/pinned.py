"""Pinned versions: a message goes on in the flow files that it began with, even after they were edited.

The texts of the files are kept in the key-value service, by their hash, when a configuration with a journal is opened.
For a message that began with others, the part of them that its flow needs is opened beside the running generation, on
the connections and variables of now, and takes no messages of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from octo.config.documents import Config
from octo.config.part import part, unfed
from octo.core import record
from octo.core.errors import ConfigError, Transient
from octo.core.flow import Outcome, at_last
from octo.core.message import Message
from octo.engine.background import in_background
from octo.engine.flow import Flow
from octo.engine.journal.cells import Cells
from octo.engine.journal.holding import holding
from octo.engine.journal.run import Run
from octo.services.ports import Conflict, KeyValue

RETENTION = 90 * 86400.0
"""Seconds for which flow files are kept after they were opened for the last time."""
CANNOT_RESUME = "OCTO-R150"


class Beside(Protocol):
    """A configuration that was opened beside the running one."""

    @property
    def flows(self) -> Mapping[str, Flow]: ...

    async def hand_over(self) -> None: ...

    async def drain(self, seconds: float) -> None: ...


class Pinned:
    """See the module. opened: opens a configuration beside the running one."""

    def __init__(self, config: Config, store: KeyValue, opened: Callable[[Config], Awaitable[Beside]]) -> None:
        self._config = config
        self._texts = Cells(store, "journal-files")
        self._opened = opened
        self._open: dict[tuple[str, str], Beside] = {}
        self._opening = asyncio.Lock()

    async def keep(self) -> None:
        """Keep the texts of the running files."""
        if self._config.texts is None:
            return
        files = record.pack([[name, data] for name, data in self._config.texts.files])
        kept = await self._texts.read(self._config.version)
        with contextlib.suppress(Conflict):  # another process has just kept them
            await self._texts.write(self._config.version, files, kept, RETENTION)

    async def elsewhere(self, run: Run, message: Message) -> Outcome:
        """Go on with a run in the files that it began with. Raises `Transient` if they cannot be opened now."""
        flow = await self.flow(run)
        with holding(run.label.flow, redelivers=run.label.redelivers, run=run):
            return await at_last(flow.call(message))

    async def flow(self, run: Run) -> Flow:
        """The flow of a run, in the files that it began with."""
        key = (run.label.config, run.label.flow)
        async with self._opening:
            if key not in self._open:
                self._open[key] = await self._begun(*key)
        return self._open[key].flows[run.label.flow]

    async def _begun(self, version: str, flow: str) -> Beside:
        try:
            config = await in_background(self._read, (await self._texts.read(version)).value)
            return await self._opened(part(unfed(config, ()), [flow]))
        except (ConfigError, LookupError) as error:
            reason = str(error).splitlines()[0] if str(error) else "its flow files are not kept any more"
            raise Transient(
                f"the message began with other flow files ({version}), and they cannot be opened now: {reason}",
                code=CANNOT_RESUME,
            ) from error

    def _read(self, kept: Any) -> Config:
        if kept is None or self._config.texts is None:
            raise LookupError("its flow files are not kept any more")
        return self._config.texts.again([(name, data) for name, data in record.unpack(kept)])

    async def hand_over(self) -> None:
        """See `Moving.hand_over`."""
        for each in self._open.values():
            await each.hand_over()

    async def drain(self, seconds: float) -> None:
        """Let what goes on here finish, and close all."""
        await asyncio.gather(*(each.drain(seconds) for each in self._open.values()))
        self._open.clear()
