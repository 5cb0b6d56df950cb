"""File numbers: every connection and every open file takes one, and the system allows a process only so many.

When none is left, nothing can be accepted, opened or looked up any more, also not to say so. So a part is kept in
reserve, and each listener may take half of what is not in use and not promised to another listener: then the sum of all
promises never reaches the reserve.
"""

from __future__ import annotations

import errno
import logging
import os
import resource
from contextlib import suppress

from octo.core.log import fields

MOST_RESERVE = 256
MOST_CONNECTIONS = 1 << 20
"""The share of a listener where the system sets no limit."""

log = logging.getLogger("octo.process")


def raise_limit() -> None:
    """Raise the limit of this process as far as its user may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return
    with suppress(ValueError, OSError):  # some systems say that there is no limit, and refuse it as one
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        log.info("raised the limit of open files", extra=fields(limit=limit(), was=soft))


def limit() -> int:
    """Return how many file numbers this process may have."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else soft


def reserve() -> int:
    """Return how many no listener may take: a quarter, at most 256."""
    return min(limit() // 4, MOST_RESERVE)


def used() -> int:
    """Return about how many are in use: the lowest free one, which costs one call however many there are."""
    try:
        lowest = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            return limit()
        raise
    os.close(lowest)
    return lowest


class Share:
    """What one listener may take: at most `most` connections, at least 1; promised to it until `close`."""

    def __init__(self) -> None:
        promised = sum(each.most for each in _shares)
        taken = used()
        self.most: int = min(MOST_CONNECTIONS, max(1, (limit() - reserve() - taken - promised) // 2))
        self.plenty = taken + self.most
        _shares.append(self)

    def close(self) -> None:
        _shares.remove(self)


_shares: list[Share] = []


def plenty() -> int:
    """Return how many may be in use before a listener may be at its limit, or the reserve begins."""
    return min([limit() - reserve(), *(each.plenty for each in _shares)])
