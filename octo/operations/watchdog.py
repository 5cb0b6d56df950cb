"""The watchdog: a thread that notices that the event loop stands still, and finds out what it stands in.

While the loop stands still no message moves, no deadline passes, and the operations port answers nothing. The thread
looks at the frames of the loop's own thread, so nothing is noted on the way of a message, and it costs nothing there.
"""

from __future__ import annotations

import logging
import sys
import sysconfig
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import NamedTuple, Protocol

import octo
from octo.core import clock
from octo.core.log import fields
from octo.core.secrets import masked
from octo.engine import chain, flow
from octo.engine.metrics import Series
from octo.engine.step import Step
from octo.expr.generate.generator import FILE

log = logging.getLogger("octo.operations")

LIMIT = 1.0
"""Seconds without a turn of the loop that count as standing still."""
LOOK = 0.2
"""Seconds between two looks of the thread."""
RECENT = 10.0
"""Seconds for which a stall that is over is told by `/readyz`, which cannot answer before that."""
MOST_FRAMES = 6
MOST_TEXT = 200

_OURS = str(Path(octo.__file__).parent)
_LIBRARY = sysconfig.get_path("stdlib")


class Place(NamedTuple):
    """What a thread runs. Texts are "" where nothing is known.

    flow, block: the innermost flow, and the address of its block. at: the place of the expression, or of the block.
    expression: its text. function: the innermost Python function of the author's or of an installed package.
    stack: the innermost functions, the outermost first.
    """

    flow: str = ""
    block: str = ""
    at: str = ""
    expression: str = ""
    function: str = ""
    stack: str = ""

    def __str__(self) -> str:
        named = [
            f'flow "{self.flow}"' if self.flow else "",
            f'block "{self.block}"' if self.block else "",
            f"expression `{self.expression}`" if self.expression else "",
            self.function or self.stack.rpartition(" > ")[2],
        ]
        return masked(", ".join(filter(None, named)))


class Stall(NamedTuple):
    """One stall of the loop. began: nanoseconds since the epoch. seconds: how long it took; so far, if not over."""

    began: int
    seconds: float
    place: Place


class Turns(Protocol):
    """Knows when the loop turned last."""

    def since(self) -> float:
        """Seconds since the loop should have turned; at most 0 if it turns in time. Called in any thread."""
        ...


class Watchdog:
    """See the module. `start` is called in the thread of the loop; `stop` ends the thread.

    current: the stall that goes on. count, seconds: of all stalls that are over.

    Invariant: only the thread writes these.
    """

    def __init__(self, turns: Turns, now: Callable[[], float] = time.monotonic) -> None:
        self.current: Stall | None = None
        self.count = 0
        self.seconds = 0.0
        self._turns = turns
        self._now = now
        self._recent: deque[tuple[float, Stall]] = deque(maxlen=1)
        self._watched = 0
        self._over = threading.Event()

    def start(self) -> None:
        """Watch the calling thread from now on."""
        self._watched = threading.get_ident()
        threading.Thread(target=self._run, name="octo-watchdog", daemon=True).start()

    def stop(self) -> None:
        self._over.set()

    @property
    def reasons(self) -> list[str]:
        """Why the process is not ready: the loop stands still, or did so in the last seconds."""
        if (stall := self.current) is not None:
            return [f"the event loop has stood still for {stall.seconds:.1f}s: {stall.place}"]
        now = self._now()
        recent = [stall for ended, stall in tuple(self._recent) if now - ended < RECENT]
        return [f"the event loop stood still for {stall.seconds:.1f}s a moment ago: {stall.place}" for stall in recent]

    def snapshot(self) -> dict[str, Series]:
        return {
            "octo_event_loop_stalls_total": [((), self.count + (self.current is not None))],
            "octo_event_loop_stalled_seconds_total": [
                ((), self.seconds + (0.0 if self.current is None else self.current.seconds))
            ],
        }

    def _run(self) -> None:
        last, used = self._now(), time.process_time()
        while not self._over.wait(LOOK):
            passed, busy = self._now() - last, time.process_time() - used
            last, used = last + passed, used + busy
            # A process that was stopped, and neither looked nor worked meanwhile, has no loop to blame.
            if passed < LIMIT or busy > passed / 2:
                self.look()

    def look(self) -> None:
        """Note and report whether the loop stands still, or turns again."""
        waited = self._turns.since()
        if waited > LIMIT:
            if self.current is None:
                stall = Stall(clock.now_ns() - int(waited * 1e9), waited, place_of(self._watched))
                log.error("the event loop stands still", extra=_fields(stall))
            else:
                stall = self.current._replace(seconds=max(waited, self.current.seconds))
            self.current = stall
        elif self.current is not None:
            self._end(self.current._replace(seconds=(clock.now_ns() - self.current.began) / 1e9))

    def _end(self, stall: Stall) -> None:
        self._recent.append((self._now(), stall))
        self.count += 1
        self.seconds += stall.seconds
        self.current = None
        log.warning("the event loop turns again", extra=_fields(stall))


def _fields(stall: Stall) -> dict[str, object]:
    told = {name: text for name, text in stall.place._asdict().items() if text}
    return fields(seconds=round(stall.seconds, 1), **told)


# --- what a thread runs ------------------------------------------------------------------------------------------


def place_of(thread: int) -> Place:
    """What the thread with this identifier runs at this moment."""
    frames = list(_frames(sys._current_frames().get(thread)))  # noqa: SLF001  its documented purpose
    step = next((found for frame in frames if (found := _step(frame)) is not None), None)
    text = next((_expression(frame) for frame in frames if frame.f_code.co_filename == FILE), "")
    function = next((_named(frame) for frame in frames if _is_author_s(frame)), "")
    stack = " > ".join(reversed([_named(frame) for frame in islice(frames, MOST_FRAMES)]))
    return Place(
        flow=next((name for frame in frames if (name := _flow(frame))), ""),
        block="" if step is None else step.address,
        at="" if step is None else _at(step, text),
        expression=text[:MOST_TEXT],
        function=function,
        stack=stack,
    )


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    """The frame and those that called it."""
    while frame is not None:
        yield frame
        frame = frame.f_back


_CHAIN = (chain._Chain.run.__code__, chain._Chain.resume.__code__)  # noqa: SLF001  the frames of a chain
_FLOW = (flow.Flow.run.__code__, flow.Flow._run_on.__code__)  # noqa: SLF001  the frames of a flow


def _step(frame: FrameType) -> Step | None:
    found = frame.f_locals.get("step") if frame.f_code in _CHAIN else None
    return found if isinstance(found, Step) else None


def _flow(frame: FrameType) -> str:
    return str(frame.f_locals["self"].name) if frame.f_code in _FLOW else ""


def _expression(frame: FrameType) -> str:
    """The text of the expression whose generated code the frame runs."""
    return str(getattr(frame.f_globals.get("_failure"), "text", ""))


def _at(step: Step, text: str) -> str:
    found = step.find(text) if text else None
    return str((found[1].at if found else None) or step.at or "")


def _is_author_s(frame: FrameType) -> bool:
    """Whether the function is neither Octo's nor of Python's library."""
    file = frame.f_code.co_filename
    if "site-packages" in file:
        return True
    return not file.startswith((_OURS, _LIBRARY, "<"))


def _named(frame: FrameType) -> str:
    code = frame.f_code
    return f"{code.co_qualname} ({Path(code.co_filename).name}:{frame.f_lineno})"
