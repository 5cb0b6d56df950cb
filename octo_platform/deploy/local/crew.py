"""The instances of a deployment that were made by one recipe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from octo_platform.deploy.local.child import Child
from octo_platform.deploy.local.groups import Usage
from octo_platform.deploy.local.place import Means, Place
from octo_platform.deploy.local.recipe import Recipe
from octo_platform.deploy.target import Instance, Reason

PATIENCE = 120.0
"""Seconds after which instances that run and were never ready count as a failure; they go on all the same."""


class Crew:
    """See the module. generation, tag: what they are called now; a change that leaves instances alone renames them.

    spawn: runs a coroutine as a task that somebody owns.
    """

    def __init__(self, recipe: Recipe, means: Means, spawn: Callable[[Place], asyncio.Task[None]]) -> None:
        self.recipe = recipe
        self.generation = 0
        self.tag = ""
        self.was_ready = False
        self.is_leaving = False
        self._means = means
        self._spawn = spawn
        self._born = asyncio.get_running_loop().time()
        self._places: dict[Place, asyncio.Task[None]] = {}

    @property
    def places(self) -> Iterable[Place]:
        return self._places

    @property
    def children(self) -> list[Child]:
        return [each.child for each in self._places if each.child is not None]

    @property
    def wanted(self) -> list[Place]:
        return [each for each in self._places if not each.is_leaving]

    @property
    def ready(self) -> int:
        return sum(each.is_ready for each in self.wanted)

    @property
    def is_ready(self) -> bool:
        """Whether all that are wanted are."""
        return bool(self.wanted) and all(each.is_ready for each in self.wanted)

    @property
    def is_gone(self) -> bool:
        return not self._places

    @property
    def is_silent(self) -> bool:
        """Whether no instance will accept anything within a moment."""
        return all(each.child is None and (each.pause > 1 or each.refused is not None) for each in self._places)

    def scale(self, count: int) -> None:
        """Have so many places; those that have no instance that is ready go first."""
        wanted = sorted(self.wanted, key=lambda each: not each.is_ready)
        for each in wanted[count:]:
            each.leave(self.recipe.patience)
        for _ in range(count - len(wanted)):
            place = Place(self._means)
            self._places[place] = self._spawn(place)

    def leave(self) -> None:
        """Let all come to an end."""
        self.is_leaving = True
        for each in self._places:
            if not each.is_leaving:
                each.leave(self.recipe.patience)

    def sweep(self) -> None:
        """Forget the places whose life is over, unless they tell why it is."""
        self.was_ready = self.was_ready or self.is_ready
        for place, task in list(self._places.items()):
            if task.done() and (place.refused is None or place.is_leaving):
                del self._places[place]

    def look(self, now: float, memory: int, usage: Mapping[int, Usage], *, was_asleep: bool) -> None:
        for child in self.children:
            child.look(now, memory, usage.get(child.pid, Usage()), was_asleep=was_asleep)

    def failure(self) -> Reason | None:
        """Why it does not become ready without a change, or by patience alone."""
        for each in self.wanted:
            if each.refused is not None:
                return each.refused
        loops = [each for each in self.wanted if each.loops]
        if loops and not self.ready:
            return crash_loop(loops[0])
        if not self.was_ready and asyncio.get_running_loop().time() - self._born > PATIENCE:
            unready = next((each.unready for each in self.wanted if each.unready), "it is still starting")
            return Reason(code="NotReady", text=f"not ready after {PATIENCE:g} s: {unready}")
        return None

    def reasons(self) -> list[Reason]:
        """What is wrong with single instances."""
        found = [crash_loop(each) if each.loops else each.recent() for each in self.wanted]
        found += [Reason(code="Unready", text=each.unready) for each in self.wanted if each.unready]
        return [each for each in found if each is not None]

    def instances(self) -> list[Instance]:
        return [
            Instance(
                name=each.name,
                generation=self.generation,
                tag=self.tag,
                ready=each.is_ready and not each.is_leaving,
                phase=each.phase,
                restarts=each.restarts,
                since=each.since,
                reason=each.reason,
            )
            for each in self._places
            if each.name
        ]


def crash_loop(place: Place) -> Reason:
    """Why it is one: what its last instance ended with."""
    last = place.reason or Reason(code="", text="")
    return Reason(code="CrashLoop", text=f"it ends again and again; {last.code}: {last.text}")
