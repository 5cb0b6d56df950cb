"""Producers: each sends its numbers one after the other, and each number until it is told that it was taken."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Protocol

from tests.chaos.lives import PATIENCE
from tests.chaos.oracle import Pair, key, load

OPEN = 100
"""Messages that were taken and have not arrived, at which producers wait."""


class Receiver(Protocol):
    """What producers send to. open: messages that were taken and have not arrived yet."""

    port: int
    is_over: bool

    @property
    def open(self) -> int: ...


class Producer(threading.Thread):
    """Sends its messages one after the other, each until it is told that it was taken.

    sends: how often a message has left; each of them may have been taken, whatever the answer was.
    """

    def __init__(self, number: int, receiver: Receiver) -> None:
        super().__init__(daemon=True)
        self.number = number
        self.sent = 0
        self.sends: Counter[Pair] = Counter()
        self.told: set[int] = set()
        self._receiver = receiver
        self._connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=PATIENCE)

    def run(self) -> None:
        while not self._receiver.is_over:
            if self._receiver.open >= OPEN:
                time.sleep(0.002)
                continue
            pair = Pair(self.number, self.sent)
            self.sent += 1
            while not self.send(pair):
                time.sleep(0.005)
        self.close()

    def close(self) -> None:
        """Close the connection; the next message opens another."""
        self._connection.close()

    def send(self, pair: Pair) -> bool:
        """Send this message; returns whether it was taken."""
        body = json.dumps({**pair._asdict(), "load": load(pair)})
        with suppress(OSError, http.client.HTTPException):
            if self._connection.sock is None:
                self._connection.connect()
            self.sends[pair] += 1
            self._connection.request("POST", "/pairs", body, {"Idempotency-Key": key(pair)})
            answer = self._connection.getresponse()
            answer.read()
            if answer.status == 200:
                self.told.add(pair.n)
                return True
            return False
        self.close()
        return False
