"""System calls that an enclosed process is refused, because Landlock does not see what they do.

Most of them reach other processes of the same user: over unix sockets, where a desktop takes orders such as "run this
program"; by priorities and limits; by shared memory; by keys of the kernel. Some change the rights to any file of the
user, and some go around what Landlock checks.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

_NUMBERS: Mapping[str, tuple[int, int | None]] = {
    # name: (x86-64, aarch64)
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chmod": (90, None),
    "chown": (92, None),
    "clone": (56, 220),
    "clone3": (435, 435),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "file_setattr": (469, 469),
    "fremovexattr": (199, 16),
    "fsetxattr": (190, 7),
    "futimesat": (261, None),
    "inotify_add_watch": (254, 27),
    "io_uring_setup": (425, 425),
    "ioprio_set": (251, 30),
    "keyctl": (250, 219),
    "lchown": (94, None),
    "listen": (50, 201),
    "lremovexattr": (198, 15),
    "lsetxattr": (189, 6),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "msgctl": (71, 187),
    "msgget": (68, 186),
    "msgrcv": (70, 188),
    "msgsnd": (69, 189),
    "open_by_handle_at": (304, 265),
    "perf_event_open": (298, 241),
    "prlimit64": (302, 261),
    "removexattr": (197, 14),
    "removexattrat": (466, 466),
    "request_key": (249, 218),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "semctl": (66, 191),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "sendmmsg": (307, 269),
    "sendmsg": (46, 211),
    "sendto": (44, 206),
    "setns": (308, 268),
    "setpgid": (109, 154),
    "setpriority": (141, 140),
    "setsid": (112, 157),
    "setxattr": (188, 5),
    "setxattrat": (463, 463),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "shmget": (29, 194),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "utime": (132, None),
    "utimensat": (280, 88),
    "utimes": (235, None),
}
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Column of `_NUMBERS`, and what the kernel calls it."""
_X32 = 0x4000_0000
"""From here on, x86-64 has a second set of numbers."""

_NETLINK, _VALID_KIND = 16, 0xF
_PROTOCOLS = (0, socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6)
"""Not multipath TCP and its like, whose ports Landlock does not restrict. 0 is the usual one, and NETLINK_ROUTE."""
_FAST_OPEN = 0x2000_0000
"""A flag with which sending connects."""
_NEW_USER = 0x1000_0000
"""A flag that makes a process root, if only in a world of its own."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _FAIL = 0x7FFF_0000, 0x0005_0000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Where the kernel puts what a filter sees of a call."""
_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2

Instruction = tuple[int, int, int, int]
"""Operation, how many instructions to skip if it holds, and if it does not; its constant."""


class Refusal(NamedTuple):
    """A call that fails with `error`; with 0 it seems to succeed, and does nothing.

    argument: of which one it depends. values: it fails unless the argument, masked, is one of these. bits: it fails if
    the argument has one of these.
    """

    call: str
    error: int = errno.EPERM
    argument: int = 0
    values: Sequence[int] = ()
    bits: int = 0
    mask: int = 0xFFFF_FFFF


