"""What it costs to keep messages: a flow of ten blocks, three of them with an effect, with each `durability`.

Its messages come from a queue of the services, so `ack` costs what the queue costs, and `journal` adds to that what is
written before each effect and at the end.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import quote

from bench.figures import there_and_back
from bench.section import Effort, Section, Table
from octo.core.block import block
from octo.core.errors import OctoError
from octo.core.message import Message
from octo.core.settings import Settings

AT_ONCE = 32
"""Messages that are under way at once."""
KINDS = ("memory", "ack", "journal")
BODY = {"order": 4711, "text": "x" * 200}
FLOW = f"""
connectors: [{{name: q, type: queue}}]
flows:
  - name: work
    durability: KIND
    source: {{connector: q, type: queue, settings: {{subject: bench, listeners: {AT_ONCE}}}}}
    process:
      - {{type: set-variable, settings: {{name: order, value: body.order}}}}
      - {{type: set-variable, settings: {{name: size, value: "size(body.text)"}}}}
      - {{type: act}}
      - {{type: set-payload, settings: {{value: "{{'order': vars.order, 'text': body.text}}"}}}}
      - type: if
        condition: vars.size > 10
        then: [{{type: act}}, {{type: set-variable, settings: {{name: large, value: "true"}}}}]
      - {{type: set-variable, settings: {{name: last, value: vars.order + 1}}}}
      - {{type: act}}
      - {{type: count}}
"""
NOTES = (
    f"Ten blocks, three of which have an effect that costs nothing; {AT_ONCE} messages are under way at once.",
    "CPU is that of the process that runs the flow, with SQLite in it and the servers beside it.",
    "`memory`: success is told before the flow runs; `ack`: after it; `journal`: and no finished block runs again.",
    "SQLite waits for the disk (`synchronous = FULL`), NATS too (`sync_interval: always`), PostgreSQL does not here.",
)


class Cost(NamedTuple):
    """Messages per second, and CPU-µs per message."""

    rate: float
    cpu: float


def measure(effort: Effort) -> Section:
    notes = list(NOTES)
    with ExitStack() as stack:
        places = {}
        for name, place in (("memory", _memory), ("sqlite", _sqlite), ("postgresql", _postgres), ("nats", _nats)):
            try:
                places[name] = stack.enter_context(place())
            except (RuntimeError, OctoError) as error:
                notes.append(f"{name} was not measured: {error}")
        cases = [(name, kind) for name in places for kind in KINDS]
        found: dict[tuple[str, str], list[Cost]] = {each: [] for each in cases}
        for name, kind in there_and_back(tuple(cases)) * max(1, effort.rounds):
            found[name, kind].append(asyncio.run(_run(places[name], kind, effort.seconds)))
    rows: list[list[Any]] = []
    for (name, kind), costs in found.items():
        rate, cpu = median(each.rate for each in costs), median(each.cpu for each in costs)
        ack = median(each.rate for each in found[name, "ack"])
        rows.append([name, kind, round(rate), round(cpu), round(rate / ack, 2)])
    return Section(
        "Durability",
        "Messages of a queue through a flow of ten blocks, in one process.",
        [Table(["services", "durability", "messages/s", "CPU-µs per message", "of `ack`"], rows)],
        notes=notes,
    )


# --- places ----------------------------------------------------------------------------------------------------------


@contextmanager
def _memory() -> Iterator[str]:
    yield "memory:"


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="octo-bench-") as folder:
        yield f"sqlite:{folder}/octo.db"


@contextmanager
def _postgres() -> Iterator[str]:
    from octo.testing.postgres import PASSWORD, Postgres

    with Postgres.started() as server:
        yield f"postgresql://octo:{quote(PASSWORD, safe='')}@{server.address}/postgres"


@contextmanager
def _nats() -> Iterator[str]:
    from octo.testing.nats import Nats

    with Nats.started() as server:
        yield server.url


# --- a run -----------------------------------------------------------------------------------------------------------


class Nothing(Settings):
    pass


class Counted:
    """Counts the messages that have come through."""

    def __init__(self) -> None:
        self.done = 0
        self._more = asyncio.Event()

    async def until(self, number: int) -> None:
        while self.done < number:
            self._more.clear()
            await self._more.wait()

    def components(self) -> list[Callable[..., Any]]:
        counted = self

        @block("act")
        async def act(settings: Nothing, message: Message) -> Message:  # noqa: ARG001  the shape of a block
            """An effect that costs nothing."""
            return message

        @block("count")
        def count(settings: Nothing, message: Message) -> Message:  # noqa: ARG001  the same
            """Count the message."""
            counted.done += 1
            counted._more.set()
            return message

        return [act, count]


@asynccontextmanager
async def _flow(url: str, kind: str, counted: Counted) -> AsyncIterator[Any]:
    from octo.services.container import Services
    from octo.services.places import openers
    from octo.testing.harness import running

    flow = FLOW.replace("KIND", kind)
    async with (
        Services(openers(url)) as services,
        running(flow, components=counted.components(), services=services),
    ):
        yield services.opened["queues"]


async def _run(url: str, kind: str, seconds: float) -> Cost:
    counted = Counted()
    async with _flow(url, kind, counted) as queues:

        async def hand_over() -> None:
            target = counted.done + AT_ONCE
            await asyncio.gather(*(queues.send("bench", Message(BODY).to_record()) for _ in range(AT_ONCE)))
            await counted.until(target)

        await hand_over()
        before, began, cpu = counted.done, time.perf_counter(), time.process_time()
        while (took := time.perf_counter() - began) < seconds:
            await hand_over()
        done = counted.done - before
        return Cost(done / took, (time.process_time() - cpu) / done * 1e6)
