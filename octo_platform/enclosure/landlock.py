"""Landlock, by which Linux lets a process give up rights to files and the network, for itself and all that it starts.

Beside what the rules say, such a process may not look into, trace or signal any process that is not closed in with it.
See https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable
from typing import Final

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""Numbers of system calls: since Linux 5.1 new ones have the same on every architecture."""
_ASK_VERSION: Final = 1
_BENEATH, _PORT = 1, 2
_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_DEVICES = 1 << 6 | 1 << 11
_TRUNCATE = 1 << 14
_ALL = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights to files by the version that brought them."""
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_BIND, _CONNECT = 1 << 0, 1 << 1
_SCOPES = 1 << 0 | 1 << 1
"""Abstract unix sockets, and signals."""

PORTS, SIGNALS = 4, 6
"""The versions that can restrict these."""


def version() -> int:
    """The version that this kernel has; 0 if it has none, or keeps it from us."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(_CREATE, None, 0, _ASK_VERSION, fails=False))


class Ruleset:
    """What shall be allowed. `enforce` takes everything else from this thread and all that it starts.

    connecting, listening: whether these are restricted, too.
    """

    def __init__(self, *, connecting: bool, listening: bool) -> None:
        """Raises OSError."""
        self.version = version()
        self._files = _ALL[max(each for each in _ALL if each <= self.version)]
        ports = (_CONNECT if connecting else 0) | (_BIND if listening else 0)
        handled = struct.pack(
            "=QQQ",
            self._files,
            ports if self.version >= PORTS else 0,
            _SCOPES if self.version >= SIGNALS else 0,
        )
        self._descriptor = _call(_CREATE, handled, len(handled), 0)

    def read(self, path: str) -> None:
        """Allow to read what is there, and to run it. Raises OSError, e.g. if there is nothing."""
        self._allow(path, _EXECUTE | _READ_FILE | _READ_DIR)

    def use(self, path: str) -> None:
        """Allow to read and write one that is there."""
        self._allow(path, _READ_FILE | _WRITE_FILE)

    def write(self, path: str) -> None:
        """Allow whatever is done with files, except to make devices."""
        self._allow(path, ~_DEVICES)

    def connect(self, ports: Iterable[int]) -> None:
        self._open(ports, _CONNECT)

    def listen(self, ports: Iterable[int]) -> None:
        self._open(ports, _BIND)

    def enforce(self) -> None:
        """Raises OSError, and then nothing is restricted. Nobody can go back."""
        _libc().prctl(_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0)))
        _call(_RESTRICT, self._descriptor, 0)
        os.close(self._descriptor)

    def _allow(self, path: str, rights: int) -> None:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
                rights &= _OF_FILES
            self._add(_BENEATH, struct.pack("=Qi", rights & self._files, descriptor))
        finally:
            os.close(descriptor)

    def _open(self, ports: Iterable[int], right: int) -> None:
        if self.version < PORTS:
            return
        # There may be 65,535 of them, so this is the one loop whose cost is seen: all is converted before it.
        rule = (ctypes.c_uint64 * 2)(right, 0)
        before, call = [ctypes.c_long(each) for each in (_ADD, self._descriptor, _PORT)], _libc().syscall
        for rule[1] in ports:
            if call(*before, rule, ctypes.c_long(0)):
                raise _error()

    def _add(self, kind: int, rule: bytes) -> None:
        _call(_ADD, self._descriptor, kind, rule, 0)


def _call(number: int, *arguments: int | bytes | None, fails: bool = True) -> int:
    """A system call. Raises OSError, unless it shall return -1."""
    sized = [ctypes.c_long(each) if isinstance(each, int) else ctypes.c_char_p(each) for each in arguments]
    found: int = _libc().syscall(ctypes.c_long(number), *sized)
    if found < 0 and fails:
        raise _error()
    return found


def _error() -> OSError:
    error = ctypes.get_errno()
    return OSError(error, os.strerror(error))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
