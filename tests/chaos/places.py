"""The places that services are killed on: each loop gets an empty one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import quote

from octo.testing.nats import Nats
from octo.testing.postgres import PASSWORD, Postgres
from octo.testing.redis import Redis

Place = Callable[[Path], str]
"""Returns the URL of empty services, for the folder of a test."""


def embedded(folder: Path) -> str:
    return f"sqlite:{folder}/store/octo.db"


@contextmanager
def postgres() -> Iterator[tuple[Postgres, Place]]:
    """A server of its own, and a schema of its own for each call."""
    numbers = count()
    with Postgres.started() as server:
        url = f"postgresql://octo:{quote(PASSWORD, safe='')}@{server.address}/postgres"
        yield server, lambda _: f"{url}?schema=chaos{next(numbers)}&connections=4"


@contextmanager
def redis() -> Iterator[tuple[Redis, Place]]:
    """A server of its own, and a prefix of its own for each call."""
    numbers = count()
    with Redis.started() as server:
        yield server, lambda _: f"{server.url}?prefix=chaos{next(numbers)}"


@contextmanager
def nats() -> Iterator[tuple[Nats, Place]]:
    """A server of its own, and streams of its own for each call."""
    numbers = count()
    with Nats.started() as server:
        yield server, lambda _: f"{server.url}/chaos{next(numbers)}"
