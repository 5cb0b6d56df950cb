"""What changes on the cluster, without an end: what is missed is listed, what is broken off is begun anew."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from octo_platform.deploy.kubernetes.api import Api, Gone
from octo_platform.deploy.kubernetes.manifests.names import DEPLOYMENT, MANAGED_BY, PLATFORM, Manifest
from octo_platform.deploy.target import Refused, Unreachable

_SHORT = 5.0
"""Seconds that a watch lasts at least, when nothing is wrong."""

IDLE = 240.0
"""Seconds of silence after which all is listed anew."""


def pause(tries: int) -> float:
    """Seconds before the n-th try in a row, from 1: half a second, then twice as long, at most 30; less by chance."""
    return min(30.0, 0.5 * 2.0 ** min(tries - 1, 10)) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


async def follow(api: Api, kind: str, labels: Mapping[str, str], *, idle: float = IDLE) -> AsyncGenerator[Manifest]:
    """Each object of a kind at first, then what has changed of it, also while the cluster could not be read.

    An object that was removed is told as it was last. Raises `Refused` only.
    """
    known: dict[str, Manifest] = {}
    tries = 0
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        try:
            listed, version = await api.snapshot(kind, labels)
            for each in _changed(known, listed):
                yield each
            async with aclosing(api.watch(kind, labels, version, idle)) as news:
                async for each in news:
                    known[each["metadata"]["name"]] = each
                    yield each
        except (Gone, Unreachable):
            pass
        # A watch that is refused, or cut off at once, again and again, must not become a list without an end.
        tries = tries + 1 if loop.time() - began < min(_SHORT, idle / 2) else 0
        if tries:
            await asyncio.sleep(pause(tries))


def _changed(known: dict[str, Manifest], listed: list[Manifest]) -> list[Manifest]:
    """What of a list is not known yet, or has gone. `known` is as the list afterwards."""
    names = {each["metadata"]["name"]: each for each in listed}
    gone = [each for name, each in known.items() if name not in names]
    new = [each for name, each in names.items() if _version(known.get(name)) != _version(each)]
    known.clear()
    known |= names
    return [*new, *gone]


def _version(found: Manifest | None) -> str | None:
    return None if found is None else found["metadata"]["resourceVersion"]


async def changes(api: Api, *, idle: float = IDLE) -> AsyncGenerator[str]:
    """The id of each deployment whose Deployment or pods may have changed. One that waits to be told is told once."""
    waiting: dict[str, None] = {}
    refused: list[Refused] = []
    bell = asyncio.Event()

    async def note(kind: str) -> None:
        # It never raises: that would cancel whoever listens, in the middle of what they do with the last id.
        try:
            async for each in follow(api, kind, {MANAGED_BY: PLATFORM}, idle=idle):
                if deployment := (each["metadata"].get("labels") or {}).get(DEPLOYMENT):
                    waiting[deployment] = None
                    bell.set()
        except Refused as error:
            refused.append(error)
            bell.set()

    async with asyncio.TaskGroup() as group:
        notes = [group.create_task(note(kind)) for kind in ("Deployment", "Pod")]
        try:
            while not refused:
                await bell.wait()
                bell.clear()
                while waiting:
                    yield waiting.popitem()[0]
        except GeneratorExit:
            pass  # a group would wrap it
        finally:
            for each in notes:
                each.cancel()
    if refused:
        raise refused[0]
