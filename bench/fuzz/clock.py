"""How long the search runs."""

from __future__ import annotations

import argparse
import time


def running(options: argparse.Namespace, started: float, done: int) -> bool:
    """Whether the search goes on: neither the count nor the time of the options is reached."""
    if options.count and done >= options.count:
        return False
    return not options.seconds or time.monotonic() - started < options.seconds
