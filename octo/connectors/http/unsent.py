"""How much of what was written the client has not taken yet."""

from __future__ import annotations

import array
import select
from contextlib import suppress
from typing import Any

try:
    import fcntl
    import termios
except ImportError:  # not a Unix: only what the transport holds is known
    IS_KNOWN = False
else:
    IS_KNOWN = True


def unsent(transport: Any) -> int:
    """Return the bytes that wait in the transport or in the system; 0 if nothing is known of them.

    What a client that has reset its connection had not taken, the system counts for ever. The transport does not hear
    of the reset if it neither reads nor writes.

    With TLS a transport does not count what the one below it holds. But then the system's queue is not empty either.
    """
    waiting: int = transport.get_write_buffer_size()
    socket = transport.get_extra_info("socket")
    if waiting or socket is None or not IS_KNOWN:
        return waiting
    queued = array.array("i", [0])
    with suppress(OSError, ValueError):  # it is closed by now
        if not _has_failed(socket.fileno()):
            fcntl.ioctl(socket.fileno(), termios.TIOCOUTQ, queued)
    return queued[0]


def _has_failed(number: int) -> bool:
    state = select.poll()
    state.register(number, 0)
    return any(events & select.POLLERR for _, events in state.poll(0))
