"""A run: one message on its way through a flow with a journal, and what is written of it.

Every chain that the message enters is a frame; chains inside of blocks, and of flows that it calls, are frames inside
of frames. A frame knows the last of its blocks that has finished, and what that made of the message. A run is written

- before a block begins that may have an effect (`Run.written`), so that a block that has finished before is not run
  again, and one that is run again gets the same message and the same idempotency key,
- and once the flow has ended, before its source hears of it.

Blocks in between that only compute are written together with what comes next. A frame inside of a block that has
finished is removed, as its result is part of the frame around it.

Invariant: every write names the version that it writes over, so of two processes that go on with one run the one that
took it over first ends the other (`Fenced`).
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from hashlib import sha256
from typing import Any, NamedTuple

from octo.core import record
from octo.core.backoff import Backoff, Failures
from octo.core.errors import Permanent, Transient
from octo.core.flow import Drop, Failure, Fenced, Outcome, Stop, ending
from octo.core.message import Message, new_id
from octo.engine.journal import failures
from octo.engine.journal.cells import Cell, Cells
from octo.services.ports import Conflict

VERSION = 2
"""Of what is written: 2 leaves out what a message has in common with the one around it."""
RETENTION = 14 * 86400.0
"""Seconds for which the progress of a message is kept that its source may deliver again: a queue that holds it for
longer gets it run from the beginning."""
_HANDLER = "[error]#"
"""What is in the path of a frame that handles a failure."""
PATIENCE = 30.0
"""Seconds for which a run waits for a store that is away, before its message fails."""


class Stored(NamedTuple):
    """Where runs and their frames are written."""

    runs: Cells
    frames: Cells


class Label(NamedTuple):
    """What a run is: of which flow, from which block on ("" for its beginning), which message of which files.

    owner: the process that goes on with it; "" where its source delivers the message again. attempt: how many processes
    have gone on with it since its flow got further.
    """

    flow: str
    part: str
    event: str
    config: str
    owner: str
    attempt: int = 0

    @property
    def redelivers(self) -> bool:
        return not self.owner


def run_id(flow: str, part: str, event: str) -> str:
    """The id of the run of a message within its service: the same whenever the message comes."""
    return sha256(f"{flow}\0{part}\0{event}".encode(errors="surrogatepass")).hexdigest()[:32]


class Frame:
    """A chain that the message has entered.

    above: the frame of the block that runs the chain. path: where it is in the run; a chain has a number among those
    that were entered at its address. place: the same for idempotency keys, where all tries of a chain that is repeated
    after a failure count as one.
    after: the address of its last block that has finished, "" for none.
    failure: what it failed with, if it did. has_effect: whether something in it may have had an effect. inner: the
    frames that it entered and that are still needed, by path.
    """

    __slots__ = (
        *("_at", "_entered", "_outcome", "_packed", "_skips", "above", "after", "failure", "has_effect", "inner"),
        *("path", "place", "run"),
    )

    def __init__(self, run: Run, above: Frame | None, path: str, place: str, kept: Any = None) -> None:
        self.run = run
        self.above = above
        self.path = path
        self.place = place
        self.after = ""
        self.failure: Failure | None = None
        self.has_effect = False
        self.inner: dict[str, Frame] = {}
        self._outcome: Outcome | None = None
        self._packed: Any = None
        self._at = ""
        self._entered: dict[str, int] = {}
        if kept is not None:
            self.after, self.has_effect = kept["after"], True
            self._packed = kept["outcome"]
            self.failure = None if kept["failure"] is None else failures.unpacked(kept["failure"])
        self._skips = bool(self.after)

    @property
    def outcome(self) -> Outcome | None:
        """What its last block that has finished made."""
        if self._outcome is None and self._packed is not None:
            self._outcome = _unpacked(self._packed, self._near)
        return self._outcome

    @property
    def _near(self) -> Message:
        """A message that is written whenever something of this frame is, and does not change until that is gone."""
        above = self.above
        while above is not None:
            if above.outcome is not None and not isinstance(end := ending(above.outcome), Drop):
                return end
            above = above.above
        return self.run.message

    def begin(self, address: str) -> None:
        """Note that a block begins, which may enter chains."""
        self._at, self._entered = f"{address}>", {}

    def enter(self, address: str, *, is_repeated: bool) -> Frame:
        """The frame of a chain that the block enters now."""
        number = self._entered[address] = self._entered.get(address, 0) + 1
        inside = f"/{self._at}{address}"
        place = f"{self.place}{inside}" + ("" if is_repeated else f"#{number}")
        path = f"{self.path}{inside}#{number}"
        found = self.inner[path] = self.inner.get(path) or self.run.frame(self, path, place)
        return found

    def skip(self, address: str, message: Message) -> Outcome | None:
        """What to go on with in place of a block that has finished before; None for a block that has not."""
        if not self._skips:
            return None
        if address != self.after:
            return message  # the result of the last one that has finished counts
        self._skips = False
        return self.outcome

    def acts(self) -> None:
        """Note that a block begins which may have an effect."""
        frame: Frame | None = self
        while frame is not None and not frame.has_effect:
            frame.has_effect = True
            frame = frame.above

    def passed(self, address: str, outcome: Outcome) -> None:
        """Note that a block has finished."""
        self.after, self._outcome, self._packed = address, outcome, None
        self.run.changed(self)
        if self.has_effect and _HANDLER not in self.path:  # else the next process would do the same again
            self.run.got_further = True
        self._leave()

    def _leave(self) -> None:
        """Give up what the block had entered: once it has finished is written, that is not needed."""
        left, self.inner = [*self.inner.values()], {}
        while left:
            frame = left.pop()
            left += frame.inner.values()
            self.run.gone(frame.path)

    def ended(self) -> None:
        """The chain has ended: if nothing in it had an effect, nothing of it needs to be known."""
        if not self.has_effect and self.above is not None and self.path != self.run.main:
            self.run.gone(self.path)
            self.above.inner.pop(self.path, None)

    def failed(self, failure: Failure) -> None:
        """Note that the chain has failed."""
        self.failure = failure
        self.run.changed(self)

    def reopen(self) -> None:
        """Let the block that has failed run again."""
        if self.failure is not None:
            self.failure = None
            self.run.changed(self)

    def as_value(self) -> dict[str, Any]:
        if self._packed is None and self._outcome is not None:
            self._packed = _packed(self._outcome, self._near)
        return {
            "path": self.path,
            "after": self.after,
            "outcome": self._packed,
            "failure": None if self.failure is None else failures.packed(self.failure),
        }


class Run:
    """See the module.

    message: as it came. cells: those of runs, and those of frames. leads: whether the process may go on with it at this
    moment. running: the runs that go on in this process. acting: how many
    blocks that may have an effect are under way. is_lost: whether another process may have taken it over. got_further:
    whether something has finished that will not run again, which is not written yet.

    Invariants:
    - `_dirty` has the frames that changed since they were written. A frame in which nothing had an effect is taken out
      when its chain ends, and is never written.
    - What is written says `by` whom, so that a write whose answer was lost is known again (`Cells.write`).
    - `_stored` has the cell of every frame that was written, by path; that of the flow's own chain is the run's own.
    """

    def __init__(
        self,
        id: str,  # noqa: A002  the field's own word
        label: Label,
        message: Message,
        cells: Stored,
        leads: Callable[[], bool],
        running: set[str],
    ) -> None:
        self.id = id
        self.label = label
        self.message = message
        self.is_lost = False
        self.got_further = False
        self.acting = 0
        self.leads = leads
        self._running = running
        self.top = Frame(self, None, "", "")
        self._cells = cells
        self._by = new_id()
        self._kept = Cell()
        self._stored: dict[str, Cell] = {}
        self._read: dict[str, Any] = {}
        self._frames: dict[str, Frame] = {}
        self._dirty: dict[str, Frame] = {}
        self._garbage: set[str] = set()
        self._writing = asyncio.Lock()

    @property
    def main(self) -> str:
        """The path of the flow's own chain: it is written with the run, as most runs have no other frame."""
        return f"/{self.label.flow}#1"

    def frame(self, above: Frame | None, path: str, place: str) -> Frame:
        """The frame at the path, as it was read or is by now."""
        found = self._frames.get(path)
        if found is None:
            found = self._frames[path] = Frame(self, above, path, place, self._read.pop(path, None))
        return found

    def changed(self, frame: Frame) -> None:
        self._dirty[frame.path] = frame

    def gone(self, path: str) -> None:
        """A frame is not needed any more."""
        self._frames.pop(path, None)
        self._dirty.pop(path, None)
        self._read.pop(path, None)
        if path in self._stored:
            self._garbage.add(path)

    # --- written -------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise `Fenced` if another process may have taken the run over."""
        if self.is_lost or not self.leads():
            self.is_lost = True
            raise Fenced("this process was cut off for longer than its lease")

    async def written(self) -> None:
        """Return once all that has finished is safe. Waits `PATIENCE` for a store that is away, then fails."""
        if not self._dirty:
            return
        async with self._writing:  # those that waited meanwhile find their part written
            pauses, loop = Failures(Backoff()), asyncio.get_running_loop()
            until = loop.time() + PATIENCE
            while self._dirty:
                try:
                    await self._write()
                except Conflict as error:
                    self.is_lost = True
                    raise Fenced("another process has taken the message over") from error
                except Transient:
                    pause = pauses.failed()
                    if loop.time() + pause > until:
                        raise
                    await asyncio.sleep(pause)

    async def _write(self) -> None:
        """Outer frames first: an inner one without its outer one would be a mistake, the reverse is only work again."""
        if self.main in self._dirty or not self._kept.version or (self.got_further and self.label.attempt):
            await self.keep()
        for path in sorted(self._dirty):
            frame = self._dirty.pop(path, None)
            if frame is None:
                continue  # its block has finished while others were written
            try:
                kept = await self._cells.frames.write(
                    self._key(path), {**frame.as_value(), "by": self._by}, self._stored.get(path, Cell()), self._ttl
                )
            except BaseException:
                self._dirty.setdefault(path, frame)
                raise
            self._stored[path] = kept
        while self._garbage:
            path = next(iter(self._garbage))
            await self._cells.frames.delete(self._key(path), self._stored[path])
            self._garbage.discard(path)
            del self._stored[path]

    async def keep(self) -> None:
        """Write the run itself, with the frame of the flow's own chain."""
        frame = self._frames.get(self.main)
        if self.got_further:
            self.label = self.label._replace(attempt=0)
        value = {
            "v": VERSION,
            "by": self._by,
            **record.pack(self.label._asdict()),
            "message": self.message.to_record(),
            "frame": self._read.get(self.main) if frame is None else frame.as_value(),
        }
        self._dirty.pop(self.main, None)
        self.got_further = False
        try:
            self._kept = await self._cells.runs.write(self.id, value, self._kept, self._ttl)
        except BaseException:
            if frame is not None:
                self._dirty.setdefault(self.main, frame)
            raise

    def moved(self, version: str) -> None:
        """Note that it goes on in the flow files of this version; it is written with what comes next."""
        self.label = self.label._replace(config=version)

    async def took(self, owner: str) -> None:
        """Take the run over for this process. Raises `Conflict` if another one was faster."""
        self.label = self.label._replace(owner=owner, attempt=self.label.attempt + 1)
        await self.keep()

    async def reopen(self) -> None:
        """The message will be tried again: what has failed has not finished."""
        for path in [*self._read]:
            self.frame(None, path, path)
        for frame in [*self._frames.values()]:
            frame.reopen()
        for path in [*self._frames, *self._stored]:
            if _HANDLER in path:  # it had another failure to handle
                self.gone(path)
        if self._kept.version and not self.is_lost:
            await self.written()

    def left(self) -> None:
        """Note that the run does not go on here. If nobody brings its message again, it is found in the store."""
        self._running.discard(self.id)

    async def over(self) -> None:
        """Forget the run: its message is settled. The run goes first, since frames without one are never read."""
        async with self._writing:
            if self.is_lost or not self._kept.version:
                return
            await self._cells.runs.delete(self.id, self._kept)
            self._kept = Cell()
            for path, cell in self._stored.items():
                await self._cells.frames.delete(self._key(path), cell)
            self._stored.clear()

    @property
    def _ttl(self) -> float | None:
        return RETENTION if self.label.redelivers else None

    def _key(self, path: str) -> str:
        return f"{self.id}/{sha256(path.encode(errors='surrogatepass')).hexdigest()[:32]}"

    # --- read ----------------------------------------------------------------------------------------------------

    async def read(self) -> bool:
        """Go on from what was written; whether there is something.

        Raises `Permanent` for what cannot be read, `Transient` for what only a newer Octo can read.
        """
        try:
            return await self._went_on()
        except (LookupError, TypeError, ValueError, AttributeError, zlib.error) as error:
            raise Permanent(
                f"what the journal has of a message cannot be read ({type(error).__name__})", code=record.UNREADABLE
            ) from error

    @property
    def kept(self) -> Iterable[Mapping[str, Any]]:
        """The frames that were read and that the message has not entered again."""
        return self._read.values()

    def forget(self) -> None:
        """Free what was read: it will be read again."""
        self.message = Message()
        self._kept = Cell()
        self._read.clear()
        self._stored.clear()

    async def _went_on(self) -> bool:
        self._kept = await self._cells.runs.read(self.id)
        value: Any = self._kept.value
        if value is None:
            return False
        if value["v"] > VERSION:
            raise Transient("a newer Octo has begun with the message, and only it can go on", code=record.UNREADABLE)
        label = record.unpack({name: value[name] for name in Label._fields if name in value})
        self.label = Label(**label)
        self.message = Message.from_record(value["message"])
        if value["frame"] is not None:
            self._read[self.main] = value["frame"]
        after = ""
        while True:
            names, after = await self._cells.frames.keys(f"{self.id}/", after)
            for name in names:
                cell = await self._cells.frames.read(name)
                if isinstance(cell.value, dict):
                    path = cell.value["path"]
                    self._stored[path], self._read[path] = cell, cell.value
            if not after:
                return True


