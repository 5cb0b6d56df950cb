"""A connector for tests of the engine: sources that a test feeds, blocks that wait, fail and count on command.

Every opened probe is found under its `id` in `probes`, so a test can reach into the running configuration.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from octo.core.block import block
from octo.core.connector import connector
from octo.core.errors import Permanent, Transient
from octo.core.expressions import Expr
from octo.core.flow import Drop, Outcome
from octo.core.message import Message
from octo.core.plugins import Plugins
from octo.core.settings import Settings
from octo.core.source import Delivery, Inlet, source

probes: dict[str, Probe] = {}
"""The probes that are open right now."""

history: list[str] = []
"""What probes did, in order: `open a`, `close a`, ..."""


class ProbeSettings(Settings):
    id: str = "probe"
    """Name in `probes`."""
    refuse: bool = False
    """Fail to open."""


class Standin(Settings):
    notes: tuple[object, ...] = ()
    """What it has noted before anything ran."""


class Brought(Settings):
    body: object = None
    """Body of the message that a triggered source brings."""


class Pull(Settings):
    breaks: int = 0
    """How many times the source breaks before it works."""


class Push(Settings):
    path: str = "/"
    """Name in `Probe.routes`."""


class Wait(Settings):
    for_: str = "go"
    """Name of the gate that the message waits at."""


class Fail(Settings):
    how: str = "permanent"
    """permanent, transient or bug."""
    text: str = "as ordered"
    """Text of the error."""


class Note(Settings):
    value: Expr[object]
    """What to note."""


@connector("probe")
class Probe:
    """See the module."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[object] = asyncio.Queue()
        self.settled: list[tuple[str, object]] = []
        self.routes: dict[str, list[Inlet]] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.notes: list[object] = []
        self.waiting = 0
        self.most_waiting = 0
        self.breaks = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: ProbeSettings) -> AsyncIterator[Self]:
        if settings.refuse:
            raise Permanent("the probe was told to refuse")
        history.append(f"open {settings.id}")
        probes[settings.id] = probe = cls()
        try:
            yield probe
        finally:
            history.append(f"close {settings.id}")
            if probes.get(settings.id) is probe:
                del probes[settings.id]

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: ProbeSettings, stub: Standin) -> AsyncIterator[Self]:
        del settings
        probe = cls()
        probe.notes += stub.notes
        yield probe

    async def trigger(self, source: Settings, spec: Brought) -> object:
        """Call the newest inlet of the source's route."""
        assert isinstance(source, Push)
        result = self.routes[source.path][-1].call(Message(spec.body))
        outcome = result if isinstance(result, Message | Drop) else await result
        return {"body": outcome.body} if isinstance(outcome, Message) else None

    @source("pull")
    async def pull(self, settings: Pull) -> AsyncIterator[Delivery]:
        """Deliver what the test puts into `queue`; None ends the source."""
        if self.breaks < settings.breaks:
            self.breaks += 1
            raise Transient("the source broke")
        while (body := await self.queue.get()) is not None:
            yield self._delivery(body)

    def _delivery(self, body: object) -> Delivery:
        async def ack(outcome: Outcome) -> None:
            self.settled.append(("ack", outcome))

        async def nack(error: BaseException) -> None:
            self.settled.append(("nack", error))

        return Delivery(Message(body), ack, nack)

    @source("push")
    @asynccontextmanager
    async def push(self, settings: Push, inlet: Inlet) -> AsyncIterator[None]:
        """Register the inlet in `routes`; the newest is last."""
        self.routes.setdefault(settings.path, []).append(inlet)
        try:
            yield
        finally:
            self.routes[settings.path].remove(inlet)

    @block("wait")
    async def wait(self, settings: Wait, message: Message) -> Message:
        """Wait until the test opens the gate."""
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        try:
            await self.gate(settings.for_).wait()
        finally:
            self.waiting -= 1
        return message

    def gate(self, name: str) -> asyncio.Event:
        """The event that `wait` waits for."""
        return self.gates.setdefault(name, asyncio.Event())

    @block("fail")
    def fail(self, settings: Fail, message: Message) -> Message:
        """Raise an error of the ordered kind."""
        del message
        raise {"permanent": Permanent, "transient": Transient, "bug": KeyError}[settings.how](settings.text)

    @block("note")
    def note(self, settings: Note, message: Message) -> Message:
        """Append a value to `notes`."""
        self.notes.append(settings.value(message))
        return message


def probe_plugins(others: Plugins) -> Plugins:
    """Those components, and the probe."""
    home = f"{__name__}:Probe"
    return others.joined(Plugins({"probe": home}, dict.fromkeys(("wait", "fail", "note"), home)))
