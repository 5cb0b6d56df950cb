"""The writer: takes traces from the flows, packs them in a thread of its own, and passes them to every sink.

Invariant: nothing here makes a flow wait. The writer counts the traces that it cannot take, and puts a record with
their number before the next one that it takes. Each sink queue does the same for its sink.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Self

from octo.core.clock import now_ns
from octo.core.log import fields
from octo.trace.crossing import SITE, Trace
from octo.trace.encode import MOST_BYTES, Encoded, encode
from octo.trace.pace import Pace
from octo.trace.sink_queue import SinkQueue
from octo.trace.store import Sink

log = logging.getLogger("octo.trace")

MOST_TRACES = 1000
MOST_QUEUED = 64 * 1024 * 1024
"""Traces, and estimated bytes of messages in them, that may wait to be written, at most."""

RESERVED = 4
"""Traces with a failure have a reserve of a quarter more places: when much goes wrong, people need these."""

SLICE = 0.0005
"""Seconds that the writer works at a stretch; then the flows' thread gets its turn."""

LINGER = 0.1
"""Seconds that a trace may wait for others: waking a thread for each would cost more than packing it."""


class Writer:
    """See the module. Pass `put` to a `Recorder`. Use it as a context manager, or call `close`.

    most_bytes: the limit for a body or a variable; a larger one is left out.

    Invariant: `put` and `admit` are called only in the thread of the flows. That thread alone adds to the queue, and
    the writer's thread alone takes from it. From `put` on the flows do not change a trace.
    """

    def __init__(
        self,
        sinks: Iterable[Sink],
        *,
        most_traces: int = MOST_TRACES,
        most_queued: int = MOST_QUEUED,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._most_traces = most_traces
        self._most_queued = most_queued
        self._most_bytes = most_bytes
        self._queue: deque[tuple[Trace, int, int]] = deque()
        # Invariant: only `put` changes the first of each pair and only the writer's thread the second, so no lock is
        # needed. `_in - _out` traces are in the queue or being packed.
        self._bytes_in = self._bytes_out = 0
        self._in = self._out = 0
        self._weights: dict[str, int] = {}
        self._lost = self._lost_ever = self._left = 0
        # Traces that could not be encoded, ever and since the last that could. Only the writer's thread changes these.
        self._broken_ever = self._broken = 0
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._progress = threading.Condition()
        self._closed = False
        self._queues = [SinkQueue(sink) for sink in sinks]
        self._thread = threading.Thread(target=self._run, name="octo-trace", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def offered(self) -> int:
        """How many traces the flows have offered so far."""
        return self._in + self._lost_ever

    @property
    def dropped(self) -> int:
        """How many traces did not reach a sink so far; one that missed two sinks counts twice."""
        return self._lost_ever + self._left + self._broken_ever + sum(queue.lost_ever for queue in self._queues)

    def admit(self) -> bool:
        """Whether there is room for the trace of a message that comes in now; if not, it is counted as lost."""
        if self._closed or len(self._queue) < self._most_traces:
            return True
        self._lose()
        return False

    def put(self, trace: Trace) -> None:
        """Take the trace, or count it as lost. Never waits."""
        size = self._weights.get(trace.crossings[0][SITE].flow, 0)
        queued = self._bytes_in - self._bytes_out
        if self._closed or self._is_full(trace) or (queued and queued + size > self._most_queued):
            self._lose()
            if trace.waited:
                trace.clear()
            return
        lost, self._lost = self._lost, 0
        self._bytes_in += size
        self._in += 1
        self._queue.append((trace, size, lost))
        if not self._wake.is_set():
            self._wake.set()

    def _is_full(self, trace: Trace) -> bool:
        over = len(self._queue) - self._most_traces
        return over >= 0 and (over >= self._most_traces // RESERVED or not trace.has_failed)

    def _lose(self) -> None:
        self._lost += 1
        self._lost_ever += 1

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until every sink was given what was put so far; return whether that took at most `timeout` seconds."""
        end, goal = time.monotonic() + timeout, self._in
        self._hurry.set()
        with self._progress:
            done = self._progress.wait_for(lambda: self._out >= goal, timeout)
        self._hurry.clear()
        return done and all(queue.flush(max(0.0, end - time.monotonic())) for queue in self._queues)

    def close(self, timeout: float = 5.0) -> bool:
        """Write all that waits, and end; return whether that took at most `timeout` seconds. May be called again."""
        end = time.monotonic() + timeout
        self._closed = True
        self._hurry.set()
        self._wake.set()
        self._thread.join(timeout)
        self._left = self._in - self._out
        if self._left:
            log.warning(
                "traces are lost: there was no time to write them before Octo ended", extra=fields(lost=self._left)
            )
        ended = [queue.close(max(0.0, end - time.monotonic())) for queue in self._queues]  # all, also after a slow one
        return all(ended)

    # --- in the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        pace = Pace()
        while not self._closed or self._queue:
            self._wake.wait()
            self._hurry.wait(LINGER)
            self._wake.clear()
            while self._queue:
                pace.begin()
                batch = self._slice()
                for queue in self._queues:
                    queue.put(batch)
                with self._progress:
                    self._progress.notify_all()
                rest = pace.rest(sum(queue.spent for queue in self._queues))
                # Even a sleep of no time gives the other threads a turn.
                self._hurry.wait(rest)
                time.sleep(0.0)

    def _slice(self) -> list[Encoded]:
        """The traces that can be packed in one stretch, at least one."""
        batch: list[Encoded] = []
        until = time.perf_counter() + SLICE
        while self._queue:
            trace, size, lost = self._queue.popleft()
            encoded = self._encoded(trace)
            lost += self._broken
            self._broken = lost + 1 if encoded is None else 0
            if encoded is None:
                self._broken_ever += 1
            else:
                batch.append(encoded.after_loss(lost, now_ns()) if lost else encoded)
            self._bytes_out += size
            self._out += 1
            if time.perf_counter() > until:
                break
        return batch

    def _encoded(self, trace: Trace) -> Encoded | None:
        flow = trace.site.flow
        try:
            encoded = encode(trace, self._most_bytes, self._weights.get(flow, 0))
        except Exception:
            log.exception("a trace could not be encoded; please report it")
            return None
        finally:
            trace.clear()
        # Weighing a trace in `put` would hold up its flow. The next trace of a flow weighs about as much as its last.
        self._weights[flow] = max(encoded.weight, self._weights.get(flow, 0) * 9 // 10)
        return encoded
