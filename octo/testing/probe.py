"""A connector for tests of the engine: sources that a test feeds, blocks that wait, fail and count on command.

Every open probe is in `probes` under its `id`, so that a test can use it while the configuration runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Self

from octo.core.block import block
from octo.core.connector import connector
from octo.core.delivery import Delivery, Idle, Verdict
from octo.core.errors import Disconnected, Permanent, Transient
from octo.core.expressions import Expr
from octo.core.flow import Drop, Ending, Stop
from octo.core.message import Message
from octo.core.partial import partial
from octo.core.plugins import Plugins
from octo.core.settings import Settings
from octo.core.source import Inlet, source

probes: dict[str, Probe] = {}
"""The open probes, by id."""

history: list[str] = []
"""What probes did, in order: `open a`, `close a`, ..."""

unreachable: set[str] = set()
"""Ids of probes that fail to open; a test changes it."""


class ProbeSettings(Settings):
    id: str = "probe"
    """Name in `probes`."""
    refuse: bool = False
    """Fail to open."""


class Standin(Settings):
    notes: tuple[object, ...] = ()
    """What the stub has noted at the start."""


class Brought(Settings):
    body: object = None
    """Body of the message that a triggered source brings."""


class Pull(Settings):
    breaks: int = 0
    """How many times the source breaks before it works."""


class Push(Settings):
    path: str = "/"
    """Name in `Probe.routes`."""
    refuse: bool = False
    """Fail to start."""


class Say(Settings):
    values: Expr[list[object]]
    """The partial results to give before the outcome, in order."""


class Wait(Settings):
    for_: str = "go"
    """Name of the gate that the message waits at."""


class Fail(Settings):
    how: str = "permanent"
    """permanent, transient, disconnected or bug."""
    text: str = "as ordered"
    """Text of the error."""


class Note(Settings):
    value: Expr[object]
    """What to note."""


class Stream:
    """A flow as a streaming source sees it. taken: the partial results so far.

    gate: while it is not set, a block that gives a partial result waits. breaks: whether taking one fails.
    """

    def __init__(self, inlet: Inlet) -> None:
        self.inlet = inlet
        self.taken: list[object] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.breaks = False

    async def call(self, body: object = None, timeout: float | None = None) -> Ending:
        """Run a message; raises as `Inlet.call` does."""
        result = self.inlet.call(Message(body), timeout, partial=self._take)
        return result if isinstance(result, Message | Drop) else await result

    async def _take(self, value: object) -> None:
        await self.gate.wait()
        if self.breaks:
            raise ConnectionError("the reader is gone")
        self.taken.append(value)


@connector("probe")
class Probe:
    """See the module."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[object] = asyncio.Queue()
        self.settled: list[Verdict] = []
        self.routes: dict[str, list[Inlet]] = {}
        self.streams: dict[str, Stream] = {}
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
        if settings.id in unreachable:
            raise Transient("nobody is there")
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

    @source("pull", silence=timedelta(minutes=1), steps=("flow",))
    async def pull(self, settings: Pull) -> AsyncIterator[Delivery | Idle]:
        """Deliver what the test puts into `queue`: a body, a thing to yield, or an error to raise. None ends it."""
        if self.breaks < settings.breaks:
            self.breaks += 1
            raise Transient("the source broke")
        while (given := await self.queue.get()) is not None:
            if isinstance(given, Exception):
                raise given
            yield given if isinstance(given, Delivery | Idle) else self.delivery(given)

    def delivery(self, body: object) -> Delivery:
        """A delivery whose verdict is appended to `settled`."""

        async def settle(verdict: Verdict) -> None:
            self.settled.append(verdict)

        return Delivery(Message(body), settle)

    @source("push", guarantee="answered", steps=("flow", "reply"))
    @asynccontextmanager
    async def push(self, settings: Push, inlet: Inlet) -> AsyncIterator[None]:
        """Register the inlet in `routes`; the newest is last."""
        if settings.refuse:
            raise Permanent("the source was told to refuse")
        self.routes.setdefault(settings.path, []).append(inlet)
        try:
            yield
        finally:
            self.routes[settings.path].remove(inlet)

    @source("stream", guarantee="answered", steps=("flow", "reply"))
    @asynccontextmanager
    async def stream(self, settings: Push, inlet: Inlet) -> AsyncIterator[None]:
        """Keep the flow in `streams`: a test calls it and sees each partial result as it comes."""
        self.streams[settings.path] = Stream(inlet)
        try:
            yield
        finally:
            del self.streams[settings.path]

    @block("say")
    async def say(self, settings: Say, message: Message) -> Message:
        """Give partial results."""
        for value in settings.values(message):
            await partial(value)
        return message

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
        """Raise an error of the kind that the settings name."""
        del message
        kinds = {"permanent": Permanent, "transient": Transient, "disconnected": Disconnected, "bug": KeyError}
        raise kinds[settings.how](settings.text)

    @block("note")
    def note(self, settings: Note, message: Message) -> Message:
        """Append a value to `notes`."""
        self.notes.append(settings.value(message))
        return message

    @block("stop")
    def stop(self, settings: Note, message: Message) -> Stop:
        """Stop with an answer."""
        return Stop(message.with_body(settings.value(message)))


def probe_plugins(others: Plugins) -> Plugins:
    """The other components, and the probe."""
    home = f"{__name__}:Probe"
    return others.joined(Plugins({"probe": home}, dict.fromkeys(("wait", "fail", "note", "say", "stop"), home)))
