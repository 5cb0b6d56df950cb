"""`octo run --processes N`: N equal processes that share the ports; what must happen once happens in the first."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time

from octo.cli import exits
from octo.core.log import fields

log = logging.getLogger("octo.processes")

STABLE = 10.0
"""A process that lived this many seconds is replaced at once when it dies; one that did not waits a second."""


def supervise(count: int) -> int:
    """Run `count` children with this process's own arguments until signalled; the exit code is the worst of theirs.

    A child that cannot start (exit code 2, or 1 before any was stable) ends all: its siblings would do the same.
    """
    stopping = False
    children: dict[int, tuple[subprocess.Popen[bytes], float]] = {}

    def stop(number: int, frame: object) -> None:  # noqa: ARG001  the signature of a handler
        nonlocal stopping
        stopping = True
        for child, _ in children.values():
            child.send_signal(signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    for index in range(count):
        children[index] = (_spawn(index), time.monotonic())
    worst = exits.DONE
    while children:
        for index, (child, born) in list(children.items()):
            code = child.poll()
            if code is None:
                continue
            if stopping:
                worst = max(worst, _blame(code))
                del children[index]
            elif code == exits.USAGE or time.monotonic() - born < STABLE:
                worst = _blame(code)
                del children[index]
                stop(signal.SIGTERM, None)
            else:
                log.error("process ended, replacing it", extra=fields(process=index, code=code))
                children[index] = (_spawn(index), time.monotonic())
        time.sleep(0.05)
    return worst


def _blame(code: int) -> int:
    """The exit code that a child's end calls for; one that we stopped before it could listen did nothing wrong."""
    if code == -signal.SIGTERM:
        return exits.DONE
    return code if code >= 0 else exits.FAILED


def _spawn(index: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OCTO_REUSE_PORT": "1", "OCTO_PROCESS": str(index)}
    arguments = _without_processes(sys.argv[1:])
    # A session of its own: Ctrl-C reaches the supervisor alone, which then stops every child once.
    return subprocess.Popen(  # noqa: S603  our own command line
        [sys.executable, "-m", "octo", *arguments], env=environment, start_new_session=True
    )


def _without_processes(arguments: list[str]) -> list[str]:
    kept = []
    skip = False
    for each in arguments:
        if skip:
            skip = False
        elif each == "--processes":
            skip = True
        elif not each.startswith("--processes="):
            kept.append(each)
    return kept
