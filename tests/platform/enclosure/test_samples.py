"""Every sample does in an enclosure what it does without one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from octo_platform.enclosure.enclosure import Enclosure, program

ROOT = Path(__file__).parents[3]


def test_the_cases_of_all_samples_pass(tmp_path):
    samples = shutil.copytree(ROOT / "samples", tmp_path / "samples", ignore=shutil.ignore_patterns("example-package"))
    for each in ("home", "tmp", "work"):
        (tmp_path / each).mkdir()
    surroundings = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
    }
    enclosure = Enclosure(
        reads=(str(samples),),
        writes=tuple(str(tmp_path / each) for each in ("home", "tmp", "work")),
        hides=(str(tmp_path),),
        connects=None,
        never=(8321,),
    )
    started = program("octo", ["test", str(samples)], surroundings, enclosure)
    done = subprocess.run(
        started.command, env=started.environment, cwd=tmp_path / "work", capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed, 0 errored, 0 skipped" in done.stdout
