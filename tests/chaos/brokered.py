"""The flows that are killed between a broker and their effects: each takes pairs over HTTP and publishes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import aio_pika
from aio_pika.exceptions import ChannelNotFoundEntity

from octo.testing.rabbitmq import RabbitMQ
from tests.chaos import workloads

POINTS = (*(each for each in workloads.POINTS if "commit" not in each), workloads.CONFIRMED)
"""A broker has no transactions of ours, and confirms what it keeps."""

_FLOW = """
env: [{{name: PORT}}, {{name: AMQP}}, {{name: QUEUE}}]
connectors:
  - {{name: web, type: http, settings: {{host: 127.0.0.1, port: "${{PORT}}"}}}}
  - {{name: between, type: amqp, settings: {{url: "${{AMQP}}"}}}}
flows:
  - name: accept
    source: {{connector: web, type: http, settings: {{path: /pairs, methods: [POST], headers: [Idempotency-Key]}}}}
    process:
      - type: amqp-publish
        connector: between
        routingKey: '"${{QUEUE}}"'
        messageID: vars["Idempotency-Key"]
        headers: {{Key: 'vars["Idempotency-Key"]'}}
  - name: work
    source:
      connector: between
      type: amqp
      settings: {{queue: "${{QUEUE}}", declare: {{type: {kind}}}, maxAttempts: 1000000, {source}}}
    process:
      - {{type: set-variable, settings: {{name: Idempotency-Key, value: vars.headers.Key}}}}
      - {{type: python, call: "effects:first"}}
      - {{type: python, call: "effects:second"}}
"""


@dataclass(frozen=True)
class Brokered(workloads.Workload):
    """A workload whose place is a queue of a broker: its URL, and behind `#` its name."""

    def environment(self, services: str) -> dict[str, str]:
        url, _, queue = services.partition("#")
        return {"OCTO_SERVICES": "memory:", "AMQP": url, "QUEUE": queue}

    async def prepare(self, services: str) -> None:
        """The source makes the queue."""

    async def left(self, services: str) -> int:
        url, _, queue = services.partition("#")
        async with await aio_pika.connect(url) as connection:
            return sum([await _held(connection, each) for each in (queue, f"{queue}.dead")])


async def _held(connection: aio_pika.abc.AbstractConnection, queue: str) -> int:
    async with connection.channel() as channel:
        try:
            found = await channel.declare_queue(queue, passive=True)
        except ChannelNotFoundEntity:
            return 0
        return found.declaration_result.message_count or 0


def _workload(name: str, source: str, *, kind: str = "quorum", in_order: bool = False) -> Brokered:
    # A broker does not know that what a producer sends again is the same.
    return Brokered(name, _FLOW.format(kind=kind, source=source), 4, in_order, once=False)


WORKLOADS = {
    each.name: each
    for each in (
        _workload("amqp", "prefetch: 4"),
        _workload("ordered", "prefetch: 16, key: string(body.p)", in_order=True),
        _workload("classic", "prefetch: 16, key: string(body.p)", kind="classic", in_order=True),
    )
}
"""`ordered`: one message of each producer at a time, in a quorum queue; `classic`: in a classic one."""


@contextmanager
def rabbitmq() -> Iterator[tuple[RabbitMQ, Callable[[Path], str]]]:
    """A server of its own, and a queue of its own for each call."""
    numbers = count()
    with RabbitMQ.started() as server:
        yield server, lambda _: f"{server.url}#chaos{next(numbers)}"
