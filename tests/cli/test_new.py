"""octo new writes a flow that passes the check, and overwrites nothing."""

from __future__ import annotations

import pytest

from octo.cli.new import TEMPLATES


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_it_writes_passes_check(cli, tmp_path, template):
    made = cli("new", str(tmp_path / "first"), "--template", template)

    assert made.exit_code == 0
    assert cli("check", str(tmp_path / "first" / "flow.yaml")).exit_code == 0
    assert (tmp_path / "first" / ".vscode" / "settings.json").exists()


def test_it_overwrites_nothing(cli, tmp_path):
    (tmp_path / "flow.yaml").write_text("mine")

    assert cli("new", str(tmp_path)).exit_code == 2
    assert (tmp_path / "flow.yaml").read_text() == "mine"
