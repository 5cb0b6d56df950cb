"""octo mcp is two servers: of flows, and of the folder that they are in."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(("arguments", "said"), [(["--help"], "--flows"), (["author", "--help"], "--allow-mutations")])
def test_each_has_its_options(cli, arguments, said):
    result = cli("mcp", *arguments)

    assert result.exit_code == 0
    assert said in result.output


def test_what_it_says_to_try_can_be_typed(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = cli("mcp").stderr

    assert "Try 'octo mcp --help'" in said
    assert "octo mcp PATH " in said
