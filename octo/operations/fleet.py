"""Several processes behind one port: each is asked over its own socket, and the answers are merged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlencode

from octo.core.clock import now_ns
from octo.engine.metrics import Series, Snapshot
from octo.operations.address import Address
from octo.operations.client import Client, Reply, Unreachable
from octo.operations.figures import uptime
from octo.operations.merge import counters, merged
from octo.operations.status import moment
from octo.operations.subject import Facts
from octo.operations.web import JSON, Refused
from octo.trace.packed import read

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds that a process may take to answer; health checks of connectors may take one of them."""


class Member:
    """One process. last: its metrics when it last answered."""

    def __init__(self, path: Path) -> None:
        self._client = Client(Address(path=str(path)))
        self.last: Snapshot = {}

    async def measure(self) -> None:
        """Update `last`, if the process answers."""
        self.last = await self.ask("GET", "/metrics.json") or self.last

    async def ask(self, method: str, path: str, value: object = None) -> Any:
        """Return the JSON of the answer; None if there is no answer or it is not JSON."""
        reply = await self.reply(method, path, value)
        try:
            return None if reply is None else reply.json()
        except ValueError:
            return None

    async def reply(self, method: str, path: str, value: object = None) -> Reply | None:
        """Return the answer; None if there is none."""
        try:
            return await self._client.ask(method, path, value, PATIENCE, accept=JSON)
        except Unreachable:
            return None

    async def traces(self, path: str) -> AsyncGenerator[Any, None]:
        """Yield the traces of a stream of JSON Lines; nothing if there is no such stream."""
        rest = b""
        with suppress(Unreachable):
            async with self._client.stream("GET", path) as (status, pieces):
                async for piece in pieces:
                    *lines, rest = (rest + piece).split(b"\n")
                    for line in lines if status == 200 else ():
                        if line.startswith(b"["):
                            yield read(line)


