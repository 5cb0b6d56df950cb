"""The writer: takes traces from the flows, makes records of them in a thread, and hands these to every sink.

Nothing here ever holds up a flow. What the writer cannot take is counted, and the record of the next trace that it can
take begins with how many went missing; the same holds between the writer and each sink.
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
from octo.trace.crossing import Trace
from octo.trace.encode import MOST_BYTES, Encoded, encode
from octo.trace.pace import Pace
from octo.trace.sink_queue import SinkQueue
from octo.trace.store import Sink

log = logging.getLogger("octo.trace")

MOST_TRACES = 1000
MOST_QUEUED = 64 * 1024 * 1024
"""Traces, and about how many bytes of messages in them, that may wait to be written."""

RESERVED = 4
"""A quarter as many again may wait if they tell of a failure: at the worst of times these are looked for."""

SLICE = 0.0005
"""Seconds that the writer works at a stretch; then whoever serves messages goes first."""

LINGER = 0.1
"""Seconds that a trace may wait for others: to wake a thread for each would cost more than to pack it."""


class Writer:
    """See the module. `put` belongs into a `Recorder`; use as a context manager, or `close`.

    most_bytes: of a body or a variable; what is larger is left out.
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
        # Invariant: only `put` changes the first of each pair, only the thread the second, so no lock is needed.
        self._bytes_in = self._bytes_out = 0
        self._in = self._out = 0
        self._weights: dict[str, int] = {}
        self._lost = self._lost_ever = self._left = 0
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
        """Traces that were put, so far."""
        return self._in + self._lost_ever

    @property
    def dropped(self) -> int:
        """Traces that did not reach a sink, so far; one that missed two counts twice."""
        return self._lost_ever + self._left + sum(queue.lost_ever for queue in self._queues)

    def admit(self) -> bool:
        """Whether the trace of a message that comes in now will find room; if not, it counts as lost already."""
        if self._closed or len(self._queue) < self._most_traces:
            return True
        self._lose()
        return False

    def put(self, trace: Trace) -> None:
        """Take the trace, or count it as lost. Never waits; for the thread of the flows."""
        size = self._weights.get(trace.site.flow, 0)
        queued = self._bytes_in - self._bytes_out
        most = self._most_traces + (self._most_traces // RESERVED if trace.has_failed else 0)
        if self._closed or len(self._queue) >= most or (queued and queued + size > self._most_queued):
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

    def _lose(self) -> None:
        self._lost += 1
        self._lost_ever += 1

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until every sink was given what was put so far; whether that came within `timeout` seconds."""
        end, goal = time.monotonic() + timeout, self._in
        self._hurry.set()
        with self._progress:
            done = self._progress.wait_for(lambda: self._out >= goal, timeout)
        self._hurry.clear()
        return done and all(queue.flush(max(0.0, end - time.monotonic())) for queue in self._queues)

    def close(self, timeout: float = 5.0) -> bool:
        """Write what there is and end; whether that came within `timeout` seconds. May be called again."""
        end = time.monotonic() + timeout
        self._closed = True
        self._hurry.set()
        self._wake.set()
        self._thread.join(timeout)
        self._left = self._in - self._out
        if self._left:
            log.warning(
                "traces are lost, there was no time to write them before the end", extra=fields(lost=self._left)
            )
        ended = [queue.close(max(0.0, end - time.monotonic())) for queue in self._queues]  # each, also after a slow one
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
                # Also a rest of nothing lets others go first.
                time.sleep(0.0 if self._hurry.is_set() else pace.rest())

    def _slice(self) -> list[Encoded]:
        """What can be encoded at a stretch, at least one."""
        batch: list[Encoded] = []
        until = time.perf_counter() + SLICE
        while self._queue:
            trace, size, lost = self._queue.popleft()
            encoded = self._encoded(trace)
            if encoded is not None:
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
        # To weigh each as it comes would hold up its flow; a flow's next trace will be about as heavy as its last ones.
        self._weights[flow] = max(encoded.weight, self._weights.get(flow, 0) * 9 // 10)
        return encoded
