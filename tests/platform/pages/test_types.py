"""The scripts of the pages pass TypeScript's strict check."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "typescript.sh"


def test_the_scripts_are_well_typed() -> None:
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run([SCRIPT], env=environment, capture_output=True, text=True, check=False)
    if done.returncode and "error TS" not in done.stdout:
        pytest.skip(f"NOT TESTED, for want of the network: the types of scripts ({done.stderr.strip()[-200:]})")
    assert done.stdout == ""