class Fleet:
    """Several processes as one `Subject` of the operations port. Processes are numbered from 0.

    replaced: how many processes have ended, or were killed because they hung, and got a successor.

    Invariant: a counter never goes backwards. The counts of a process are kept when it is replaced (`_former`,
    `_gone`) or does not answer (`Member.last`). Only one snapshot is taken at a time, so an old answer cannot
    overwrite a newer one.
    """

    def __init__(self) -> None:
        self.replaced = 0
        self._started = moment(now_ns())
        self._members: dict[int, Member] = {}
        self._former: list[Member] = []
        self._gone: Snapshot = {}
        self._measuring = asyncio.Lock()

    def join(self, number: int, path: Path) -> None:
        """Add the process with this number, which answers at this socket. An earlier one of that number has ended."""
        old = self._members.get(number)
        if old is not None:
            self._former.append(old)
        self._members[number] = Member(path)

    async def reasons(self) -> list[str]:
        answers = await self._each(lambda member: member.ask("GET", "/readyz"))
        found = [] if answers else ["starting"]
        for number, answer in answers.items():
            reasons = ["does not answer"] if answer is None else answer["reasons"]
            found += (f"process {number}: {reason}" for reason in reasons)
        return found

    async def notes(self) -> list[str]:
        answers = await self._each(lambda member: member.ask("GET", "/readyz"))
        return [
            f"process {number}: {each}"
            for number, answer in answers.items()
            for each in (answer or {}).get("notes", ())
        ]

    async def snapshot(self) -> Snapshot:
        async with self._measuring:
            while self._former:
                self._gone = merged([self._gone, counters(self._former.pop().last)])
            members = list(self._members.values())
            reasons, *_ = await asyncio.gather(self.reasons(), *(member.measure() for member in members))
            parts = [self._gone, *(member.last for member in members)]
            own: dict[str, Series] = {
                "octo_ready": [((), int(not reasons))],
                "octo_processes_replaced_total": [((), self.replaced)],
            }
            return {**merged(parts), **own}

    async def facts(self) -> Facts:
        by_number = await self._each(lambda member: member.ask("GET", "/status"))
        answers = [answer for answer in by_number.values() if answer is not None]
        if not answers:
            raise Refused(503, "no process answers")
        silent = [_silent(number) for number, answer in by_number.items() if answer is None]
        processes = [each for answer in answers for each in answer["processes"]]
        return {
            **answers[0],
            "started": self._started,
            "uptime": uptime(),
            "refused": next((answer["refused"] for answer in answers if answer["refused"]), None),
            "flows": _worst([answer["flows"] for answer in answers], "broken"),
            "connectors": _worst([answer["connectors"] for answer in answers], "reason"),
            "processes": sorted(processes + silent, key=lambda each: each["process"]),
        }

    async def flows(self) -> list[Mapping[str, object]]:
        return await self._first("/flows")  # type: ignore[no-any-return]

    async def level(self) -> str:
        return (await self._first("/log-level"))["level"]  # type: ignore[no-any-return]

    async def set_level(self, level: str) -> None:
        answers = await self._each(lambda member: member.ask("PUT", "/log-level", {"level": level}))
        deaf = [str(number) for number, answer in answers.items() if answer is None]
        if deaf:
            raise Refused(503, f"the level was set, but not in process {', '.join(deaf)}, which does not answer")

    async def letters(self) -> list[Mapping[str, object]]:
        """Return those that one process sees: they all have the same places."""
        return await self._first("/letters")  # type: ignore[no-any-return]

    async def traces(self, flow: str | None, outcome: str | None, limit: int) -> list[Mapping[str, object]]:
        """Return each trace once, even if processes share a store."""
        query = {"flow": flow, "outcome": outcome, "limit": limit}
        path = f"/traces?{urlencode({name: value for name, value in query.items() if value is not None})}"
        found: dict[tuple[object, object], Mapping[str, object]] = {}
        for answer in await self._kept(path):
            found |= {(each["trace"], each["event"]): each for each in answer}
        return sorted(found.values(), key=lambda each: -cast("int", each["at"]))[:limit]

    async def trace(self, id: str) -> Sequence[Mapping[str, Any]]:  # noqa: A002  the usual word
        found = await self._kept(f"/traces/{quote(id, safe='')}")
        return found[0]  # type: ignore[no-any-return]

    async def tap(self, flow: str, when: str, take: int) -> AsyncGenerator[Any, None]:
        from octo.trace.live import condition  # imported here, since few processes are tapped

        condition(when)
        path = f"/traces/tap?{urlencode({'flow': flow, 'when': when, 'take': take})}"
        return _together([member.traces(path) for member in self._members.values()], take)

    async def _each(self, ask: Callable[[Member], Awaitable[T]]) -> dict[int, T]:
        members = dict(self._members)
        answers = await asyncio.gather(*(ask(member) for member in members.values()))
        return dict(zip(members, answers, strict=True))

    async def _kept(self, path: str) -> list[Any]:
        """Return the answers of the processes that have traces at this path. Raises one's refusal if none has."""
        answers = await self._each(lambda member: member.reply("GET", path))
        replies = [reply for reply in answers.values() if reply is not None]
        found = [reply.json() for reply in replies if reply.status == 200]
        if found:
            return found
        if replies:
            raise Refused(replies[0].status, replies[0].body.decode().rstrip("\n"))
        raise Refused(503, "no process answers")

    async def _first(self, path: str) -> Any:
        for member in list(self._members.values()):
            answer = await member.ask("GET", path)
            if answer is not None:
                return answer
        raise Refused(503, "no process answers")


_ENDED = object()


async def _together(streams: list[AsyncGenerator[Any, None]], take: int) -> AsyncGenerator[Any, None]:
    """Yield the first `take` values of all streams together; fewer if all of them end."""
    queue: asyncio.Queue[Any] = asyncio.Queue(1)

    async def carry(stream: AsyncGenerator[Any, None]) -> None:
        async with aclosing(stream):
            async for value in stream:
                await queue.put(value)
        await queue.put(_ENDED)

    async with asyncio.TaskGroup() as group:
        carriers = [group.create_task(carry(stream)) for stream in streams]
        flowing = len(carriers)
        try:
            while take and flowing:
                value = await queue.get()
                if value is _ENDED:
                    flowing -= 1
                else:
                    take -= 1
                    yield value
        finally:
            for each in carriers:
                each.cancel()


def _silent(number: int) -> dict[str, Any]:
    return {
        "process": number,
        "pid": None,
        "started": None,
        "ready": False,
        "reasons": ["does not answer"],
        "generation": None,
    }


def _worst(parts: list[list[dict[str, Any]]], trouble: str) -> list[dict[str, Any]]:
    """Return the entries of the first process; each is taken from a process that has trouble with it, if one has."""
    found = {each["name"]: each for each in parts[0]}
    for part in parts[1:]:
        for each in part:
            if each[trouble] and each["name"] in found:
                found[each["name"]] = each
    return list(found.values())
