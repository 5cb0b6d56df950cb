"""What the editor's canvas makes of the samples, read by `octo check`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from octo.builtin import BLOCKS, CONNECTORS
from octo.config import codes
from octo.config.load import load
from octo.core.errors import ConfigError
from octo.core.plugins import Plugins
from octo.expr.errors import TYPE_CLASH

ROOT = Path(__file__).parents[2]
SAMPLES = [
    str(each.relative_to(ROOT))
    for each in sorted(ROOT.glob("samples/**/*.yaml"))
    if not each.stem.endswith("_test") and each.parent.name != "example-package"  # which is not installed
]


UNFINISHED = {
    "jwt-validate",
    "mcp-router",
    "multi-transform",
    "python",
    "split",
    "template-resource",
    "validate",
    "vector-delete",
}
"""Types that need one of several settings, or a file: a new block of them is not complete before its form is filled."""

MEANT = {codes.ENDLESS_CALLS, codes.EMPTY_HANDLER, codes.NO_SUCH_FIELD, TYPE_CLASH}
"""What an edit may rightly lead to: a flow that calls itself, a handler without blocks, a body without the field."""

MOST = 40
"""So many edits of each sample; all with `ALL=1`."""


class Edited(NamedTuple):
    what: str
    text: str


@pytest.fixture(scope="session")
def edited(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Edited]]:
    """The texts of every sample after every edit."""
    asked = {
        "files": [[name, (ROOT / name).read_text()] for name in SAMPLES],
        "catalogue": json.loads((ROOT / "octo/config/catalogue.json").read_text()),
        "seed": int(os.environ.get("SEED", "1")),
    }
    wish = tmp_path_factory.mktemp("edits") / "asked.json"
    wish.write_text(json.dumps(asked))
    command = [str(ROOT / "scripts/editor.sh"), "node", "tests/model/driver.mjs", str(wish)]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert told.returncode == 0, told.stderr
    return {name: [Edited(**each) for each in edits] for name, edits in json.loads(told.stdout).items()}


@pytest.mark.parametrize("name", SAMPLES)
def test_octo_check_passes_after_every_edit(edited: dict[str, list[Edited]], name: str, tmp_path: Path):
    shutil.copytree((ROOT / name).parent, tmp_path / "samples")
    path = tmp_path / "samples" / Path(name).name
    known = Plugins(CONNECTORS, BLOCKS)
    edits = [each for each in edited[name] if not (set(each.what.split()[1:2]) & UNFINISHED and "insert" in each.what)]
    assert edits
    step = 1 if os.environ.get("ALL") else max(1, len(edits) // MOST)
    found = []
    for each in edits[::step]:
        path.write_text(each.text)
        try:
            load(path, known, {})
        except ConfigError as error:
            found += [f"{each.what}: {problem}" for problem in error.problems if problem.code not in MEANT]
    assert not found
