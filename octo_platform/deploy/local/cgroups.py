"""Control groups of Linux, where the platform was given some of its own: by `Delegate=yes` in its systemd unit.

They bound at once what the platform else sees when it looks: processes and memory. And they share out the CPU.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from octo_platform.deploy.desired import Resources

CONTROLLERS = ("cpu", "memory", "pids")
_OURS = "octo-platform"
_DELEGATED = "user.delegate"
"""An attribute that systemd sets. Root may write every group, and only this says which ones are left to it."""


class Cgroups:
    """The groups of instances, below the one that was delegated."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ended: list[Path] = []

    def group(self, name: str, resources: Resources, tasks: int) -> Cgroup:
        """A group for an instance. Raises OSError."""
        self.sweep()
        made = self._path / name
        made.mkdir()
        found = Cgroup(made, self._ended)
        found.bound("pids.max", tasks)
        found.bound("memory.oom.group", 1)
        found.bound("memory.max", resources.memory << 20)
        found.bound("cpu.weight", max(1, min(10_000, round(resources.cpu * 100))))
        return found

    def sweep(self) -> None:
        """Remove groups that have ended. A group of which the system still clears away a process stays until later."""
        for each in [*self._ended]:
            with suppress(OSError):
                each.rmdir()
                self._ended.remove(each)


class Cgroup(NamedTuple):
    """The group of one instance. ended: where it is noted that it has ended."""

    path: Path
    ended: list[Path]

    def bound(self, name: str, most: int) -> None:
        """Raises OSError."""
        (self.path / name).write_text(f"{most}\n")

    @property
    def had_no_memory(self) -> bool:
        """Whether the kernel has ended it, for want of memory."""
        with suppress(OSError, ValueError):
            found = dict(each.split() for each in (self.path / "memory.events").read_text().splitlines())
            return int(found.get("oom_kill", 0)) > 0
        return False

    def end(self) -> None:
        """End all processes in it, whatever they do."""
        with suppress(OSError):  # before Linux 5.14 there is no such file
            (self.path / "cgroup.kill").write_text("1")
        self.ended.append(self.path)


def delegated(own: Path | None, controllers: Sequence[str] = CONTROLLERS) -> Cgroups | None:
    """The groups below our own, if it was left to us; None if not. own: what `own` returns."""
    if own is None or not _is_ours(own):
        return None
    with suppress(OSError):
        if not {*controllers} <= {*(own / "cgroup.controllers").read_text().split()}:
            return None
        # A group with groups in it has no processes itself, so we move.
        (own / _OURS).mkdir(exist_ok=True)
        (own / _OURS / "cgroup.procs").write_text("0")
        try:
            (own / "cgroup.subtree_control").write_text(" ".join(f"+{each}" for each in controllers))
        except OSError:  # there are others, e.g. the shell that has started us
            (own / "cgroup.procs").write_text("0")
            (own / _OURS).rmdir()
            return None
        return Cgroups(own)
    return None


def own() -> Path | None:
    """The folder of the group that this process is in; None without control groups of version 2."""
    with suppress(OSError, StopIteration):
        group = next(line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
        mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
        root = next(where for _, where, kind, *_ in mounts if kind == "cgroup2")
        return Path(root + group.removeprefix("0::"))
    return None


def _is_ours(path: Path) -> bool:
    if not os.access(path / "cgroup.procs", os.W_OK) or not os.access(path / "cgroup.subtree_control", os.W_OK):
        return False
    if os.geteuid():
        return True
    with suppress(OSError):
        return os.getxattr(path, _DELEGATED) == b"1"
    return False
