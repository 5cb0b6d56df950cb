"""The journal of a running configuration: where runs begin, which go on here, and which are nobody's any more.

A process that has accepted messages holds a lease of its own name (`journal/OWNER`). Whoever finds a run whose owner's
lease is free takes the run over. An owner that was only frozen is told so by its own clock before its next block, and
by the store at its next write.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from typing import NamedTuple

from octo.core.message import Message, new_id
from octo.engine.journal.cells import Cells
from octo.engine.journal.holding import Held, current as holder
from octo.engine.journal.run import Label, Run, Stored, run_id
from octo.services.election import Candidate
from octo.services.ports import KeyValue, Leases

TTL = 15.0
"""Seconds after which the runs of a process that has gone are taken over."""
AGAIN = 60.0
"""Seconds after which the run of a process that lives is read again, at most: another process may have it by then."""


class _Known(NamedTuple):
    """Whose a run was when it was read, and until when that is believed."""

    owner: str
    until: float


class Journal:
    """See the module.

    service: the name of the configuration. version: the hash of its files. running: the runs that go on here.
    """

    def __init__(self, service: str, version: str, store: KeyValue, leases: Leases) -> None:
        self.version = version
        self.owner = new_id()
        self.running: set[str] = set()
        self._service = sha256(service.encode(errors="surrogatepass")).hexdigest()[:16]
        self._owned = f"{self._service}-owned-"
        self._cells = Stored(Cells(store, "journal"), Cells(store, "journal-frames"))
        self._leases = leases
        self._known: dict[str, _Known] = {}
        self.candidate = Candidate(leases, f"journal/{self.owner}", TTL)

    # --- runs begin ----------------------------------------------------------------------------------------------

    async def begin(self, flow: str, part: str, message: Message) -> tuple[Run | None, Held | None]:
        """The run of a message, and who holds it. One whose source delivers it again goes on where it was.

        There is no run for a call by a flow without a journal whose own message is delivered again: it would be made
        a second time. What a block has kept and sends through the rest of its flow, it sends again after a crash.
        Raises `Transient` if the message cannot be accepted now, because the store is away.
        """
        held = holder.get()
        if part:
            return await self._found(flow, part, message, _always), None
        if held is None or (held.flow != flow and not held.redelivers):
            return await self.accepted(flow, message), None
        if held.flow != flow or held.is_taken:
            return None, None
        held.is_taken = True
        if held.run is None:
            found = self._found(flow, part, message, held.leads) if held.redelivers else self.accepted(flow, message)
            held.run = await found
        self.running.add(held.run.id)
        return held.run, held

    async def accepted(self, flow: str, message: Message) -> Run:
        """A new run of this process, once it is safe."""
        await self.candidate.elected()
        run = self._run(Label(flow, "", message.event_id, self.version, self.owner), message, self._leads)
        self.running.add(run.id)
        try:
            await run.keep()
        except BaseException:
            run.left()
            raise
        return run

    async def _found(self, flow: str, part: str, message: Message, leads: Callable[[], bool]) -> Run:
        """The run of a message that its source delivers, perhaps again. It is written when there is something to."""
        run = self._run(Label(flow, part, message.event_id, self.version, ""), message, leads)
        await run.read()
        return run

    def _run(self, label: Label, message: Message, leads: Callable[[], bool]) -> Run:
        kind = self._owned if label.owner else f"{self._service}-lent-"
        id_ = kind + run_id(label.flow, label.part, label.event)
        return Run(id_, label, message, self._cells, leads, self.running)

    def _leads(self) -> bool:
        return self.candidate.leads

    # --- runs whose process has gone -----------------------------------------------------------------------------

    async def others(self) -> AsyncIterator[str]:
        """The ids of the accepted runs that do not go on in this process."""
        before, self._known, after = self._known, {}, ""
        while True:
            names, after = await self._cells.runs.keys(self._owned, after)
            for name in names:
                if name not in self.running:
                    if name in before:
                        self._known[name] = before[name]
                    yield name
            if not after:
                return

    async def orphan(self, id_: str, alive: dict[str, bool]) -> Run | None:
        """The run, if it goes on nowhere: its process has gone, or it was cut off in this one.

        alive: what is known of other processes; more is added. Raises what `Run.read` does.
        """
        time, known = asyncio.get_running_loop().time(), self._known.get(id_)
        if known is not None and time < known.until and not await self._is_free(known.owner, alive):
            return None
        run = self._run(Label("", "", "", "", self.owner), Message(), self._leads)
        run.id = id_
        if not await run.read():
            return None
        if not await self._is_free(run.label.owner, alive):
            # By chance, so that thousands are not read in the same moment.
            self._known[id_] = _Known(run.label.owner, time + AGAIN * random.uniform(0.5, 1))  # noqa: S311  no secret
            return None
        return run

    async def _is_free(self, owner: str, alive: dict[str, bool]) -> bool:
        if owner in ("", self.owner):
            return owner == self.owner
        if owner not in alive:
            alive[owner] = await self._leases.acquire(f"journal/{owner}", TTL) is None
        return not alive[owner]


def _always() -> bool:
    return True
