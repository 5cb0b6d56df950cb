"""Groups of processes are counted, with their threads, and with the memory of all but the first."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from octo_platform.deploy.local.groups import Groups, Usage

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="NOT TESTED, for want of /proc: groups")


@contextmanager
def group(code):
    """A process that leads a group, once it has said something."""
    with subprocess.Popen(
        [sys.executable, "-c", f"import os, sys, threading, time\n{code}\nprint(flush=True)\ntime.sleep(600)"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        process.stdout.readline()
        try:
            yield process
        finally:
            os.killpg(process.pid, 9)


def test_processes_and_threads_are_counted():
    children = "for _ in range(3):\n    if not os.fork(): time.sleep(600)"
    threads = "[threading.Thread(target=time.sleep, args=(600,), daemon=True).start() for _ in range(2)]"
    with group(f"{children}\n{threads}") as many, group("") as one:
        groups = Groups()
        for _ in range(2):
            found = groups.count({many.pid, one.pid})
            assert (found[many.pid].tasks, found[one.pid]) == (6, Usage(1, 0))


def test_memory_of_others_counts_once():
    """What a child has in common with its parent is that of the parent, too."""
    code = "x = b'x' * (64 << 20)\nif not os.fork(): y = b'y' * (16 << 20); print(flush=True); time.sleep(600)"
    with group(code) as both:
        both.stdout.readline()
        memory = Groups().count({both.pid})[both.pid].memory

        assert 16 << 20 <= memory < 80 << 20


def test_a_process_that_was_seen_before_it_led_a_group_is_counted():
    groups = Groups()
    with group("") as one:
        groups.count({-1})
        assert groups.count({one.pid})[one.pid].tasks == 1


def test_of_what_has_ended_there_is_nothing():
    assert Groups().count({2**22 + 1}) == {2**22 + 1: Usage()}
    assert Groups().count(set()) == {}
