"""The filter of system calls says of each call what its refusals say."""

from __future__ import annotations

import errno
import re
import socket
from pathlib import Path

import pytest

from octo_platform.enclosure import seccomp
from octo_platform.enclosure.seccomp import Refusal, program, refusals

ALLOWED = 0x7FFF_0000
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def judged(code, number, arguments=(), architecture=MACHINES["x86_64"]):
    """What the kernel does with a call: an error number, 0 for one that seems to succeed, None if it is let through."""
    data = {0: number, 4: architecture}
    data |= {16 + 8 * place: value & 0xFFFF_FFFF for place, value in enumerate([*arguments, *[0] * 6][:6])}
    place = loaded = 0
    while True:
        operation, then, otherwise, constant = code[place]
        place += 1
        match operation:
            case 0x20:
                loaded = data[constant]
            case 0x54:
                loaded &= constant
            case 0x15:
                place += then if loaded == constant else otherwise
            case 0x35:
                place += then if loaded >= constant else otherwise
            case 0x45:
                place += then if loaded & constant else otherwise
            case 0x06:
                return None if constant == ALLOWED else constant & 0xFFFF


def test_a_call_without_conditions_fails_and_others_do_not():
    code = program([Refusal("setsid"), Refusal("listen", error=0)], "x86_64")
    assert [judged(code, each) for each in (112, 50, 0, 113)] == [errno.EPERM, 0, None, None]


def test_an_argument_decides():
    code = program(
        [
            Refusal("socket", 1, values=(2, 10)),
            Refusal("socket", 2, argument=2, values=(0, 6)),
            Refusal("sendto", 3, argument=3, bits=0b1010),
            Refusal("socketpair", 4, argument=1, values=(1,), mask=0xF),
        ],
        "x86_64",
    )
    assert [judged(code, 41, (family, 1, 6)) for family in (2, 10, 1, 16)] == [None, None, 1, 1]
    assert [judged(code, 41, (2, 1, protocol)) for protocol in (0, 6, 262)] == [None, None, 2]
    assert [judged(code, 44, (3, 0, 0, flags)) for flags in (0, 0b0101, 0b0010, 0b1111)] == [None, None, 3, 3]
    assert [judged(code, 53, (1, kind)) for kind in (1, 1 | 0o4000, 2)] == [None, None, 4]


@pytest.mark.parametrize(
    ("column", "header"),
    [(0, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), (1, "/usr/include/asm-generic/unistd.h")],
)
def test_the_numbers_are_those_of_the_kernel(column, header):
    """As far as the headers of this machine are new enough to know them."""
    if not Path(header).exists():
        pytest.skip(f"NOT TESTED, for want of {header}: numbers of system calls")
    known = dict(re.findall(r"__NR(?:3264)?_(\w+)\s+(\d+)\s", Path(header).read_text()))
    wrong = {
        name: numbers[column]
        for name, numbers in seccomp._NUMBERS.items()
        if name in known and int(known[name]) != numbers[column]
    }
    assert wrong == {}


def test_other_kinds_of_programs_run_no_call():
    """A program for 32 bits, and the second set of numbers of x86-64."""
    code = program([], "x86_64")
    assert judged(code, 1, architecture=0x4000_0003) == errno.ENOSYS
    assert judged(code, 0x4000_0001) == errno.ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("network", "listens"), [(True, True), (True, False), (False, False)])
def test_ordinary_programs_are_let_through(machine, network, listens):
    """All refusals together, on each machine: reading and writing, a child, a thread, a pair of sockets."""
    code = program(refusals(network=network, listens=listens), machine)
    x86 = {"read": 0, "write": 1, "clone": 56, "execve": 59, "socketpair": 53, "kill": 62, "socket": 41, "listen": 50}
    arm = {"read": 63, "write": 64, "clone": 220, "execve": 221, "socketpair": 199, "kill": 129, "socket": 198}
    arm["listen"] = 201
    numbers = x86 if machine == "x86_64" else arm

    def result(call, *arguments):
        return judged(code, numbers[call], arguments, MACHINES[machine])

    assert [result(each) for each in ("read", "write", "execve", "kill")] == [None] * 4
    assert result("clone", 0x3D0F00) is None  # a thread
    assert result("clone", 0x1000_0011) == errno.EPERM  # a user of its own
    assert result("socketpair", socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) is None
    assert result("listen", 3, 10) == (None if listens else 0)
    assert result("socket", socket.AF_INET, socket.SOCK_STREAM, 0) == (None if network else errno.EACCES)
    assert result("socket", socket.AF_UNIX, socket.SOCK_STREAM, 0) == (errno.EAFNOSUPPORT if network else errno.EACCES)
