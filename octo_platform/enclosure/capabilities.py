"""What root may beyond other users: an enclosed process may next to none of it, whoever has started it."""

from __future__ import annotations

import ctypes
import os
import struct

_DROP = 24
_VERSION = 0x2008_0522
_MOST = 64
_KEPT = 1
"""CAP_DAC_OVERRIDE: without it, root could not read an installation in the home of somebody else. Rules on paths hold
all the same."""


def drop() -> None:
    """Give them up, for this process and all that it starts. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    for each in set(range(_MOST)) - {_KEPT}:
        # It fails for those that the kernel does not know, and for a user who has none.
        libc.prctl(_DROP, ctypes.c_ulong(each), *map(ctypes.c_ulong, (0, 0, 0)))
    who = struct.pack("=Ii", _VERSION, 0)
    sets = ctypes.create_string_buffer(24)
    if libc.capget(who, sets) or libc.capset(who, _reduced(sets.raw)):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def _reduced(sets: bytes) -> bytes:
    """Effective, permitted and inherited ones, the lower half of each and then the upper."""
    effective, permitted, *_ = struct.unpack("=6I", sets)
    return struct.pack("=6I", effective & 1 << _KEPT, permitted & 1 << _KEPT, 0, 0, 0, 0)
