"""Where a configuration has dead letters: the queues that its flows consume, and what `deadLetter` names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from octo.config.documents import Config
from octo.config.walk import queue_of
from octo.letters.places import InFile, InQueue, Place
from octo.services.container import Services
from octo.services.ports import Queues


async def places(config: Config | None, services: Services, queues: tuple[str, ...]) -> list[Place]:
    """The places of the configuration; if queues are named, of these alone. Raises `Unavailable`."""
    consumed = {} if config is None else dict(_consumed(config))
    if queues:
        opened = await _opened(services)
        return [InQueue(opened, name, consumed.get(name, ""), dead=dead) for name in queues for dead in (True, False)]
    if config is None:
        return []
    parked = dict.fromkeys(_named(config, "queue"))
    found: list[Place] = [InFile(Path(path)) for path in dict.fromkeys(_named(config, "file"))]
    if consumed or parked:
        opened = await _opened(services)
        found += [InQueue(opened, name, flow) for name, flow in consumed.items()]
        found += [InQueue(opened, name, dead=False) for name in parked]
    return found


async def _opened(services: Services) -> Queues:
    await services.open(["queues"])
    return services.handed({"queues": "queues"})["queues"]  # type: ignore[return-value]


def _consumed(config: Config) -> Iterator[tuple[str, str]]:
    """The queues that flows take messages from, each with its flow."""
    for doc in config.flows.values():
        if (queue := queue_of(doc)) is not None:
            yield queue, doc.name


def _named(config: Config, kind: str) -> Iterator[str]:
    for doc in config.flows.values():
        if doc.dead_letter is not None and doc.dead_letter.kind == kind:
            yield doc.dead_letter.target