def _packed(outcome: Outcome, near: Message) -> list[Any]:
    """The outcome as a value, without what it has in common with the message near it.

    A loop over a long list has as many frames as the list has items, and each of their messages has the whole list.
    """
    if isinstance(outcome, Drop):
        return ["drop", outcome.reason]
    end = ending(outcome)
    assert isinstance(end, Message)
    names = [name for name, value in end.vars.items() if _is_shared(value, near.vars.get(name))]
    has_body = _is_shared(end.body, near.body) and end.raw == near.raw
    if names:
        end = end.with_vars({name: value for name, value in end.vars.items() if name not in names})
    if has_body:
        end = end.with_body(None)
    kind = "stop" if isinstance(outcome, Stop) else "message"
    return [kind, end.to_record(), *([[has_body, names]] if has_body or names else [])]


def _is_shared(value: object, near: object) -> bool:
    return value is near and isinstance(value, list | dict | str | bytes)


def _unpacked(value: Any, near: Message) -> Outcome:
    kind, given, *shared = value
    if kind == "drop":
        return Drop(given)
    message = Message.from_record(given)
    for has_body, names in shared:
        if has_body:
            message = message.with_body(near.body, raw=near.raw)
        message = message.with_vars({**message.vars, **{name: near.vars[name] for name in names}})
    return Stop(message) if kind == "stop" else message


current: ContextVar[Frame | None] = ContextVar("octo.journal", default=None)
"""The frame that the current call is in; None outside of runs."""
