"""A place among the instances of a deployment: the instance that has it now, and its successors after it."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from octo.core.backoff import Backoff, Failures
from octo_platform.deploy.local.asking import Silent, get
from octo_platform.deploy.local.child import MOST_TASKS, Child
from octo_platform.deploy.target import Reason

log = logging.getLogger("octo_platform.deploy.local")

PAUSES = Backoff()
"""The least time from the start of an instance that does not live long to the start of the next one."""
LOOP = 3
"""Ends in a row that make a crash loop."""
SLOW = 10.0
"""Seconds after which an instance that still starts does not keep others from starting."""
RECENT = 600.0
"""Seconds for which the reason of a restart is shown."""
_USAGE = 2
"""The exit code of `octo run` for a configuration that is wrong."""
_SEEN_AGAIN = 5.0
"""Seconds between two looks at whether an instance that was ready still is."""
_PATIENCE = 3.0
_MOST_ANSWER = 8 * 1024
_MOST_TEXT = 1500
"""Characters of a reason."""
_PROBLEM = re.compile(r"\bOCTO-[A-Z]\d{3}\b")

_TEXTS = {
    "OutOfMemory": "it took more memory than its limit of {memory} MiB",
    "TooManyProcesses": f"it had more than {MOST_TASKS} processes and threads",
    "Hung": "its event loop gave no sign of life",
    "Stuck": "it did not stop in time",
}


class Means(NamedTuple):
    """What a place needs. start: starts an instance, or raises OSError. memory: MiB of it, at most.

    starting: lets a few start at the same time. changed: called when something about the place has.
    """

    start: Callable[[], Awaitable[Child]]
    memory: Callable[[], int]
    starting: asyncio.Semaphore
    changed: Callable[[], None]


class Place:
    """See the module. Its life is the task that runs `live`; it ends after `leave`, or when it is no use to go on.

    name: of the instance that is there, or was last. refused: why no other one is started. reason: why the last ended.
    """

    def __init__(self, means: Means) -> None:
        self.name = ""
        self.is_ready = False
        self.was_ready = False
        self.is_leaving = False
        self.restarts = 0
        self.refused: Reason | None = None
        self.reason: Reason | None = None
        self.unready = ""
        self.child: Child | None = None
        self.pause = 0.0
        self._means = means
        self._failures = Failures(PAUSES)
        self._reason_at = 0.0
        self._looked = float("-inf")
        self._left = asyncio.Event()

    @property
    def loops(self) -> bool:
        """Whether its instances end again and again."""
        return self._failures.count >= LOOP and not self.is_ready

    @property
    def phase(self) -> str:
        if self.child is None:
            return "refused" if self.refused else "waiting"
        if self.is_leaving:
            return "stopping"
        return "ready" if self.is_ready else "unready" if self.was_ready else "starting"

    @property
    def since(self) -> datetime | None:
        return None if self.child is None else self.child.since

    def recent(self) -> Reason | None:
        """Why its last instance ended, if that is not long ago."""
        age = asyncio.get_running_loop().time() - self._reason_at
        return self.reason if self.loops or age < RECENT else None

    def leave(self, patience: float) -> None:
        """Let the instance come to an end within so many seconds; there is none after it."""
        self.is_leaving = True
        self._left.set()
        if self.child is not None:
            self.child.stop(patience)

    async def live(self) -> None:
        try:
            while not self.is_leaving and self.refused is None:
                await self._once()
                self._means.changed()
        except Exception:  # a mistake of ours must not end the instances of all others
            log.exception("an instance cannot be looked after: %s", self.name)
            self.refused = Reason(code="Internal", text="see the log of the platform")

    async def _once(self) -> None:
        """Run an instance from its start to its end, and wait until the next one may start."""
        began = asyncio.get_running_loop().time()
        try:
            child = await self._started()
        except OSError as error:
            self._note("CannotStart", error.strerror or str(error))
        else:
            if child is None:
                return
            began = child.born
            await self._watched(child)
            self._judge(child)
        finally:
            if self.child is not None:
                self.child.kill()  # it has ended, unless this was cut off
            self.child, self.is_ready, self.unready = None, False, ""
        if self.is_leaving or self.refused is not None:
            return
        now = asyncio.get_running_loop().time()
        self.restarts += 1
        self.pause = max(0.0, began + self._failures.failed(held=now - began) - now)
        self._means.changed()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.pause):
                await self._left.wait()

    async def _started(self) -> Child | None:
        """A fresh instance, once few others start; None if the place was left meanwhile."""
        async with self._means.starting:
            if self.is_leaving:
                return None
            child = await self._means.start()
            self.child, self.name, self.pause = child, child.name, 0.0
            if self._left.is_set():
                child.stop(0)
            self._means.changed()
            with suppress(TimeoutError):
                async with asyncio.timeout(SLOW):
                    while child.code is None and not child.has_started:
                        await _news(child)
        return child

    async def _watched(self, child: Child) -> None:
        """Return once the instance has ended. With each sign of life look whether it is ready."""
        while child.code is None:
            if child.has_started and not self.is_leaving and self._is_due():
                await self._look(child)
            if child.code is None:
                await _news(child)

    def _is_due(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self.is_ready and now - self._looked < _SEEN_AGAIN:
            return False
        self._looked = now
        return True

    async def _look(self, child: Child) -> None:
        """Ask the instance whether it is ready."""
        try:
            answer = await get(child.admin, "/readyz", _MOST_ANSWER, _PATIENCE)
            is_ready, unready = answer.status == 200, answer.body.decode(errors="replace").strip()
        except Silent as silent:
            is_ready, unready = False, str(silent)
        is_ready = is_ready and child.code is None and not self.is_leaving
        self.unready = "" if is_ready else unready[:_MOST_TEXT]
        if is_ready is not self.is_ready:
            self.is_ready = is_ready
            self.was_ready = self.was_ready or is_ready
            self._means.changed()

    # --- why it ended --------------------------------------------------------------------------------------------

    def _judge(self, child: Child) -> None:
        assert child.code is not None
        if self.is_leaving and not child.condemned:
            return
        if child.condemned:
            self._note(child.condemned, _TEXTS[child.condemned].format(memory=self._means.memory()))
        elif child.code == _USAGE and not self.was_ready:
            text = told(child.tail)
            found = _PROBLEM.search(text)
            self.refused = self._note(found[0] if found else "BadConfiguration", text)
        else:
            how = f"exit code {child.code}" if child.code >= 0 else f"signal {-child.code}"
            self._note("Exited", f"it ended with {how}: {told(child.tail)}")

    def _note(self, code: str, text: str) -> Reason:
        self.reason = Reason(code=code, text=text[:_MOST_TEXT])
        self._reason_at = asyncio.get_running_loop().time()
        log.warning("an instance ended: %s (%s)", self.name, code)
        return self.reason


def told(lines: Sequence[str]) -> str:
    """What the last lines say: those for people if there are any, else those of the log."""
    plain = [each for each in lines if not each.startswith("{")]
    return "\n".join(plain[-12:] or list(lines)[-3:])


async def _news(child: Child) -> None:
    await child.news.wait()
    child.news.clear()
