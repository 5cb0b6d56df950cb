"""The first thing that an enclosed process runs: it closes itself in, and then runs the module that was asked for.

    python -s -P -m octo_platform.enclosure.enclosed octo run ...

Rights are given up by a thread for itself, so this happens before anything else could start one.
"""

from __future__ import annotations

import importlib
import os
import resource
import runpy
import sys
import time
from collections.abc import MutableMapping
from contextlib import suppress

from octo_platform.enclosure import capabilities, ground, landlock, seccomp
from octo_platform.enclosure.enclosure import GIVEN, VARIABLE, Enclosure

_EVERY = range(1 << 16)


def main() -> None:
    enclosure = Enclosure.read(os.environ.pop(VARIABLE))
    module, *arguments = sys.argv[1:]
    # Its folder may have something hidden beside it, and then nobody can look for it there any more.
    importlib.import_module(module)
    try:
        enter(enclosure)
    except OSError as error:
        sys.exit(f"this process cannot be closed in: {error.strerror or error}")
    give(os.environ)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def enter(enclosure: Enclosure) -> None:
    """Close this process in, as far as the system can. Raises OSError, e.g. if it cannot and the enclosure is required.

    It cannot be undone.
    """
    if enclosure.is_required and not (landlock.version() >= landlock.SIGNALS and seccomp.is_available()):
        raise OSError("the system has no Landlock of version 6, or no filters of system calls")
    _join(enclosure.group)
    _limit(enclosure)
    if sys.platform == "linux":
        if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208  before anything is closed in, each import counts
            raise OSError("a thread runs already, and would stay outside")
        if landlock.version():
            _restrict(enclosure)
        capabilities.drop()
        if seccomp.is_available():
            network = enclosure.connects != ()
            seccomp.enforce(seccomp.refusals(network=network, listens=bool(enclosure.listens)))


def give(environ: MutableMapping[str, str]) -> None:
    """Set the variables that were kept back."""
    for name in [each for each in environ if each.startswith(GIVEN)]:
        environ[name.removeprefix(GIVEN)] = environ.pop(name)
    time.tzset()


def _join(group: str) -> None:
    if group:
        with open(os.path.join(group, "cgroup.procs"), "w") as file:  # noqa: PTH118, PTH123
            file.write("0")


def _limit(enclosure: Enclosure) -> None:
    for name, most in enclosure.limits.items():
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is None:  # not every system has each
            continue
        allowed = resource.getrlimit(kind)[1]
        wanted = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        resource.setrlimit(kind, (wanted, wanted))


def _restrict(enclosure: Enclosure) -> None:
    reached = reachable(enclosure)
    rules = landlock.Ruleset(connecting=reached is not None, listening=True)
    for path in ground.read(enclosure.hides):
        _read(rules, path)
    for path in enclosure.reads:
        rules.read(path)
    for path in enclosure.writes:
        rules.write(path)
    for path in ground.DEVICES:
        with suppress(FileNotFoundError):
            rules.use(path)
    rules.connect(reached or ())
    rules.listen(enclosure.listens)
    rules.enforce()


def _read(rules: landlock.Ruleset, path: str) -> None:
    with suppress(FileNotFoundError, PermissionError):  # it has just gone, or is no file of ours anyway
        rules.read(path)


def reachable(enclosure: Enclosure) -> list[int] | None:
    """The ports to which it may connect; None for all."""
    if enclosure.connects is None and not enclosure.never:
        return None
    # Landlock knows no exceptions. All ports but one take a tenth of a second, and 4 MiB of the kernel.
    wanted = _EVERY if enclosure.connects is None else enclosure.connects
    return sorted(set(wanted) - set(enclosure.never))


if __name__ == "__main__":
    main()
