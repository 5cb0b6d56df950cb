"""The module of the flows under test: effects that are on disk when they return, and points where the process dies.

It lies beside the flow, as code of a user does, and is imported while the flow is built. `CHAOS_POINT` names a point
and `CHAOS_COUNT` says at which passing `kill -9` comes; without them nothing happens.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import resource
import signal
import threading

from octo import idempotency_key

POINT = os.environ.get("CHAOS_POINT", "")
LIFE = int(os.environ.get("CHAOS_LIFE", "0"))

_left = int(os.environ.get("CHAOS_COUNT", "1"))
if room := int(os.environ.get("CHAOS_ROOM", "0")):
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
_one_at_a_time = threading.Lock()
_file = os.open(os.environ["CHAOS_SINK"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def passing(point):
    """Die here if this is the point, and passed often enough."""
    global _left  # noqa: PLW0603  one process, one countdown
    if point == POINT:
        with _one_at_a_time:
            _left -= 1
            if _left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


# --- effects -----------------------------------------------------------------------------------------------------


def first(body, vars, message):
    passing("before the effect")
    _write("first", body, vars, message)
    passing("after the effect")
    return body


def second(body, vars, message):
    passing("between blocks")
    _write("second", body, vars, message)
    return body


def third(body, vars, message):
    _write("third", body, vars, message)
    passing("after the last effect")
    return body


async def gate(body):
    """Wait until the test lets this life go on."""
    while not os.path.exists(f"open {LIFE}"):  # noqa: PTH110  beside the flow
        await asyncio.sleep(0.01)
    return body


def _write(effect, body, given, message):
    record = {
        "effect": effect,
        "p": body["p"],
        "n": body["n"],
        "load": body["load"],
        "key": given.get("Idempotency-Key"),
        "life": LIFE,
        "event": message.event_id,
        "token": given.get("token", 0),
        "step": idempotency_key(),
    }
    os.write(_file, json.dumps(record).encode() + b"\n")
    os.fsync(_file)


# --- points inside services ---------------------------------------------------------------------------------------


def _around(owner, name, before, after):
    """Pass one point before the method, and one after it if it returned something or was to return nothing."""
    real = getattr(owner, name)

    @functools.wraps(real)
    async def wrapped(*arguments, **named):
        passing(before)
        result = await real(*arguments, **named)
        if result != []:
            passing(after)
        return result

    setattr(owner, name, wrapped)


def _points(queues, topics):
    _around(run.Run, "written", "before it is written", "after it is written")
    _around(run.Run, "over", "before it is forgotten", "after it is forgotten")
    _around(queues.Lines, "send", "before it is sent", "after it is sent")
    _around(topics.Logs, "publish", "before it is sent", "after it is sent")
    _around(queues.Lines, "receive", "before it is received", "after it is received")
    _around(topics.Reader, "__anext__", "before it is received", "after it is received")
    _around(queues.Lines, "ack", "before the acknowledgement", "after the acknowledgement")
    _around(topics.Reader, "commit", "before the acknowledgement", "after the acknowledgement")


def _embedded():
    from octo.services.embedded import queues, store, topics

    _points(queues, topics)
    connected, transaction = store._connected, store.Store._transaction

    def watched(path):
        connection = connected(path)
        connection.set_trace_callback(lambda statement: passing("before a commit") if statement == "COMMIT" else None)
        return connection

    def whole(*arguments):
        results = transaction(*arguments)
        passing("after a commit")
        return results

    store._connected, store.Store._transaction = watched, whole


def _postgres():
    from octo.services.postgres import links, queues, topics

    _points(queues, topics)
    _around(links.Links, "rows", "before a commit", "after a commit")


def _nats():
    from octo.services.nats import queues, store, topics

    _points(queues, topics)
    _around(store.Store, "write", "before a commit", "after a commit")
    _around(store.Store, "remove", "before a commit", "after a commit")


def _redis():
    from octo.services.redis import link, queues, topics

    _points(queues, topics)
    _around(link.Link, "_run", "before a commit", "after a commit")


def _amqp():
    from aio_pika import message
    from aiormq import channel

    from octo.connectors.amqp import publisher
    from octo.core import lanes

    _around(publisher.Publisher, "send", "before it is sent", "after it is sent")
    _around(channel.Channel, "_on_confirm_frame", "before it is confirmed", "")
    _around(lanes.Lanes, "next", "before it is received", "after it is received")
    _around(message.IncomingMessage, "ack", "before the acknowledgement", "after the acknowledgement")


from octo.connectors import events  # noqa: E402  first what this module is for
from octo.engine import resuming  # noqa: E402
from octo.engine.journal import journal, run  # noqa: E402

# A test cannot wait for seconds until what a killed process had is taken over.
events.TAKEOVER, journal.TTL, resuming.EVERY = 1.0, 1.0, 0.2
if POINT and "AMQP" in os.environ:
    _amqp()
elif POINT:
    kind, _, _ = os.environ["OCTO_SERVICES"].partition(":")
    {"sqlite": _embedded, "postgresql": _postgres, "redis": _redis, "nats": _nats}[kind]()
