"""Moving: a message of other flow files goes on in those of now, in place of those that it began with (`pinned`).

`octo run --resume new` asks for it. Such a process says so in the store; a process of other files that stops then hands
over its messages at once, where it would otherwise let them finish. So the two need know nothing of one another but
the store that has the journal.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any, Literal

from octo.config.documents import Config
from octo.config.walk import blocks_of, reachable
from octo.core.errors import OctoError
from octo.core.log import fields
from octo.engine.journal.holding import Held
from octo.engine.journal.run import Run
from octo.services.ports import KeyValue

log = logging.getLogger("octo.engine")

Resume = Literal["own", "new"]
"""Where messages of other flow files go on: in those that they began with, or in those of this process."""

CLAIMED = 86_400.0
"""Seconds for which a process that wants messages of other files is remembered: a roll-out takes less."""
_CLAIMS = "journal-claims"


class Moving:
    """See the module. config: the flow files of now.

    Invariant: a message moves only if the new files have all blocks behind which it has stopped; else it would be taken
    for one that has finished. One that handles a failure never moves: what it has failed with names its own files.
    """

    def __init__(self, config: Config, resume: Resume, store: KeyValue) -> None:
        journalled = [doc.name for doc in config.flows.values() if doc.durability == "journal"]
        inside = {name: [each for doc in reachable(config, name) for each in blocks_of(doc)] for name in journalled}
        self._blocks = frozenset(block.address for blocks in inside.values() for block in blocks)
        # What `split` has made of a message goes on in this process, even if the message is cut off.
        self._whole = frozenset(
            name for name, blocks in inside.items() if not any(each.type.takes_tail for each in blocks)
        )
        self._flows = frozenset(journalled)
        self._version = config.version
        self._resume = resume
        self._store = store
        self._service = sha256(config.name.encode(errors="surrogatepass")).hexdigest()[:16]
        self._under_way: dict[asyncio.Task[Any], Held] = {}

    # --- messages of others --------------------------------------------------------------------------------------

    def version_of(self, run: Run) -> str:
        """The version of the flow files in which a run goes on that was read."""
        label = run.label
        if self._resume == "own" or label.config == self._version:
            return label.config
        is_known = label.flow in self._flows and (not label.part or label.part in self._blocks)
        if is_known and all(map(self._fits, run.kept)):
            return self._version
        about = fields(flow=label.flow, event_id=label.event, version=label.config)
        log.warning("a message does not fit the new flow files, and goes on in its own", extra=about)
        return label.config

    def _fits(self, frame: Mapping[str, Any]) -> bool:
        return frame["failure"] is None and (not frame["after"] or frame["after"] in self._blocks)

    async def claim(self) -> None:
        """Say in the store whether messages of other files are wanted here. Raises `Transient` if it is away."""
        if self._resume == "new":
            await self._store.put(_CLAIMS, self._service, {"version": self._version}, ttl=CLAIMED)
        else:
            await self._store.delete(_CLAIMS, self._service)

    # --- messages of this process --------------------------------------------------------------------------------

    @contextmanager
    def under_way(self, flow: str, held: Held) -> Iterator[None]:
        """A context in which the current task works on a message for which nobody waits."""
        task = asyncio.current_task()
        if task is None or flow not in self._whole:
            yield
            return
        self._under_way[task] = held
        try:
            yield
        finally:
            self._under_way.pop(task, None)

    async def hand_over(self) -> None:
        """Cut off the messages that go on elsewhere, if a process of other files wants them."""
        if not await self._is_claimed():
            return
        # One that is neither written nor brought again by its source would be lost.
        safe = [task for task, held in self._under_way.items() if held.redelivers or held.run is not None]
        for task in safe:
            task.cancel()
        log.info("handing over messages to other flow files", extra=fields(messages=len(safe)))

    async def _is_claimed(self) -> bool:
        with suppress(OctoError):  # the store is away: nobody could go on with them now
            found = await self._store.get(_CLAIMS, self._service)
            return found is not None and found.value != {"version": self._version}
        return False
