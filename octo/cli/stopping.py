"""How `octo run` is asked to stop, and how long it may take.

The first signal asks it to stop; the second ends it at once, also while a function blocks the event loop. A stop that
takes longer than it may, as when a function swallows its cancellation, is ended too.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress

from octo.cli import exits
from octo.cli.terminal import is_terminal, say
from octo.core.log import fields

log = logging.getLogger("octo.engine")

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Those that ask for a stop. SIGHUP comes when a terminal closes; `nohup` keeps it from us."""

_STDERR = 2
"""The descriptor: Python has no stream for a standard error that was closed."""

_NUDGE, _MOST_NUDGES = 0.05, 40
"""Seconds between two nudges of the main thread, and how often it is nudged for one signal."""

GRACE = 5.0
"""Seconds beyond the drain deadline in which sources leave and connectors close."""


class Stopping:
    """Sets `stop` at the first signal. most: seconds from then on until the process is ended whatever it still does."""

    def __init__(self, stop: asyncio.Event, most: float) -> None:
        self._stop = stop
        self._most = most
        self._is_asked = False
        self._taken = self._heard = 0
        self._loop = asyncio.get_running_loop()

    def listen(self) -> None:
        """Take signals from now on. Call it in the main thread."""
        for each in SIGNALS:
            if each == signal.SIGHUP and signal.getsignal(each) is signal.SIG_IGN:
                continue
            signal.signal(each, self._on_signal)
        signal.signal(signal.SIGURG, lambda *_: None)
        told, telling = socket.socketpair()
        telling.setblocking(False)
        signal.set_wakeup_fd(telling.detach(), warn_on_full_buffer=False)
        threading.Thread(target=self._wake, args=(told,), name="octo-signals", daemon=True).start()
        faulthandler.register(signal.SIGQUIT, _STDERR, all_threads=True, chain=True)

    def _wake(self, told: socket.socket) -> None:
        """Wake the main thread for each signal: Python runs handlers in no other.

        The loop may wait in C, and a function that is about to block may block before it looks for signals.
        """
        while signals := told.recv(64):
            self._taken += sum(number in SIGNALS for number in signals)
            for _ in range(_MOST_NUDGES):
                if self._heard >= self._taken:
                    break
                with suppress(RuntimeError):  # the loop has ended
                    self._loop.call_soon_threadsafe(int)
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGURG)
                time.sleep(_NUDGE)
            self._heard = self._taken

    def _on_signal(self, *_: object) -> None:
        self._heard += 1
        if self._is_asked:
            os._exit(exits.FAILED)
        self._is_asked = True
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._stop.set()
        limit(self._most)

    def abandoned(self) -> None:
        """Stop because the supervisor has ended. May be called in any thread."""
        log.error("the supervisor has ended, stopping")
        limit(self._most)
        self._loop.call_soon_threadsafe(self._stop.set)


def on_standard_input(client: str) -> None:
    """Let Ctrl-C end the process, and tell whoever has started it by hand what it waits for.

    A thread that reads standard input ends with its next line at the earliest, so nothing gentler would come to an end.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if is_terminal(sys.stdin):
        say(f"It speaks MCP on standard input: {client} starts it. Ctrl-C ends it.", err=True)


def limit(seconds: float) -> None:
    """End this process after so many seconds, if it has not ended by then."""

    def end() -> None:
        log.error("did not stop in time, ending now", extra=fields(seconds=seconds))
        os._exit(exits.FAILED)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
