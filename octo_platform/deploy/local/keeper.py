"""Keeps one deployment as it is wanted: starts, replaces, counts and removes its instances.

A change is made by a crew of new instances beside the old one. When all of the new crew are ready, the old one is told
to stop: until then it serves. Both accept from the same socket, so no connection is refused or lost in between.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import Callable, Coroutine, Mapping, Set as AbstractSet
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from octo_platform.deploy.desired import Desired
from octo_platform.deploy.local.cgroups import Cgroup
from octo_platform.deploy.local.child import MOST_TASKS, Child, Start
from octo_platform.deploy.local.crew import Crew
from octo_platform.deploy.local.folders import Folder
from octo_platform.deploy.local.groups import Usage
from octo_platform.deploy.local.logbook import Logbook
from octo_platform.deploy.local.place import Means, Place
from octo_platform.deploy.local.recipe import Recipe, arguments, essence, instance_name, made, surroundings, variables
from octo_platform.deploy.local.sockets import Sockets
from octo_platform.deploy.local.walls import Walls, enclosure
from octo_platform.deploy.target import Reason
from octo_platform.enclosure.enclosure import program

log = logging.getLogger("octo_platform.deploy.local")

PORT_PATIENCE = 5.0
"""Seconds for which the port of before is waited for: instances of a platform that was killed release it by then."""
_AGAIN = 0.1
_TROUBLED = 5.0
"""Seconds until what the system refused is tried again."""


class Floor(NamedTuple):
    """What all deployments share. sockets: the folder of operations sockets. taken: ports that are not free.

    walls: what instances are closed in with, None if they are not. starting: lets a few instances start at the same
    time. run: runs a coroutine as a task. changed: called with the id of a deployment. gone: called when nothing is
    left of one.
    """

    sockets: Path
    walls: Walls | None
    taken: Callable[[], AbstractSet[int]]
    starting: asyncio.Semaphore
    run: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    changed: Callable[[str], None]
    gone: Callable[[str], None]


class Keeper:
    """See the module. Whatever changes something holds `_turn`, so calls that come at once take turns.

    wanted: None while it is removed, or before it is known. generation: the newest that was wanted.
    """

    def __init__(self, deployment: str, folder: Folder, book: Logbook, floor: Floor) -> None:
        self.deployment = deployment
        self.wanted: Desired | None = None
        self.is_removed = False
        self.trouble: Reason | None = None
        self._folder = folder
        self._book = book
        self._floor = floor
        self._sockets = Sockets(folder.port(), floor.taken)
        self._recipe: Recipe | None = None
        self._current: Crew | None = None
        self._next: Crew | None = None
        self._retired: list[Crew] = []
        self._is_stopping = False
        self._is_over = False
        self._has_failed = False
        self._turn = asyncio.Lock()
        self._listening = asyncio.Lock()
        self._wake = asyncio.Event()
        self._is_dirty = False

    # --- what others ask -----------------------------------------------------------------------------------------

    @property
    def port(self) -> int | None:
        return self._sockets.port

    @property
    def moved(self) -> str:
        return self._sockets.moved

    @property
    def crews(self) -> list[Crew]:
        """All, the newest first."""
        return [each for each in (self._next, self._current, *self._retired) if each is not None]

    @property
    def newest(self) -> Crew | None:
        """The crew of the generation that is wanted."""
        return self._next or self._current

    def leaders(self) -> set[int]:
        """The processes of all instances."""
        return {child.pid for crew in self.crews for child in crew.children if child.code is None}

    def children(self) -> list[Child]:
        """The instances that are ready."""
        places = [each for crew in self.crews for each in crew.wanted if each.is_ready]
        return [each.child for each in places if each.child is not None]

    async def want(self, desired: Desired) -> bool:
        """Take the desired state; return False if this keeper is over, and another one is needed.

        Raises `Refused`, and OSError if the files cannot be written.
        """
        async with self._turn:
            if self._is_over:
                return False
            if self.wanted is not None and desired.generation < self.wanted.generation:
                return True  # it was overtaken
            is_same = self._recipe is not None and self._recipe.wanted == essence(desired)
            if not is_same or self.wanted is None:
                await asyncio.to_thread(self._folder.prepare)
                self._recipe = await asyncio.to_thread(made, desired, self._folder)
                hidden = [*desired.secrets.values(), *([desired.data.token] if desired.data else [])]
                self._book.mask(each.get_secret_value() for each in hidden)
                self._is_dirty = True
            is_new = self.wanted is None or desired.generation > self.wanted.generation
            if is_new and self._next is not None and self._next.failure() is not None:
                self._retire(self._next)
                self._next = None
            self.wanted, self.is_removed = desired, False
            self._sockets.named, self._sockets.listens = desired.port, desired.listens
        self._poke()
        return True

    async def remove(self) -> None:
        """Begin to remove it."""
        async with self._turn:
            self.wanted, self.is_removed = None, True
        self._poke()

    def look(self, now: float, usage: Mapping[int, Usage], *, was_asleep: bool) -> None:
        """Look after each instance: see `Child.look`. usage: of groups of processes, by who leads them."""
        for each in self.crews:
            each.look(now, self._memory() << 20, usage, was_asleep=was_asleep)
        has_failed = self.newest is not None and self.newest.failure() is not None
        if has_failed is not self._has_failed:  # patience may end it, and that is no event
            self._has_failed = has_failed
            self._floor.changed(self.deployment)

    def stop(self) -> None:
        """Let all instances come to an end, and then `live`. Nothing of the folder is removed."""
        self._is_stopping = True
        self._sockets.silence()
        for each in self.crews:
            each.leave()
        self._poke()

    # --- its life ------------------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Make it as it is wanted, until nothing is left of it."""
        while not self._is_over:
            await self._wake.wait()
            self._wake.clear()
            try:
                async with self._turn:
                    self._converge()
                    await self._tidy()
                    await self._end()
                self.trouble = None
            except OSError as error:  # the disk is full, for example
                self.trouble = Reason(code="Trouble", text=error.strerror or str(error))
            except Exception:
                log.exception("a deployment cannot be looked after: %s", self.deployment)
                self.trouble = Reason(code="Internal", text="see the log of the platform")
            if self.trouble is not None:
                asyncio.get_running_loop().call_later(_TROUBLED, self._poke)
            self._floor.changed(self.deployment)
        self._sockets.close()

    def _poke(self) -> None:
        self._wake.set()

    def _converge(self) -> None:
        for each in self.crews:
            each.sweep()
        left = [each for each in self._retired if not each.is_gone]
        self._is_dirty = self._is_dirty or len(left) < len(self._retired)
        self._retired = left
        if self._is_stopping:
            return
        if self.wanted is None or not self.wanted.replicas:
            self._retire_all()
            return
        self._choose(self.wanted)
        if self._next is not None and self._next.is_ready:
            self._retire(self._current)
            self._current, self._next, self._is_dirty = self._next, None, True
        if self.crews and all(each.is_silent for each in self.crews):
            self._sockets.silence()  # better a refusal at once than to wait for a pause to pass

    def _choose(self, desired: Desired) -> None:
        """Have a crew with the recipe of now."""
        assert self._recipe is not None
        if self._current is not None and self._current.recipe.wanted == self._recipe.wanted:
            self._retire(self._next)
            self._next = None
        elif self._next is None or self._next.recipe.wanted != self._recipe.wanted:
            self._retire(self._next)
            self._next = Crew(self._recipe, self._means(self._recipe), self._run)
        newest = self.newest
        assert newest is not None
        newest.generation, newest.tag = desired.generation, desired.tag
        newest.scale(desired.replicas)

    def _retire(self, crew: Crew | None) -> None:
        if crew is not None:
            crew.leave()
            crew.sweep()
            self._retired += [] if crew.is_gone else [crew]
            self._is_dirty = True

    def _retire_all(self) -> None:
        for each in (self._next, self._current):
            self._retire(each)
        self._next = self._current = None
        self._sockets.silence()  # nobody will accept what comes from now on
        if not self._retired:
            self._sockets.close()

    async def _tidy(self) -> None:
        """Remove files that nobody needs any more."""
        if self._is_dirty and not self._is_stopping and self._recipe is not None and self.wanted is not None:
            self._is_dirty = False
            recipes = [self._recipe, *(each.recipe for each in self.crews)]
            used = [path for each in recipes for path in each.folders]
            await asyncio.to_thread(self._folder.keep_only, used)

    async def _end(self) -> None:
        """Be over once nothing is left to look after; if it was removed, nothing is left on disk either."""
        if not all(each.is_gone for each in self.crews) or not (self._is_stopping or self.is_removed):
            return
        if self.is_removed:
            self._book.close()
            await asyncio.to_thread(self._folder.remove)
            self._floor.gone(self.deployment)
        self._is_over = True

    # --- instances -----------------------------------------------------------------------------------------------

    def _memory(self) -> int:
        """MiB that an instance may have."""
        return self.wanted.resources.memory if self.wanted is not None else 1 << 20

    def _means(self, recipe: Recipe) -> Means:
        return Means(lambda: self._start(recipe), self._memory, self._floor.starting, self._poke)

    def _run(self, place: Place) -> asyncio.Task[None]:
        task = self._floor.run(place.live())
        task.add_done_callback(lambda _: self._poke())
        return task

    async def _start(self, recipe: Recipe) -> Child:
        """Start an instance. Raises OSError."""
        if recipe.wanted.port is not None:
            await self._listen()
        name = instance_name(self.wanted.slug if self.wanted is not None else "")
        walls = self._floor.walls
        group = self._group(name)
        start = Start(
            name=name,
            program=program(
                "octo",
                arguments(recipe, self._folder),
                surroundings(self._folder, self.port if recipe.wanted.port is not None else None),
                None if walls is None else enclosure(walls, recipe, self._folder, str(group.path) if group else ""),
                given=variables(recipe),
            ),
            folder=self._folder.path / "work",
            admin=self._floor.sockets / f"{name[-8:]}.sock",
            wrote=partial(self._write, os.fsencode(f"{recipe.bundle}/")),
            group=group,
        )
        return Child(start, self._sockets.loan())

    def _group(self, name: str) -> Cgroup | None:
        cgroups = self._floor.walls.cgroups if self._floor.walls is not None else None
        if cgroups is None or self.wanted is None:
            return None
        with suppress(OSError):  # it is looked after all the same
            return cgroups.group(name, self.wanted.resources, MOST_TASKS)
        return None

    def _write(self, bundle: bytes, instance: str, line: bytes) -> str:
        """Add a line to the log. Files have the names that their authors gave them, wherever they lie here."""
        return self._book.write(instance, line.replace(bundle, b""))

    async def _listen(self) -> None:
        """Listen at the port of before; at another one if it is taken for long. Raises OSError."""
        async with self._listening:
            if self._sockets.is_open:
                return
            end = asyncio.get_running_loop().time() + PORT_PATIENCE
            while self._sockets.port is not None:
                try:
                    self._sockets.open()
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise
                else:
                    return
                if asyncio.get_running_loop().time() > end:
                    break
                await asyncio.sleep(_AGAIN)
            self._folder.remember(self._sockets.choose(self.deployment))
