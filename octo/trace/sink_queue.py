"""A sink queue: the way from the writer to one sink, with a thread and a bounded queue of its own.

So a sink that is slow or broken costs the others nothing. When a sink fails, the queue logs that once, tries again
after growing pauses, and logs once more when the sink works again. It counts the traces that the sink did not get.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence

from octo.core.backoff import Backoff, Failures
from octo.core.clock import now_ns
from octo.core.log import fields
from octo.trace.encode import Encoded
from octo.trace.store import Sink

log = logging.getLogger("octo.trace")

MOST_WAITING = 1000
MOST_BYTES = 32 * 1024 * 1024
"""Traces, and bytes of them, that may wait for a sink, at most."""

BATCH = 100
"""Traces that a sink gets at once, at most."""

LINGER = 0.25
"""Seconds that a trace may wait for others: writing one costs about as much as writing a batch."""

PAUSES = Backoff()
"""The pauses after which a sink that failed is tried again."""


class SinkQueue:
    """See the module. spent: seconds of processor time that its thread has used so far.

    Invariant: fields that both threads use are changed only while `_changed` is held; the sink is called while it is
    not, so `put` never waits for a sink.
    Invariant: `_in - _out` traces are in the queue or being written, and `_bytes` is the size of those in the queue.
    Invariant: `_lost` counts the losses that no trace in the sink reports yet; a failed write leaves them there.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.spent = 0.0
        self._lost_ever = self._left = 0
        self._queue: deque[Encoded] = deque()
        self._bytes = self._in = self._out = 0
        self._lost = 0
        self._failures = Failures(PAUSES)
        self._hurried = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"octo-trace-{type(sink).__name__.lower()}", daemon=True)
        self._thread.start()

    @property
    def lost_ever(self) -> int:
        """How many traces the sink did not get so far."""
        return self._lost_ever + self._left

    def put(self, traces: Sequence[Encoded]) -> None:
        """Take the traces that there is room for; count the others as lost. Never waits."""
        with self._changed:
            waiting = len(self._queue)
            for each in traces:
                if self._closed or len(self._queue) >= MOST_WAITING or self._bytes > MOST_BYTES:
                    self._lose([each])
                else:
                    self._queue.append(each)
                    self._bytes += len(each.data)
                    self._in += 1
            if not waiting or len(self._queue) >= BATCH:  # else the thread is awake already, or lingers
                self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until the sink was given all that was put; return whether that took at most `timeout` seconds."""
        with self._changed:
            goal = self._in
            self._hurried += 1
            self._changed.notify_all()
            done = self._changed.wait_for(lambda: self._out >= goal, timeout)
            self._hurried -= 1
            return done

    def close(self, timeout: float) -> bool:
        """Write all that waits, and end; return whether that took at most `timeout` seconds."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout)
        if not self._thread.is_alive():
            self._left = 0
            return True
        self._left = self._in - self._out
        if self._left:
            told = fields(sink=self._name, lost=self._left)
            log.warning("traces are lost: their sink did not take them before Octo ended", extra=told)
        return False

    # --- in the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while batch := self._take():
            self._write(batch)
            self.spent = time.thread_time()
        try:
            self._sink.close()
        except Exception:
            log.exception("a trace sink did not close cleanly", extra=fields(sink=self._name))

    def _take(self) -> list[Encoded]:
        """The next traces to write; none once the queue is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            self._changed.wait_for(lambda: self._closed or self._hurried or len(self._queue) >= BATCH, LINGER)
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            self._bytes -= sum(len(each.data) for each in batch)
            return batch

    def _write(self, batch: list[Encoded]) -> None:
        with self._changed:
            lost = self._lost
        told = [batch[0].after_loss(lost, now_ns()), *batch[1:]] if lost else batch
        pause = 0.0
        try:
            refused = self._sink.write(told)
        except Exception as error:  # noqa: BLE001  whatever it is, flows go on
            pause = self._failed(error, batch)
        else:
            self._worked(lost, refused or 0)
        with self._changed:
            self._out += len(batch)
            self._changed.notify_all()
            if pause:
                self._changed.wait_for(lambda: self._closed, pause)

    def _failed(self, error: Exception, batch: list[Encoded]) -> float:
        """Count the batch as lost; return the pause before the next try."""
        if not self._failures.count:
            log.warning("traces cannot be written and are lost", extra=fields(sink=self._name, error=str(error)))
        with self._changed:
            self._lose(batch)
        return self._failures.failed()

    def _worked(self, told: int, refused: int) -> None:
        if self._failures.count:
            log.warning("traces are written again", extra=fields(sink=self._name, lost=told))
        self._failures.worked()
        with self._changed:
            self._lost -= told
            self._lost_ever += refused

    def _lose(self, traces: Sequence[Encoded]) -> None:
        self._lost += sum(1 + each.summary.lost for each in traces)
        self._lost_ever += len(traces)

    @property
    def _name(self) -> str:
        return self._sink.name
