"""What the pods of a deployment write, as one: the last lines of all, and then each line as it comes."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from datetime import datetime
from typing import NamedTuple

from octo_platform.deploy.kubernetes.api import Api
from octo_platform.deploy.kubernetes.manifests.names import CONTAINER, DEPLOYMENT, MANAGED_BY, PLATFORM, Manifest, label
from octo_platform.deploy.kubernetes.together import together
from octo_platform.deploy.kubernetes.watching import follow as follow_objects
from octo_platform.deploy.target import LogLine, Refused, Unreachable

LINE = 16_384
"""Bytes of a line that are shown."""

_PODS = 50
_BYTES = 4_194_304
_AHEAD = 1000


class Written(NamedTuple):
    """stamp: the moment to the nanosecond, as a text that sorts."""

    stamp: str
    pod: str
    text: str

    def as_line(self) -> LogLine:
        return LogLine(_moment(self.stamp), self.pod, self.text)


async def logs(api: Api, deployment: str, *, lines: int, follow: bool) -> AsyncIterator[LogLine]:
    mine = {MANAGED_BY: PLATFORM, DEPLOYMENT: label(deployment)}
    pods = [each["metadata"]["name"] for each in await api.find("Pod", mine)][:_PODS]
    tails = await together(tail(api, name, lines) for name in pods)
    last = {name: found[-1].stamp for name, found in zip(pods, tails, strict=True) if found}
    for each in list(heapq.merge(*tails, key=lambda each: each.stamp))[-lines:] if lines > 0 else []:
        yield each.as_line()
    if follow:
        async with aclosing(_follow(api, mine, last)) as news:
            async for each in news:
                yield each.as_line()


async def tail(api: Api, pod: str, lines: int, *, previous: bool = False, size: int = _BYTES) -> list[Written]:
    """The last lines of a pod, oldest first; none if it has not started, or has gone meanwhile."""
    params: dict[str, str | int] = {"tailLines": max(lines, 1), "limitBytes": size, "previous": str(previous).lower()}
    try:
        return [each async for each in _read(api, pod, params, idle=10.0)]
    except _NotYet:
        return []


async def _follow(api: Api, mine: dict[str, str], last: dict[str, str]) -> AsyncGenerator[Written]:
    """Each new line, from pods that come as well. last: what has been told of each pod already."""
    following = _Following(api, last)
    async with asyncio.TaskGroup() as group:
        finder = group.create_task(following.find(group, mine))
        try:
            while True:
                yield await following.told.get()
        except GeneratorExit:
            pass  # a group would wrap it
        finally:
            for each in [finder, *following.pumps.values()]:
                each.cancel()


class _Following:
    """One task for each pod that writes. None of them raises: what is broken off is begun anew, where it was."""

    def __init__(self, api: Api, last: dict[str, str]) -> None:
        self._api = api
        self._last = last
        self.told: asyncio.Queue[Written] = asyncio.Queue(_AHEAD)  # who reads slowly slows the reading down
        self.pumps: dict[str, asyncio.Task[None]] = {}

    async def find(self, group: asyncio.TaskGroup, mine: dict[str, str]) -> None:
        with suppress(Refused):
            async for each in follow_objects(self._api, "Pod", mine, idle=30.0):
                name = each["metadata"]["name"]
                if _writes(each) and name not in self.pumps and len(self.pumps) < _PODS:
                    self.pumps[name] = group.create_task(self._pump(name))

    async def _pump(self, pod: str) -> None:
        params: dict[str, str | int] = {"follow": "true"}
        if pod in self._last:
            params["sinceTime"] = f"{self._last[pod][:19]}Z"
        try:
            # The next change of the pod, or the next list of all, begins anew.
            with suppress(_NotYet, Unreachable, Refused):
                async for each in _read(self._api, pod, params, idle=None):
                    if each.stamp > self._last.get(pod, ""):
                        self._last[pod] = each.stamp
                        await self.told.put(each)
        finally:
            del self.pumps[pod]


class _NotYet(Exception):
    """The container has not started, or has gone."""


def _writes(pod: Manifest) -> bool:
    states = (pod.get("status") or {}).get("containerStatuses") or ()
    return any(each["name"] == CONTAINER and (each.get("state") or {}).get("running") is not None for each in states)


async def _read(api: Api, pod: str, params: dict[str, str | int], *, idle: float | None) -> AsyncIterator[Written]:
    wanted = {"container": CONTAINER, "timestamps": "true"} | params
    async with api.read(f"pods/{pod}/log", wanted, idle) as response:
        if response.status_code in {400, 404}:
            raise _NotYet
        if response.status_code >= 500 or response.status_code in {401, 429}:
            raise Unreachable(f"the log of {pod}: the cluster answered {response.status_code}")
        if response.status_code >= 300:
            raise Refused(f"the log of pod {pod!r}: the API server answered {response.status_code}")
        async for line in _lines(response.aiter_bytes()):
            stamp, _, text = line.decode(errors="replace").partition(" ")
            yield Written(_sortable(stamp), pod, text)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Lines of at most `LINE` bytes: what a line has besides is not kept, however long it goes on."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for each in whole:
            yield each[:LINE].removesuffix(b"\r")
        rest = rest[:LINE]
    if rest:
        yield rest


def _sortable(stamp: str) -> str:
    """`2026-11-30T21:00:00.5Z` → nine digits of the second. Nodes write UTC."""
    seconds, _, fraction = stamp.rstrip("Z").partition(".")
    return f"{seconds}.{fraction:0<9.9}"


def _moment(stamp: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{stamp[:26]}+00:00")
    except ValueError:
        return None
