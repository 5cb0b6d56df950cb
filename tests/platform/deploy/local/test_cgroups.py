"""Control groups: taken where they were delegated, bounded, and gone with their instances."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from octo_platform.deploy.desired import Resources
from octo_platform.deploy.local import cgroups
from octo_platform.deploy.local.cgroups import Cgroup, Cgroups, delegated

MOVED = """
import sys
from pathlib import Path
from octo_platform.deploy.local.cgroups import delegated, own
found = delegated(Path(sys.argv[1]), sys.argv[2:])
print(found is not None, own(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A group as the kernel shows it, with everything in it that a process writes."""
    monkeypatch.setattr(cgroups, "_is_ours", lambda _: True)
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory hugetlb pids\n")
    (tmp_path / "cgroup.subtree_control").touch()
    return tmp_path


def test_what_was_delegated_is_taken(tree):
    """The platform moves into a group of its own, because one with groups in it has no processes."""
    assert delegated(tree) is not None
    assert (tree / "octo-platform" / "cgroup.procs").read_text() == "0"
    assert (tree / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"


def test_what_has_not_all_of_it_is_left_alone(tree):
    (tree / "cgroup.controllers").write_text("memory pids\n")
    assert delegated(tree) is None
    assert delegated(None) is None
    assert not (tree / "octo-platform").exists()


def test_an_instance_has_bounds(tree):
    group = Cgroups(tree).group("words-1", Resources(cpu=0.5, memory=300), 100)
    bounds = {each.name: each.read_text().strip() for each in group.path.iterdir()}

    assert bounds == {
        "pids.max": "100",
        "memory.max": str(300 << 20),
        "memory.oom.group": "1",
        "cpu.weight": "50",
    }
    group.bound("memory.max", 1 << 20)
    assert (group.path / "memory.max").read_text() == f"{1 << 20}\n"


def test_it_tells_whether_the_kernel_has_ended_it(tree):
    group = Cgroup(tree, [])
    assert group.had_no_memory is False
    (tree / "memory.events").write_text("low 0\nhigh 0\nmax 31\noom 1\noom_kill 2\n")
    assert group.had_no_memory is True


# --- a real kernel -----------------------------------------------------------------------------------------------


@pytest.fixture
def real():
    """A group of the machine that nothing else is in."""
    found = cgroups.own()
    path = found and found / f"octo-test-{secrets.token_hex(4)}"
    try:
        path.mkdir()
        os.setxattr(path, "user.delegate", b"1")
    except (OSError, AttributeError):
        pytest.skip("NOT TESTED, for want of a control group that can be written: that it is a real one")
    yield path
    for each in [*path.rglob("*/cgroup.procs"), path / "cgroup.procs"]:
        with suppress(OSError):
            (each.parent / "cgroup.kill").write_text("1")
        while each.exists():
            with suppress(OSError):
                each.parent.rmdir()


def process(group, code, *arguments):
    """A process that has joined the group before it runs the code, once it has said something."""
    code = f"open({str(group / 'cgroup.procs')!r}, 'w').write('0')\n{code}"
    command = [sys.executable, "-c", code, *arguments]
    found = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return found, found.stdout.readline().strip()


def test_a_process_is_moved(real):
    platform, told = process(real, MOVED, str(real))
    with platform:
        assert told == f"True {real / 'octo-platform'}"
        platform.stdin.close()


def test_a_group_with_others_in_it_is_left_as_it_was(real):
    """Such as the shell that has started the platform. A controller that nobody uses stands for all."""
    if "hugetlb" not in (real / "cgroup.controllers").read_text():
        pytest.skip("NOT TESTED, for want of a controller: a group with others in it")
    shell, _ = process(real, "print(flush=True); import sys; sys.stdin.read()")
    platform, told = process(real, MOVED, str(real), "hugetlb")
    with shell, platform:
        assert told == f"False {real}"
        assert not (real / "octo-platform").exists()
        for each in (shell, platform):
            each.stdin.close()


def test_root_takes_only_what_was_left_to_it(real, monkeypatch):
    os.setxattr(real, "user.delegate", b"0")
    if os.geteuid():
        pytest.skip("NOT TESTED, for want of root: groups that are not delegated")
    assert delegated(real, ()) is None


def test_whatever_is_in_a_group_ends_with_it(real):
    groups = Cgroups(real)
    (real / "words-1").mkdir()
    group = Cgroup(real / "words-1", groups._ended)
    code = "import os, time\nif os.fork() and not os.fork():\n    os.setsid()\nprint(flush=True)\ntime.sleep(600)"
    started, _ = process(group.path, code)
    with started:
        group.end()
        assert started.wait() == -9
    while (real / "words-1").exists():
        groups.sweep()
    assert groups._ended == []
    assert Path(real).is_dir()
