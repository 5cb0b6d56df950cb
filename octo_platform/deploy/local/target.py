"""The target `local`: each deployment is supervised processes of this machine, which end with the platform."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Set as AbstractSet
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from octo_platform.deploy.desired import Desired
from octo_platform.deploy.local.asking import Silent, get
from octo_platform.deploy.local.changes import Changes
from octo_platform.deploy.local.folders import Root
from octo_platform.deploy.local.groups import Groups
from octo_platform.deploy.local.keeper import Floor, Keeper
from octo_platform.deploy.local.logbook import Logbook
from octo_platform.deploy.local.observing import ABSENT, LEFT, observed
from octo_platform.deploy.local.walls import Walls
from octo_platform.deploy.target import Answer, LogLine, Observed, Target, Unreachable

EVERY = 0.5
"""Seconds between two looks at memory and signs of life: no event tells of either."""
ASLEEP = 2.0
"""A look that is this many seconds late: the machine, or this process, stood still, and nobody could be heard."""
_WALLS = Walls()
_MOST_ASKED = 32
"""Instances that are asked at once."""


class LocalTarget:
    """See `Target`. root: where deployments are; it must be used by one target at a time."""

    def __init__(self, root: Root, floor: Floor, changes: Changes) -> None:
        self._root = root
        self._floor = floor._replace(taken=self._taken, gone=self._gone)
        self._changes = changes
        self._keepers: dict[str, Keeper] = {}
        self._books: dict[str, Logbook] = {}
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._asking = asyncio.Semaphore(_MOST_ASKED)
        self._is_closing = False

    # --- what shall be -------------------------------------------------------------------------------------------

    async def apply(self, desired: Desired) -> None:
        if self._is_closing:
            raise Unreachable("the platform stops")
        try:
            while not await self._keeper(desired.deployment).want(desired):
                pass  # it was being removed, and now nothing of it is left
        except OSError as error:
            raise Unreachable(f"files cannot be written: {error.strerror or error}") from error

    async def remove(self, deployment: str) -> bool:
        if deployment not in self._keepers and not self._root.folder(deployment).exists:
            return True
        if self._is_closing:
            raise Unreachable("the platform stops")
        await self._keeper(deployment).remove()
        return False

    def _keeper(self, deployment: str) -> Keeper:
        folder = self._root.folder(deployment)
        keeper = self._keepers.get(deployment)
        if keeper is None:
            book = self._books[deployment] = self._books.get(deployment) or Logbook(folder.path / "logs")
            keeper = self._keepers[deployment] = Keeper(deployment, folder, book, self._floor)
            self._lives[deployment] = self._floor.run(keeper.live())
        return keeper

    def _gone(self, deployment: str) -> None:
        """Forget a deployment of which nothing is left."""
        del self._keepers[deployment], self._lives[deployment]
        self._books.pop(deployment, None)
        self._changes.tell(deployment)

    def _taken(self) -> AbstractSet[int]:
        return self._root.ports() | {each.port for each in self._keepers.values() if each.port is not None}

    # --- what is -------------------------------------------------------------------------------------------------

    async def observe(self, deployment: str) -> Observed:
        keeper = self._keepers.get(deployment)
        if keeper is not None and (keeper.wanted is not None or keeper.is_removed):
            return observed(keeper)
        return LEFT if self._root.folder(deployment).exists else ABSENT

    async def found(self) -> AbstractSet[str]:
        try:
            return self._root.deployments()
        except OSError as error:
            raise Unreachable(f"the folder cannot be read: {error.strerror or error}") from error

    def changes(self) -> AsyncIterator[str]:
        return self._changes.listen()

    def logs(self, deployment: str, *, lines: int, follow: bool) -> AsyncIterator[LogLine]:
        folder = self._root.folder(deployment)
        book = self._books.get(deployment)
        if book is None:
            book = Logbook(folder.path / "logs")
            if folder.exists:  # it is not told yet what shall run, and will be
                self._books[deployment] = book
        return book.read(lines, follow=follow and folder.exists)

    async def ask(self, deployment: str, path: str, limit: int) -> list[Answer]:
        keeper = self._keepers.get(deployment)
        children = [] if keeper is None else keeper.children()
        answers = await asyncio.gather(*(self._asked(each.name, each.admin, path, limit) for each in children))
        return [each for each in answers if each is not None]

    async def _asked(self, name: str, admin: Path, path: str, limit: int) -> Answer | None:
        async with self._asking:
            with suppress(Silent):  # it has just ended, or hangs
                return Answer(name, *await get(admin, path, limit))
            return None

    # --- its own life --------------------------------------------------------------------------------------------

    async def look_after(self) -> None:
        """Look after all instances, until cancelled."""
        loop = asyncio.get_running_loop()
        looked = loop.time()
        groups = Groups()
        while True:
            await asyncio.sleep(EVERY)
            leaders = {pid for each in self._keepers.values() for pid in each.leaders()}
            usage = await asyncio.to_thread(groups.count, leaders)
            now = loop.time()
            for each in list(self._keepers.values()):
                each.look(now, usage, was_asleep=now - looked > EVERY + ASLEEP)
            looked = now

    async def close(self) -> None:
        """Let all instances come to an end, at the same time, and return when they have."""
        self._is_closing = True
        lives = list(self._lives.values())
        for each in list(self._keepers.values()):
            each.stop()
        if lives:
            await asyncio.wait(lives)
        for book in self._books.values():
            book.close()


@asynccontextmanager
async def opened(root: Path, *, walls: Walls | None = _WALLS, starts: int | None = None) -> AsyncIterator[LocalTarget]:
    """A target that keeps its deployments below `root`.

    walls: what instances are closed in with, None if they are not. starts: instances that may start at the same time.
    Raises OSError, e.g. if another process uses the folder. On leaving, all instances come to an end.
    """
    place = Root(root)
    place.prepare()
    with _locked(place.path / ".lock"):
        sockets = place.sockets()
        try:
            async with asyncio.TaskGroup() as group:
                target = _target(place, sockets, walls, group.create_task, starts or os.cpu_count() or 1)
                looking = group.create_task(target.look_after())
                try:
                    yield target
                finally:
                    await target.close()
                    looking.cancel()
        finally:
            place.forget_sockets(sockets)


def _target(
    root: Root,
    sockets: Path,
    walls: Walls | None,
    run: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    starts: int,
) -> LocalTarget:
    changes = Changes()
    floor = Floor(
        sockets=sockets,
        walls=walls,
        taken=frozenset,
        starting=asyncio.Semaphore(starts),
        run=run,
        changed=changes.tell,
        gone=changes.tell,
    )
    return LocalTarget(root, floor, changes)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of the folder; the system releases it with the process, however that ends."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(file)


_: type[Target] = LocalTarget
