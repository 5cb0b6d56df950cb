"""Callers that know the right answer of each request, and what they found."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

PAUSE = 0.05
"""Seconds between the requests of one caller."""

RECOVERY = 10.0
"""Seconds after an outage of the database until which requests that need it may still fail."""


@dataclass
class Findings:
    """What the callers saw.

    outcomes: counts by route and outcome: "right", "refused" (a 5xx while the database was away), "cut" (the connection
    broke: a worker was killed). wrong: the first wrong answers as text. rows: the values that were acknowledged, by id.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    edits: set[int] = field(default_factory=set)
    database_back: float = 0.0

    def note(self, route: str, outcome: str, detail: str = "") -> None:
        self.outcomes[route, outcome] += 1
        if outcome == "wrong" and len(self.wrong) < 100:
            self.wrong.append(f"{route}: {detail}")

    @property
    def database_may_be_away(self) -> bool:
        return asyncio.get_running_loop().time() < self.database_back + RECOVERY


Answer = tuple[int, Any]
_numbers = itertools.count(1)


async def call_forever(base: str, findings: Findings, stop: asyncio.Event) -> None:
    """One caller on connections of its own, until `stop`."""
    timeout = aiohttp.ClientTimeout(total=40)
    async with aiohttp.ClientSession(base, timeout=timeout) as session:
        while not stop.is_set():
            route = random.choice([*_ROUTES])
            try:
                await _ROUTES[route](session, findings)
            except (aiohttp.ClientError, OSError) as error:
                findings.note(route, "cut", repr(error))
            except TimeoutError:
                findings.note(route, "wrong", "no answer within 40 s")
            await asyncio.sleep(PAUSE * random.uniform(0.5, 1.5))


async def _post(session: aiohttp.ClientSession, path: str, body: object = None) -> Answer:
    async with session.post(path, json=body) as response:
        text = await response.text()
        return response.status, (await response.json()) if response.status == 200 else text


async def _sum(session: aiohttp.ClientSession, findings: Findings) -> None:
    n, items = next(_numbers), random.choices(range(1000), k=5)
    status, body = await _post(session, f"/sum/{n}", {"items": items})
    right = (
        status == 200
        and body["n"] == n
        and body["doubled"] == [2 * each for each in items]
        and body["edit"] in findings.edits
    )
    findings.note("sum", "right" if right else "wrong", f"{status} {body} for {n}, {items}")


async def _entry(session: aiohttp.ClientSession, findings: Findings) -> None:
    key, value = f"e{next(_numbers)}", random.randrange(10**6)
    status, body = await _post(session, f"/entries/{key}", {"value": value})
    if status == 200:
        right = body == {"id": key, "value": value}
        findings.note("entry", "right" if right else "wrong", f"{body} for {key}, {value}")
        findings.rows[key] = value
    else:
        refused = status >= 500 and findings.database_may_be_away
        findings.note("entry", "refused" if refused else "wrong", f"{status} {body}")


async def _relay(session: aiohttp.ClientSession, findings: Findings) -> None:
    n = next(_numbers)
    status, body = await _post(session, f"/relay/{n}")
    right = status == 200 and body in ({"n": n}, {"n": n, "failed": True})
    findings.note("relay", "right" if right else "wrong", f"{status} {body} for {n}")


async def _later(session: aiohttp.ClientSession, findings: Findings) -> None:
    n = next(_numbers)
    status, body = await _post(session, f"/later/{n}")
    right = status == 200 and body == {"n": n}
    findings.note("later", "right" if right else "wrong", f"{status} {body} for {n}")


_ROUTES: dict[str, Callable[[aiohttp.ClientSession, Findings], Awaitable[None]]] = {
    "sum": _sum,
    "entry": _entry,
    "relay": _relay,
    "later": _later,
}
