"""How long to look."""

from __future__ import annotations

import argparse
import time


def running(options: argparse.Namespace, started: float, done: int) -> bool:
    """Whether neither the count nor the time that was asked for is reached."""
    if options.count and done >= options.count:
        return False
    return not options.seconds or time.monotonic() - started < options.seconds
