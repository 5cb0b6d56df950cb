"""A signal ends the program from its first moment on, also as process 1 of a container."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest

CLICK = """
import os, signal, sys
os.kill(os.getpid(), getattr(signal, os.environ["HOW"]))
print("still here", file=sys.stderr, flush=True)
while True: signal.pause()
"""
"""In the place of a library that the command line imports: the signal comes while it is being imported."""

ALONE = ["unshare", "--user", "--map-root-user", "--fork", "--pid", "--kill-child"]


def can_be_alone():
    """Whether this machine lets us be process 1 of a namespace."""
    return bool(shutil.which("unshare")) and not subprocess.call([*ALONE, "true"], stderr=subprocess.DEVNULL)


@pytest.fixture
def interrupted(tmp_path):
    """Run a verb that a signal interrupts during its imports; returns exit code and stderr."""
    (tmp_path / "click.py").write_text(CLICK)

    def run(*verb, how, before=()):
        done = subprocess.run(
            [*before, sys.executable, "-m", "octo", *verb],
            env={**os.environ, "PYTHONPATH": str(tmp_path), "HOW": how},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr

    return run


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "SIGHUP"])
@pytest.mark.parametrize("verb", [["run", "flow.yaml"], ["--config", "flow.yaml"]])
def test_a_run_ends_cleanly_before_it_has_begun(interrupted, verb, how):
    assert interrupted(*verb, how=how) == (0, "")


def test_another_verb_ends_without_a_traceback(interrupted):
    assert interrupted("check", "flow.yaml", how="SIGINT") == (128 + signal.SIGINT, "")


def test_another_verb_ends_by_the_signal(interrupted):
    assert interrupted("check", "flow.yaml", how="SIGTERM") == (-signal.SIGTERM, "")


@pytest.mark.skipif(not can_be_alone(), reason="needs a process namespace")
@pytest.mark.parametrize(("verb", "code"), [("run", 0), ("check", 128 + signal.SIGTERM)])
def test_process_1_of_a_container_hears_the_signal(interrupted, verb, code):
    """There is no default action for it."""
    assert interrupted(verb, "flow.yaml", how="SIGTERM", before=ALONE) == (code, "")
