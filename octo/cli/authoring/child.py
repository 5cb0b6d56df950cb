"""A child process that is `octo`: started on a leash, heard line by line, and ended.

It ends with this process however that ends: it reads a pipe whose other end is here (`leash.py`).
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

STOP = 15.0
"""Seconds to stop; then it is killed."""
MOST_LINE = 2_000
"""Bytes of a line that are heard as one."""


def spawn(arguments: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start `octo` with these arguments, in a process group of its own."""
    return subprocess.Popen(  # noqa: S603  this program
        [sys.executable, "-m", "octo.cli.authoring.leash", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=dict(environ),
        start_new_session=True,
    )


def hear(stream: IO[bytes] | None, told: Callable[[str], None], most: int = MOST_LINE) -> None:
    """Tell each line until there are no more. Call it in a thread of its own."""
    assert stream is not None
    with stream:
        while line := stream.readline(most):
            told(line.decode(errors="replace").rstrip("\n"))


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to stop, and wait until it has."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdin is not None
    process.stdin.close()
