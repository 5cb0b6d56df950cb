"""Lives: `octo run` processes that are forked, end somehow, and are begun again."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PATIENCE = 60.0
"""Seconds without any progress after which it is a hang."""


class Zygote:
    """See `zygote`; runs one life at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "zygote.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=HERE.parents[1],
        )
        assert self._process.stdout.readline() == "ready\n"

    def begin(self, **life: Any) -> int:
        """Begin a life; returns its process id."""
        print(json.dumps(life), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def ended(self, seconds: float) -> int | None:
        """How the life has ended; None if it has not within so many seconds."""
        found, _, _ = select.select([self._process.stdout], [], [], seconds)
        return int(self._process.stdout.readline()) if found else None

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._process.stdout.close()


@contextmanager
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    try:
        yield made
    finally:
        made.close()