def refusals(*, network: bool, listens: bool) -> Iterator[Refusal]:
    """What an enclosed process is refused. network: whether it has one. listens: whether it may open ports itself."""
    if network:
        families = (socket.AF_INET, socket.AF_INET6, _NETLINK)
        yield Refusal("socket", errno.EAFNOSUPPORT, values=families)
        yield Refusal("socket", errno.EPROTONOSUPPORT, argument=2, values=_PROTOCOLS)
    else:
        yield Refusal("socket", errno.EACCES)
    # A pair of datagram sockets can be pointed elsewhere.
    yield Refusal("socketpair", argument=1, values=(socket.SOCK_STREAM,), mask=_VALID_KIND)
    yield Refusal("sendto", argument=3, bits=_FAST_OPEN)
    yield Refusal("sendmsg", argument=2, bits=_FAST_OPEN)
    yield Refusal("sendmmsg", argument=3, bits=_FAST_OPEN)
    if not listens:
        # One that is bound to nothing would get a port of the system's choice. Lent ones listen already.
        yield Refusal("listen", error=0)
    # Landlock leaves rights, owners and times of files to whoever has these files, and that is the user of us all. To
    # copy or unpack files means to set them, so programs are left in the belief that they have.
    yield from (Refusal(each, error=0) for each in _NUMBERS if "chmod" in each or "utime" in each)
    yield from map(Refusal, (each for each in _NUMBERS if each.endswith("chown") or each == "fchownat"))
    yield from (Refusal(each, errno.ENOTSUP) for each in _NUMBERS if "xattr" in each or each == "file_setattr")
    yield from map(Refusal, ("inotify_add_watch", "open_by_handle_at"))  # tells names of files anywhere; opens them
    yield Refusal("io_uring_setup", errno.ENOSYS)  # its operations are system calls that no filter sees
    # Whoever stays in its group of processes can be counted, and ended together with it.
    yield from map(Refusal, ("setsid", "setpgid"))
    # What it does to itself has the process 0.
    for call in ("prlimit64", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler"):
        yield Refusal(call, values=(0,))
    yield Refusal("setpriority", values=(0,))
    yield Refusal("setpriority", argument=1, values=(0,))
    yield Refusal("ioprio_set")
    yield from map(Refusal, (name for name in _NUMBERS if name.startswith(("msg", "sem", "shm", "mq_"))))
    yield from map(Refusal, ("add_key", "keyctl", "request_key"))
    # A user may always do these, and most holes of the kernel were found behind them.
    yield from map(Refusal, ("bpf", "perf_event_open", "setns", "unshare", "userfaultfd"))
    yield Refusal("clone", bits=_NEW_USER)
    yield Refusal("clone3", errno.ENOSYS)  # its flags cannot be seen; programs then take `clone`


def is_available() -> bool:
    """Whether the system has filters, and we know its calls."""
    if sys.platform != "linux" or sys.byteorder != "little" or platform.machine() not in _ARCHITECTURES:
        return False
    # Without a filter the kernel says that there is none, unless it does not know filters at all.
    _libc().prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER), None)
    return ctypes.get_errno() == errno.EFAULT


def enforce(refused: Iterable[Refusal]) -> None:
    """Let these calls fail in this thread and all that it starts. Raises OSError."""
    code = b"".join(struct.pack("=HBBI", *each) for each in program(refused, platform.machine()))
    buffer = ctypes.create_string_buffer(code, len(code))
    described = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    libc = _libc()
    libc.prctl(_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0)))
    if libc.prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.c_char_p(described)):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def program(refused: Iterable[Refusal], machine: str) -> list[Instruction]:
    """The filter, in the language of the kernel's packet filters."""
    column, architecture = _ARCHITECTURES[machine]
    fail = (_RETURN, 0, 0, _FAIL | errno.ENOSYS)
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        fail,  # a program for 32 bits
        (_LOAD, 0, 0, _NUMBER),
        *([(_AT_LEAST, 0, 1, _X32), fail] if machine == "x86_64" else []),
    ]
    for each in refused:
        body = _body(each)
        if (number := _NUMBERS[each.call][column]) is not None:  # newer machines have fewer of the old ones
            code += [(_LOAD, 0, 0, _NUMBER), (_EQUAL, 0, len(body), number), *body]
    return [*code, (_RETURN, 0, 0, _ALLOW)]


def _body(refusal: Refusal) -> list[Instruction]:
    """What follows once it is this call: the last instruction refuses, those before skip it."""
    fail = (_RETURN, 0, 0, _FAIL | refusal.error)
    load = (_LOAD, 0, 0, _ARGUMENTS + 8 * refusal.argument)  # of the 64 bits the lower half: all of these are small
    if refusal.bits:
        return [load, (_ANY_BIT, 0, 1, refusal.bits), fail]
    if not refusal.values:
        return [fail]
    count = len(refusal.values)
    tests = [(_EQUAL, count - place, 0, value) for place, value in enumerate(refusal.values)]
    return [load, (_AND, 0, 0, refusal.mask), *tests, fail]


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
